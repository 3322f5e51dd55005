package wechatpayv2

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
)

// SignBody returns the notice that the document says with the signature by the first of o's keys, and nothing if it is no
// flat XML.
func SignBody(t testing.TB, o Options, document []byte) (r callback.Request, ok bool) {
	t.Helper()
	n, err := parse(document)
	if err != nil {
		return r, false
	}
	s, err := NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	delete(n, sealedElement)
	n[signElement] = s.key.sign(s.provider.signTypes[0], n.signedText())
	return callback.Request{Method: http.MethodPost, Body: n.document("xml")}, true
}

// SealBody returns the notice of a refund with any text in it, padded or not.
func SealBody(t testing.TB, o Options, text []byte, padded bool) callback.Request {
	t.Helper()
	k, err := newKey(o.APIv2Key[0])
	if err != nil {
		t.Fatal(err)
	}
	if padded {
		text = pad(text)
	}
	n := notice{"return_code": "SUCCESS", sealedElement: base64.StdEncoding.EncodeToString(encrypt(k.refund, text))}
	if len(o.MchID) != 0 {
		n["mch_id"] = o.MchID[0]
	}
	return callback.Request{Method: http.MethodPost, Body: n.document("xml")}
}
