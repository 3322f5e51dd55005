package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// DefaultPollWait is how long a long poll without ?wait= stays open, MaxPollWait what it may ask for: proxies commonly
// cut requests after 60 s.
const (
	DefaultPollWait = 25 * time.Second
	MaxPollWait     = 60 * time.Second
)

// PollWait returns the ?wait= of a long poll.
func PollWait(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("wait")
	if text == "" {
		return DefaultPollWait, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 || wait > MaxPollWait {
		return 0, fmt.Errorf("wait must be a duration from 0s to %s, such as 25s", MaxPollWait)
	}
	return wait, nil
}

// feedPage is how many events a page of the feed has at most.
const (
	feedPage    = 100
	maxFeedPage = 1000
)

// feed answers with what follows ?after= in the log, and waits for it if there is nothing.
func (s *Server) feed(w http.ResponseWriter, r *http.Request) {
	if refuseBody(w, r) {
		return
	}
	wait, err := PollWait(r)
	limit := feedPage
	if text := r.URL.Query().Get("limit"); text != "" && err == nil {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxFeedPage {
			err = fmt.Errorf("limit must be a number from 1 to %d", maxFeedPage)
		}
	}
	if err != nil {
		NewProblem(http.StatusBadRequest, "bad_request", err.Error()).Write(w)
		return
	}
	after, _ := relay.ParsePosition(r.URL.Query().Get("after")) // unreadable counts as none: at least once
	Unbound(w)
	page, err := s.nextPage(r.Context(), after, limit, wait)
	s.bound(w)
	switch {
	case r.Context().Err() != nil: // the client went away
	case errors.Is(err, relay.ErrClosing):
		closing.Problem().Write(w)
	case err != nil:
		s.unavailable(w, r, err)
	default:
		items := make([]wire.Item, len(page.Items))
		for i, it := range page.Items {
			items[i] = wire.Item{Position: it.Position.String(), Applied: it.Applied, Event: wire.NewEvent(it.Event)}
		}
		WriteJSON(w, http.StatusOK, map[string]any{"events": items, "position": page.Position.String()})
	}
}

// nextPage returns the first page behind after that has events, or an empty one after the wait.
func (s *Server) nextPage(ctx context.Context, after relay.Position, limit int, wait time.Duration) (relay.Page, error) {
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		changed := s.relay.Changed()
		page, err := s.readFeed(ctx, after, limit)
		if err != nil || len(page.Items) > 0 {
			return page, err
		}
		after = page.Position
		select {
		case <-changed:
		case <-over.C:
			return page, nil
		case <-s.relay.Draining():
			return page, relay.ErrClosing
		case <-ctx.Done():
			return page, ctx.Err()
		}
	}
}

func (s *Server) readFeed(ctx context.Context, after relay.Position, limit int) (relay.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, engineTime)
	defer cancel()
	return s.relay.Feed(ctx, after, limit)
}
