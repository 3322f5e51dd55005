package relay_test

import (
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
)

func TestCheckPayment(t *testing.T) {
	for id, ok := range map[string]bool{
		"": false, ".": false, "..": false, "...": true, "a": true, " ": true, "order/1": true, "订单": true, "~": true,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, strings.Repeat("付", 43): false,
		"a\nb": false, "a\x00": false, "a\x7f": false, "a\u0085": false, "a\u009f": false, "a\u00a0": true, "a\xff": false,
	} {
		if err := relay.CheckPayment(id); (err == nil) != ok {
			t.Errorf("CheckPayment(%q) = %v", id, err)
		}
	}
}

func TestStatusValid(t *testing.T) {
	for _, s := range statuses {
		if !s.Valid() {
			t.Errorf("%s is not valid", s)
		}
	}
	for _, s := range []relay.Status{"", relay.Registered, "PAID", "shipped"} {
		if s.Valid() {
			t.Errorf("%q is valid", s)
		}
	}
}
