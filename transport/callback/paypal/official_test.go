package paypal_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/paypal"
)

// call is what testdata/official.py reads.
type call struct {
	ID          string `json:"id"`
	Time        string `json:"time"`
	Webhook     string `json:"webhook"`
	Body        []byte `json:"body"`
	URL         string `json:"url"`
	Signature   string `json:"signature"`
	Algorithm   string `json:"algorithm"`
	Certificate string `json:"certificate"`
	Roots       string `json:"roots"`
}

func newCall(o paypal.Options, r callback.Request) call {
	h := r.Header.Get
	return call{ID: h("Paypal-Transmission-Id"), Time: h("Paypal-Transmission-Time"), Webhook: o.WebhookID[0], Body: r.Body,
		URL: h("Paypal-Cert-Url"), Signature: h("Paypal-Transmission-Sig"), Algorithm: h("Paypal-Auth-Algo"),
		Certificate: o.Certificates[h("Paypal-Cert-Url")], Roots: o.TrustedRoots}
}

// PayPal's library is retired and bound to old versions of others, so that it is used where somebody has set it up:
// TILLBELL_TEST_PAYPALRESTSDK=1 with a python3 that finds paypalrestsdk and pyOpenSSL 23.
func TestOfficialLibraryAcceptsTheSigner(t *testing.T) {
	if os.Getenv("TILLBELL_TEST_PAYPALRESTSDK") == "" {
		t.Skip("TILLBELL_TEST_PAYPALRESTSDK is not set: python3 need not have paypalrestsdk")
	}
	o, key := throwaway()
	s := signer(t, o, key)
	var calls []call
	var want []bool
	expect := func(r callback.Request, o paypal.Options, verdict bool) {
		calls, want = append(calls, newCall(o, r)), append(want, verdict)
	}
	for _, status := range paypal.About.Statuses {
		n := full
		n.Status = status
		r, err := s.Sign(n, at)
		if err != nil {
			t.Fatal(err)
		}
		expect(r, o, true)
	}
	r := sign(t, s)
	other := o
	other.WebhookID = callback.List{"OTHER"}
	expect(r, other, false)
	tampered := r
	tampered.Body = append(bytes.Clone(r.Body), ' ')
	expect(tampered, o, false)
	forged := r
	forged.Body = forge(t, r.Body, forgery) // which the library cannot know
	expect(forged, o, true)

	input, err := json.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	python := exec.CommandContext(t.Context(), "python3", "testdata/official.py")
	python.Stdin, python.Stderr = bytes.NewReader(input), os.Stderr
	output, err := python.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []bool
	if err := json.Unmarshal(output, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("verdicts %s (%v), want %v", output, err, want)
	}
}

// The library's users find in a call what they look for.
func TestSignedBodyHasTheUsualMembers(t *testing.T) {
	o, key := throwaway()
	for _, status := range paypal.About.Statuses {
		r, err := signer(t, o, key).Sign(callback.Notification{Status: status}, at)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			ID              string `json:"id"`
			EventVersion    string `json:"event_version"`
			CreateTime      string `json:"create_time"`
			ResourceType    string `json:"resource_type"`
			ResourceVersion string `json:"resource_version"`
			EventType       string `json:"event_type"`
			Summary         string `json:"summary"`
			Resource        struct {
				ID     string `json:"id"`
				Status string `json:"status"`
				Links  []struct{ Href, Rel, Method string }
			}
			Links []struct{ Href, Rel, Method string }
		}
		d := json.NewDecoder(bytes.NewReader(r.Body))
		if err := d.Decode(&body); err != nil || body.ID == "" || body.EventVersion != "1.0" || body.ResourceType == "" ||
			body.Summary == "" || body.ResourceVersion != "2.0" || body.Resource.ID == "" || len(body.Resource.Links) != 2 || len(body.Links) != 2 {
			t.Errorf("%s: %+v, %v", status, body, err)
		}
		if status == relay.Refunded && (body.ResourceType != "refund" || body.Resource.Links[1].Rel != "up") {
			t.Errorf("refund: %+v", body)
		}
	}
}
