package simulator

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Dialect is how a provider's API speaks.
type Dialect struct {
	// ContentType is that of all answers.
	ContentType string
	// Problem returns the body of an error. ID is what was asked for, if anything was.
	Problem func(status int, id string) any
	// Valid reports whether an id has the shape of the provider's payments.
	Valid func(id string) bool
}

// API is the stand-in of a payment API: an http.Handler of the provider's routes and of PUT /announcements/ID. It takes
// requests with one key as bearer token. It may be used from many goroutines, and what it keeps is bounded.
type API struct {
	key     string
	dialect Dialect
	routes  http.ServeMux
	book    book

	mu      sync.Mutex
	trouble []trouble
}

// trouble is an answer in place of the true one.
type trouble struct {
	status     int
	retryAfter time.Duration
}

// New returns an API without routes.
func New(key string, d Dialect) *API {
	a := &API{key: key, dialect: d}
	a.routes.HandleFunc("PUT /announcements/{id}", a.announce)
	a.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { a.problem(w, http.StatusNotFound, "") })
	return a
}

// Serve answers GET requests of the pattern, which has a wildcard {id}, with what object makes of the payment.
func (a *API) Serve(pattern string, object func(r *http.Request, p Payment) (any, error)) {
	a.routes.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		p, ok := a.book.payment(id)
		if !ok {
			a.problem(w, http.StatusNotFound, id)
			return
		}
		body, err := object(r, p)
		if err != nil {
			a.problem(w, http.StatusInternalServerError, id)
			return
		}
		a.write(w, http.StatusOK, body)
	})
}

// Fail has the next n requests for payments answered with status, and Retry-After unless it is zero.
func (a *API) Fail(n, status int, retryAfter time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range n {
		a.trouble = append(a.trouble, trouble{status, retryAfter})
	}
}

func (a *API) failure() (t trouble, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.trouble) == 0 {
		return t, false
	}
	t, a.trouble = a.trouble[0], a.trouble[1:]
	return t, true
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || a.key == "" || subtle.ConstantTimeCompare([]byte(token), []byte(a.key)) == 0 {
		a.problem(w, http.StatusUnauthorized, "")
		return
	}
	if r.Method == http.MethodGet {
		if t, ok := a.failure(); ok {
			if t.retryAfter > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(int(t.retryAfter/time.Second)))
			}
			a.problem(w, t.status, "")
			return
		}
	}
	a.routes.ServeHTTP(w, r)
}

// maxAnnouncement is the longest body of an announcement.
const maxAnnouncement = 4 << 10

// announce is not the provider's: it is how a payment gets into the book. Its errors are plain text.
func (a *API) announce(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !a.dialect.Valid(id) {
		http.Error(w, "no payment of this provider has such an id", http.StatusBadRequest)
		return
	}
	var said Announcement
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAnnouncement))
	d.DisallowUnknownFields()
	if err := d.Decode(&said); err != nil {
		http.Error(w, "the announcement is not as it should be: "+err.Error(), http.StatusBadRequest)
		return
	}
	if err := a.book.tell(id, said); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (a *API) problem(w http.ResponseWriter, status int, id string) {
	a.write(w, status, a.dialect.Problem(status, id))
}

func (a *API) write(w http.ResponseWriter, status int, body any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", a.dialect.ContentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // whoever is gone does not want it
}

// NewAnnouncement returns the request that tells the API at base, which takes key, what became of the payment with the
// provider's id. Only a stand-in on this machine is told.
func NewAnnouncement(base, key, id string, a Announcement) (*http.Request, error) {
	u, err := url.Parse(base)
	if base == "" || err != nil || u.Scheme != "http" {
		return nil, errors.New("this provider's callback only says that something changed, and api_base, which is asked back, is the provider's own: " +
			"send without -c to a running `tillbell dev`, which plays it, or make a payment with a test key")
	}
	body, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	address := strings.TrimRight(base, "/") + "/announcements/" + id
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("api_base: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}
