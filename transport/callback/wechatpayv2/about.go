package wechatpayv2

import (
	"slices"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About is what there is to say of WeChat Pay API v2.
var About = callback.About{
	Name:     "wechatpay-v2",
	Label:    "WeChat Pay v2",
	Proof:    "MD5 or HMAC-SHA256 of the sorted XML elements; of refunds no more than AES-256-ECB",
	Window:   "none",
	EventID:  "`transaction_id`, of refunds `refund_id`, each with status and amount",
	Currency: "CNY",
	Statuses: []relay.Status{relay.Failed, relay.Paid, relay.Refunded, relay.RefundFailed},
	Vectors:  7,
	Checked:  []string{"gopay 1.5.109"},
	Unconfirmed: []string{
		"Refund notices are encrypted without a MAC and not signed: who has seen several could put one together from their blocks. What opens must be whole, nothing outside of it is believed, and the failure of a refund does not pay a payment that is registered with its amount.",
		"Some merchants report MD5 notices of orders that were placed with HMAC-SHA256: they are refused unless `sign_type` has both.",
		"`time_end` and `success_time` name no zone: they are read as China's, which the documentation has for all times.",
		"The documentation of refund notices has no currency: it is CNY unless there is a `fee_type`.",
		"Nothing is escaped in what is signed: a notice is refused if one of its values reads as another field that counts, such as `&total_fee=` in `attach`.",
	},
	Sample: `wechat-v2:
  provider: wechatpay-v2
  mchid: "1900000001"
  appid: wx8888888888888888
  api_v2_key: file:/run/secrets/wechat_v2
  sign_type: HMAC-SHA256   # as in your orders; those that name none are signed with MD5
`,
	Steps: []string{
		"In the merchant platform open 账户中心, API安全, set the APIv2 key (APIv2密钥) and put it into api_v2_key, as a list with the one before it for a day if you change it.",
		"Send https://pay.shop.example/v1/callbacks/SOURCE as notify_url with each order and each refund; it must have no query.",
		"Send sign_type HMAC-SHA256 with each order, or set sign_type here to MD5.",
		"Keep & out of attach, and register payments with their amounts.",
		"Query orders for which nothing comes: WeChat Pay calls back about none that expires unpaid.",
	},
	Retries: slices.Concat(
		[]time.Duration{15 * time.Second, 15 * time.Second, 30 * time.Second, 3 * time.Minute, 10 * time.Minute, 20 * time.Minute},
		callback.Every(30*time.Minute, 3),
		[]time.Duration{time.Hour},
		callback.Every(3*time.Hour, 3),
		callback.Every(6*time.Hour, 2),
	),
}
