package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	waitLook = 50 * time.Millisecond // between looks at the health
	steady   = 3 * time.Second / 2   // for which it must be well: a leader is heard of every second, and only then is a lag seen
	waitSay  = 10 * time.Second      // between lines of the log
	catchUp  = time.Minute           // for which a node that is behind the others is waited for
	watchFor = time.Second           // between looks at the neighbours
)

// wait returns when the cluster has a leader and this node has caught up with it, and says meanwhile who is missing. So
// of nodes that are restarted in turn each is a full one before the next goes.
func (s *Server) wait(ctx context.Context) error {
	look := time.NewTicker(waitLook)
	defer look.Stop()
	began := time.Now()
	var said, led, current time.Time // since when
	for {
		h, now := s.health(ctx), time.Now()
		led, current = since(led, h.led, now), since(current, h.current, now)
		if h.current && (now.Sub(current) >= steady || len(s.nodes.others) == 0) {
			break
		}
		if h.led && now.Sub(led) > catchUp {
			s.log.Warn("cluster: this node is behind the others, and serves all the same", "name", s.nats.Name())
			break
		}
		if now.Sub(said) >= waitSay {
			if err := s.report(ctx, h, said.IsZero()); err != nil {
				return err
			}
			said = now
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
	if len(s.nodes.others) > 0 {
		names := slices.Sorted(maps.Values(s.neighbours()))
		s.log.Info("cluster: this node is in", "name", s.nats.Name(), "others", strings.Join(names, ", "),
			"of", len(s.nodes.others)+1, "waited", time.Since(began).Round(time.Millisecond))
		s.sayStrangers(0)
	}
	return nil
}

// sayStrangers logs that the cluster counts more nodes than there are, if it said another number before, and returns how
// many it counts. A node that came back under another name is one more for NATS, the old one stays, and a majority of
// those that there are is none of those that are counted.
func (s *Server) sayStrangers(before int) int {
	info, err := s.nats.Jsz(nil)
	if err != nil || info.Meta == nil {
		return before
	}
	if all := len(s.nodes.others) + 1; info.Meta.Size > all && info.Meta.Size != before {
		s.log.Error("cluster: it counts nodes that are not there, and may stop at the loss of one: a node must keep its cluster.name, also on another machine",
			"counted", info.Meta.Size, "of", all)
	}
	return info.Meta.Size
}

// since returns when what is so began: at was, or only at now.
func since(was time.Time, so bool, now time.Time) time.Time {
	if so && !was.IsZero() {
		return was
	}
	return now
}

// report logs who is missing. It is an error if another node has this one's name: neither would be let in. The first time
// a node that runs counts as connected, for it may be about to be.
func (s *Server) report(ctx context.Context, h health, first bool) error {
	asked := s.ask(ctx)
	if err := asked.clash(s.nats.Name(), s.nats.ID()); err != nil {
		return err
	}
	connected := s.neighbours()
	var missing []string
	for _, a := range asked {
		if why := a.missing(connected); why != "" && !(first && a.err == nil) {
			missing = append(missing, fmt.Sprintf("%s (%s)", a.address, why))
		}
	}
	all := len(s.nodes.others) + 1
	doing := " elect a leader"
	if h.led {
		doing = " are here, this one is catching up"
	}
	if len(missing) == 0 {
		s.log.Info(fmt.Sprintf("waiting for the cluster: all %d nodes", all) + doing)
		return nil
	}
	s.log.Warn(fmt.Sprintf("waiting for the cluster: %d of %d nodes, missing %s", all-len(missing), all, strings.Join(missing, ", ")))
	return nil
}

// watch logs which nodes go and come, and if this one cannot store any more, until ctx is done.
func (s *Server) watch(ctx context.Context) {
	look := time.NewTicker(watchFor)
	defer look.Stop()
	known, stores, counted := s.neighbours(), true, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		seen := s.neighbours()
		for id, name := range known {
			if seen[id] == "" {
				s.log.Warn("cluster: a node is gone", "name", name, "connected", len(seen), "of", len(s.nodes.others))
			}
		}
		for id, name := range seen {
			if known[id] == "" {
				s.log.Info("cluster: a node has come", "name", name, "connected", len(seen), "of", len(s.nodes.others))
			}
		}
		if known = seen; len(s.nodes.others) > 0 {
			counted = s.sayStrangers(counted)
		}
		if now := s.nats.JetStreamEnabled(); now != stores {
			stores = now
			s.log.Error("cluster: this node stores nothing any more: see that its disk is well and has space, then restart it")
		}
	}
}
