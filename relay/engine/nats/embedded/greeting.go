package embedded

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// greeting is the INFO that a NATS server sends to whoever connects to its route port, before any authentication
// (docs.nats.io, "NATS Cluster Protocol").
type greeting struct {
	ID      string `json:"server_id"`
	Name    string `json:"server_name"`
	Cluster string `json:"cluster"`
}

// answer is what became of asking one address for its greeting.
type answer struct {
	address string
	greeting
	err error
}

type answers []answer

// askTime bounds how long a node is given to greet.
const askTime = time.Second

// ask asks all other nodes for their greetings at the same time.
func (s *Server) ask(ctx context.Context) answers { return askAll(ctx, s.nodes.others, s.tls) }

func askAll(ctx context.Context, addresses []string, secure *tls.Config) answers {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	all := make(answers, len(addresses))
	var wg sync.WaitGroup
	for i, address := range addresses {
		wg.Go(func() {
			all[i].address = address
			all[i].greeting, all[i].err = ask(ctx, address, secure)
		})
	}
	wg.Wait()
	return all
}

var errStranger = errors.New("something else listens there")

func ask(ctx context.Context, address string, secure *tls.Config) (greeting, error) {
	var g greeting
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return g, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return g, err
	}
	if secure != nil { // routes shake hands before they greet
		c := secure.Clone()
		c.ServerName, _, _ = net.SplitHostPort(address)
		conn = tls.Client(conn, c)
	}
	line, err := bufio.NewReaderSize(conn, 32<<10).ReadSlice('\n')
	if err != nil {
		return g, errStranger
	}
	text, ok := bytes.CutPrefix(line, []byte("INFO "))
	if !ok || json.Unmarshal(text, &g) != nil || g.Cluster != clusterName {
		return g, errStranger
	}
	return g, nil
}

// clash is an error if one of the nodes has the name of this one, or is this one by its id.
func (all answers) clash(name, id string) error {
	for _, a := range all {
		switch {
		case a.err != nil || a.Name != name:
		case a.ID == id:
			return fmt.Errorf("%s in cluster.peers is this node; write it there with the host that is its name, or as in cluster.listen", a.address)
		default:
			return fmt.Errorf("the node at %s has the name %q too; give each node a cluster.name of its own", a.address, name)
		}
	}
	return nil
}

// missing says why the node is not connected, or nothing if it is. Connected has the names of those that are, by id.
func (a answer) missing(connected map[string]string) string {
	switch {
	case a.err == nil && connected[a.ID] != "":
		return ""
	case a.err == nil:
		return "it runs, but is not connected: see that cluster.secret and cluster.tls are the same there"
	case errors.Is(a.err, context.DeadlineExceeded), errors.Is(a.err, os.ErrDeadlineExceeded):
		return "no answer"
	}
	return brief(a.err).Error()
}

// brief returns the cause of a failed connection, without the address.
func brief(err error) error {
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err
	}
	if sys := new(os.SyscallError); errors.As(err, &sys) {
		err = sys.Err
	}
	if dns := new(net.DNSError); errors.As(err, &dns) {
		return errors.New(dns.Err)
	}
	return err
}
