package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Codes of the JetStream API that the client library has no names for, from nats-server's errors.json.
const (
	codeAccountLimit   jetstream.ErrorCode = 10002
	codeNoPeers        jetstream.ErrorCode = 10005
	codeUnavailable    jetstream.ErrorCode = 10008
	codeClusterNeeded  jetstream.ErrorCode = 10010
	codeInsufficient   jetstream.ErrorCode = 10023
	codeStreamsLimit   jetstream.ErrorCode = 10027
	codeMemoryLimit    jetstream.ErrorCode = 10028
	codeStorageLimit   jetstream.ErrorCode = 10047
	codeSubjectOverlap jetstream.ErrorCode = 10065
	codeNoReplicas     jetstream.ErrorCode = 10074
	codeBytesRequired  jetstream.ErrorCode = 10113
	codeBytesExceeded  jetstream.ErrorCode = 10122
	codeOffline        jetstream.ErrorCode = 10118
)

// api returns what the JetStream API said, or nil if err is none of its errors.
func api(err error) *jetstream.APIError {
	var of jetstream.JetStreamError
	if errors.As(err, &of) {
		return of.APIError()
	}
	return nil
}

// code returns the JetStream API's code of err, or 0.
func code(err error) jetstream.ErrorCode {
	if a := api(err); a != nil {
		return a.ErrorCode
	}
	return 0
}

// plainCause returns err without what an error of package url quotes, which may be a password.
func plainCause(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return errors.New("a server's address is not a URL")
	}
	return err
}

// refused says what a failed connection means and what to change.
func (p place) refused(err error) error {
	hosts := strings.Join(p.hosts, ", ")
	var unknown *tls.CertificateVerificationError
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired), errors.Is(err, nats.ErrNkeysNotSupported):
		return fmt.Errorf("%s refuses who calls: %w; check user:password@ or token@ in the URL, creds= or nkey=", hosts, err)
	case errors.As(err, &unknown):
		return fmt.Errorf("the certificate of %s is not trusted: %w; check tls_ca= and the host names", hosts, err)
	case errors.Is(err, nats.ErrSecureConnRequired):
		return fmt.Errorf("%s wants TLS: write tls:// in the URL", hosts)
	case errors.Is(err, nats.ErrSecureConnWanted):
		return fmt.Errorf("%s does not speak TLS: write nats:// in the URL, without tls_ca and tls_cert", hosts)
	case errors.Is(err, nats.ErrNoServers):
		return fmt.Errorf("none of %s can be reached: check the addresses, and that NATS runs", hosts)
	}
	return fmt.Errorf("none of %s can be used: %w", hosts, plainCause(err))
}

// explained is an error in words of what to change.
type explained struct {
	says  string
	cause error
}

func (e *explained) Error() string { return e.says }
func (e *explained) Unwrap() error { return e.cause }

// refusedBy says what an error of the start means and what to change.
func (p place) refusedBy(err error) error { return &explained{says: p.explain(err), cause: err} }

const (
	noJetStream        = "JetStream is not enabled on the servers: add jetstream {store_dir: …} to their configuration"
	noAccountJetStream = "JetStream is not enabled for this account: enable it for the account, or call as a user of another"
)

func (p place) explain(err error) string {
	said := err.Error()
	if a := api(err); a != nil && a.Description != "" {
		said = a.Description
	}
	switch code(err) {
	case jetstream.JSErrCodeJetStreamNotEnabled:
		return noJetStream
	case jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		return noAccountJetStream
	case codeNoReplicas, codeNoPeers, codeClusterNeeded, codeInsufficient:
		return fmt.Sprintf("stream %s cannot have %d replicas: %s; it takes as many JetStream servers in one cluster, with room left; start them or set replicas=",
			p.stream, p.replicas, said)
	case codeAccountLimit, codeMemoryLimit, codeStorageLimit, codeBytesExceeded, codeStreamsLimit:
		return fmt.Sprintf("stream %s: %s; raise the limits of the account or of jetstream on the servers, or set max_bytes=", p.stream, said)
	case codeBytesRequired:
		return fmt.Sprintf("stream %s: this account wants a bound of its size: set max_bytes=", p.stream)
	case codeSubjectOverlap:
		return fmt.Sprintf("stream %s: another stream takes subjects of %s.>: change that one, or set stream=", p.stream, p.stream)
	case codeUnavailable:
		return fmt.Sprintf("the JetStream cluster has no leader: %s; it takes a majority of its servers", said)
	}
	switch {
	case unanswered(err):
		return noJetStream
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return noAccountJetStream
	case errors.Is(err, nats.ErrPermissionViolation):
		return fmt.Sprintf("%s; the user needs to publish to %s.>, $JS.API.> and $JS.FC.> and to subscribe to _INBOX.>", said, p.stream)
	case errors.As(err, new(*mismatch)):
		return said
	}
	return fmt.Sprintf("stream %s: %s", p.stream, said)
}

// unanswered reports whether err says that no server has the API.
func unanswered(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled)
}

// passing reports whether what err says may be over in a moment: a leader is elected, a server is away.
func passing(err error) bool {
	if c := code(err); c != 0 && !errors.Is(err, errAgain) {
		return c == codeUnavailable || c == codeOffline
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrDisconnected) ||
		errors.Is(err, nats.ErrConnectionReconnecting) || errors.Is(err, nats.ErrStaleConnection) || errors.Is(err, errAgain)
}

// errAgain marks what the next attempt may find otherwise.
var errAgain = errors.New("the servers did not agree yet")
