package schemes

import (
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// GitHub signs its webhooks as many do. They are about no payments: it is here as the plain model of an HMAC, and takes
// deliveries without telling anything. The legacy X-Hub-Signature (SHA-1) is never looked at.
//
// Source: docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries.
var GitHub = scheme.Scheme[Options]{
	About: callback.About{
		Name:     "github",
		Label:    "GitHub",
		Proof:    "HMAC-SHA256 of the raw body",
		Window:   "none",
		EventID:  "header `X-GitHub-Delivery`",
		Currency: "USD",
		Vectors:  10,
		Checked:  []string{"@octokit/webhooks-methods 6.0.0"},
		Sample: `github:
  provider: github
  secrets: ["${GITHUB_WEBHOOK_SECRET}"]
`,
		Steps: []string{
			"In the repository's or organization's settings, under Webhooks, add a webhook.",
			"Enter https://pay.shop.example/v1/callbacks/SOURCE as the payload URL and application/json as the content type.",
			"Enter a long random secret, and the same in secrets.",
		},
		Retries: []time.Duration{time.Hour, 24 * time.Hour}, // by hand, for three days
	},
	Proof: scheme.MAC{Header: "X-Hub-Signature-256", Prefix: "sha256="},
	Reading: scheme.Reading{
		ID:      scheme.In("X-GitHub-Delivery"),
		Type:    scheme.In("X-GitHub-Event"),
		Headers: map[string]string{"X-GitHub-Delivery": "ed8a9cef-2d32-4335-8af5-c9e5e80b4389", "X-GitHub-Event": "ping"},
	},
	Fresh: fresh(""),
}
