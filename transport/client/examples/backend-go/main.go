// Command backend-go is a shop's backend in the standard library: it creates orders, registers them at Tillbell, hands
// the page a ticket, and fulfils what the feed says is paid.
//
// The API key stays here. The page gets a ticket, which opens one payment's wait and nothing else, and its word that an
// order is paid counts for nothing.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	s := &shop{
		tillbell: tillbell{
			url: cmp.Or(os.Getenv("TILLBELL_URL"), "http://127.0.0.1:8080"),
			key: cmp.Or(os.Getenv("TILLBELL_API_KEY"), "an-example-api-key-that-everybody-knows"),
		},
		orders: make(map[string]*order),
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:3000"))
	if err != nil {
		return err
	}
	log.Printf("the shop is at http://%s", listener.Addr())

	followed := make(chan struct{})
	go func() {
		defer close(followed)
		s.follow(ctx)
	}()
	server := &http.Server{Handler: s.routes(cmp.Or(os.Getenv("PAGE"), "../html")), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	err = server.Serve(listener)
	<-followed
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *shop) routes(page string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.create)
	mux.HandleFunc("GET /orders/{order}", s.show)
	mux.Handle("GET /", http.FileServer(http.Dir(page)))
	return mux
}

// create makes an order and registers what is owed for it. Whoever knows the number of an order here may see it, so the
// number cannot be guessed; a real shop asks its session who may.
func (s *shop) create(w http.ResponseWriter, r *http.Request) {
	o := order{Number: "order-" + rand.Text(), Amount: "129.00", Currency: "USD"}
	if _, err := s.tillbell.register(r.Context(), o); err != nil {
		unavailable(w, err)
		return
	}
	s.add(o)
	w.Header().Set("Location", "/orders/"+o.Number)
	answer(w, http.StatusCreated, o)
}

// show tells the page about its order, and where to wait for it. Registering again changes nothing and gives a fresh
// ticket, so a page that is reloaded waits on.
func (s *shop) show(w http.ResponseWriter, r *http.Request) {
	o, known := s.find(r.PathValue("order"))
	if !known {
		http.NotFound(w, r)
		return
	}
	ticket, err := s.tillbell.register(r.Context(), o)
	if err != nil {
		unavailable(w, err)
		return
	}
	answer(w, http.StatusOK, struct {
		order
		Ticket   string `json:"ticket"`
		Tillbell string `json:"tillbell"`
	}{o, ticket, s.tillbell.url})
}

func unavailable(w http.ResponseWriter, err error) {
	log.Print(err)
	http.Error(w, "please try again", http.StatusBadGateway)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a page that is gone reads nothing
}
