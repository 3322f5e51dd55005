package schemes_test

import (
	"fmt"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

func coinbase(delivery, event, kind, created, metadata string) string {
	return fmt.Sprintf(`{"attempt_number":1,"id":%q,"scheduled_for":"2026-11-22T02:00:00Z","event":{"id":%q,"type":%q,"created_at":%q,`+
		`"data":{"code":"AACP7ZNX","pricing":{"local":{"amount":"100.00","currency":"USD"},"settlement":{"amount":"100","currency":"USDC"}},`+
		`"metadata":%s}}}`, delivery, event, kind, created, metadata)
}

// The outer id is the delivery's.
func TestCoinbaseOuterIDChanges(t *testing.T) {
	s := open(t, &schemes.CoinbaseCommerce)
	first := coinbase("d-1", "e-1", "charge:confirmed", "2026-11-22T02:00:00Z", `{"order_id":"o-1"}`)
	second := coinbase("d-2", "e-1", "charge:confirmed", "2026-11-22T02:00:00Z", `{"order_id":"o-1"}`)
	if a, b := s.one(first), s.one(second); a != b || a.ID != "e-1" || a.Payment != "o-1" || a.Amount != "100.00" {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestCoinbasePendingIsNotPaid(t *testing.T) {
	s := open(t, &schemes.CoinbaseCommerce)
	for kind, want := range map[string]relay.Status{"charge:created": relay.Pending, "charge:pending": relay.Pending,
		"charge:confirmed": relay.Paid, "charge:failed": relay.Failed} {
		if e := s.one(coinbase("d", "e", kind, "2026-11-22T02:00:00Z", `{}`)); e.Status != want ||
			e.Payment != "AACP7ZNX" || e.Final != (want == relay.Paid) {
			t.Errorf("%s: %+v", kind, e)
		}
	}
	for _, kind := range []string{"charge:delayed", "charge:resolved", "invoice:paid", ""} {
		s.none(coinbase("d", "e", kind, "2026-11-22T02:00:00Z", `{}`))
	}
}

// Coins may arrive when the charge has expired.
func TestCoinbasePaidAfterItFailed(t *testing.T) {
	s := open(t, &schemes.CoinbaseCommerce)
	failed := s.call(coinbase("d", "e1", "charge:failed", "2026-11-22T02:00:00Z", `{}`))
	confirmed := s.call(coinbase("d", "e2", "charge:confirmed", "2026-11-22T03:00:00Z", `{}`))
	for _, calls := range [][]callback.Request{{failed, confirmed}, {confirmed, failed}} {
		if state, _ := s.log("AACP7ZNX", calls...); state.Status != relay.Paid || state.Conflict {
			t.Errorf("%+v", state)
		}
	}
}
