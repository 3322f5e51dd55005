//go:build linux

package generator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
	"github.com/tillbell/tillbell/integration/load/proc"
)

// handshakes is how many waiters connect over TLS at a time.
const handshakes = 64

// idleTLS is Idle over TLS. Its waiters are ordinary connections, which nobody reads after the first frame: what the
// server sends while they are idle fits the socket's buffer.
func idleTLS(job *Job, before proc.Memory, connected func(int)) (*Result, error) {
	e, err := newEngine(job, newRun(), 0, job.Waiters+job.Steady)
	if err != nil {
		return nil, err
	}
	defer e.close()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(job.Certificate) {
		return nil, errors.New("generator: job: the certificate is not PEM")
	}
	cpu, err := e.cpu()
	if err != nil {
		return nil, err
	}
	r := &Result{Connections: Connections{Requested: len(e.crowd.waiters), Reasons: make(map[string]int)}}
	conns, began := make(chan net.Conn, len(e.crowd.waiters)), time.Now()
	var mu sync.Mutex
	var group sync.WaitGroup
	for worker := range handshakes {
		values := e.crowd.values
		values.Ticket = message.NewMinter(job.TicketKey, time.Now().Add(12*time.Hour))
		group.Go(func() {
			for i := worker; i < len(e.crowd.waiters); i += handshakes {
				values.Topic.Number = e.crowd.topic(i)
				k := e.crowd.kind(i)
				conn, err := waitTLS(roots, e.crowd.servers[i%len(e.crowd.servers)].String(), i, k, k.request.Append(nil, &values))
				if err == nil {
					conns <- conn
					continue
				}
				mu.Lock()
				r.Connections.Reasons[err.Error()]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	close(conns)
	defer func() {
		for conn := range conns {
			_ = conn.Close()
		}
	}()
	r.Connections.Established, r.Connections.Time = len(conns), time.Since(began)
	after, err := e.cpu()
	if err != nil {
		return nil, err
	}
	r.Connections.CPU = after - cpu
	connected(len(conns))
	return r, e.settle(r, before)
}

// waitTLS connects one waiter and reads until it is told that the wait has begun.
func waitTLS(roots *x509.CertPool, address string, waiter int, k *kind, request []byte) (net.Conn, error) {
	plain := &net.Dialer{Timeout: stall, LocalAddr: &net.TCPAddr{IP: source(waiter).AsSlice()}}
	plain.Control = func(_, _ string, c syscall.RawConn) (err error) {
		controlled := c.Control(func(fd uintptr) { err = shareports(int(fd)) })
		return errors.Join(controlled, err)
	}
	d := tls.Dialer{NetDialer: plain, Config: &tls.Config{RootCAs: roots}}
	conn, err := d.DialContext(context.Background(), "tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := wait(conn, k, request); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func wait(conn net.Conn, k *kind, request []byte) error {
	if err := conn.SetDeadline(time.Now().Add(stall)); err != nil {
		return fmt.Errorf("deadline: %w", err)
	}
	if _, err := conn.Write(request); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	var answer strings.Builder
	buf := make([]byte, 1024)
	for !strings.Contains(answer.String(), string(k.ready)) || answer.Len() == 0 {
		n, err := conn.Read(buf)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		answer.Write(buf[:n])
		if h, _, done, err := message.ParseHead([]byte(answer.String())); err != nil || done && h.Status != k.status() {
			return fmt.Errorf("status %d, want %d", h.Status, k.status())
		}
	}
	return conn.SetDeadline(time.Time{})
}
