package transport

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

// script returns the handler of a client's file. It is the same for everybody, and asked for by every page: it goes out
// compressed to those who take that, and pages that have it ask no more than whether it has changed.
func script(text []byte) http.HandlerFunc {
	packed := sync.OnceValue(func() []byte { return pack(text) })
	sum := sha256.Sum256(text)
	hash := hex.EncodeToString(sum[:8])
	return func(w http.ResponseWriter, r *http.Request) {
		body, tag := text, `"`+hash+`"`
		h := w.Header()
		if takesGzip(r.Header) {
			body, tag = packed(), `"`+hash+`-gz"`
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("Vary", "Accept-Encoding")
		h.Set("ETag", tag)
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cache-Control", "public, max-age=300")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

func pack(text []byte) []byte {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic("transport: compress script: " + err.Error()) // a buffer takes everything
	}
	return packed.Bytes()
}

// takesGzip reads Accept-Encoding (RFC 9110, section 12.5.3). Who weighs it in any way but 0 takes it.
func takesGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
