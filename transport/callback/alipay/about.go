package alipay

import (
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About is what there is to say of Alipay.
var About = callback.About{
	Name:       "alipay",
	Label:      "Alipay",
	Proof:      "RSA2 (RSA if allowed) over the sorted form, UTF-8 or GBK",
	Asymmetric: true,
	PrivateKey: true,
	Window:     "none",
	EventID:    "`notify_id`",
	Currency:   "CNY",
	Statuses:   []relay.Status{relay.Pending, relay.Closed, relay.Paid, relay.Refunded},
	Vectors:    29,
	Checked:    []string{"smartwalle/alipay 3.2.20", "alipay-sdk 4.14.0 (npm)"},
	Unconfirmed: []string{
		"SDKs differ on whether parameters without a value are signed, and on `alipay_cert_sn`: both spellings are tried, and no event is read from what one of them leaves out.",
		"Alipay does not say that `notify_id` stays the same over retries: what an event says about the payment is compared as well, so that another id changes nothing.",
	},
	Sample: `alipay-main:
  provider: alipay
  app_id: "2021000000000000"
  seller_id: "2088000000000000"
  public_key: file:/etc/tillbell/alipay_pub.pem   # or certificates: [file:…/alipayCertPublicKey_RSA2.crt]
`,
	Steps: []string{
		"In the open platform's console open the application, 接口加签方式, and download Alipay's public key (支付宝公钥, not 应用公钥) for public_key, or in certificate mode alipayCertPublicKey_RSA2.crt for certificates.",
		"Put the application's id (APPID) into app_id and the merchant's id (PID, 2088…) into seller_id.",
		"Send https://pay.shop.example/v1/callbacks/SOURCE as notify_url with each order; the browser's return_url is another page.",
	},
	Retries: []time.Duration{
		4 * time.Minute, 10 * time.Minute, 10 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 15 * time.Hour,
	},
}
