package callback

import (
	"errors"
	"fmt"
	"net/http"
)

// FailureStatus returns the HTTP status of the answer to err, which is what Parse or the store returned, and not nil:
// 401 for a refusal, but 400 where the sender is proven, 405 and 413 where HTTP has a word for it; 503 when nothing
// could be stored, so that the provider comes again.
func FailureStatus(err error) int {
	r, refused := errors.AsType[*Refusal](err)
	switch {
	case !refused:
		return http.StatusServiceUnavailable
	case r.Genuine:
		return http.StatusBadRequest
	case r.Reason == MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case r.Reason == TooLarge:
		return http.StatusRequestEntityTooLarge
	default:
		return http.StatusUnauthorized
	}
}

// codes are the stable codes of ProblemAnswer. A sender who proved nothing learns no more than "no".
var codes = map[int]string{
	http.StatusServiceUnavailable:    "unavailable",
	http.StatusBadRequest:            "malformed",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestEntityTooLarge: "payload_too_large",
	http.StatusUnauthorized:          "refused",
}

// ProblemAnswer returns the failure answer of providers that prescribe none: RFC 9457 problem+json with FailureStatus
// and a stable code.
func ProblemAnswer(err error) Answer {
	status := FailureStatus(err)
	return Answer{
		Status:      status,
		ContentType: "application/problem+json",
		Body: fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"code":%q}`,
			http.StatusText(status), status, codes[status]),
	}
}
