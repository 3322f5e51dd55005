package client

import (
	"context"
	"time"
)

// pollWait is how long the server may hold a poll: common proxies cut after 30 s or more.
const pollWait = 25 * time.Second

// breath is the least time between two polls that bring nothing: something between here and the server may answer
// every one at once.
const breath = time.Second

// longPoll polls until the wait ends. The first poll does not wait, so that it shows at once whether polling works; one
// that the server held is as good as a heartbeat.
func (l *leg) longPoll(ctx context.Context) error {
	for hold := time.Duration(0); ; hold = pollWait {
		began := time.Now()
		p, err := l.poll(ctx, l.cursor, hold)
		if err != nil {
			return err
		}
		for i := range p.Events {
			if err := l.tell(ctx, news{event: &p.Events[i]}); err != nil {
				return err
			}
		}
		took := time.Since(began)
		if err := l.tell(ctx, news{state: &p.State, position: p.Position, beat: took >= breath}); err != nil {
			return err
		}
		l.cursor = follow(l.cursor, p.Position)
		if p.End != nil {
			return &ended{code: p.End.Code}
		}
		if hold > 0 && took < breath && len(p.Events) == 0 {
			if err := sleep(ctx, breath-took); err != nil {
				return err
			}
		}
	}
}
