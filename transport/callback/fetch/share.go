package fetch

import (
	"context"
	"sync"
)

// share lets calls for one path have one request. A call joins a request that has not begun. The answer of one that is
// under way may be older than the change that the call is about, so calls that come meanwhile have the next one together.
// Thus there are at most two for a path, one of which waits, however many calls there are.
type share struct {
	mu     sync.Mutex
	latest map[string]*flight // the youngest of each path
}

// flight is one request and who waits for it.
type flight struct {
	before *flight       // the one that it waits for; of the leader's
	begun  bool          // guarded by share.mu
	done   chan struct{} // closed when what follows is set
	answer Answer
	err    error
	// gone says that the caller who was to make the request gave up, so that there is no answer for the others.
	gone bool
}

// do returns what ask does, or what it did for another call. The enter function waits for the permission to begin.
func (s *share) do(ctx context.Context, path string, enter func(context.Context) (func(), error), ask func() (Answer, error)) (Answer, error) {
	for {
		f, leads := s.join(path)
		if leads {
			s.lead(ctx, f, enter, ask)
			s.end(path, f)
			return f.answer, f.err
		}
		select {
		case <-f.done:
			if !f.gone {
				return f.answer, f.err
			}
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		}
	}
}

// join returns the flight of a call that comes, and whether the call is to make its request.
func (s *share) join(path string) (f *flight, leads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.latest[path]
	if last != nil && !last.begun {
		return last, false
	}
	f = &flight{before: last, done: make(chan struct{})}
	if s.latest == nil {
		s.latest = make(map[string]*flight)
	}
	s.latest[path] = f
	return f, true
}

// lead makes the request of f.
func (s *share) lead(ctx context.Context, f *flight, enter func(context.Context) (func(), error), ask func() (Answer, error)) {
	if f.before != nil {
		select {
		case <-f.before.done:
		case <-ctx.Done():
			f.err, f.gone = ctx.Err(), true
			return
		}
	}
	leave, err := enter(ctx)
	if err != nil {
		f.err, f.gone = err, true
		return
	}
	defer leave()
	s.mu.Lock()
	f.begun = true
	s.mu.Unlock()
	f.answer, f.err = ask()
	f.gone = f.err != nil && ctx.Err() != nil
}

// end tells the callers of f. If f did not even begin, the one before it may still be under way.
func (s *share) end(path string, f *flight) {
	s.mu.Lock()
	if s.latest[path] == f {
		delete(s.latest, path)
		if f.before != nil && !f.before.over() {
			s.latest[path] = f.before
		}
	}
	f.before = nil
	s.mu.Unlock()
	close(f.done)
}

func (f *flight) over() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}
