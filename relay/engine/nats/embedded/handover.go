package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// How long a node that stops tries to hand over what it leads, how often it looks, and how long it gives one try: a new
// leader is there within milliseconds or, after a try that failed, by an election.
const (
	handOverTime = 3 * time.Second
	handOverLook = 10 * time.Millisecond
	handOverTry  = time.Second
)

// handOver gives each stream that this node leads to a node that has all of it, and waits until that one leads. The
// server's own Shutdown gives it to any node, which may be behind, and goes on at once. What nobody can take stays: where
// the others are no majority, that is everything.
func (s *Server) handOver(ctx context.Context) {
	all := len(s.nodes.others) + 1
	if len(s.neighbours()) <= all/2 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, handOverTime)
	defer cancel()
	conn, err := nats.Connect("", nats.InProcessServer(s.nats), nats.NoReconnect(), nats.Timeout(handOverTry))
	if err != nil {
		s.log.Warn("cluster: nothing is handed over", "error", err)
		return
	}
	defer conn.Close()
	look := time.NewTicker(handOverLook)
	defer look.Stop()
	tried := make(map[string]time.Time)
	for {
		left := s.leads()
		if len(left) == 0 {
			return
		}
		for stream, heir := range left {
			if heir != "" && time.Since(tried[stream]) > handOverTry {
				tried[stream] = time.Now()
				stepDown(conn, stream, heir)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// stepDown asks this node to leave the stream to the heir. Whether it did is seen by who leads.
func stepDown(conn *nats.Conn, stream, heir string) {
	request, err := json.Marshal(server.JSApiLeaderStepdownRequest{Placement: &server.Placement{Preferred: heir}})
	if err == nil {
		_ = conn.Publish(fmt.Sprintf(server.JSApiStreamLeaderStepDownT, stream), request)
	}
}

// leads returns the streams that this node leads, or that nobody does, and for each of the former a node that has all of
// it, or nothing if there is none.
func (s *Server) leads() map[string]string {
	info, err := s.nats.Jsz(&server.JSzOptions{Account: server.DEFAULT_GLOBAL_ACCOUNT, Streams: true})
	if err != nil {
		return nil
	}
	left := make(map[string]string)
	for _, account := range info.AccountDetails {
		for _, stream := range account.Streams {
			c := stream.Cluster
			if c == nil || c.Leader != "" && c.Leader != s.nats.Name() {
				continue
			}
			left[stream.Name] = ""
			for _, node := range c.Replicas {
				if c.Leader != "" && node.Current && !node.Offline {
					left[stream.Name] = node.Name
				}
			}
		}
	}
	return left
}
