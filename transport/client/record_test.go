package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/client/wiretest"
	"github.com/tillbell/tillbell/transport/wire"
)

var update = flag.Bool("update", false, "record the wire fixtures from the real server")

// TestRecorded plays each scene with the real server, and compares what it writes with the fixture; with -update it
// writes the fixture. What differs from run to run is made the same: the log's epoch, and how long to stay away.
func TestRecorded(t *testing.T) {
	for name, scene := range recordings() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{server: newServer(t, scene.relay, nil), name: name}
				r.token = r.options().Ticket
				r.fixture = wiretest.Fixture{
					Name: name, About: scene.about, Source: "recorded", Payment: payment,
					Server: make(map[string][]wiretest.Answer), Client: scene.client,
				}
				scene.play(r)
				if *update {
					if err := wiretest.Save(fixtures, r.fixture); err != nil {
						t.Fatal(err)
					}
					return
				}
				r.compare()
			})
		})
	}
}

// recorder writes a fixture by asking the server as clients do.
type recorder struct {
	*server
	name    string
	fixture wiretest.Fixture
	token   string
	cursor  string
}

// compare fails the test unless the fixture says what was recorded.
func (r *recorder) compare() {
	r.t.Helper()
	all, err := wiretest.Load(fixtures)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range all {
		if f.Name != r.name {
			continue
		}
		if got, want := text(r.t, r.fixture), text(r.t, f); got != want {
			r.t.Errorf("the server writes\n%s\nthe fixture has\n%s\nrun the test with -update if that is meant", got, want)
		}
		return
	}
	r.t.Error("there is no fixture: run the test with -update")
}

func text(t *testing.T, f wiretest.Fixture) string {
	t.Helper()
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// add records an answer of the route.
func (r *recorder) add(route string, a wiretest.Answer) {
	r.fixture.Server[route] = append(r.fixture.Server[route], a)
}

var (
	members = regexp.MustCompile(`"position":"[^."]+\.`)
	ids     = regexp.MustCompile(`(?m)^id: [A-Za-z0-9_-]+\.`)
	retries = regexp.MustCompile(`(?m)^retry: [0-9]+`)
)

// plain returns text without what differs from run to run.
func plain(text string) string {
	text = members.ReplaceAllString(text, `"position":"e.`)
	text = ids.ReplaceAllString(text, "id: e.")
	return retries.ReplaceAllString(text, "retry: 600")
}

// get asks over HTTP. The body is recorded part by part, each up to the blank line behind it.
func (r *recorder) get(route, suffix string) (status int, body string) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.url+"/v1/payments/"+escaped+suffix, nil)
	if err != nil {
		r.t.Error(err)
		return 0, ""
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	if route == "sse" && r.cursor != "" {
		req.Header.Set("Last-Event-ID", r.cursor)
	}
	resp, err := (&http.Client{Transport: r.client.Transport}).Do(req)
	if err != nil {
		r.t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Error(err)
	}
	a := wiretest.Answer{After: r.after(route), Headers: make(map[string]string), Body: parts(plain(string(text)))}
	if resp.StatusCode != http.StatusOK {
		a.Status = resp.StatusCode
	}
	for _, name := range []string{"Content-Type", "Cache-Control", "X-Accel-Buffering"} {
		if v := resp.Header.Get(name); v != "" {
			a.Headers[name] = v
		}
	}
	if resp.Header.Get("Retry-After") != "" {
		a.Headers["Retry-After"] = "1"
	}
	r.add(route, a)
	return resp.StatusCode, string(text)
}

// after returns the cursor that the request has, in the form of fixtures. A snapshot takes none.
func (r *recorder) after(route string) *string {
	if route == "state" {
		return nil
	}
	_, rest, _ := strings.Cut(r.cursor, ".")
	cursor := ""
	if rest != "" {
		cursor = "e." + rest
	}
	return &cursor
}

func parts(body string) []string {
	var all []string
	for part := range strings.SplitAfterSeq(body, "\n\n") {
		if part != "" {
			all = append(all, part)
		}
	}
	return all
}

// state records the snapshot.
func (r *recorder) state() { r.get("state", "") }

// follow records one wait on the route from the cursor on, with what happens meanwhile. It moves the cursor as clients
// do, and returns when the server has ended the wait.
func (r *recorder) follow(route string, meanwhile ...func()) {
	if route == "poll" {
		r.followPolls(meanwhile)
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if route == "ws" {
			r.socket()
			return
		}
		_, body := r.get("sse", "/sse")
		for _, frame := range parts(body) {
			if id, rest, ok := strings.Cut(frame, "\n"); ok && strings.HasPrefix(id, "id: ") && strings.HasPrefix(rest, "data: ") {
				r.cursor = strings.TrimPrefix(id, "id: ")
			}
		}
	}()
	for _, f := range meanwhile {
		synctest.Wait()
		f()
	}
	<-done
}

// followPolls polls until there is an end, or an answer that is none.
func (r *recorder) followPolls(meanwhile []func()) {
	query := "?wait=0s"
	for {
		if r.cursor != "" {
			query += "&after=" + r.cursor
		}
		var status int
		var body string
		done := make(chan struct{})
		go func() {
			defer close(done)
			status, body = r.get("poll", "/poll"+query)
		}()
		if !strings.HasPrefix(query, "?wait=0s") && len(meanwhile) > 0 {
			synctest.Wait()
			meanwhile[0]()
			meanwhile = meanwhile[1:]
		}
		<-done
		var p wire.Poll
		if status != http.StatusOK || json.Unmarshal([]byte(body), &p) != nil || p.End != nil {
			return
		}
		query, r.cursor = "?wait=25s", p.Position
	}
}

// socket records a WebSocket until it is closed.
func (r *recorder) socket() {
	ctx := context.Background()
	url := r.url + "/v1/payments/" + escaped + "/ws"
	after := r.after("ws")
	if r.cursor != "" {
		url += "?after=" + r.cursor
	}
	conn, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: r.client.Transport}, Subprotocols: []string{"tillbell.v1", "bearer." + r.token},
	})
	if err != nil {
		if resp == nil {
			r.t.Error(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		a := wiretest.Answer{After: after, Status: resp.StatusCode, Headers: map[string]string{
			"Content-Type": resp.Header.Get("Content-Type")}, Body: []string{plain(string(body))}}
		if resp.Header.Get("Retry-After") != "" {
			a.Headers["Retry-After"] = "1"
		}
		r.add("ws", a)
		return
	}
	defer conn.CloseNow()
	a := wiretest.Answer{After: after}
	for {
		_, message, err := conn.Read(ctx)
		if end, ok := errors.AsType[websocket.CloseError](err); ok {
			a.Close = int(end.Code)
			r.add("ws", a)
			return
		}
		if err != nil {
			r.t.Error(err)
			return
		}
		a.Body = append(a.Body, plain(string(message)))
		var m wire.Message
		if json.Unmarshal(message, &m) == nil && m.Type == "event" {
			r.cursor = m.Position
		}
	}
}

// tells publishes an event about 129.00 CNY, or another amount.
func (r *recorder) tells(status relay.Status, amount relay.Amount) func() {
	return func() {
		_, err := r.relay.Publish(context.Background(), relay.Event{
			ID: fmt.Sprintf("shop:%s-%s", status, amount), Source: "shop", Payment: payment, Status: status,
			Amount: amount, Currency: "CNY", Time: time.Now(),
		})
		if err != nil {
			r.t.Error(err)
		}
	}
}
