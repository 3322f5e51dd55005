package generator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/history"
	"github.com/tillbell/tillbell/transport/wire"
)

// pageTime bounds the reading of one page of the log.
const pageTime = 20 * time.Second

// Audit reads the whole log of every node, as a merchant's back office does, and holds it against the ledger. Nothing may
// be posted meanwhile. The error is a node that does not tell its log.
func (g *Generator) Audit(ctx context.Context) error {
	audits := make([]*history.Audit, len(g.doors))
	errs := make([]error, len(g.doors))
	var wg sync.WaitGroup
	for node := range g.doors {
		audits[node] = g.ledger.Audit(node)
		wg.Go(func() { errs[node] = g.audit(ctx, node, audits[node]) })
	}
	wg.Wait()
	for node, err := range errs {
		g.doors[node].close()
		if err != nil {
			return fmt.Errorf("generator: read the log of node %d: %w", node, err)
		}
	}
	g.ledger.Compare(audits, g.found)
	return nil
}

// audit reads the log of one node page by page until there is no more.
func (g *Generator) audit(ctx context.Context, node int, a *history.Audit) error {
	const tries = 30
	after, failures := "", 0
	for {
		status, body, err := g.merchant(ctx, node, http.MethodGet, "/v1/events?wait=0s&limit=1000&after="+after, nil, pageTime)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		if err != nil {
			if failures++; failures == tries {
				return err
			}
			if !sleep(ctx, time.Second) {
				return ctx.Err()
			}
			continue
		}
		failures = 0
		var page struct {
			Events   []wire.Item `json:"events"`
			Position string      `json:"position"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
		for _, it := range items(page.Events) {
			a.Take(it)
		}
		if len(page.Events) == 0 {
			return nil
		}
		after = page.Position
	}
}
