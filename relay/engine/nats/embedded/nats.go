package embedded

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A route that is silent is asked for a sign of life every alive, and cut after it missed two. NATS's own 2 minutes would
// keep a connection that a partition broke for longer than the partition.
const alive = 5 * time.Second

// serverOptions are the settings of the NATS server. What is not set is off: monitoring, profiling, leaf nodes, gateways,
// WebSocket and MQTT.
func serverOptions(o Options, n nodes) *server.Options {
	so := &server.Options{
		ServerName: o.Name,
		DontListen: true,
		NoSigs:     true,
		JetStream:  true,
		StoreDir:   o.Dir,
		SyncAlways: true,

		DisableJetStreamBanner: true,
	}
	if len(n.others) == 0 {
		return so
	}
	host, port, _ := net.SplitHostPort(o.Listen) // nodes has checked it
	number, _ := strconv.Atoi(port)
	user := routeUser(o.Secret)
	so.Cluster = server.ClusterOpts{
		Name: clusterName, Host: host, Port: number,
		NoAdvertise: true, PingInterval: alive, MaxPingsOut: 2,
	}
	if o.TLS != nil {
		so.Cluster.TLSConfig, so.Cluster.TLSTimeout = o.TLS.Clone(), 5
		so.Cluster.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert // every node is a client as well
	}
	if user != nil {
		so.Cluster.Username = user.Username()
		so.Cluster.Password, _ = user.Password()
	}
	so.CustomRouterAuthentication = &door{others: n.others, tls: o.TLS, user: user, log: o.Log}
	for _, address := range n.all() {
		so.Routes = append(so.Routes, &url.URL{Scheme: "nats-route", User: user, Host: address})
	}
	return so
}

// routeUser is how a node introduces itself to the others, or nil without a secret. The password is a digest: NATS takes a
// password that looks like a bcrypt hash for one.
func routeUser(secret string) *url.Userinfo {
	if secret == "" {
		return nil
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("tillbell cluster route"))
	return url.UserPassword(clusterName, hex.EncodeToString(mac.Sum(nil)))
}

// neighbours returns the nodes that this one is connected to: their names by their ids.
func (s *Server) neighbours() map[string]string {
	names := make(map[string]string)
	routes, err := s.nats.Routez(nil)
	if err != nil {
		return names
	}
	for _, r := range routes.Routes {
		if r.RemoteID != "" {
			names[r.RemoteID] = r.RemoteName
		}
	}
	return names
}
