package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// tillbell is the two requests that a merchant needs.
type tillbell struct {
	url string // as the payer's browser reaches it
	key string // never leaves the backend
}

// register says what is owed for the order and returns a ticket to wait for it. It may be called again.
func (t tillbell) register(ctx context.Context, o order) (ticket string, err error) {
	body, err := json.Marshal(map[string]string{
		"source":     "stripe", // only this account can complete the order
		"amount":     o.Amount, // and only with this amount
		"currency":   o.Currency,
		"expires_in": "15m",
	})
	if err != nil {
		return "", fmt.Errorf("tillbell: register: %w", err)
	}
	var registered struct{ Ticket string }
	err = t.call(ctx, http.MethodPut, "/v1/payments/"+url.PathEscape(o.Number), body, &registered)
	if err != nil {
		return "", fmt.Errorf("tillbell: register: %w", err)
	}
	return registered.Ticket, nil
}

// events is a page of the feed.
type events struct {
	Events []struct {
		Applied bool
		Event   struct {
			Type    string
			Subject string
			Data    struct{ Amount, Currency string }
		}
	}
	Position string // of its end: where the next page begins
}

// events returns what follows the position in the feed, and waits for it for up to 25 s if there is nothing.
func (t tillbell) events(ctx context.Context, position string) (page events, err error) {
	query := url.Values{"after": {position}, "wait": {"25s"}}
	if err := t.call(ctx, http.MethodGet, "/v1/events?"+query.Encode(), nil, &page); err != nil {
		return page, fmt.Errorf("tillbell: events: %w", err)
	}
	return page, nil
}

// patience is more than the feed waits. A connection may die without a word.
const patience = 35 * time.Second

func (t tillbell) call(ctx context.Context, method, path string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, t.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+t.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		_, _ = io.Copy(io.Discard, resp.Body)
		return fmt.Errorf("%s %s: %s", method, req.URL.Path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
