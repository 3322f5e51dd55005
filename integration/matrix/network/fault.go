package network

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

// A fault is what is wrong with a proxy of this package. The zero value is a good one, which streams and passes upgrades on.
type fault struct {
	// blind proxies know no upgrades: the header goes no further, as RFC 9110, section 7.6.1 has it for any hop.
	blind bool

	// patience is how long the server may take until it begins to answer; what it says later vanishes. 0 is for ever.
	patience time.Duration

	// spoil changes a response on its way back, nil does not. It is called before the header is passed on. A response to
	// an upgrade has a body that is an io.ReadWriteCloser: the connection to the server. The request's context ends when
	// the browser goes away.
	spoil func(*http.Response) error
}

var (
	buffering   = fault{blind: true, spoil: buffer}
	hangingUp   = fault{spoil: choose(hangUp, buffer, buffer)}
	goingSilent = fault{spoil: choose(goSilent, buffer, buffer)}
	holdingBack = fault{spoil: choose(pass, holdBack, holdBack)}
	swallowing  = fault{spoil: choose(vanish, vanish, pass)}
	oneFrame    = fault{spoil: choose(passMessage, passEvent, pass)}
	quickOnly   = fault{spoil: choose(vanish, vanish, pass), patience: time.Second}
)

// A spoiler asks the server and brings the fault into what it says.
type spoiler struct {
	fault  fault
	server http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (s spoiler) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	r, err := s.server.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch {
	case s.fault.patience > 0 && time.Since(began) > s.fault.patience:
		err = vanish(r)
	case s.fault.spoil != nil:
		err = s.fault.spoil(r)
	}
	if err != nil {
		r.Body.Close()
		return nil, err
	}
	return r, nil
}

// choose spoils a response by what it is: to an upgrade, an event stream or anything else.
func choose(upgrade, stream, other func(*http.Response) error) func(*http.Response) error {
	return func(r *http.Response) error {
		if r.StatusCode == http.StatusSwitchingProtocols {
			return upgrade(r)
		}
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "text/event-stream" {
			return stream(r)
		}
		return other(r)
	}
}

func pass(*http.Response) error { return nil }

// buffer waits for the end of the response.
func buffer(r *http.Response) error {
	whole, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(whole))
	return nil
}

// heldBytes is how much of a response is held back.
const heldBytes = 1 << 10

// holdBack holds back the first bytes of a body until there are more or it ends. The header passes.
func holdBack(r *http.Response) error {
	r.Body = &heldBody{Reader: r.Body, body: r.Body}
	return nil
}

type heldBody struct {
	io.Reader // of what comes next
	body      io.ReadCloser
	begun     bool
}

func (h *heldBody) Read(b []byte) (int, error) {
	if !h.begun {
		h.begun = true
		var first bytes.Buffer
		_, err := io.CopyN(&first, h.body, heldBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		h.Reader = io.MultiReader(&first, h.body)
	}
	return h.Reader.Read(b)
}

func (h *heldBody) Close() error { return h.body.Close() }

// vanish never answers. What the server says is read, so that it notices nothing.
func vanish(r *http.Response) error {
	gone := r.Request.Context()
	defer context.AfterFunc(gone, func() { r.Body.Close() })()
	_, _ = io.Copy(io.Discard, r.Body)
	<-gone.Done()
	return gone.Err()
}

// hangUp passes the 101 on, and nothing else.
func hangUp(r *http.Response) error {
	conn := r.Body.(io.ReadWriteCloser)
	r.Body = struct {
		io.Reader
		io.WriteCloser
	}{hungUp{}, conn}
	return nil
}

// hungUp is a connection that breaks off at once. An end of file would leave the browser's half open.
type hungUp struct{}

func (hungUp) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
