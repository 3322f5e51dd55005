package config

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
)

// Cluster is this node's part of the cluster that engine nats-embedded runs inside the process.
type Cluster struct {
	// Name is this node's own, 1 to 63 of A-Z, a-z, 0-9, -, _ and ., and stays the same over restarts.
	Name string `yaml:"name"`
	// Listen is the host:port for the other nodes.
	Listen string `yaml:"listen"`
	// Peers are the host:port of all nodes; this one may be among them. None, or this one alone, is a cluster of one.
	Peers []string `yaml:"peers"`
	// Dir is the folder of this node's part of the log.
	Dir string `yaml:"dir" file:"path"`
	// Secret is what the nodes share, at least 32 bytes. It may be empty where all addresses are loopback ones.
	Secret string `yaml:"secret" file:"secret"`
	// TLS has the paths of PEM files; all are empty where the nodes speak plain TCP.
	TLS ClusterTLS `yaml:"tls"`
}

// ClusterTLS is how the nodes know each other: each has a certificate, and CA has the certificates that sign them.
type ClusterTLS struct {
	Cert string `yaml:"cert" file:"path"`
	Key  string `yaml:"key" file:"path"`
	CA   string `yaml:"ca" file:"path"`
}

var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func (k *checker) cluster() {
	c := k.c.Cluster
	if c.isZero() {
		k.problems = append(k.problems, problem{place: k.c.place("engine"), path: "cluster",
			text: "is missing; engine nats-embedded needs cluster: {name: NODE, dir: PATH}, and listen, peers and secret for more nodes than one"})
		return
	}
	k.need(nodeName.MatchString(c.Name), "cluster.name", "must be 1 to 63 of A-Z, a-z, 0-9, -, _ and ., and this node's own, such as its host name")
	k.need(c.Dir != "", "cluster.dir", "is missing; set it to a folder of this node's own")
	for i, peer := range c.Peers {
		host, port, err := net.SplitHostPort(peer)
		k.need(err == nil && host != "" && usablePort(port), element("cluster.peers", i), "must be host:port, such as 10.0.0.1:6222")
	}
	_, port, err := net.SplitHostPort(c.Listen)
	named := err == nil && usablePort(port) && validAddress(c.Listen)
	k.need(named || c.Listen == "" && len(c.Peers) == 0, "cluster.listen", "must be host:port for the other nodes, such as :6222")
	k.need(c.Listen == "" || c.Listen != k.c.Listen && c.Listen != k.c.Admin, "cluster.listen", "must be another address than listen and admin")
	k.need(len(c.Secret) >= minTicketSecret || c.Secret == "", "cluster.secret",
		"must be at least 32 bytes; make one with: openssl rand -base64 32")
	k.need(c.Secret != "" || c.local(), "cluster.secret",
		"is missing; set it on all nodes, or TILLBELL_CLUSTER_SECRET, to one key made with: openssl rand -base64 32")
	k.clusterTLS()
}

func (k *checker) clusterTLS() {
	t := k.c.Cluster.TLS
	if t == (ClusterTLS{}) {
		return
	}
	for _, f := range []struct{ path, file string }{
		{"cluster.tls.cert", t.Cert}, {"cluster.tls.key", t.Key}, {"cluster.tls.ca", t.CA},
	} {
		if f.file == "" {
			k.fail(f.path, "is missing; cluster.tls needs cert, key and ca")
			continue
		}
		k.readable(f.path, f.file)
	}
}

func usablePort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func (c Cluster) isZero() bool {
	return c.Name == "" && c.Listen == "" && len(c.Peers) == 0 && c.Dir == "" && c.Secret == "" && c.TLS == ClusterTLS{}
}

// local reports whether no address leaves the machine.
func (c Cluster) local() bool {
	if len(c.Peers) == 0 {
		return true
	}
	for _, address := range append([]string{c.Listen}, c.Peers...) {
		host, _, _ := net.SplitHostPort(address)
		ip, err := netip.ParseAddr(host)
		if host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}
