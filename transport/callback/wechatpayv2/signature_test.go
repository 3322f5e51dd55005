package wechatpayv2_test

import (
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/wechatpayv2"
)

func TestSignatureIsStrict(t *testing.T) {
	o := throwaway(t)
	good := paid.signed(o)["sign"]
	key := o.APIv2Key[0]
	for what, c := range map[string]struct {
		sign string
		want callback.Reason
	}{
		"lower-case hex":        {strings.ToLower(good), callback.BadSignature},
		"a space":               {good + " ", callback.BadSignature},
		"cut":                   {good[:62], callback.BadSignature},
		"HMAC-SHA256 and MD5":   {good + sign("MD5", key, paid.text()), callback.BadSignature},
		"MD5 though configured": {sign("MD5", key, paid.text()), callback.UnsupportedAlgorithm},
		"an empty sign":         {"", callback.MissingHeader},
	} {
		refused(t, what, o, paid.with("sign", c.sign).post(), c.want)
	}
	refused(t, "no sign", o, paid.post(), callback.MissingHeader)
}

// sign_type says what a notice is signed with, and never what it may be signed with.
func TestNoticeDoesNotChooseTheAlgorithm(t *testing.T) {
	md5, hmac := "MD5", "HMAC-SHA256"
	for _, c := range []struct {
		allowed        callback.List
		signed, named  string
		want           callback.Reason // empty for accepted
		whatItComesFor string
	}{
		{nil, md5, "", "", "the default"},
		{nil, md5, md5, "", "the default, named"},
		{nil, hmac, hmac, callback.UnsupportedAlgorithm, "not allowed, though named"},
		{callback.List{hmac}, hmac, "", "", "HMAC-SHA256 that is not named"},
		{callback.List{hmac}, hmac, hmac, "", "HMAC-SHA256"},
		{callback.List{hmac}, md5, "", callback.UnsupportedAlgorithm, "a downgrade"},
		{callback.List{hmac}, md5, md5, callback.UnsupportedAlgorithm, "a downgrade, named"},
		{callback.List{hmac}, hmac, md5, callback.BadSignature, "named otherwise"},
		{callback.List{hmac, md5}, md5, md5, "", "both allowed"},
		{callback.List{hmac, md5}, hmac, "", "", "both allowed"},
		{callback.List{hmac, md5}, md5, hmac, callback.BadSignature, "named otherwise"},
	} {
		o := throwaway(t)
		o.SignType = c.allowed
		e := paid.with("sign_type", c.named)
		r := e.with("sign", sign(c.signed, o.APIv2Key[0], e.text())).post()
		if c.want == "" {
			one(t, o, r)
			continue
		}
		refused(t, c.whatItComesFor, o, r, c.want)
	}
}

// sign_type is signed like any other element, and so is one that nobody knows.
func TestAllElementsAreSigned(t *testing.T) {
	o := throwaway(t)
	e := paid.with("sign_type", "HMAC-SHA256").with("brand_new", "x").signed(o)
	one(t, o, e.post())
	one(t, o, e.with("empty", "").post())
	for _, name := range []string{"brand_new", "sign_type", "openid", "zz", "a"} {
		refused(t, name, o, e.with(name, e[name]+"HMAC-SHA256").post(), callback.BadSignature)
	}
	delete(e, "brand_new")
	refused(t, "taken out", o, e.post(), callback.BadSignature)
}

func TestKeysAreAllTried(t *testing.T) {
	o := throwaway(t)
	old := o
	old.APIv2Key = o.APIv2Key[1:]
	for _, signType := range []string{"MD5", "HMAC-SHA256"} {
		o.SignType, old.SignType = callback.List{signType}, callback.List{signType}
		one(t, o, paid.signed(old).post())
		now := o
		now.APIv2Key = o.APIv2Key[:1]
		refused(t, signType+" by a key that was taken out", now, paid.signed(old).post(), callback.BadSignature)
	}
	one(t, o, sealed(t, old, refund))
}

// An order's attach may hold what the buyer wrote. Signed without escaping, the text of a cheap order is that of a notice
// about another one; the sorted elements of the forged notice give the very same text.
func TestAmpersandShift(t *testing.T) {
	for _, signType := range []string{"MD5", "HMAC-SHA256"} {
		o := throwaway(t)
		o.SignType = callback.List{signType}
		o.MchID, o.AppID = nil, nil // so that no other check helps
		genuine := paid.with("total_fee", "1").with("fee_type", "").with("attach",
			"x&out_trade_no=dear&result_code=SUCCESS&return_code=SUCCESS&total_fee=999900&transaction_id=1&z=")
		signature := genuine.signed(o)["sign"]
		_, rest, _ := strings.Cut(genuine.text(), "&z=")
		forged := elements{"appid": paid["appid"], "attach": "x", "out_trade_no": "dear", "result_code": "SUCCESS",
			"return_code": "SUCCESS", "total_fee": "999900", "transaction_id": "1", "z": rest}
		if forged.text() != genuine.text() {
			t.Fatalf("the text is\n%s, want\n%s", forged.text(), genuine.text())
		}
		refused(t, "the forged one", o, forged.with("sign", signature).post(), callback.BadSignature)
		refused(t, "the genuine one", o, genuine.with("sign", signature).post(), callback.BadSignature)
		one(t, o, paid.with("attach", "a=1&b=2&fee=3&total_fees=4").signed(o).post())
	}
}

// The payment id's own element is one of those that a value must not imitate.
func TestAmpersandShiftOfTheConfiguredElement(t *testing.T) {
	o := throwaway(t)
	o.Fields.Payment = "device_info"
	genuine := paid.with("attach", "x&device_info=dear").with("device_info", "cheap")
	refused(t, "genuine", o, genuine.signed(o).post(), callback.BadSignature)
	forged := paid.with("attach", "x").with("device_info", "dear&bank_type=&device_info=cheap")
	refused(t, "forged", o, forged.signed(o).post(), callback.BadSignature)
}

func TestKeyReplacesTheKeys(t *testing.T) {
	o, other := throwaway(t), throwaway(t)
	s, err := wechatpayv2.NewSigner(o, other.APIv2Key[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range all {
		n := full
		n.Status = status
		r, err := s.Sign(n, at)
		if err != nil {
			t.Fatal(err)
		}
		one(t, other, r)
		if _, err := provider(t, o).Parse(r, at); err == nil {
			t.Errorf("%s: accepted by another key", status)
		}
	}
	if _, err := wechatpayv2.NewSigner(o, "topsecret"); err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("%v, want an error without the key", err)
	}
}
