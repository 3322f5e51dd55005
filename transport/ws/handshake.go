package ws

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/tillbell/tillbell/transport"
)

// handshake returns what is wrong with r as a client's opening handshake (RFC 6455, section 4.2.1), and sets the
// headers that say what would be right. Nil is nothing.
func handshake(h http.Header, r *http.Request) *transport.Problem {
	keys := r.Header.Values("Sec-WebSocket-Key")
	var p transport.Problem
	switch {
	case r.ProtoMajor > 1: // where Upgrade does not exist
		p = transport.NewProblem(http.StatusBadRequest, "bad_request", "WebSockets need HTTP/1.1")
	case !r.ProtoAtLeast(1, 1) || !listed(r.Header, "Connection", "upgrade") || !listed(r.Header, "Upgrade", "websocket"):
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		p = transport.NewProblem(http.StatusUpgradeRequired, "upgrade_required", "this is a WebSocket route; send an Upgrade")
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		h.Set("Sec-WebSocket-Version", "13")
		p = transport.NewProblem(http.StatusUpgradeRequired, "upgrade_required", "Sec-WebSocket-Version must be 13")
	case len(keys) != 1 || !nonce(keys[0]):
		p = transport.NewProblem(http.StatusBadRequest, "bad_request", "Sec-WebSocket-Key must be 16 bytes in base64, once")
	default:
		return nil
	}
	return &p
}

func nonce(key string) bool {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	return err == nil && len(b) == 16
}

// listed reports whether the header, a list, has the word in any case (RFC 9110, section 5.6.1).
func listed(h http.Header, name, word string) bool {
	for _, list := range h.Values(name) {
		for item := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(item), word) {
				return true
			}
		}
	}
	return false
}
