package network

import (
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails where a door leaves something running.
func TestMain(m *testing.M) {
	if os.Getenv(mark) != "" {
		os.Exit(m.Run())
	}
	_ = start(exec.Command("true")) // what starts processes lives as long as the program
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// missing skips the test for what is not installed.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" {
		t.Fatal(what + ", and TILLBELL_TEST_REQUIRE_TOOLS=1 demands it")
	}
	t.Skip(what)
}
