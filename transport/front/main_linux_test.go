package front

import (
	"io"
	"log"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quiet is for what the tests provoke.
var quiet = log.New(io.Discard, "", 0)
