package callback

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// delay is why a callback is told to come again later, without anybody having looked at it: there are too many.
type delay struct{ again time.Duration }

func (d *delay) Error() string { return "callback: too many at once" }

// failure is an error of what the callback depends on, not of the callback.
type failure struct {
	result string // for the metric
	error
}

func (f *failure) Unwrap() error { return f.error }

// errNoFetcher is an adapter's fault: it says Fetch and cannot.
var errNoFetcher = errors.New("callback: fetch: the provider's adapter has no API to ask")

// fetched returns the events with what the provider's API says in the place of each that has to be asked back. Nothing
// is stored before all of them are answered, and a provider that hangs up meanwhile changes nothing.
func (rt *Route) fetched(r *http.Request, source *account, events []Event) ([]Event, error) {
	if !slices.ContainsFunc(events, func(e Event) bool { return e.Fetch }) {
		return events, nil
	}
	if source.inquiries == nil {
		return nil, &failure{"fetch_failed", errNoFetcher}
	}
	ctx := &patience{parent: r.Context(), until: time.Now().Add(fetchTime)}
	defer ctx.release()
	g := source.standing.grade(rt.origin(r), time.Now())
	all := make([]Event, 0, len(events))
	for _, e := range events {
		if !e.Fetch {
			all = append(all, e)
			continue
		}
		told, err := source.inquiries.ask(ctx, e, g)
		if err != nil {
			return nil, fetchError(err)
		}
		all = append(all, told...)
	}
	return all, nil
}

// fetchError says of an error of ask what it is to the callback.
func fetchError(err error) error {
	if _, ok := errors.AsType[*Refusal](err); ok {
		return err
	}
	if _, ok := errors.AsType[*delay](err); ok {
		return err
	}
	return &failure{"fetch_failed", err}
}

// counted is the fetcher's Fetch with its results counted.
func (a *account) counted(f Fetcher) func(context.Context, Event) ([]Event, error) {
	return func(ctx context.Context, e Event) ([]Event, error) {
		began := time.Now()
		events, err := f.Fetch(ctx, e)
		result := "found"
		switch {
		case err != nil:
			result = "failed"
		case len(events) == 0:
			result = "nothing"
		}
		a.fetches.Finished(result, time.Since(began))
		return events, err
	}
}
