package schemes_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

const lemonEvent = "X-Event-Name"

func lemon(kind, status, updated string, refunded int) string {
	return fmt.Sprintf(`{"meta":{"event_name":%q,"custom_data":{"order_id":"o-1"}},"data":{"type":"orders","id":"1042","attributes":{`+
		`"status":%q,"total":1199,"currency":"USD","refunded_amount":%d,"updated_at":%q}}}`, kind, status, refunded,
		updated)
}

// The body's name of the event counts; a header that differs has been changed on the way.
func TestLemonSqueezyHeaderIsNotSigned(t *testing.T) {
	s := open(t, &schemes.LemonSqueezy)
	created := lemon("order_created", "paid", "2026-11-22T02:00:00Z", 0)
	refunded := lemon("order_refunded", "refunded", "2026-11-22T03:00:00Z", 1199)
	if e := s.one(created, lemonEvent, "order_created"); e.Status != relay.Paid || e.Type != "order_created" {
		t.Errorf("%+v", e)
	}
	if e := s.one(created); e.Status != relay.Paid {
		t.Errorf("without the header: %+v", e)
	}
	s.refused(callback.Malformed, s.call(created, lemonEvent, "order_refunded"))
	s.refused(callback.Malformed, s.call(refunded, lemonEvent, "order_created"))
	other := lemon("subscription_created", "active", "2026-11-22T02:00:00Z", 0)
	s.refused(callback.Malformed, s.call(other, lemonEvent, "order_created"))
}

// One order's events have one id: what they say is put in front of it.
func TestLemonSqueezyNoEventID(t *testing.T) {
	s := open(t, &schemes.LemonSqueezy)
	pending := s.call(lemon("order_created", "pending", "2026-11-22T02:00:00Z", 0))
	paid := s.call(lemon("order_created", "paid", "2026-11-22T02:00:01Z", 0))
	part := s.call(lemon("order_refunded", "partial_refund", "2026-11-22T03:00:00Z", 500))
	whole := s.call(lemon("order_refunded", "refunded", "2026-11-22T04:00:00Z", 1199))
	state, told := s.log("o-1", pending, pending, paid, paid)
	if state.Status != relay.Paid || state.Conflict || !slices.Equal(told, []relay.Status{relay.Pending, relay.Paid}) {
		t.Errorf("%+v, told %v", state, told)
	}
	// The amount refunded is the total so far.
	for _, calls := range [][]callback.Request{{paid, part, whole}, {paid, whole, part}, {paid, part, part, whole, whole}} {
		if state, _ := s.log("o-1", calls...); state.Refunded != "11.99" || state.Amount != "11.99" || state.Conflict {
			t.Errorf("%+v", state)
		}
	}
}

func TestLemonSqueezyStatuses(t *testing.T) {
	s := open(t, &schemes.LemonSqueezy)
	for word, want := range map[string]relay.Status{"paid": relay.Paid, "pending": relay.Pending, "failed": relay.Failed} {
		if e := s.one(lemon("order_created", word, "2026-11-22T02:00:00Z", 0)); e.Status != want ||
			e.Payment != "o-1" || e.TransactionID != "1042" {
			t.Errorf("%s: %+v", word, e)
		}
	}
	for _, word := range []string{"refunded", "partial_refund", "fraudulent", "PAID", ""} {
		s.none(lemon("order_created", word, "2026-11-22T02:00:00Z", 0))
	}
	s.none(lemon("subscription_payment_success", "paid", "2026-11-22T02:00:00Z", 0))
}

// Lemon Squeezy takes 6 to 40 characters.
func TestLemonSqueezySecretsFit(t *testing.T) {
	for _, secret := range schemes.LemonSqueezy.Fresh().Secrets {
		if len(secret) != 40 {
			t.Errorf("%d characters", len(secret))
		}
	}
}
