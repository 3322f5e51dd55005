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

// slow is an API whose answers come a second later.
type slow struct {
	begun  atomic.Int64
	atOnce atomic.Int64
	most   atomic.Int64
}

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.begun.Add(1)
	n := s.atOnce.Add(1)
	defer s.atOnce.Add(-1)
	s.most.Store(max(s.most.Load(), n))
	select {
	case <-time.After(time.Second):
	case <-r.Context().Done():
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, "{}")
}

// get calls in the background.
func get(ctx context.Context, c *fetch.Client, path string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Get(ctx, path)
		done <- err
	}()
	return done
}

// Calls for one payment may be caused by strangers, who have lanes of their own: nobody waits for another's request.
func TestNobodyWaitsForAnothersRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(t, new(slow).ServeHTTP)
		begin := time.Now()
		for range 2 {
			get(t.Context(), c, path)
			synctest.Wait()
		}
		if err := <-get(t.Context(), c, path); err != nil || time.Since(begin) != time.Second {
			t.Errorf("%v after %s, want an answer after 1s", err, time.Since(begin))
		}
	})
}

func TestAtMostEightAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := new(slow)
		c := client(t, api.ServeHTTP)
		var all []<-chan error
		for i := range 20 {
			all = append(all, get(t.Context(), c, fmt.Sprint(path, i)))
		}
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		begin := time.Now()
		if got := <-get(impatient, c, path+"x"); !errors.Is(got, context.DeadlineExceeded) || time.Since(begin) != time.Second/2 {
			t.Errorf("%v after %s, want the end of waiting for a slot", got, time.Since(begin))
		}
		for _, done := range all {
			if got := <-done; got != nil {
				t.Error(got)
			}
		}
		if n := api.begun.Load(); n != 20 || api.most.Load() != 8 {
			t.Errorf("%d requests, %d at once; want 20 and 8", n, api.most.Load())
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
