//go:build linux

// Package site is a shop for one cell of the matrix: the real server with the disk engine, the shop's page in front of
// it, a payment provider that signs callbacks, and tickets.
//
// Browsers reach the server through the front, which serves the page and hands all else on, so that page and API have
// one origin, as behind most shops' web servers. The front has no part in what comes of a request: it keeps nothing
// back, and where the server is gone it resets the connection.
package site

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/ticket"
)

// A Site is one server with its front. Its methods may be called at the same time, but for Restart.
type Site struct {
	// Front is the address of the front, "127.0.0.1:port". It stays over restarts.
	Front string
	// Shop is the address of another web server with the page, whose origin may wait at the server (CORS).
	Shop string

	program string
	dir     string
	server  string // address
	signer  callback.Signer
	tickets *ticket.Keys
	front   *front // and that of the shop elsewhere
	shop    *front
	processes
}

// source is the name of the source that callbacks are posted to.
const source = "erp"

// web is the provider's HTTP client. It keeps no connection: a server that is replaced by another one on the same
// address must not be met through an old one.
var web = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// Open starts the program as a server that keeps everything in dir, with keys of its own. The Site must be closed.
func Open(ctx context.Context, program, dir string) (*Site, error) {
	s := &Site{program: program, dir: dir}
	err := s.open(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("site: open: %w", err), s.Close())
	}
	return s, nil
}

func (s *Site) open(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.server = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if s.front, err = newFront(ctx, s.server); err != nil {
		return err
	}
	if s.shop, err = newFront(ctx, ""); err != nil {
		return err
	}
	s.Front, s.Shop = s.front.address(), s.shop.address()
	if err := s.configure(); err != nil {
		return err
	}
	return s.start(ctx)
}

// configure makes keys and the server's configuration.
func (s *Site) configure() error {
	keys, _, err := standard.Throwaway()
	if err != nil {
		return err
	}
	if s.signer, err = standard.NewSigner(keys, ""); err != nil {
		return err
	}
	secret := random()
	if s.tickets, err = ticket.New(ticket.Options{Secret: secret}); err != nil {
		return err
	}
	type settings = map[string]any
	text, err := json.MarshalIndent(settings{
		"listen": s.server, "admin": "", "engine": "disk:" + filepath.Join(s.dir, "data"),
		"api_keys": []string{random()}, "tickets": settings{"secret": secret},
		"cors":     settings{"origins": []string{"http://" + s.Shop}},
		"shutdown": settings{"delay": "0s", "drain": "5s"},
		"sources":  settings{source: settings{"provider": "standard-webhooks", "secrets": keys.Secrets}},
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "tillbell.yaml"), text, 0o600) // JSON is YAML
}

// Close ends the server and the front, and waits for both.
func (s *Site) Close() error {
	if err := errors.Join(s.end(syscall.SIGKILL), s.front.close(), s.shop.close()); err != nil {
		return fmt.Errorf("site: close: %w", err)
	}
	return nil
}

// Restart ends the server by the signal, waits until it is gone, and starts it again at the same address.
func (s *Site) Restart(ctx context.Context, sig syscall.Signal) error {
	if err := s.end(sig); err != nil {
		return fmt.Errorf("site: restart: %w", err)
	}
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("site: restart: %w", err)
	}
	return nil
}

// Ticket returns a ticket for the payment. It ends at a whole second, which is expires if that is one.
func (s *Site) Ticket(payment string, expires time.Time) (string, error) {
	return s.tickets.Mint(payment, expires, time.Now())
}

// Pay posts the callback that a payment is paid, and returns when it was acknowledged.
func (s *Site) Pay(ctx context.Context, payment string) (time.Time, error) {
	now := time.Now()
	call, err := s.signer.Sign(callback.Notification{
		Payment: payment, Status: relay.Paid, Amount: "129.00", Currency: "CNY", ID: "evt-" + payment, Time: now,
	}, now)
	if err != nil {
		return time.Time{}, fmt.Errorf("site: pay: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.server+"/v1/callbacks/"+source, bytes.NewReader(call.Body))
	if err != nil {
		return time.Time{}, fmt.Errorf("site: pay: %w", err)
	}
	req.Header = call.Header
	resp, err := web.Do(req)
	if err != nil {
		return time.Time{}, fmt.Errorf("site: pay: %w", err)
	}
	acked := time.Now()
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return time.Time{}, fmt.Errorf("site: pay: the server answers %s", resp.Status)
	}
	return acked, nil
}
