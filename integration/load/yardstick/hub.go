package main

import (
	"fmt"
	"net/http"
	"sync"
)

// A hub has the channels of those who wait, by topic.
type hub struct {
	mu      sync.Mutex
	waiters map[string]map[chan string]struct{}
}

func newHub() *hub { return &hub{waiters: make(map[string]map[chan string]struct{})} }

func (h *hub) subscribe(topic string) chan string {
	ch := make(chan string, 16)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiters[topic] == nil {
		h.waiters[topic] = make(map[chan string]struct{})
	}
	h.waiters[topic][ch] = struct{}{}
	return ch
}

func (h *hub) unsubscribe(topic string, ch chan string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(h.waiters[topic], ch); len(h.waiters[topic]) == 0 {
		delete(h.waiters, topic)
	}
}

// publish tells everybody who waits for the topic and has room for it.
func (h *hub) publish(topic, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.waiters[topic] {
		select {
		case ch <- text:
		default:
		}
	}
}

func (h *hub) events(w http.ResponseWriter, r *http.Request) {
	topic, stream := r.URL.Query().Get("topic"), http.NewResponseController(w)
	ch := h.subscribe(topic)
	defer h.unsubscribe(topic, ch)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	for err := stream.Flush(); err == nil; err = stream.Flush() {
		select {
		case <-r.Context().Done():
			return
		case text := <-ch:
			fmt.Fprintf(w, "data: %s\n\n", text)
		}
	}
}
