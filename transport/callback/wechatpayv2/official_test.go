package wechatpayv2_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/go-pay/gopay"
	"github.com/go-pay/gopay/wechat"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/wechatpayv2"
)

// WeChat Pay has no Go SDK for v2. gopay is the most used library that does it.

// received is r as a server has it.
func received(t *testing.T, r callback.Request) *http.Request {
	t.Helper()
	h, err := http.NewRequestWithContext(t.Context(), r.Method, "/", bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestGopayAcceptsOurPayments(t *testing.T) {
	for _, signType := range []string{wechat.SignType_MD5, wechat.SignType_HMAC_SHA256} {
		o := throwaway(t)
		o.SignType = callback.List{signType}
		for status, want := range map[relay.Status]string{relay.Paid: "SUCCESS", relay.Failed: "FAIL"} {
			n := full
			n.Status = status
			r, err := signer(t, o).Sign(n, at)
			if err != nil {
				t.Fatal(err)
			}
			body, err := wechat.ParseNotifyToBodyMap(received(t, r))
			if err != nil {
				t.Fatal(err)
			}
			if body["out_trade_no"] != n.Payment || body["result_code"] != want || body["total_fee"] != "12950" {
				t.Errorf("%s, %s: %v", signType, status, body)
			}
			sign := body["sign"]
			if ok, err := wechat.VerifySign(o.APIv2Key[0], signType, body); !ok || err != nil {
				t.Errorf("%s, %s: %v, %v", signType, status, ok, err)
			}
			body["sign"], body["total_fee"] = sign, "12951"
			if ok, _ := wechat.VerifySign(o.APIv2Key[0], signType, body); ok {
				t.Errorf("%s, %s: the verifier verifies nothing", signType, status)
			}
		}
	}
}

func TestGopayOpensOurRefunds(t *testing.T) {
	o := throwaway(t)
	for status, want := range map[relay.Status]string{relay.Refunded: "SUCCESS", relay.RefundFailed: "CHANGE"} {
		n := full
		n.Status = status
		r, err := signer(t, o).Sign(n, at)
		if err != nil {
			t.Fatal(err)
		}
		outer, err := wechat.ParseRefundNotify(received(t, r))
		if err != nil || outer.MchId != o.MchID[0] || outer.ReturnCode != "SUCCESS" {
			t.Fatalf("%s: %+v, %v", status, outer, err)
		}
		inner, err := wechat.DecryptRefundNotifyReqInfo(outer.ReqInfo, o.APIv2Key[0])
		if err != nil || inner.OutTradeNo != n.Payment || inner.RefundId != n.ID || inner.RefundFee != "12950" ||
			inner.RefundStatus != want || inner.SuccessTime != "2026-11-22 09:59:58" {
			t.Errorf("%s: %+v, %v", status, inner, err)
		}
		if inner, err := wechat.DecryptRefundNotifyReqInfo(outer.ReqInfo, o.APIv2Key[1]); err == nil && inner.OutTradeNo != "" {
			t.Errorf("%s: opened with another key", status)
		}
	}
}

// What gopay signs is accepted, whatever characters and elements it has.
func TestGopaysSignaturesAreAccepted(t *testing.T) {
	for _, signType := range []string{wechat.SignType_MD5, wechat.SignType_HMAC_SHA256} {
		o := throwaway(t)
		o.SignType = callback.List{signType}
		for what, extra := range map[string]map[string]string{
			"plain":         nil,
			"named":         {"sign_type": signType},
			"characters":    {"attach": "会员充值 100% + <礼品>&\"贺卡\" = ]]> 'é'"},
			"white space":   {"attach": " a\tb\nc "},
			"empty":         {"attach": "", "device_info": ""},
			"coupons":       {"coupon_count": "1", "coupon_id_0": "10000", "coupon_fee_0": "1", "coupon_type_0": "CASH"},
			"unknown, long": {"Zz_9": string(bytes.Repeat([]byte("长"), 5000))},
		} {
			body := gopay.BodyMap{}
			for name, text := range paid {
				body.Set(name, text)
			}
			for name, text := range extra {
				body.Set(name, text)
			}
			body.Set("sign", wechat.GetReleaseSign(o.APIv2Key[0], signType, body))
			e := one(t, o, post(wechat.GenerateXml(body)))
			if e.Payment != paid["out_trade_no"] || e.Status != relay.Paid || e.Amount != "11.30" {
				t.Errorf("%s, %s: %+v", signType, what, e)
			}
		}
	}
}

// Our acknowledgement is the one that gopay sends.
func TestGopayAnswersAlike(t *testing.T) {
	response := wechat.NotifyResponse{ReturnCode: gopay.SUCCESS, ReturnMsg: gopay.OK}
	if ours := provider(t, throwaway(t)).Answer(nil); ours.Body != response.ToXmlString() {
		t.Errorf("%s, want %s", ours.Body, response.ToXmlString())
	}
}

// gopay's verdicts on the vectors are ours.
func TestGopayJudgesTheVectorsAlike(t *testing.T) {
	for _, v := range callbacktest.Each(t) {
		o := callbacktest.Decode[wechatpayv2.Options](t, v.Config)
		body, err := wechat.ParseNotifyToBodyMap(received(t, v.Request))
		accepted := err == nil
		if accepted {
			accepted, _ = wechat.VerifySign(o.APIv2Key[0], o.SignType[0], body)
		}
		if _, err := provider(t, o).Parse(v.Request, v.Now); (err == nil) != accepted {
			t.Errorf("%s: %v, gopay accepts: %v", v.Name, err, accepted)
		}
	}
}
