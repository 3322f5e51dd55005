package transport

import "net/http"

// cors puts the CORS headers on every answer of a waiter's route and answers preflight requests (WHATWG Fetch,
// section 3.2).
func (s *Server) cors(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.allowOrigin(w, r)
		if r.Method == http.MethodOptions {
			preflight(w)
			return
		}
		h(w, r)
	}
}

func (s *Server) allowOrigin(w http.ResponseWriter, r *http.Request) {
	h, access := w.Header(), s.access.Load()
	h.Add("Vary", "Origin")
	origins := r.Header.Values("Origin")
	if len(origins) != 1 || !access.corsOrigin(origins[0]) {
		return
	}
	if access.any {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origins[0])
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}

func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Last-Event-ID")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}
