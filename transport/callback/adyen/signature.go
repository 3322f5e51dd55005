package adyen

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/tillbell/tillbell/transport/callback"
)

// The headers of platform webhooks.
const (
	headerSignature = "HmacSignature"
	headerProtocol  = "Protocol"
	protocol        = "HmacSHA256"
)

// maxItems and maxBody bound the work that a stranger can cause. Adyen documents one item in a JSON call and six in the
// SOAP form; an item with all additionalData there is has a few KiB.
const (
	maxItems = 20
	maxBody  = 256 << 10
)

// sign returns the signature of text in base64.
func sign(key *callback.Secret, text []byte) string {
	sum := key.Sum(text)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// signed reports whether the signature is by one of the keys. Comparing the encoded texts, in constant time, allows no
// other spelling of the same bytes.
func (p *Provider) signed(signature string, text []byte) bool {
	for _, key := range p.keys {
		if hmac.Equal([]byte(signature), []byte(sign(key, text))) {
			return true
		}
	}
	return false
}

// verifyBody checks the signature over the body of a platform webhook.
func (p *Provider) verifyBody(r callback.Request) *callback.Refusal {
	signature, refusal := callback.Header(r.Header, headerSignature)
	if refusal != nil {
		return refusal
	}
	if len(r.Header.Values(headerProtocol)) != 0 { // some of Adyen's samples come without it
		name, refusal := callback.Header(r.Header, headerProtocol)
		if refusal != nil {
			return refusal
		}
		if name != protocol {
			return callback.Refuse(callback.UnsupportedAlgorithm, headerProtocol+" is not "+protocol)
		}
	}
	if !p.signed(signature, r.Body) {
		return callback.Refuse(callback.BadSignature, "the signature is by none of the configured keys: compare hmac_keys "+
			"with the webhook's in the Customer Area, and see that nothing on the way changes the body")
	}
	return nil
}

// item is one NotificationRequestItem: its signed fields, as text, and the signature.
type item struct {
	pspReference, originalReference, merchantAccount, merchantReference string
	value, currency, eventCode, success                                 string

	signature string
}

// signedText returns what the signature is over. A field that the item does not have is empty.
func (i *item) signedText() []byte {
	return []byte(strings.Join([]string{i.pspReference, i.originalReference, i.merchantAccount, i.merchantReference,
		i.value, i.currency, i.eventCode, i.success}, ":"))
}

// shifted reports that another item has the same signature, so that it does not prove this one. The fields are joined by
// colons that are not escaped: whoever has seen a signature may part the same text otherwise, and have a piece of one
// field read as the next. As long as merchantReference alone may have colons, a text has one reading: three fields before
// the reference and four behind it. The pspReference of a report has colons, too; it is let pass where no status is told,
// since a refused call holds up all those behind it.
func (i *item) shifted(told bool) bool {
	fields := i.originalReference + i.merchantAccount + i.value + i.currency + i.eventCode + i.success
	return strings.Contains(fields, ":") || told && strings.Contains(i.pspReference, ":")
}

// verifyItems returns the items of a body if all of them are signed. Only what that needs is read.
func (p *Provider) verifyItems(body []byte) ([]item, *callback.Refusal) {
	if len(body) > maxBody {
		return nil, callback.Refuse(callback.TooLarge, "no webhook about payments is longer than 256 KiB")
	}
	root, refusal := callback.ParseObject(body, "the body")
	if refusal != nil {
		return nil, callback.Refuse(refusal.Reason, refusal.Detail) // nobody has signed it yet
	}
	var items []item
	root.Get("notificationItems").ForEach(func(_, wrapped gjson.Result) bool {
		items = append(items, readItem(wrapped.Get("NotificationRequestItem")))
		return len(items) <= maxItems
	})
	switch {
	case len(items) == 0:
		return nil, callback.Refuse(callback.MissingHeader, "the body has no notificationItems: is the webhook one of style platform?")
	case len(items) > maxItems:
		return nil, callback.Refuse(callback.Malformed, fmt.Sprintf("the body has more than %d items", maxItems))
	}
	for i := range items {
		if items[i].signature == "" {
			return nil, callback.Refuse(callback.MissingHeader, "an item has no additionalData.hmacSignature: generate an HMAC key for the webhook")
		}
		if !p.signed(items[i].signature, items[i].signedText()) {
			return nil, callback.Refuse(callback.BadSignature, "an item's signature is by none of the configured keys: compare "+
				"hmac_keys with the webhook's in the Customer Area")
		}
	}
	return items, nil
}

// signedMembers are the members of an item that readItem looks at.
var signedMembers = []string{"pspReference", "originalReference", "merchantAccountCode", "merchantReference", "amount",
	"eventCode", "success", "additionalData"}

// readItem takes the signed fields as text. What is neither string nor number counts as empty, and success is a string. It
// goes through the item once, which a stranger may have written: each look-up of its own would go through all of it again.
func readItem(r gjson.Result) item {
	members := make(map[string]gjson.Result, len(signedMembers))
	r.ForEach(func(name, value gjson.Result) bool {
		if _, twice := members[name.Str]; !twice && slices.Contains(signedMembers, name.Str) {
			members[name.Str] = value
		}
		return len(members) < len(signedMembers)
	})
	i := item{
		pspReference:      callback.Text(members["pspReference"]),
		originalReference: callback.Text(members["originalReference"]),
		merchantAccount:   callback.Text(members["merchantAccountCode"]),
		merchantReference: callback.Text(members["merchantReference"]),
		value:             callback.Text(members["amount"].Get("value")),
		currency:          callback.Text(members["amount"].Get("currency")),
		eventCode:         callback.Text(members["eventCode"]),
		signature:         callback.Text(members["additionalData"].Get("hmacSignature")),
	}
	if success := members["success"]; success.Type == gjson.String {
		i.success = callback.Text(success)
	}
	return i
}

// login is what basic authentication must say.
type login struct{ username, password [sha256.Size]byte }

func newLogin(username, password string) *login {
	return &login{sha256.Sum256([]byte(username)), sha256.Sum256([]byte(password))}
}

// check compares digests, so that neither the time nor the length tells how close a guess is. A nil login lets all pass.
func (l *login) check(h http.Header) *callback.Refusal {
	if l == nil {
		return nil
	}
	if _, refusal := callback.Header(h, "Authorization"); refusal != nil {
		return refusal
	}
	username, password, _ := (&http.Request{Header: h}).BasicAuth()
	given := newLogin(username, password)
	if subtle.ConstantTimeCompare(given.username[:], l.username[:])&
		subtle.ConstantTimeCompare(given.password[:], l.password[:]) != 1 {
		return callback.Refuse(callback.BadSignature, "the basic authentication is not username and password: compare "+
			"them with the webhook's in the Customer Area")
	}
	return nil
}
