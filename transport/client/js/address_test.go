package js_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// An order number that comes from outside, such as from the page's own URL, must not send the ticket elsewhere.
func TestTicketStaysWithItsServer(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" {
			t.Fatal("Node.js is required and not installed")
		}
		t.Skip("Node.js is not installed")
	}
	arguments := []string{
		"order-1", "a/v1/payments/b", "http://evil.example/v1/payments/order-1", "//evil.example/v1/payments/order-1",
		"/v1/payments/o-2/ws", "https://pay.example/v1/payments/o%2F1/sse", "wss://pay.example/v1/payments/o-3/ws",
	}
	want := []string{
		"https://pay.example/v1/payments/order-1",
		"https://pay.example/v1/payments/a%2Fv1%2Fpayments%2Fb",
		"TypeError",
		"TypeError",
		"https://pay.example/v1/payments/o-2",
		"https://pay.example/v1/payments/o%2F1",
		"https://pay.example/v1/payments/o-3",
		"https://other.example/v1/payments/o-4", // a URL object is not from outside
	}
	out, err := exec.CommandContext(t.Context(), node, append([]string{"testdata/address.mjs"}, arguments...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.Fields(string(out)); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
