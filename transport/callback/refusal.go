package callback

// Reason says which check a callback failed.
type Reason string

// The reasons, in the order in which adapters check.
const (
	MethodNotAllowed     Reason = "method_not_allowed"
	TooLarge             Reason = "too_large"
	MissingHeader        Reason = "missing_header" // also a missing signature member
	DuplicateHeader      Reason = "duplicate_header"
	Probe                Reason = "probe"
	UnsupportedAlgorithm Reason = "unsupported_algorithm"
	UnknownKey           Reason = "unknown_key"
	UntrustedCert        Reason = "untrusted_cert"
	BadSignature         Reason = "bad_signature"
	StaleTimestamp       Reason = "stale_timestamp"
	FutureTimestamp      Reason = "future_timestamp"
	DecryptFailed        Reason = "decrypt_failed"
	WrongAccount         Reason = "wrong_account"
	Malformed            Reason = "malformed"
)

// Refusal is why a callback is not acknowledged. Neither Reason nor Detail repeats a secret, a signature or anything
// from the body's values; both are for the log and for verify, never for the sender.
type Refusal struct {
	Reason Reason
	// Detail is for the operator: what was expected, and what to look at.
	Detail string
	// Genuine says that the signature held and the content is what is wrong. The sender is told 400 instead of 401.
	Genuine bool
}

// Refuse returns a refusal of a call that did not prove where it comes from.
func Refuse(reason Reason, detail string) *Refusal { return &Refusal{Reason: reason, Detail: detail} }

// Reject returns a refusal, as malformed, of a call whose signature held.
func Reject(detail string) *Refusal {
	return &Refusal{Reason: Malformed, Detail: detail, Genuine: true}
}

func (r *Refusal) Error() string {
	if r.Detail == "" {
		return "callback: " + string(r.Reason)
	}
	return "callback: " + string(r.Reason) + ": " + r.Detail
}
