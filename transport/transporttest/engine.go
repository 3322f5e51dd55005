package transporttest

import (
	"context"
	"errors"
	"sync"

	"github.com/tillbell/tillbell/relay"
)

// ErrBroken is what a broken Engine returns.
var ErrBroken = errors.New("transporttest: engine broken")

// Engine is an engine that can be broken and mended.
type Engine struct {
	relay.Engine

	mu     sync.Mutex
	broken bool
	tails  []context.CancelCauseFunc
}

// Break makes every call fail, and the tails that run.
func (e *Engine) Break() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken = true
	for _, cancel := range e.tails {
		cancel(ErrBroken)
	}
	e.tails = nil
}

// Mend ends what Break began.
func (e *Engine) Mend() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken = false
}

func (e *Engine) err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken {
		return ErrBroken
	}
	return nil
}

// Append is the engine's, or fails.
func (e *Engine) Append(ctx context.Context, ev relay.Event) (relay.Entry, bool, error) {
	if err := e.err(); err != nil {
		return relay.Entry{}, false, err
	}
	return e.Engine.Append(ctx, ev)
}

// Read is the engine's, or fails.
func (e *Engine) Read(ctx context.Context, payment string) ([]relay.Entry, error) {
	if err := e.err(); err != nil {
		return nil, err
	}
	return e.Engine.Read(ctx, payment)
}

// Scan is the engine's, or fails.
func (e *Engine) Scan(ctx context.Context, after relay.Position, limit int) ([]relay.Entry, error) {
	if err := e.err(); err != nil {
		return nil, err
	}
	return e.Engine.Scan(ctx, after, limit)
}

// Head is the engine's, or fails.
func (e *Engine) Head(ctx context.Context) (relay.Position, error) {
	if err := e.err(); err != nil {
		return relay.Position{}, err
	}
	return e.Engine.Head(ctx)
}

// Tail is the engine's until Break.
func (e *Engine) Tail(ctx context.Context, after relay.Position, deliver func(relay.Entry)) error {
	if err := e.err(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e.mu.Lock()
	e.tails = append(e.tails, cancel)
	e.mu.Unlock()
	err := e.Engine.Tail(ctx, after, deliver)
	if cause := context.Cause(ctx); errors.Is(cause, ErrBroken) {
		return cause
	}
	return err
}
