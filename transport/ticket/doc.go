// Package ticket signs, finds and verifies tickets: the signed permission to await one payment.
//
// A ticket is a JWT (RFC 7519) in compact serialisation, so that any backend can mint one without a call:
//
//	aud  "tillbell", alone or in a list
//	sub  the payment, see relay.CheckPayment
//	exp  required; the ticket is void from this instant on, without leeway
//	nbf  optional, with 30 s of leeway, because the clock that sets it is the merchant's
//
// HS256 fits secrets, EdDSA fits Ed25519, ES256 fits P-256, RS256 fits RSA; everything else is refused, so that no
// header can turn a public key into a secret (RFC 8725, section 3.1). Keys come from the configuration alone: a key or
// an address of one in the ticket's own header (jwk, x5c, jku, x5u) is never used. Other claims and header members
// have no meaning here, but a member that occurs twice is refused, and so are `crit` and `b64` in any form.
//
// No error of Verify holds any part of a ticket, so all of them may be logged; the client is told 401 and no more.
package ticket
