package client

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/tillbell/tillbell/transport/wire"
)

// pollWait is how long the server may hold a poll: common proxies cut after 30 s or more.
const pollWait = 25 * time.Second

// breath is the least time between two polls that bring nothing: something between here and the server may answer
// every one at once.
const breath = time.Second

// longPoll polls until the wait ends. The first poll does not wait, so that it shows at once whether polling works.
func (l *leg) longPoll(ctx context.Context) error {
	for hold := time.Duration(0); ; hold = pollWait {
		began := time.Now()
		p, err := l.poll(ctx, hold)
		if err != nil {
			return err
		}
		for _, e := range p.Events {
			l.event("", e)
		}
		l.state(p.State)
		l.move(p.Position)
		if p.End != nil {
			return &ended{code: p.End.Code}
		}
		if took := time.Since(began); hold > 0 && took < breath && len(p.Events) == 0 {
			if err := sleep(ctx, breath-took); err != nil {
				return err
			}
		}
	}
}

// poll asks once.
func (w *wait) poll(ctx context.Context, hold time.Duration) (wire.Poll, error) {
	query := url.Values{"wait": {fmt.Sprintf("%ds", int(hold.Seconds()))}}
	if w.cursor != "" {
		query.Set("after", w.cursor)
	}
	var p wire.Poll
	if err := w.getJSON(ctx, w.at.route("poll", query), &p); err != nil {
		return p, err
	}
	return p, recognise(p.State)
}
