package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// verdict is what verify prints.
type verdict struct {
	Accepted bool            `json:"accepted"`
	Reason   callback.Reason `json:"reason"`
	Detail   string          `json:"detail,omitempty"`
	Events   []verified      `json:"events"`
	Ack      ack             `json:"ack"`
}

// verified is one canonical event as verify prints it.
type verified struct {
	EventID           string       `json:"event_id"`
	EventType         string       `json:"event_type"`
	PaymentID         string       `json:"payment_id"`
	ProviderPaymentID string       `json:"provider_payment_id"`
	Status            relay.Status `json:"status"`
	Final             bool         `json:"final"`
	Amount            relay.Amount `json:"amount"`
	Currency          string       `json:"currency"`
	Time              string       `json:"time,omitempty"`
}

type ack struct {
	Status      int    `json:"status"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
}

func newVerify() *cobra.Command {
	var path, at string
	cmd := &cobra.Command{
		Use:   "verify SOURCE FILE",
		Short: "Say whether a captured callback would be accepted",
		Long: `Verify reads a captured HTTP request (request line, headers, an empty line, the exact body; - is standard input) and
prints as JSON whether the source would accept it, which check failed if not, the canonical events and the answer that
the provider would get. It stores nothing, and sends nothing but the request for a certificate of PayPal's that is not
pinned: where the server would ask the provider what the callback is about, the event has the status fetch_required. It exits with 0 if the callback is accepted and with 1 if not.`,
		Example: "  tillbell verify -c tillbell.yaml wechat-main callback.http --at 2026-11-22T08:00:00Z",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			now := time.Now()
			if at != "" {
				var err error
				if now, err = time.Parse(time.RFC3339, at); err != nil {
					return usage(fmt.Errorf("--at %q is not a time such as 2026-11-22T08:00:00Z", at))
				}
			}
			s, err := findSetup(cmd.Context(), path)
			if err != nil {
				return needs(err, "or name a configuration with -c")
			}
			source, err := sourceOf(s.config, args[0])
			if err != nil {
				return err
			}
			r, err := readCapture(cmd.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			v := judge(source, r, int64(s.config.Limits.CallbackBody), now)
			text, err := json.Marshal(v)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text); err != nil {
				return err
			}
			if !v.Accepted {
				return exit{code: exitError}
			}
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&at, "at", "", "verify as of this `TIME` (RFC 3339) instead of now")
	return cmd
}

// sourceOf builds one source of the configuration.
func sourceOf(c *config.Config, name string) (callback.Source, error) {
	s, ok := c.Sources[name]
	if !ok {
		return callback.Source{}, fmt.Errorf("there is no source %q; the configuration has %s", name, sourceNames(c))
	}
	source, err := modules.Source(name, s)
	if err != nil {
		return callback.Source{}, about("sources."+name, s.Provider, err)
	}
	return source, nil
}

// judge says what the relay would make of the callback.
func judge(s callback.Source, r callback.Request, maxBody int64, now time.Time) verdict {
	var parsed []callback.Event
	var err error
	if int64(len(r.Body)) > maxBody {
		err = callback.Refuse(callback.TooLarge, "the body is larger than limits.callback_body")
	} else {
		parsed, err = s.Provider.Parse(r, now)
	}
	answer := s.Provider.Answer(err)
	v := verdict{Accepted: err == nil, Events: []verified{}, Ack: ack(answer)}
	if refusal := new(callback.Refusal); errors.As(err, &refusal) {
		v.Reason, v.Detail = refusal.Reason, refusal.Detail
	} else if err != nil { // it could not be checked
		v.Detail = err.Error()
	}
	events, types := s.Events(parsed)
	switch {
	case !v.Accepted:
	case len(parsed) == 0:
		v.Detail = "genuine, and waiters are told nothing: what it says is no status that is mapped"
	case len(events) < len(parsed):
		v.Detail = "genuine, and waiters are told nothing of an event without a usable payment id: see fields.payment"
	}
	for i, e := range events {
		out := verified{
			EventID: e.ID, EventType: types[i], PaymentID: e.Payment, ProviderPaymentID: e.TransactionID,
			Status: e.Status, Final: e.Final, Amount: e.Amount, Currency: e.Currency,
		}
		if !e.Time.IsZero() {
			out.Time = e.Time.UTC().Format(time.RFC3339Nano)
		}
		v.Events = append(v.Events, out)
	}
	return v
}

// readCapture reads a raw HTTP request. Without a Content-Length the body is all that follows the headers.
func readCapture(stdin io.Reader, path string) (callback.Request, error) {
	var raw []byte
	var err error
	if path == "-" {
		raw, err = io.ReadAll(stdin)
	} else {
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return callback.Request{}, fmt.Errorf("verify: %w", err)
	}
	r, err := parseCapture(raw)
	if err != nil {
		return r, fmt.Errorf("verify: %s: %w; it must be a raw HTTP request: request line, headers, empty line, body", path, err)
	}
	return r, nil
}

func parseCapture(raw []byte) (callback.Request, error) {
	buf := bufio.NewReader(bytes.NewReader(raw))
	text := textproto.NewReader(buf)
	line, err := text.ReadLine()
	if err != nil {
		return callback.Request{}, errors.New("it is empty")
	}
	method, rest, ok := strings.Cut(line, " ")
	target, version, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || !strings.HasPrefix(version, "HTTP/") {
		return callback.Request{}, errors.New("the first line is no request line such as POST /path HTTP/1.1")
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return callback.Request{}, errors.New("the request line has no valid path")
	}
	header, err := text.ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return callback.Request{}, errors.New("the headers cannot be read")
	}
	body, err := readBody(buf, http.Header(header))
	return callback.Request{Method: method, URL: u, Header: http.Header(header), Body: body}, err
}

func readBody(buf *bufio.Reader, h http.Header) ([]byte, error) {
	if strings.EqualFold(h.Get("Transfer-Encoding"), "chunked") {
		r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(
			strings.NewReader("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), buf)))
		if err != nil {
			return nil, err
		}
		defer r.Body.Close()
		return io.ReadAll(r.Body)
	}
	body, err := io.ReadAll(buf)
	if err != nil {
		return nil, err
	}
	length := h.Get("Content-Length")
	if length == "" {
		return body, nil
	}
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > len(body) {
		return nil, fmt.Errorf("Content-Length says %s, the body has %d bytes", length, len(body))
	}
	return body[:n], nil
}
