package client

import (
	"context"
	"time"
)

// pollWait is how long the server may hold a poll: common proxies cut after 30 s or more.
const pollWait = 25 * time.Second

// breath is the least time between two polls that bring nothing new: something between here and the server may answer
// every one at once, with the same events again where it drops the cursor.
const breath = 5 * time.Second

// held is how long an answer must have taken to be the server's own, and not a cache's.
const held = time.Second

// longPoll polls until the wait ends. The first poll does not wait, so that it shows at once whether polling works; one
// that the server held is as good as a heartbeat.
func (l *leg) longPoll(ctx context.Context) error {
	seen := make(map[any]bool) // ids of events, and states but for their position
	for hold := time.Duration(0); ; hold = pollWait {
		began, fresh := time.Now(), false
		p, err := l.poll(ctx, l.cursor, hold)
		if err != nil {
			return err
		}
		for i := range p.Events {
			fresh = fresh || !seen[p.Events[i].ID]
			seen[p.Events[i].ID] = true
			if err := l.tell(ctx, news{event: &p.Events[i]}); err != nil {
				return err
			}
		}
		state := p.State
		state.Position = ""
		fresh = fresh || !seen[state]
		seen[state] = true
		took := time.Since(began)
		if err := l.tell(ctx, news{state: &p.State, position: p.Position, beat: took >= held}); err != nil {
			return err
		}
		l.cursor = follow(l.cursor, p.Position)
		if p.End != nil {
			return &ended{code: p.End.Code}
		}
		if hold > 0 && took < breath && !fresh {
			if err := sleep(ctx, breath-took); err != nil {
				return err
			}
		}
	}
}
