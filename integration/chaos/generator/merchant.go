package generator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/history"
	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// merchant sends a request with the API key to a node.
func (g *Generator) merchant(ctx context.Context, node int, method, path string, body []byte, patience time.Duration) (int, []byte, error) {
	h := http.Header{"Authorization": {"Bearer " + g.opts.APIKey}}
	d := g.doors[node]
	return d.do(ctx, render(method, path, d.address, h, body), patience)
}

// register registers the payment, as a checkout does before it sends the payer away. It is false if ctx was done first.
func (g *Generator) register(ctx context.Context, p *script.Payment) bool {
	body := fmt.Appendf(nil, `{"amount":%q,"currency":%q}`, p.Registered, script.Currency)
	for {
		node := g.pick()
		status, _, err := g.merchant(ctx, node, http.MethodPut, "/v1/payments/"+p.ID, body, answerTime)
		switch {
		case err == nil && status < 300:
			return true
		case err == nil && status < 500:
			g.found.Add(history.Violation{Kind: history.Refused, Payment: p.ID,
				What: fmt.Sprintf("node %d answers %d to the registration", node, status)})
		}
		if !sleep(ctx, lastPause/4) {
			return false
		}
	}
}

// inspection is a snapshot as an API key gets it.
type inspection struct {
	wire.Snapshot
	Events []wire.Item `json:"events"`
}

// read reads a payment at a node. It is not ok if the node could not serve it.
func (g *Generator) read(ctx context.Context, p *script.Payment, node int) (r history.Read, ok bool) {
	r = history.Read{Node: node, Start: g.now(), Seen: history.Seen{Status: relay.Pending}}
	status, body, err := g.merchant(ctx, node, http.MethodGet, "/v1/payments/"+p.ID, nil, answerTime)
	r.End = g.now()
	switch {
	case err == nil && status == http.StatusNotFound:
		return r, true
	case err != nil || status != http.StatusOK:
		return r, false
	}
	var in inspection
	if err := json.Unmarshal(body, &in); err != nil {
		return r, false
	}
	r.Seen = seen(&in.Snapshot)
	r.Items = items(in.Events)
	return r, true
}

func seen(s *wire.Snapshot) history.Seen {
	at, _ := relay.ParsePosition(s.Position)
	return history.Seen{Position: at, Status: s.Status, Final: s.Final, Conflict: s.Conflict, Amount: s.Amount}
}

func told(position string, e *wire.Event) history.Told {
	at, _ := relay.ParsePosition(position)
	return history.Told{ID: e.ID, Payment: e.Subject, Position: at, Status: e.Data.Status, Amount: e.Data.Amount}
}

func items(all []wire.Item) []history.Item {
	var list []history.Item
	for i := range all {
		list = append(list, history.Item{Told: told(all[i].Position, &all[i].Event), Applied: all[i].Applied})
	}
	return list
}
