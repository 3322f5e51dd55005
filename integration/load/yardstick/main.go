// Command yardstick is what Tillbell is measured against, and no product. It is what net/http gives with little code:
//
//	-mode sse   event streams with a goroutine for each waiter and a map of channels under one mutex
//	-mode bolt  the same, and each callback is stored before it is told, one transaction each, in the file -store
//	-mode bare  verifies a callback and answers 204, which is the ceiling for callbacks
//
// POST /publish?topic= takes callbacks signed as Standard Webhooks says, GET /events?topic= waits. The key comes from
// the environment, as YARDSTICK_KEY in base64. Nothing is told again: who is not there when a callback comes misses it.
package main

import (
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:7080", "`address` to listen on")
	mode := flag.String("mode", "sse", "sse, bolt or bare")
	file := flag.String("store", "", "`file` of -mode bolt")
	flag.Parse()
	key, err := base64.StdEncoding.DecodeString(os.Getenv("YARDSTICK_KEY"))
	if err == nil {
		err = serve(*addr, *mode, *file, key)
	}
	fmt.Fprintln(os.Stderr, "yardstick:", err)
	os.Exit(1)
}

func serve(addr, mode, file string, key []byte) error {
	mux, err := routes(mode, file, key)
	if err != nil {
		return err
	}
	s := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return s.ListenAndServe()
}

func routes(mode, file string, key []byte) (*http.ServeMux, error) {
	if len(key) == 0 {
		return nil, fmt.Errorf("no key")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	keep := func([]byte) error { return nil }
	switch mode {
	case "bare":
		mux.Handle("POST /publish", verified(key, func(*http.Request, []byte) error { return nil }))
		return mux, nil
	case "bolt":
		s, err := openStore(file)
		if err != nil {
			return nil, err
		}
		keep = s.keep
	case "sse":
	default:
		return nil, fmt.Errorf("-mode %s: want sse, bolt or bare", mode)
	}
	h := newHub()
	mux.HandleFunc("GET /events", h.events)
	mux.Handle("POST /publish", verified(key, func(r *http.Request, body []byte) error {
		if err := keep(body); err != nil {
			return err
		}
		h.publish(r.URL.Query().Get("topic"), string(body))
		return nil
	}))
	return mux, nil
}
