package integration_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/tmaxmax/go-sse"

	"github.com/tillbell/tillbell/relay"
	tillbell "github.com/tillbell/tillbell/transport/client"
	"github.com/tillbell/tillbell/transport/client/js"
	"github.com/tillbell/tillbell/transport/wire"
)

// foreign speaks Tillbell's JSON by libraries that nobody here wrote: event streams by github.com/tmaxmax/go-sse,
// WebSockets by github.com/gorilla/websocket. The first connection breaks off behind an event, the second one goes on
// behind the cursor that it is given.
type foreign struct {
	way string // the one that is routed

	mu    sync.Mutex
	asked []string // the way and the cursor of each connection
}

const foreignTicket = "foreign-ticket"

func foreignState(status relay.Status, position string) wire.Snapshot {
	s := wire.Snapshot{Payment: "order-1001", Status: status, Final: status == relay.Paid, Position: position}
	if position != "f.0" {
		s.Amount, s.Currency, s.UpdatedAt = "129.00", "CNY", "2026-11-22T08:00:00Z"
	}
	return s
}

func foreignEvent(status relay.Status) wire.Event {
	return wire.NewEvent(relay.Event{
		ID: "shop:" + string(status), Source: "shop", Payment: "order-1001", Status: status, Final: status == relay.Paid,
		Amount: "129.00", Currency: "CNY", Time: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
	})
}

// frames are what the connection with the cursor tells: the state, the event, and where that lies.
func frames(cursor string) (wire.Snapshot, wire.Event, string) {
	if cursor == "f.1" {
		return foreignState(relay.Failed, "f.1"), foreignEvent(relay.Paid), "f.2"
	}
	return foreignState(relay.Pending, "f.0"), foreignEvent(relay.Failed), "f.1"
}

// connections returns the way and the cursor of each one so far.
func (f *foreign) connections() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

func (f *foreign) note(way, cursor string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, way+" "+cursor)
}

func (f *foreign) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	way := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/v1/payments/order-1001"), "/")
	switch {
	case way == "":
		w.Header().Set("Content-Type", wire.ContentType)
		s := foreignState(relay.Pending, "f.0")
		if slices.Contains(f.connections(), f.way+" f.1") {
			s = foreignState(relay.Paid, "f.2")
		}
		_, _ = w.Write(wire.Marshal(s))
	case way == "sse" && f.way == way:
		f.stream(w, r)
	case way == "ws" && f.way == way:
		f.socket(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (f *foreign) stream(w http.ResponseWriter, r *http.Request) {
	session, err := sse.Upgrade(w, r)
	if err != nil || r.Header.Get("Authorization") != "Bearer "+foreignTicket {
		http.Error(w, "no stream", http.StatusBadRequest)
		return
	}
	cursor := session.LastEventID.String()
	f.note("sse", cursor)
	state, event, position := frames(cursor)
	send := func(kind, id string, v any) {
		m := &sse.Message{Retry: 600 * time.Millisecond}
		if kind != "" {
			m.Type = sse.Type(kind)
		}
		if id != "" {
			m.ID = sse.ID(id)
		}
		m.AppendComment("by somebody else")
		m.AppendData(string(wire.Marshal(v)))
		_ = session.Send(m)
		_ = session.Flush()
	}
	send("state", "", state)
	send("ping", "", struct{}{})
	send("", position, event)
	if event.Data.Final {
		send("end", position+"~end", wire.End{Code: "done"})
	}
}

func (f *foreign) socket(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{
		Subprotocols: []string{"tillbell.v1"}, EnableCompression: true, CheckOrigin: func(*http.Request) bool { return true },
	}
	if r.Header.Get("Authorization") != "Bearer "+foreignTicket &&
		!slices.Contains(websocket.Subprotocols(r), "bearer."+foreignTicket) {
		http.Error(w, "no ticket", http.StatusBadRequest)
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	cursor := r.URL.Query().Get("after")
	f.note("ws", cursor)
	state, event, position := frames(cursor)
	_ = conn.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(time.Second))
	_ = conn.WriteJSON(wire.Message{Type: "state", Snapshot: &state, Position: state.Position})
	_ = conn.WriteJSON(wire.Message{Type: "ping"})
	_ = conn.WriteJSON(wire.Message{Type: "event", Position: position, Event: &event})
	if !event.Data.Final {
		return
	}
	_ = conn.WriteJSON(wire.Message{Type: "end", Code: "done"})
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""),
		time.Now().Add(time.Second))
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	for err == nil {
		_, _, err = conn.ReadMessage()
	}
}

// heard is what a client made of it.
type heard struct {
	Outcome struct {
		Code, Status, Amount string
		Final                bool
	}
	Error          string
	States, Events []string
}

// TestForeignServer has both clients wait at a server that nobody here wrote.
func TestForeignServer(t *testing.T) {
	for name, wait := range map[string]func(*testing.T, string) heard{"Go": goClient, "JavaScript": nodeClient} {
		for _, way := range []string{"sse", "ws"} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				f := &foreign{way: way}
				web := httptest.NewServer(f)
				t.Cleanup(web.Close)
				got := wait(t, web.URL)
				if o := got.Outcome; o.Code != "done" || o.Status != "paid" || !o.Final || o.Amount != "129.00" {
					t.Errorf("the outcome is %+v %s", o, got.Error)
				}
				if want := []string{"failed", "paid"}; !slices.Equal(got.Events, want) {
					t.Errorf("events %q, want %q", got.Events, want)
				}
				if want := []string{"pending", "failed", "paid"}; !slices.Equal(slices.Compact(got.States), want) {
					t.Errorf("states %q, want %q", got.States, want)
				}
				if want := []string{way + " ", way + " f.1"}; !slices.Equal(f.connections(), want) {
					t.Errorf("connections %q, want %q", f.connections(), want)
				}
			})
		}
	}
}

func goClient(t *testing.T, url string) heard {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got heard
	out, err := tillbell.Await(ctx, tillbell.Options{
		URL: url, Payment: "order-1001", Ticket: foreignTicket,
		OnState: func(s wire.Snapshot) { got.States = append(got.States, string(s.Status)) },
		OnEvent: func(e wire.Event) { got.Events = append(got.Events, string(e.Data.Status)) },
	})
	if err != nil {
		got.Error = err.Error()
	}
	got.Outcome.Code, got.Outcome.Status, got.Outcome.Final = out.Code, string(out.Status), out.Final
	got.Outcome.Amount = string(out.Snapshot.Amount)
	return got
}

// nodeClient waits with the module that browsers get, in Node.js.
func nodeClient(t *testing.T, url string) heard {
	needNode(t)
	ws, err := filepath.Abs("testdata/npm/node_modules/ws/wrapper.mjs")
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "client.mjs")
	if err := os.WriteFile(module, js.Module, 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, err := json.Marshal([]map[string]string{{"name": "foreign", "base": url, "payment": "order-1001", "ticket": foreignTicket}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "../transport/client/js/testdata/judge/fixtures.mjs", module, ws)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(stdin)), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got heard
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return got
}
