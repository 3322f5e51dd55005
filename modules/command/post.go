package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
	"github.com/tillbell/tillbell/transport/callback/fetch"
	"github.com/tillbell/tillbell/transport/wire"
)

// answered is how the server answered one callback.
type answered struct {
	status       int
	body         string
	acknowledged bool
	// conflict says why the server acknowledged the callback and did not apply it; empty if it did, or if that is not
	// known.
	conflict string
}

// sendClient posts callbacks. Providers follow no redirects.
var sendClient = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// post posts a callback to the source. The query is the provider's own.
func post(ctx context.Context, s setup, source string, r callback.Request) (answered, error) {
	target := s.url + "/v1/callbacks/" + source
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, bytes.NewReader(r.Body))
	if err != nil {
		return answered{}, usage(errors.New("--url: no address can be made of it"))
	}
	req.Header = r.Header
	resp, err := sendClient.Do(req)
	if err != nil {
		return answered{}, unreachable(s, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return answered{}, fmt.Errorf("the answer broke off: %w", err)
	}
	ok := resp.StatusCode >= 200 && resp.StatusCode <= 299
	return answered{status: resp.StatusCode, body: strings.TrimSpace(string(body)), acknowledged: ok}, nil
}

// announce tells the stand-in of the provider's API what a callback is about that has to be asked back.
func announce(ctx context.Context, p fault.Posting, at time.Time) error {
	signer, ok := p.Signer.(fetch.Announcer)
	if !ok {
		return nil
	}
	req, err := signer.Announce(p.Says, at)
	if err != nil {
		return err
	}
	resp, err := sendClient.Do(req.WithContext(ctx))
	if err != nil {
		return fmt.Errorf(`api_base: nothing answers there (%w): start "tillbell dev", which plays the provider's API`, brief(err))
	}
	_ = resp.Body.Close() // it is empty
	switch resp.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusUnauthorized:
		return errors.New(`api_base: what answers there has another api_key: was "tillbell dev" started again?`)
	}
	return fmt.Errorf(`api_base: answered %s: it is no "tillbell dev", which plays the provider's API`, resp.Status)
}

// inspected is what an API key sees of a payment.
type inspected struct {
	wire.Snapshot
	Conflicts []wire.Conflict `json:"conflicts"`
}

// payment returns what the server knows of a payment. It returns nothing without an API key, or where the server does
// not answer: then send does without.
func (s setup) payment(ctx context.Context, id string) inspected {
	var known inspected
	if s.apiKey == "" || !s.ours() {
		return known
	}
	if err := get(ctx, s.url+"/v1/payments/"+url.PathEscape(id), s.apiKey, &known); err != nil {
		return inspected{}
	}
	return known
}

// ours reports whether the API key may travel to s.url: within this machine, or over TLS to where the configuration says that
// the server is. A URL that was named may be anybody's who collects requests.
func (s setup) ours() bool {
	u, err := url.Parse(s.url)
	if err != nil {
		return false
	}
	if transport.LoopbackHost(u.Host) {
		return true
	}
	public, err := url.Parse(s.config.PublicURL)
	return err == nil && u.Scheme == "https" && u.Scheme == public.Scheme && strings.EqualFold(u.Host, public.Host)
}

// get reads JSON that an API key is needed for.
func get(ctx context.Context, target, apiKey string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	resp, err := sendClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
