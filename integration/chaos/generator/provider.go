package generator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/history"
	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/transport/callback"
)

// deliver posts one callback until it is acknowledged, and returns the attempts. Some callbacks are posted twice, at the
// same time or one after the other, which must change nothing.
func (g *Generator) deliver(ctx context.Context, p *script.Payment, event int) []history.Post {
	g.ledger.Posted(p.Number, event)
	g.outage.begin(g.now())
	switch rand.N(100 / repeats) {
	case 0:
		return append(g.insist(ctx, p, event), g.post(ctx, p, event))
	case 1:
		twin := make(chan history.Post, 1)
		go func() { twin <- g.post(ctx, p, event) }()
		return append(g.insist(ctx, p, event), <-twin)
	}
	return g.insist(ctx, p, event)
}

// insist posts one callback as a provider does, to any node and again and again until one acknowledges it.
func (g *Generator) insist(ctx context.Context, p *script.Payment, event int) []history.Post {
	var posts []history.Post
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		post := g.post(ctx, p, event)
		posts = append(posts, post)
		if post.Acked {
			g.ledger.Acked(p.Number, event)
			g.outage.acknowledged(post.End)
			return posts
		}
		if !sleep(ctx, pause/2+rand.N(pause)) {
			g.outage.giveUp()
			return posts
		}
	}
}

const (
	// Providers wait for minutes before they call again. A run has no minutes.
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second

	repeats = 4 // of a hundred callbacks, each way
)

// post makes one attempt.
func (g *Generator) post(ctx context.Context, p *script.Payment, event int) history.Post {
	node := g.pick()
	post := history.Post{Event: event, Node: node}
	request, err := g.callback(p, event, g.doors[node].address)
	if err != nil {
		panic(err) // a script that its provider has no callback for
	}
	post.Start = g.now()
	status, _, err := g.doors[node].do(ctx, request, answerTime)
	post.End = g.now()
	g.attempts.Add(1)
	switch {
	case err != nil:
	case status >= 200 && status < 300:
		post.Acked = true
	case status < 500:
		g.found.Add(history.Violation{Kind: history.Refused, Payment: p.ID, What: fmt.Sprintf("node %d answers %d to %s", node, status,
			g.book.EventID(p.Number, event))})
	}
	return post
}

// callback returns the bytes of a callback, signed at this moment.
func (g *Generator) callback(p *script.Payment, event int, host string) ([]byte, error) {
	e := p.Events[event]
	request, err := g.signers[p.Source].Sign(callback.Notification{
		Payment: p.ID, Status: e.Status, Amount: e.Amount, Currency: script.Currency,
		ID: g.book.EventID(p.Number, event), Time: g.book.Time(e),
	}, time.Now())
	if err != nil {
		return nil, fmt.Errorf("generator: sign: %w", err)
	}
	return render(http.MethodPost, "/v1/callbacks/"+p.Source, host, request.Header, request.Body), nil
}

// render writes a request out.
func render(method, path, host string, h http.Header, body []byte) []byte {
	b := make([]byte, 0, 1<<10)
	b = append(b, method+" "+path+" HTTP/1.1\r\nHost: "+host+"\r\n"...)
	for name, values := range h {
		b = append(b, name+": "+values[0]+"\r\n"...)
	}
	if method != http.MethodGet {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(body)), 10), "\r\n"...)
	}
	b = append(b, "\r\n"...)
	return append(b, body...)
}

// pick returns a node as a load balancer does: any of those that answered lately, and now and then one of the others.
func (g *Generator) pick() int {
	all := make([]int, 0, len(g.doors))
	for i, d := range g.doors {
		if d.well() {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return rand.N(len(g.doors))
	}
	return all[rand.N(len(all))]
}

// outage measures for how long nobody was acknowledged anything though somebody waited for it. Its methods may be called
// at the same time.
type outage struct {
	mu      sync.Mutex
	open    int
	since   time.Duration // the last acknowledgement, or when the first one was waited for
	longest time.Duration
}

func (o *outage) begin(now time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open == 0 {
		o.since = now
	}
	o.open++
}

func (o *outage) acknowledged(at time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open--
	o.longest = max(o.longest, at-o.since)
	o.since = max(o.since, at)
}

func (o *outage) giveUp() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open--
}

// read returns the longest outage, with one that has not ended.
func (o *outage) read(now time.Duration) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open > 0 {
		return max(o.longest, now-o.since)
	}
	return o.longest
}

// rounds returns the indices of a payment's events, round by round.
func rounds(p *script.Payment) [][]int {
	var all [][]int
	for i, e := range p.Events {
		for len(all) <= e.Round {
			all = append(all, nil)
		}
		all[e.Round] = append(all[e.Round], i)
	}
	return slices.DeleteFunc(all, func(round []int) bool { return len(round) == 0 })
}

// sleep returns false if ctx is done before d is over.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
