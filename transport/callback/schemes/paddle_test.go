package schemes_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

func paddle(event, kind, status, occurred string) string {
	return fmt.Sprintf(`{"event_id":%q,"event_type":%q,"occurred_at":%q,"notification_id":"ntf_1","data":{"id":"txn_1","status":%q,`+
		`"currency_code":"USD","custom_data":null,"details":{"totals":{"grand_total":"2400","total":"2400"}}}}`, event,
		kind, occurred, status)
}

func adjustment(event, action, status string) string {
	return fmt.Sprintf(`{"event_id":%q,"event_type":"adjustment.updated","occurred_at":"2026-11-22T03:00:00Z","data":{"id":"adj_1",`+
		`"action":%q,"status":%q,"transaction_id":"txn_1","currency_code":"USD","totals":{"total":"1000"}}}`, event,
		action, status)
}

func h1(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(strconv.FormatInt(at.Unix(), 10) + ":" + body))
	return ";h1=" + hex.EncodeToString(m.Sum(nil))
}

// While a secret is rotated, any of the signatures may be the right one.
func TestPaddleTwoH1(t *testing.T) {
	body := paddle("evt_1", "transaction.completed", "completed", "2026-11-22T02:00:00Z")
	posted := func(headers ...string) callback.Request {
		return callback.NewPost(http.Header{"Paddle-Signature": headers}, []byte(body))
	}
	ts := "ts=" + strconv.FormatInt(at.Unix(), 10)
	right, old, wrong := h1("k", body), h1("old", body), h1("wrong", body)
	s := with(t, &schemes.Paddle, schemes.PaddleOptions{Secrets: []string{"k"}})
	for _, header := range []string{ts + right, ts + right + old, ts + old + right, ts + wrong + old + right} {
		if events, err := s.parse(posted(header)); err != nil || len(events) != 1 {
			t.Errorf("%s: %+v, %v", header, events, err)
		}
	}
	s.refused(callback.BadSignature, posted(ts+wrong+old))
	s.refused(callback.DuplicateHeader, posted(ts+right, ts+old))
	s.refused(callback.Malformed, posted(ts+strings.Repeat(wrong, 50)+right))
}

func TestPaddleWindow(t *testing.T) {
	for _, c := range []struct {
		tolerance, off time.Duration
		want           callback.Reason
	}{
		{0, 5 * time.Second, ""}, {0, 6 * time.Second, callback.StaleTimestamp}, {0, -5 * time.Second, ""},
		{0, -6 * time.Second, callback.FutureTimestamp},
		{time.Minute, time.Minute, ""}, {time.Minute, time.Minute + 1, callback.StaleTimestamp},
	} {
		s := open(t, &schemes.Paddle, func(o *schemes.PaddleOptions) { o.Tolerance = c.tolerance })
		r := s.call(paddle("evt_1", "transaction.completed", "completed", "2026-11-22T02:00:00Z"))
		_, err := s.provider.Parse(r, at.Add(c.off))
		if (err == nil) != (c.want == "") || err != nil && callbacktest.ReasonOf(t, err) != c.want {
			t.Errorf("tolerance %s, %s later: %v, want %q", c.tolerance, c.off, err, c.want)
		}
	}
}

// Each destination has its own notification id of one event.
func TestPaddleNotificationIDChanges(t *testing.T) {
	s := open(t, &schemes.Paddle)
	body := paddle("evt_1", "transaction.completed", "completed", "2026-11-22T02:00:00Z")
	other := strings.Replace(body, "ntf_1", "ntf_2", 1)
	if a, b := s.one(body), s.one(other); a != b || a.ID != "evt_1" {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestPaddlePaidAndCompletedAreOnePayment(t *testing.T) {
	s := open(t, &schemes.Paddle)
	paid := s.call(paddle("evt_1", "transaction.paid", "paid", "2026-11-22T02:00:00Z"))
	completed := s.call(paddle("evt_2", "transaction.completed", "completed", "2026-11-22T02:00:01Z"))
	for _, calls := range [][]callback.Request{{paid, completed}, {completed, paid}, {paid, paid, completed, completed}} {
		if state, told := s.log("txn_1", calls...); state.Status != relay.Paid || state.Conflict || len(told) != 1 {
			t.Errorf("%+v, told %v", state, told)
		}
	}
}

// What happened later counts, whenever it arrives.
func TestPaddleOrderIsByOccurredAt(t *testing.T) {
	s := open(t, &schemes.Paddle)
	failed := s.call(paddle("evt_1", "transaction.payment_failed", "ready", "2026-11-22T02:00:00Z"))
	due := s.call(paddle("evt_2", "transaction.past_due", "past_due", "2026-11-22T02:00:01Z"))
	for _, calls := range [][]callback.Request{{failed, due}, {due, failed}} {
		if state, _ := s.log("txn_1", calls...); state.Status != relay.Pending || state.Final || state.Conflict {
			t.Errorf("%+v", state)
		}
	}
	completed := s.call(paddle("evt_3", "transaction.completed", "completed", "2026-11-22T02:00:02Z"))
	if state, _ := s.log("txn_1", completed, due, failed); state.Status != relay.Paid || state.Conflict {
		t.Errorf("%+v", state)
	}
}

// Of the adjustments only refunds that Paddle has decided on are told: credits and chargebacks are none of the statuses.
func TestPaddleAdjustments(t *testing.T) {
	s := open(t, &schemes.Paddle)
	for status, want := range map[string]relay.Status{"approved": relay.Refunded, "rejected": relay.RefundFailed} {
		if e := s.one(adjustment("evt_1", "refund", status)); e.Status != want || e.Payment != "txn_1" ||
			e.RefundID != "adj_1" || e.Amount != "10.00" {
			t.Errorf("%s: %+v", status, e)
		}
	}
	s.none(adjustment("evt_1", "refund", "pending_approval"))
	for _, action := range []string{"credit", "credit_reverse", "chargeback", "chargeback_reverse",
		"chargeback_warning", "Refund", ""} {
		s.none(adjustment("evt_1", action, "approved"))
	}
}

func TestPaddleAmountsAreText(t *testing.T) {
	s := open(t, &schemes.Paddle)
	body := paddle("evt_1", "transaction.completed", "completed", "2026-11-22T02:00:00Z")
	huge := strings.Replace(body, `"grand_total":"2400"`, `"grand_total":"9007199254740993"`, 1)
	if e := s.one(huge); e.Amount != "90071992547409.93" {
		t.Errorf("%+v", e)
	}
	s.refused(callback.Malformed, s.call(strings.Replace(body, `"grand_total":"2400"`, `"grand_total":"24.00"`, 1)))
}

func TestPaddleClassicIsAnotherProduct(t *testing.T) {
	s := open(t, &schemes.Paddle)
	s.refused(callback.MissingHeader, callback.NewPost(http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		[]byte("alert_name=payment_succeeded&p_signature=AAAA")))
}
