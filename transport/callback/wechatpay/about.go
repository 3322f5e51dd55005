package wechatpay

import (
	"slices"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About is what there is to say of WeChat Pay APIv3.
var About = callback.About{
	Name:       "wechatpay-v3",
	Label:      "WeChat Pay",
	Proof:      "RSA-SHA256 of the time, a nonce and the raw body; AES-256-GCM of the content",
	Asymmetric: true,
	PrivateKey: true,
	Window:     "300 s both ways",
	EventID:    "`id`",
	Currency:   "CNY",
	Statuses:   []relay.Status{relay.Failed, relay.Paid, relay.Refunded, relay.RefundFailed},
	Vectors:    32,
	Checked:    []string{"wechatpay-go 0.2.20"},
	Unconfirmed: []string{
		"WeChat Pay does not say that a retry is signed anew: one that is not is refused as stale once it is 300 s old, and the order has to be queried.",
		"It does not say that `id` stays the same over retries: what an event says about the payment is compared as well, so that another id changes nothing.",
	},
	Sample: `wechat-main:
  provider: wechatpay-v3
  mchid: "1900000001"
  appid: wx8888888888888888
  api_v3_key: file:/run/secrets/wechat_v3
  public_keys: {"PUB_KEY_ID_0114…": file:/etc/tillbell/wechat_pub.pem}
  certificates: [file:/etc/tillbell/wechat_cert.pem]   # while you move from certificates to the public key: both
`,
	Steps: []string{
		"In the merchant platform open 账户中心, API安全, set the APIv3 key (APIv3密钥) and put it into api_v3_key.",
		"There download the WeChat Pay public key (微信支付公钥) and note its id, PUB_KEY_ID_…: both go into public_keys; platform certificates (平台证书), of which WeChat Pay's tools fetch the current ones, go into certificates.",
		"Send https://pay.shop.example/v1/callbacks/SOURCE as notify_url with each order and each refund; it must have no query.",
		"Query orders for which nothing comes: WeChat Pay calls back about none that expires unpaid.",
	},
	Retries: slices.Concat(
		[]time.Duration{15 * time.Second, 15 * time.Second, 30 * time.Second, 3 * time.Minute, 10 * time.Minute, 20 * time.Minute},
		callback.Every(30*time.Minute, 3), callback.Every(time.Hour, 1), callback.Every(3*time.Hour, 3), callback.Every(6*time.Hour, 2)),
}
