package command

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
)

// TestEveryFaultOfEveryProvider has each provider of the table judge its own callbacks with every fault: what must be
// refused is, and what must count does.
func TestEveryFaultOfEveryProvider(t *testing.T) {
	for _, a := range modules.Adapters {
		t.Run(a.About.Name, func(t *testing.T) {
			t.Parallel()
			account := throwawayAccount(t, a)
			for _, name := range append([]string{""}, fault.Names...) {
				n := callback.Notification{Payment: "order-1", Status: relay.Paid, Amount: "129.00", Currency: a.About.Currency}
				now := time.Now()
				posts, err := fault.Compose(name, account, n, now)
				if want := hasFault(a.About, account, name); err != nil && want == yes || err == nil && want == no {
					t.Errorf("%s: %v", name, err)
				}
				for _, p := range posts {
					events, err := account.Provider.Parse(p.Request, now)
					judgePosting(t, name, p, events, err)
				}
			}
		})
	}
}

// TestHelpNamesEveryFault: what send can get wrong is in its help, and so in the order in which it is offered.
func TestHelpNamesEveryFault(t *testing.T) {
	var named []string
	for line := range strings.Lines(newSend().Long) {
		if word, _, ok := strings.Cut(strings.TrimPrefix(line, "  "), " "); ok && strings.HasPrefix(line, "  ") {
			named = append(named, word)
		}
	}
	if !slices.Equal(named, fault.Names) {
		t.Errorf("the help has %q, there are %q", named, fault.Names)
	}
}

// throwawayAccount returns an account with fresh keys.
func throwawayAccount(t *testing.T, a modules.Adapter) fault.Account {
	t.Helper()
	options, key, err := a.Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	account, err := a.Account(config.NewSource(a.About.Name, options), key)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// no and maybe are whether a provider has a fault.
const no, maybe, yes = -1, 0, 1

// hasFault says by what the provider says of itself whether it has the fault.
func hasFault(about callback.About, a fault.Account, name string) int {
	is := map[bool]int{true: yes, false: no}
	_, prober := a.Signer.(callback.Prober)
	_, fetcher := a.Provider.(callback.Fetcher)
	switch {
	case !slices.Contains(about.Statuses, relay.Paid):
		return no
	case name == fault.Probe:
		return is[prober]
	case name == fault.Stale:
		return is[about.Timed()]
	case name == fault.BadSignature:
		return is[!strings.Contains(about.Proof, "token")]
	case name == fault.Reorder:
		return is[slices.Contains(about.Statuses, relay.Pending) || slices.Contains(about.Statuses, relay.Refunded)]
	case name == fault.RotatedKey && about.PrivateKey:
		return no
	case name == fault.RotatedKey, name == fault.OtherMerchant, name == fault.Truncated && fetcher:
		return maybe
	}
	return yes
}

func judgePosting(t *testing.T, name string, p fault.Posting, events []callback.Event, err error) {
	t.Helper()
	forged := slices.Contains([]string{fault.BadSignature, fault.WrongKey, fault.Truncated, fault.OtherMerchant, fault.Stale, fault.Probe}, name)
	if p.Forged != forged || p.Disputed != (name == fault.WrongAmount) {
		t.Errorf("%s: forged is %v, disputed %v", name, p.Forged, p.Disputed)
	}
	asked := len(events) == 1 && events[0].Fetch
	switch refusal := new(callback.Refusal); {
	case forged && asked: // what the API says is refused
	case forged && !errors.As(err, &refusal):
		t.Errorf("%s: taken for genuine: %+v, %v", name, events, err)
	case forged || asked && err == nil:
	case err != nil || len(events) != 1 || events[0].Payment != "order-1" || events[0].Status != p.Says.Status:
		t.Errorf("%s: says %s: %+v, %v", name, p.Says.Status, events, err)
	case name == fault.WrongAmount && !events[0].Amount.Equal("129.01"):
		t.Errorf("%s: the amount is %s", name, events[0].Amount)
	}
}
