package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tillbell/tillbell/transport/wire"
)

// maxBody bounds a JSON answer, in bytes.
const maxBody = 1 << 20

// getJSON reads a JSON answer into v.
func (s site) getJSON(ctx context.Context, url string, v any) error {
	r, err := s.request(ctx, url)
	if err != nil {
		return err
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	if !is(resp, wire.ContentType) {
		return errors.New("the answer is not JSON")
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(v); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// recognise returns an error if s is JSON of somebody else, such as a proxy's page.
func recognise(s wire.Snapshot) error {
	if s.Payment == "" || s.Status == "" {
		return errors.New("the answer is not a payment's state")
	}
	return nil
}

// is reports whether the answer has the media type.
func is(resp *http.Response, mediaType string) bool {
	got, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && got == mediaType
}

// refusal returns the error of an answer before which nothing was told: by the End table where the server speaks it.
func refusal(resp *http.Response) error {
	e := &StatusError{Status: resp.StatusCode, after: retryAfter(resp.Header)}
	if is(resp, "application/problem+json") {
		var problem struct{ Code, Detail string }
		if json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&problem) == nil {
			e.Code, e.Detail = printable(problem.Code), printable(problem.Detail)
		}
	}
	switch {
	case e.Status == http.StatusUnauthorized && e.Code == "unauthorized": // and not a proxy's own
		return ErrUnauthorized
	case e.Status == http.StatusGone && e.Code == Expired:
		return &ended{code: Expired}
	case e.Code == "closing" || e.Code == "limit" || e.Code == "slow" || e.Code == "internal" || e.Code == "unavailable":
		return &ended{code: e.Code, after: e.after}
	}
	return e
}

// permanent reports whether the same request would be answered in the same way again.
func (e *StatusError) permanent() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Status >= 400 && e.Status < 500
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return time.Until(at)
	}
	return 0
}

// printable returns text that may go to a terminal: without control characters, and not long.
func printable(text string) string {
	const most = 200
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
