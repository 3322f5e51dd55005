package official_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	paddle "github.com/PaddleHQ/paddle-go-sdk/v4"
	razorpay "github.com/razorpay/razorpay-go/utils"

	"github.com/tillbell/tillbell/transport/callback"
)

// goJudge is one Go package that judges. Verify takes one of the source's secrets, and its clock is the bubble's.
type goJudge struct {
	judge
	verify func(r callback.Request, secret string) bool
}

var goJudges = []goJudge{
	{judge{name: "paddle-go-sdk", provider: "paddle"}, func(r callback.Request, secret string) bool {
		request := httptest.NewRequest(r.Method, "/", bytes.NewReader(r.Body))
		request.Header = r.Header
		ok, err := paddle.NewWebhookVerifier(secret, paddle.VerifierWithTimestampTolerance(5*time.Second)).Verify(request)
		return ok && err == nil
	}},
	{judge{name: "razorpay-go", provider: "razorpay"}, func(r callback.Request, secret string) bool {
		return razorpay.VerifyWebhookSignature(string(r.Body), r.Header.Get("X-Razorpay-Signature"), secret)
	}},
}

// accepts tries each of the section's secrets at the time now.
func (j goJudge) accepts(t *testing.T, section map[string]any, r callback.Request, now time.Time) (accepted bool) {
	synctest.Test(t, func(*testing.T) {
		<-time.After(time.Until(now))
		for _, secret := range section["secrets"].([]any) {
			accepted = accepted || j.verify(r, secret.(string))
		}
	})
	return accepted
}

// TestGoVectors is TestVectors for the packages in Go.
func TestGoVectors(t *testing.T) {
	for _, j := range goJudges {
		verdicts := make(map[bool]int)
		for _, v := range vectors(t) {
			want, ok := v.verdicts()[j.name]
			if !ok || v.Provider != j.provider {
				continue
			}
			got := j.accepts(t, v.Config, v.Request, v.Now)
			verdicts[got]++
			if got != want {
				t.Errorf("%s/%s: %s accepts: %v, want %v", v.Provider, v.Name, j, got, want)
			}
		}
		t.Logf("%s accepts %d and refuses %d", j, verdicts[true], verdicts[false])
		if verdicts[true] == 0 || verdicts[false] == 0 {
			t.Errorf("%s accepts %d vectors and refuses %d, want some of both", j, verdicts[true], verdicts[false])
		}
	}
}

// TestGoSigners is TestSigners for the packages in Go.
func TestGoSigners(t *testing.T) {
	for _, j := range goJudges {
		t.Run(j.name, func(t *testing.T) {
			ours, theirs := open(t, j.judge), open(t, j.judge)
			for _, n := range ours.notifications(j.transaction) {
				r, err := ours.signer.Sign(n, at)
				if err != nil {
					t.Errorf("%+v: %v", n, err)
					continue
				}
				what := fmt.Sprintf("%s of %q", n.Status, n.Payment)
				if !j.accepts(t, ours.section, r, at) {
					t.Errorf("%s is refused: %s", what, r.Body)
				}
				if j.accepts(t, theirs.section, r, at) {
					t.Errorf("%s is accepted with other keys: %s", what, r.Body)
				}
				for _, flipped := range flips(r, 8) {
					if j.accepts(t, ours.section, flipped, at) {
						t.Errorf("%s is accepted with a bit changed: %s", what, flipped.Body)
					}
				}
			}
		})
	}
}
