package stripe

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// mac is Stripe's signature: t=UNIX,v1=HEX[,v1=HEX…], with one v1 for each secret that is valid at Stripe. Items of other
// schemes count for nothing; v0 is a decoy of Stripe's test mode. The key is the whole text that Stripe shows, whsec_
// included.
var mac = scheme.MAC{
	Header:  "Stripe-Signature",
	Items:   scheme.Items{Separator: ",", Time: "t", Signature: "v1"},
	Signed:  []scheme.Part{scheme.Timestamp, scheme.Text("."), scheme.Body},
	Window:  300 * time.Second,
	AgeOnly: true,
}

// verifier returns the mac with o's secrets.
func verifier(o Options) (*scheme.Verifier, error) {
	if len(o.Secrets) == 0 {
		return nil, errors.New("set secrets to the endpoint's signing secret (whsec_…)")
	}
	for i, text := range o.Secrets {
		if len(text) <= len("whsec_") || !strings.HasPrefix(text, "whsec_") || strings.TrimSpace(text) != text {
			return nil, fmt.Errorf("secrets: number %d must start with whsec_ and have no white space around it", i+1)
		}
	}
	return mac.New(scheme.Settings{Keys: o.Secrets, KeysName: "secrets", Tolerance: o.Tolerance})
}
