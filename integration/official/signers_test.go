package official_test

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
)

var at = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// trials are callbacks with what is to become of each.
type trials struct {
	questions []question
	names     []string
}

// add asks what the judge thinks of r with the section's keys. The name begins with "accept" or "refuse".
func (x *trials) add(j judge, name string, section map[string]any, r callback.Request) {
	q := about(j.name, section, r, at)
	q.Typed = strings.HasPrefix(name, "accept")
	x.questions = append(x.questions, q)
	x.names = append(x.names, name)
}

func (x *trials) run(t *testing.T) {
	t.Helper()
	for i, a := range ask(t, x.questions) {
		if name := x.names[i]; a.Accept != strings.HasPrefix(name, "accept") {
			t.Errorf("%s: %s says %v %s\n%q", name, x.questions[i].Tool, a.Accept, a.Detail, x.questions[i].Body)
		}
	}
}

// TestSigners lets each package judge what the Signers make, with fresh keys and for every status: it must accept that,
// and refuse it when it was changed or other keys are configured.
func TestSigners(t *testing.T) {
	needNode(t)
	for _, j := range judges {
		if _, ok := modules.Providers[j.provider]; !ok || j.silent {
			continue
		}
		t.Run(j.String(), func(t *testing.T) {
			var x trials
			ours, theirs := open(t, j), open(t, j)
			for _, n := range ours.notifications(j.transaction) {
				r, err := ours.signer.Sign(n, at)
				if err != nil {
					t.Errorf("%+v: %v", n, err)
					continue
				}
				what := fmt.Sprintf("%s of %q", n.Status, n.Payment)
				x.add(j, "accept "+what, ours.section, r)
				x.add(j, "refuse "+what+" with other keys", theirs.section, r)
				x.add(j, "refuse another payment than "+what, ours.section, another(t, r))
				if !j.part && !j.query {
					for _, flipped := range flips(r, 8) {
						x.add(j, "refuse a bit more than "+what, ours.section, flipped)
					}
				}
			}
			x.run(t)
		})
	}
}

// TestFaults lets each package judge the callbacks that go wrong: what is forged must be refused there too, and what is
// genuine accepted. Another merchant's callback is genuine to a package, which knows no merchant, and so is one that is cut
// where the package does not look at it.
func TestFaults(t *testing.T) {
	needNode(t)
	for _, j := range judges {
		if _, ok := modules.Providers[j.provider]; !ok || j.silent {
			continue
		}
		t.Run(j.String(), func(t *testing.T) {
			var x trials
			a := open(t, j)
			n := callback.Notification{Payment: "order-1001", Status: relay.Paid, Amount: "129.50", Currency: a.about.Currency,
				TransactionID: j.transaction}
			for _, name := range fault.Names {
				postings, err := fault.Compose(name, a.faults, n, at)
				if err != nil && !slices.Contains([]string{fault.BadSignature, fault.WrongKey, fault.Late}, name) {
					t.Logf("%s: %v", name, err) // no provider has every fault
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				for _, p := range postings {
					verdict := "refuse "
					if !p.Forged || name == fault.OtherMerchant || name == fault.Truncated && j.query {
						verdict = "accept "
					}
					x.add(j, verdict+name, a.section, p.Request)
				}
			}
			x.run(t)
		})
	}
}

// account is a source with fresh keys, and who signs for it.
type account struct {
	about   callback.About
	section map[string]any
	signer  callback.Signer
	faults  fault.Account
}

func open(t *testing.T, j judge) account {
	t.Helper()
	adapter := modules.Providers[j.provider]
	options, key, err := adapter.Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	a := account{about: adapter.About, section: section(t, options)}
	if j.style != "" {
		a.section["style"] = j.style
	}
	from := source(t, j.provider, a.section)
	if a.signer, err = adapter.NewSigner(from, key); err != nil {
		t.Fatal(err)
	}
	if a.faults, err = adapter.Account(from, key); err != nil {
		t.Fatal(err)
	}
	return a
}

// notifications are what is signed: every status of the provider, with an order's id that JSON, XML, forms and URLs all
// write differently among them. 1001 is in each for another to change.
func (a account) notifications(transaction string) []callback.Notification {
	var all []callback.Notification
	for _, status := range a.about.Statuses {
		for _, payment := range []string{"order-1001", "order 1001/é+%41=<\"1\">"} {
			all = append(all, callback.Notification{Payment: payment, Status: status, Amount: "129.50",
				Currency: a.about.Currency, TransactionID: transaction, Time: at})
		}
		all = append(all, callback.Notification{Payment: "1001", Status: status, TransactionID: transaction})
	}
	return all
}

// another returns r about other ids, with its signature as it is.
func another(t *testing.T, r callback.Request) callback.Request {
	t.Helper()
	changed := bytes.ReplaceAll(r.Body, []byte("1001"), []byte("1002"))
	query := strings.ReplaceAll(r.URL.RawQuery, "1001", "1002")
	if bytes.Equal(changed, r.Body) && query == r.URL.RawQuery {
		t.Fatalf("neither the body nor the query has the ids: %s?%s %s", r.URL.Path, r.URL.RawQuery, r.Body)
	}
	return callback.Request{Method: r.Method, URL: &url.URL{Path: r.URL.Path, RawQuery: query}, Header: r.Header, Body: changed}
}

// flips returns r n times, with one bit of the body changed at as many places.
func flips(r callback.Request, n int) []callback.Request {
	all := make([]callback.Request, n)
	for i := range all {
		all[i] = r
		all[i].Body = bytes.Clone(r.Body)
		all[i].Body[i*(len(r.Body)-1)/(n-1)] ^= 1 << (i % 7) // the eighth bit is seldom text
	}
	return all
}
