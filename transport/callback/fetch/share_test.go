package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/transport/callback/fetch"
)

// slow is an API whose answers are as of when the request came, and come a second later.
type slow struct {
	state  atomic.Int64
	begun  atomic.Int64
	atOnce atomic.Int64
	most   atomic.Int64
}

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.begun.Add(1)
	n := s.atOnce.Add(1)
	defer s.atOnce.Add(-1)
	s.most.Store(max(s.most.Load(), n))
	state := s.state.Load()
	select {
	case <-time.After(time.Second):
	case <-r.Context().Done():
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"state":%d}`, state)
}

// outcome is what a call got.
type outcome struct {
	state int64
	err   error
}

// get calls in the background.
func get(ctx context.Context, c *fetch.Client, path string) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		a, err := c.Get(ctx, path)
		done <- outcome{a.Object.Get("state").Int(), err}
	}()
	return done
}

// A request under way may have read the state before the change that a later call is about.
func TestLaterCallsShareTheNextRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := new(slow)
		c := client(t, api.ServeHTTP)
		first := get(t.Context(), c, path)
		time.Sleep(time.Second / 2)
		api.state.Store(1)
		var later []<-chan outcome
		for range 10 {
			later = append(later, get(t.Context(), c, path))
		}
		if got := <-first; got.err != nil || got.state != 0 {
			t.Errorf("first %+v", got)
		}
		for _, done := range later {
			if got := <-done; got.err != nil || got.state != 1 {
				t.Errorf("later %+v, want what is so after the change", got)
			}
		}
		if n := api.begun.Load(); n != 2 || api.most.Load() != 1 {
			t.Errorf("%d requests for eleven calls, %d at once; want 2, one after the other", n, api.most.Load())
		}
	})
}

func TestAtMostEightAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := new(slow)
		c := client(t, api.ServeHTTP)
		var all []<-chan outcome
		for i := range 20 {
			all = append(all, get(t.Context(), c, fmt.Sprint(path, i)))
		}
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		begin := time.Now()
		if got := <-get(impatient, c, path+"x"); !errors.Is(got.err, context.DeadlineExceeded) || time.Since(begin) != time.Second/2 {
			t.Errorf("%+v after %s, want the end of waiting for a slot", got, time.Since(begin))
		}
		for _, done := range all {
			if got := <-done; got.err != nil {
				t.Error(got.err)
			}
		}
		if n := api.begun.Load(); n != 20 || api.most.Load() != 8 {
			t.Errorf("%d requests, %d at once; want 20 and 8", n, api.most.Load())
		}
	})
}

// The call that makes the request of several may be the one that gives up first: before it begins, while it is under way,
// and with another one before it.
func TestTheCallThatAsksGivesUp(t *testing.T) {
	for name, wait := range map[string]time.Duration{"while another is under way": time.Second / 4, "under way": 5 * time.Second / 4} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := new(slow)
				c := client(t, api.ServeHTTP)
				first := get(t.Context(), c, path)
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), wait)
				defer cancel()
				leader := get(ctx, c, path)
				synctest.Wait()
				var others []<-chan outcome
				for range 3 {
					others = append(others, get(t.Context(), c, path))
				}
				if got := <-leader; !errors.Is(got.err, context.DeadlineExceeded) {
					t.Errorf("the leader: %+v", got)
				}
				for _, done := range append(others, first) {
					if got := <-done; got.err != nil {
						t.Errorf("another: %+v", got)
					}
				}
				if n := api.most.Load(); n > 1 && name == "while another is under way" {
					t.Errorf("%d requests at once", n)
				}
			})
		})
	}
}

func TestAFollowerGivesUpAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := new(slow)
		c := client(t, api.ServeHTTP)
		first := get(t.Context(), c, path)
		synctest.Wait()
		leader := get(t.Context(), c, path)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		follower := get(ctx, c, path)
		synctest.Wait()
		cancel()
		if got := <-follower; !errors.Is(got.err, context.Canceled) {
			t.Errorf("the follower: %+v", got)
		}
		if a, b := <-first, <-leader; a.err != nil || b.err != nil {
			t.Errorf("%+v, %+v", a, b)
		}
	})
}

// Many calls of few paths, some impatient, leave nothing behind: client checks that.
func TestManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := new(slow)
		c := client(t, api.ServeHTTP)
		var calls sync.WaitGroup
		for i := range 300 {
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*time.Second/2)
				defer cancel()
				time.Sleep(time.Duration(i%11) * time.Second / 5)
				_, err := c.Get(ctx, fmt.Sprint(path, i%5))
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	})
}
