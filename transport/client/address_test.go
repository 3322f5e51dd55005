package client

import "testing"

func TestReadAddress(t *testing.T) {
	for _, tc := range []struct{ url, payment, snapshot string }{
		{"https://pay.example", "order-1001", "https://pay.example/v1/payments/order-1001"},
		{"https://pay.example/", "a/b ü?", "https://pay.example/v1/payments/a%2Fb%20%C3%BC%3F"},
		{"wss://pay.example:8443/till/", "x", "https://pay.example:8443/till/v1/payments/x"},
		{"ws://[::1]:8080/v1/payments/a%2Fb/ws", "", "http://[::1]:8080/v1/payments/a%2Fb"},
		{"http://pay.example/till/v1/payments/x", "", "http://pay.example/till/v1/payments/x"},
		{"http://pay.example/v1/payments/~/sse?ticket=secret", "~", "http://pay.example/v1/payments/~"},
	} {
		at, err := readAddress(tc.url, tc.payment)
		if err != nil || at.snapshot() != tc.snapshot {
			t.Errorf("%s and %q: %q, %v; want %q", tc.url, tc.payment, at.snapshot(), err, tc.snapshot)
		}
	}
}
