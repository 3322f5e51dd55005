package embedded

import "context"

// Digest is what a node with the secret introduces itself with.
func Digest(secret string) string {
	digest, _ := routeUser(secret).Password()
	return digest
}

// HandOver is what Stop begins with.
func (s *Server) HandOver(ctx context.Context) { s.handOver(ctx) }

// Leads reports whether the node leads the stream.
func (s *Server) Leads(stream string) bool {
	heir, ok := s.leads()[stream]
	return ok && heir != ""
}
