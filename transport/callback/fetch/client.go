// Package fetch asks a provider's payment API what became of a payment, for callbacks that say no more than its id.
//
// A request is a GET with the account's key as bearer token, and its answer is one JSON object. What becomes of an answer:
//
//	200                  it is what the API says
//	404                  the API knows no such payment
//	429, 5xx, no answer  the request is repeated, three tries in all, while the caller's context lasts
//	401, 403             an error that names api_key
//	anything else        an error: redirects are not followed, because the key would go with them
//
// Between tries there is a pause of 200 to 400 ms, then of 400 to 800 ms, or what Retry-After asks for, up to 5 s. A try
// has 4 s. An answer that is no JSON, 200 or 404 alike, is not the API's: somebody stands between, or api_base is wrong.
//
// A Client has at most eight requests under way, their pauses included. How many ask for one payment at once is for the
// caller to bound, who knows on whose behalf it asks: see callback/inquiry.go.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/transport/callback"
)

const (
	maxAtOnce = 8
	maxTries  = 3
	tryTime   = 4 * time.Second
	maxBody   = 256 << 10 // a payment has a few KiB
	idleTime  = 90 * time.Second
)

// Client asks the API of one account. It may be used from many goroutines. It has nothing to close: connections that are
// kept for the next request close themselves after a while.
type Client struct {
	base  string // without a slash at its end
	key   string
	http  *http.Client
	slots chan struct{} // holds one for each request under way
}

// New returns a Client of the API at base, such as https://api.mollie.com. Plain http is for a stand-in on this machine
// alone. The error names the setting to change and does not repeat the key.
func New(base, key string) (*Client, error) {
	base, err := checkBase(base)
	if err != nil {
		return nil, fmt.Errorf("api_base: %w", err)
	}
	if key != strings.TrimSpace(key) || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, errors.New("api_key: has white space in it, or characters that no key has")
	}
	return &Client{base: base, key: key, http: newHTTP(), slots: make(chan struct{}, maxAtOnce)}, nil
}

// Ready reports that the key is missing.
func (c *Client) Ready() error {
	if c.key == "" {
		return errors.New("set api_key: its callbacks have to be asked back at the provider's API")
	}
	return nil
}

// checkBase returns the address without a slash at its end.
func checkBase(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return "", errors.New("is not an address such as https://api.example.com")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return "", errors.New("must begin with https://; http:// is for this machine alone")
	}
	path := strings.TrimRight(u.Path, "/")
	if last := path[strings.LastIndex(path, "/")+1:]; len(last) == 2 && last[0] == 'v' {
		return "", fmt.Errorf("leave out /%s: the version is added", last) // every payment would be unknown
	}
	return strings.TrimRight(base, "/"), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func newHTTP() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: tryTime}).DialContext,
			ForceAttemptHTTP2:      true,
			MaxConnsPerHost:        maxAtOnce,
			MaxIdleConnsPerHost:    maxAtOnce,
			IdleConnTimeout:        idleTime,
			TLSHandshakeTimeout:    tryTime,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Answer is what the API says.
type Answer struct {
	// Found is false if the API knows nothing of the path.
	Found  bool
	Object gjson.Result
}

// Get asks for base and path, which begins with a slash and has nothing of a stranger's in it but an id of the known shape.
// It gives up with ctx. The error is a *callback.Refusal if the API's
// answer makes no sense.
func (c *Client) Get(ctx context.Context, path string) (Answer, error) {
	if err := c.Ready(); err != nil {
		return Answer{}, err
	}
	a, err := c.inTurn(ctx, path)
	if refusal, ok := errors.AsType[*callback.Refusal](err); ok {
		return Answer{}, refusal
	}
	if err != nil {
		return Answer{}, fmt.Errorf("fetch: %s%s: %w", c.base, path, err)
	}
	return a, nil
}

// inTurn asks when there is a slot.
func (c *Client) inTurn(ctx context.Context, path string) (Answer, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("%d requests are under way: %w", maxAtOnce, ctx.Err())
	}
	defer func() { <-c.slots }()
	return c.ask(ctx, path)
}
