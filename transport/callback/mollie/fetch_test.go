package mollie_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/mollie"
)

// api has the payment API answer every request with the status and body, and returns settings that ask it.
func api(t *testing.T, status int, body string) mollie.Options {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/hal+json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return mollie.Options{APIBase: server.URL, APIKey: "test_topsecret"}
}

// ask fetches what the id stands for.
func ask(t *testing.T, o mollie.Options, id string) ([]callback.Event, error) {
	t.Helper()
	e := callback.Event{Type: "payment", Fetch: true}
	e.TransactionID = id
	events, err := provider(t, o).Fetch(t.Context(), e)
	for _, e := range events {
		if bad := callbacktest.Wellformed(e); bad != nil || e.Fetch {
			t.Errorf("%v: %+v", bad, e)
		}
	}
	if err != nil && strings.Contains(err.Error(), "topsecret") {
		t.Errorf("the key is in %v", err)
	}
	return events, err
}

// payment is one at Mollie as its documentation shows it, with more members or other ones.
func payment(id, status, more string) string {
	return `{"resource":"payment","id":"` + id + `","mode":"live","createdAt":"2026-11-22T09:13:37+01:00",` + more +
		`"amount":{"value":"10.00","currency":"EUR"},"metadata":{"order_id":12345},"status":"` + status + `","profileId":"pfl_1",` +
		`"paidAt":"2026-11-22T09:14:37+01:00","expiredAt":"2026-11-22T09:15:37+01:00","canceledAt":"2026-11-22T09:16:37+01:00",` +
		`"failedAt":"2026-11-22T09:17:37+01:00","authorizedAt":"2026-11-22T09:18:37+01:00"}`
}

// short is an event on one line.
func short(e callback.Event) string {
	minute := ""
	if !e.Time.IsZero() {
		minute = e.Time.Format("15:04")
	}
	return fmt.Sprintf("%s %s/%s %s%s final=%v %s id=%s tx=%s refund=%s", e.Payment, e.Status, e.ProviderStatus, e.Amount, e.Currency, e.Final,
		minute, e.ID, e.TransactionID, e.RefundID)
}

func wants(t *testing.T, what string, events []callback.Event, err error, want ...string) {
	t.Helper()
	var got []string
	for _, e := range events {
		got = append(got, short(e))
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v\ngot  %q\nwant %q", what, err, got, want)
	}
}

func TestStatuses(t *testing.T) {
	for word, want := range map[string]string{
		"open":       "12345 pending/open 10.00EUR final=false 08:13 id=tr_1 tx=tr_1 refund=",
		"pending":    "12345 pending/pending 10.00EUR final=false 08:13 id=tr_1 tx=tr_1 refund=",
		"authorized": "12345 pending/authorized 10.00EUR final=false 08:18 id=tr_1 tx=tr_1 refund=",
		"paid":       "12345 paid/paid 10.00EUR final=true 08:14 id=tr_1 tx=tr_1 refund=",
		"expired":    "12345 closed/expired 10.00EUR final=false 08:15 id=tr_1 tx=tr_1 refund=",
		"canceled":   "12345 closed/canceled 10.00EUR final=false 08:16 id=tr_1 tx=tr_1 refund=",
		"failed":     "12345 failed/failed 10.00EUR final=false 08:17 id=tr_1 tx=tr_1 refund=",
	} {
		events, err := ask(t, api(t, 200, payment("tr_1", word, "")), "tr_1")
		wants(t, word, events, err, want)
		if len(events) == 1 && !events[0].Derived {
			t.Errorf("%s: the payment's id repeats over its states", word)
		}
	}
	events, err := ask(t, api(t, 200, payment("tr_1", "shipping", "")), "tr_1")
	wants(t, "a word of the future", events, err)
}

// A payment at Mollie that has ended cannot be paid. An order that was tried with it can.
func TestFinalIfThePaymentIsMolliesOwn(t *testing.T) {
	body := strings.Replace(payment("tr_1", "expired", ""), `{"order_id":12345}`, "null", 1)
	events, err := ask(t, api(t, 200, body), "tr_1")
	wants(t, "without an order_id", events, err, "tr_1 closed/expired 10.00EUR final=true 08:15 id=tr_1 tx=tr_1 refund=")
}

func TestPaymentPath(t *testing.T) {
	for path, want := range map[string]string{
		"metadata.order_id": "12345", "description": "Order 7", "metadata.@fromstr.order_id": "9", "metadata.cart": "",
	} {
		body := payment("tr_1", "paid", `"description":"Order 7",`)
		if strings.Contains(path, "@fromstr") { // as in Mollie's own samples
			body = strings.Replace(body, `{"order_id":12345}`, `"{\"order_id\":9}"`, 1)
		}
		o := api(t, 200, body)
		o.Fields.Payment = path
		events, err := ask(t, o, "tr_1")
		if err != nil || len(events) != 1 || events[0].Payment != want {
			t.Errorf("%s: %+v, %v; want %s", path, events, err, want)
		}
	}
}

// One that is queued or pending can still be cancelled, and is not told.
func TestRefunds(t *testing.T) {
	refunds := `"amountRefunded":{"value":"6.00","currency":"EUR"},"_embedded":{"refunds":[` +
		refund("re_5", "queued", "0.50") + "," + refund("re_4", "failed", "4.00") + "," + refund("re_3", "processing", "3.00") + "," +
		refund("re_2", "canceled", "2.00") + "," + refund("re_1", "refunded", "1.00") + `]},`
	events, err := ask(t, api(t, 200, payment("tr_1", "paid", refunds)), "tr_1")
	wants(t, "refunds", events, err,
		"12345 paid/paid 10.00EUR final=true 08:14 id=tr_1 tx=tr_1 refund=",
		"12345 refunded/refunded 1.00EUR final=true 09:00 id=re_1 tx=tr_1 refund=re_1",
		"12345 refunded/processing 3.00EUR final=true 09:00 id=re_3 tx=tr_1 refund=re_3",
		"12345 refund_failed/failed 4.00EUR final=true 09:00 id=re_4 tx=tr_1 refund=re_4")
	for _, e := range events {
		if e.Cumulative {
			t.Errorf("%+v: the amount is this refund's", e)
		}
	}
}

func refund(id, status, amount string) string {
	return `{"resource":"refund","id":"` + id + `","status":"` + status + `","amount":{"value":"` + amount +
		`","currency":"EUR"},"createdAt":"2026-11-22T10:00:00+01:00"}`
}

func TestPaymentLink(t *testing.T) {
	bare := strings.NewReplacer(`{"order_id":12345}`, "null")
	list := `{"count":3,"_embedded":{"payments":[` + payment("tr_3", "paid", "") + "," + bare.Replace(payment("tr_2", "paid", "")) + "," +
		bare.Replace(payment("tr_1", "failed", "")) + `]},"_links":{}}`
	events, err := ask(t, api(t, 200, list), "pl_1")
	wants(t, "a link", events, err, "pl_1 paid/paid 10.00EUR final=true 08:14 id=tr_2 tx=tr_2 refund=",
		"12345 paid/paid 10.00EUR final=true 08:14 id=tr_3 tx=tr_3 refund=")
	if _, err := ask(t, api(t, 200, payment("tr_1", "paid", "")), "pl_1"); err == nil {
		t.Error("a payment in place of a list is read")
	}
}

func TestUnknownIDsAreNothing(t *testing.T) {
	events, err := ask(t, api(t, 404, `{"status":404,"title":"Not Found","detail":"No payment exists with token tr_1."}`), "tr_1")
	wants(t, "unknown", events, err)
	if a := provider(t, mollie.Options{}).Answer(nil); a.Status != 200 {
		t.Errorf("answered %+v", a)
	}
}

func TestOtherProfile(t *testing.T) {
	o := api(t, 200, payment("tr_1", "paid", ""))
	o.ProfileID = callback.List{"pfl_2"}
	if events, err := ask(t, o, "tr_1"); err == nil || callbacktest.ReasonOf(t, err) != callback.WrongAccount {
		t.Errorf("%+v, %v; want wrong_account", events, err)
	}
	o.ProfileID = append(o.ProfileID, "pfl_1")
	if events, err := ask(t, o, "tr_1"); err != nil || len(events) != 1 {
		t.Errorf("%+v, %v; want an event", events, err)
	}
}

func TestAnswersWithoutSense(t *testing.T) {
	good := payment("tr_1", "paid", "")
	for name, body := range map[string]string{
		"another payment": payment("tr_2", "paid", ""),
		"exponent":        strings.Replace(good, "10.00", "1e3", 1),
		"negative":        strings.Replace(good, "10.00", "-10.00", 1),
		"currency":        strings.Replace(good, "EUR", "E U", 1),
		"unnamed refund":  payment("tr_1", "paid", `"_embedded":{"refunds":[{"status":"refunded"}]},`),
	} {
		events, err := ask(t, api(t, 200, body), "tr_1")
		if r, ok := errors.AsType[*callback.Refusal](err); !ok || !r.Genuine {
			t.Errorf("%s: %+v, %v; want a refusal", name, events, err)
		}
	}
	for _, id := range []string{"", "re_1", "tr_1/refunds", "../tr_1"} {
		if events, err := ask(t, api(t, 200, good), id); err == nil {
			t.Errorf("%q: %+v, want an error", id, events)
		}
	}
}

func TestTheKeyIsNotTaken(t *testing.T) {
	_, err := ask(t, api(t, 401, `{"status":401}`), "tr_1")
	if _, refused := errors.AsType[*callback.Refusal](err); err == nil || refused || !strings.Contains(err.Error(), "api_key") {
		t.Errorf("%v, want an error that names api_key, after which Mollie comes again", err)
	}
	if a := provider(t, mollie.Options{}).Answer(err); a.Status != http.StatusServiceUnavailable {
		t.Errorf("answered %+v", a)
	}
	o := api(t, 200, "")
	o.APIKey = ""
	if _, err := ask(t, o, "tr_1"); err == nil || !strings.Contains(err.Error(), "mollie: set api_key") {
		t.Errorf("without a key: %v", err)
	}
}

func TestTimesWithoutZone(t *testing.T) {
	events, err := ask(t, api(t, 200, strings.Replace(payment("tr_1", "paid", ""), "09:14:37+01:00", "09:14:37", 1)), "tr_1")
	if err != nil || len(events) != 1 || events[0].Time != (time.Time{}) || events[0].Status != relay.Paid {
		t.Errorf("%+v, %v; want no time", events, err)
	}
}
