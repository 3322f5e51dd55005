package embedded

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minSecret is the shortest secret in bytes.
const minSecret = 32

// nodes are the addresses of a cluster.
type nodes struct {
	self   string // this node's as the others may know it; empty for a node alone
	others []string
}

// all returns every node's address. NATS counts them to know how many are a majority.
func (n nodes) all() []string { return append([]string{n.self}, n.others...) }

// replicas returns how many nodes keep the log: all of them, so that it bears the loss of as many nodes as the cluster
// does, up to the 5 that JetStream allows.
func (n nodes) replicas() int { return min(len(n.others)+1, 5) }

var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Check reports what is wrong with o, as far as it can be told without the folder and the network.
func (o Options) Check() error {
	_, err := o.nodes()
	if err != nil {
		return fmt.Errorf("embedded: check: %w", err)
	}
	return nil
}

// nodes judges o and returns its cluster's nodes.
func (o Options) nodes() (nodes, error) {
	if !nodeName.MatchString(o.Name) {
		return nodes{}, errors.New("cluster.name must be 1 to 63 of A-Z, a-z, 0-9, -, _ and ., and this node's own, such as its host name")
	}
	if o.Dir == "" {
		return nodes{}, errors.New("cluster.dir is missing; set it to a folder of this node's own")
	}
	n := nodes{self: o.Listen}
	for _, peer := range o.Peers {
		switch host, port, err := net.SplitHostPort(peer); {
		case err != nil || host == "" || !validPort(port):
			return nodes{}, errors.New("cluster.peers must be a list of host:port, such as 10.0.0.1:6222")
		case o.isSelf(host, port):
			n.self = peer
		case !slices.Contains(n.others, peer):
			n.others = append(n.others, peer)
		}
	}
	if len(n.others) == 0 {
		return nodes{}, nil
	}
	if _, port, err := net.SplitHostPort(o.Listen); err != nil || !validPort(port) {
		return nodes{}, errors.New("cluster.listen must be host:port, such as :6222, for the other nodes")
	}
	if count := len(n.others) + 1; count%2 == 0 {
		return nodes{}, fmt.Errorf("cluster.peers and this node come to %d nodes, which tolerate no more losses than %d would: make it %d; "+
			"if this node is in cluster.peers, write it there with the host that is its name, or as in cluster.listen", count, count-1, count+1)
	}
	return n, o.checkSecret(n)
}

func (o Options) checkSecret(n nodes) error {
	switch {
	case len(o.Secret) >= minSecret:
		return nil
	case o.Secret != "":
		return errors.New("cluster.secret must be at least 32 bytes; make one with: openssl rand -base64 32")
	}
	for _, address := range append(n.all(), o.Listen) {
		if !loopback(address) {
			return errors.New("cluster.secret is missing; set it on all nodes to one that was made with: openssl rand -base64 32")
		}
	}
	return nil
}

// isSelf reports whether a peer is this node: it is written as Listen, or its host is this node's name or begins with it
// (as a pod's of a StatefulSet), or it is an address of this machine with the port of Listen. No name is looked up: the
// answer must be the same with and without the network.
func (o Options) isSelf(host, port string) bool {
	listenHost, listenPort, err := net.SplitHostPort(o.Listen)
	if err != nil || port != listenPort {
		return false
	}
	if label, _, _ := strings.Cut(host, "."); host == listenHost || host == o.Name || label == o.Name {
		return true
	}
	address, err := netip.ParseAddr(host)
	if host == "localhost" {
		address, err = netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	if err != nil || !reaches(listenHost, address) {
		return false
	}
	return address.IsLoopback() || ownAddress(address)
}

// reaches reports whether who listens on host is reached by the address.
func reaches(host string, address netip.Addr) bool {
	if host == "localhost" {
		return address.IsLoopback()
	}
	listens, err := netip.ParseAddr(host)
	return host == "" || err == nil && (listens.IsUnspecified() || listens == address)
}

func ownAddress(address netip.Addr) bool {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().WithZone("") == address.Unmap().WithZone("")
	})
}

func loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
