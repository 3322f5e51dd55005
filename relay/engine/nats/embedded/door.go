package embedded

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"log/slog"
	"net/url"
	"slices"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// door lets nodes in that know the secret and greet, with the name they give, at one of this node's own peers. Without
// that, one wrong address in the peers of another cluster with the same secret would make both of them one: NATS passes
// a route's addresses on, and two logs of one name answer for each other.
type door struct {
	others []string
	tls    *tls.Config
	user   *url.Userinfo // nil without a secret
	log    *slog.Logger

	mu  sync.Mutex
	ids []string // that were greeted with, of this life of each node
}

// Check reports whether a node may come in.
func (d *door) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if d.user != nil {
		password, _ := d.user.Password()
		if o.Username != d.user.Username() || subtle.ConstantTimeCompare([]byte(o.Password), []byte(password)) != 1 {
			return false
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Contains(d.ids, o.Name) { // a route gives its id there (route.go, sendRouteConnect)
		return true
	}
	for _, a := range askAll(context.Background(), d.others, d.tls) {
		if a.err == nil && !slices.Contains(d.ids, a.ID) {
			d.ids = append(d.ids, a.ID)
		}
	}
	if !slices.Contains(d.ids, o.Name) { // a route gives its id there (route.go, sendRouteConnect)
		d.log.Error("cluster: a node that is none of cluster.peers is not let in: see its cluster.peers", "name", o.Name, "from", c.RemoteAddress())
		return false
	}
	return true
}
