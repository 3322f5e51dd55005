//go:build linux

package site

import (
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"net"
	"strconv"
)

// random returns a key.
func random() string { return rand.Text() + rand.Text() }

// freePort returns a port that nobody listens on, outside of the range that connections get theirs from, so that the
// server finds it free after a restart.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + mathrand.N(12000)
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // it does not block
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no port is free")
}
