package integration_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestVanished has clients that vanish: their systems answer nothing any more, and no FIN comes. The server's sockets
// are made to find that within a minute, idle ones by probes and others by what is not acknowledged, and their waits end.
func TestVanished(t *testing.T) {
	srv := start(t, defaults())
	for _, transport := range []string{"sse", "ws"} {
		for name, spoken := range map[string]bool{"idle": false, "written to": true} {
			t.Run(transport+" "+name, func(t *testing.T) {
				payment := strings.ReplaceAll(transport+" "+name, " ", "-")
				conn := srv.waits(t, payment, transport)
				fd := srv.descriptorTo(t, conn)
				if option(t, fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE) != 1 {
					t.Error("there are no keep-alive probes")
				}
				idle, every := option(t, fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE), option(t, fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL)
				if idle > 30 || every > 30 {
					t.Errorf("probes come after %d s and every %d s", idle, every)
				}
				if ms := option(t, fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); ms < 10_000 || ms > 60_000 {
					t.Errorf("what is not acknowledged is given up after %d ms", ms)
				}

				// The same, only sooner.
				set(t, fd, unix.TCP_KEEPIDLE, 1)
				set(t, fd, unix.TCP_KEEPINTVL, 1)
				set(t, fd, unix.TCP_USER_TIMEOUT, 2000)
				deafen(t, conn)
				if spoken {
					status, body := srv.call(t, http.MethodPost, paymentURL(srv.url, payment, "/events"), `{"id":"1","status":"pending"}`)
					if status != http.StatusCreated {
						t.Fatalf("publish: %d %s", status, body)
					}
				}
				eventually(t, func() bool { return srv.ended(payment, "gone") }, func() string {
					return "the wait does not end:\n" + srv.log.excerpt()
				})
			})
		}
	}
}

// waits begins a wait over a connection of its own, and returns when the client was told something.
func (s *server) waits(t *testing.T, payment, transport string) *net.TCPConn {
	t.Helper()
	nc, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetReadDeadline(time.Now().Add(patience))
	head := "GET /v1/payments/" + payment + "/" + transport + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.mint(t, payment, time.Hour) + "\r\n"
	if transport == "ws" {
		head += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	}
	if _, err := io.WriteString(nc, head+"\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(nc)
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s: %+v, %v", transport, resp, err)
	}
	if _, err := r.Peek(1); err != nil {
		t.Fatal(err)
	}
	return nc.(*net.TCPConn)
}

// ended reports whether the log says that the payment's wait ended with the code.
func (s *server) ended(payment, code string) bool {
	for _, e := range s.log.find("wait") {
		if e.text("payment") == payment && e.text("code") == code {
			return true
		}
	}
	return false
}

// descriptorTo returns a duplicate of the server's descriptor for the connection (pidfd_getfd(2)). What is set on it is
// set for the server. The test is skipped where another process's descriptors cannot be had.
func (s *server) descriptorTo(t *testing.T, conn net.Conn) int {
	t.Helper()
	pid, err := unix.PidfdOpen(s.cmd.Process.Pid, 0)
	if err != nil {
		missing(t, "pidfd_open: "+err.Error())
	}
	defer unix.Close(pid)
	dir := filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "fd")
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range all {
		target, err := os.Readlink(filepath.Join(dir, entry.Name()))
		n, notNumber := strconv.Atoi(entry.Name())
		if err != nil || notNumber != nil || !strings.HasPrefix(target, "socket:") {
			continue
		}
		fd, err := unix.PidfdGetfd(pid, n, 0)
		if err != nil {
			missing(t, "pidfd_getfd: "+err.Error())
		}
		if peer(fd) == conn.LocalAddr().(*net.TCPAddr).AddrPort() {
			t.Cleanup(func() { unix.Close(fd) })
			return fd
		}
		_ = unix.Close(fd)
	}
	t.Fatalf("the server has no descriptor for %s", conn.LocalAddr())
	return 0
}

// peer returns whom the socket is connected to, if it is and to an IPv4 address.
func peer(fd int) netip.AddrPort {
	if a, err := unix.Getpeername(fd); err == nil {
		if a, ok := a.(*unix.SockaddrInet4); ok {
			return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
		}
	}
	return netip.AddrPort{}
}

func option(t *testing.T, fd, level, name int) int {
	t.Helper()
	n, err := unix.GetsockoptInt(fd, level, name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// set sets an option of TCP.
func set(t *testing.T, fd, name, value int) {
	t.Helper()
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, name, value); err != nil {
		t.Fatal(err)
	}
}

// deafen makes the kernel drop whatever comes for the connection, before TCP sees it, by a filter (bpf(4)) that lets
// nothing pass.
func deafen(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	}); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}
