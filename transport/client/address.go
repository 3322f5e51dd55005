package client

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tillbell/tillbell/relay"
)

// own stands in a path for the payment of the ticket.
const own = "~"

// payments is what precedes a payment in a path.
const payments = "/v1/payments/"

// address is where a payment is awaited.
type address struct {
	base    string // without a trailing slash
	payment string
}

// readAddress reads Options.URL and Options.Payment. Its errors do not repeat the URL: its query may hold a ticket.
func readAddress(text, payment string) (address, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return address{}, errors.New("URL must be the server's, such as https://pay.shop.example")
	}
	switch u.Scheme {
	case "http", "https":
	case "ws", "wss":
		u.Scheme = "http" + strings.TrimPrefix(u.Scheme, "ws")
	default:
		return address{}, fmt.Errorf("URL has the scheme %.20q, want http, https, ws or wss", u.Scheme)
	}
	prefix, named, err := splitPath(u.EscapedPath())
	if err != nil {
		return address{}, err
	}
	if payment == "" {
		payment = named
	}
	if named != "" && named != payment {
		return address{}, fmt.Errorf("URL is for the payment %q, not for %q", named, payment)
	}
	if err := relay.CheckPayment(payment); err != nil {
		return address{}, err
	}
	return address{base: u.Scheme + "://" + u.Host + prefix, payment: payment}, nil
}

// splitPath returns what precedes /v1/payments/ and the payment behind it, which is empty in a base URL.
func splitPath(path string) (prefix, payment string, err error) {
	prefix, rest, ok := strings.Cut(path, payments)
	if !ok {
		return strings.TrimRight(path, "/"), "", nil
	}
	segment, route, _ := strings.Cut(rest, "/")
	switch route {
	case "", "sse", "ws", "poll":
	default:
		return "", "", errors.New("URL of a payment must end in its id, or in sse, ws or poll behind it")
	}
	if payment, err = url.PathUnescape(segment); err != nil {
		return "", "", errors.New("URL has a payment id that is not percent-encoded")
	}
	return prefix, payment, nil
}

// snapshot returns the URL of the payment's state.
func (a address) snapshot() string { return a.base + payments + url.PathEscape(a.payment) }

// route returns the URL of a transport, with the query.
func (a address) route(name string, query url.Values) string {
	u := a.snapshot() + "/" + name
	if len(query) != 0 {
		u += "?" + query.Encode()
	}
	return u
}
