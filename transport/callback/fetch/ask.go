package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

const (
	firstPause = 200 * time.Millisecond // and as much again by chance; each later one is twice as long
	maxPause   = 5 * time.Second
)

// passing is an error that may be gone the next time.
type passing struct {
	error
	after time.Duration // what the API wants to be left alone for
}

func (p *passing) Unwrap() error { return p.error }

// ask makes the request, and repeats it where that helps.
func (c *Client) ask(ctx context.Context, path string) (Answer, error) {
	for try := 1; ; try++ {
		a, err := c.try(ctx, path)
		p, again := errors.AsType[*passing](err)
		if !again {
			return a, err
		}
		if try == maxTries || !pause(ctx, max(p.after, backOff(try))) {
			return a, fmt.Errorf("%w (tries: %d)", err, try)
		}
	}
}

// backOff returns the pause after a try.
func backOff(try int) time.Duration {
	d := firstPause << (try - 1)
	return d + rand.N(d)
}

// pause waits, or returns false: at once if ctx would end meanwhile, since the provider comes again sooner than that helps.
func pause(ctx context.Context, d time.Duration) bool {
	if until, ok := ctx.Deadline(); d > maxPause || ok && time.Until(until) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// try makes the request once.
func (c *Client) try(ctx context.Context, path string) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tryTime, errSlow)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("Accept", "application/hal+json, application/json")
	r.Header.Set("User-Agent", "tillbell")
	resp, err := c.http.Do(r)
	if err != nil {
		return Answer{}, noAnswer(ctx, err)
	}
	defer resp.Body.Close()
	// One byte more than is allowed; what is left of a larger body costs the connection, as it should.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return Answer{}, noAnswer(ctx, err)
	}
	return read(resp, body)
}

var errSlow = fmt.Errorf("no answer within %s", tryTime)

// noAnswer returns what an error of net/http comes to in a try of ctx, without the address, which Get adds.
func noAnswer(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSlow) {
		return &passing{error: errSlow}
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return err
	}
	return &passing{error: err}
}

// read returns what a response says.
func read(resp *http.Response, body []byte) (Answer, error) {
	switch status := resp.StatusCode; {
	case status == http.StatusOK || status == http.StatusNotFound:
		if !isJSON(resp.Header) {
			return Answer{}, fmt.Errorf("status %d without JSON: look at api_base", status)
		}
		if status == http.StatusNotFound {
			return Answer{}, nil
		}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Answer{}, fmt.Errorf("status %d: the API does not take the key, look at api_key", status)
	case status == http.StatusTooManyRequests || status >= 500:
		return Answer{}, &passing{fmt.Errorf("status %d", status), retryAfter(resp.Header)}
	case status >= 300 && status < 400:
		return Answer{}, fmt.Errorf("status %d: redirects are not followed, look at api_base", status)
	default:
		return Answer{}, fmt.Errorf("status %d", status)
	}
	if len(body) > maxBody {
		return Answer{}, callback.Reject(fmt.Sprintf("the API's answer is larger than %d KiB", maxBody>>10))
	}
	object, refusal := callback.ParseObject(body, "the API's answer")
	if refusal != nil {
		return Answer{}, refusal
	}
	return Answer{Found: true, Object: object}, nil
}

// isJSON reports application/json, application/hal+json and their like.
func isJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds, or a date. Nonsense is zero.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}
