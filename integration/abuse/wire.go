//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// A wire is a kept-alive connection to the server from one address of this machine.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
}

// patience is how long anything may take.
const patience = 30 * time.Second

// dial connects from the address.
func dial(ctx context.Context, from, to string) (*wire, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := d.DialContext(ctx, "tcp4", to)
	if err != nil {
		return nil, err
	}
	return &wire{c, bufio.NewReaderSize(c, 2<<10)}, nil
}

// post writes the request and returns the answer's status. After an error, or a status with last, the connection is over.
func (w *wire) post(text []byte) (status int, last bool, err error) {
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, true, err
	}
	if _, err := w.conn.Write(text); err != nil {
		return 0, true, err
	}
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, true, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, true, fmt.Errorf("status line %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, true, fmt.Errorf("status line %q", line)
	}
	length := -1
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return 0, true, err
		}
		name, value, ok := strings.Cut(textproto.TrimString(string(line)), ": ")
		switch {
		case !ok:
			if length < 0 && status != 204 {
				return 0, true, errors.New("an answer without a length")
			}
			_, err := w.in.Discard(max(length, 0))
			return status, last, err
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(value); err != nil {
				return 0, true, err
			}
		case strings.EqualFold(name, "Connection"):
			last = strings.EqualFold(value, "close")
		}
	}
}

func (w *wire) close() { _ = w.conn.Close() }
