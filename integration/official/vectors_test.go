package official_test

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

// vector is a signed callback of an adapter's testdata, with what the providers' code said of it.
type vector struct{ callbacktest.Vector }

// vectors returns those of all adapters, provider by provider.
func vectors(t *testing.T) (all []vector) {
	t.Helper()
	by := callbacktest.Under(t, filepath.Join("..", "..", "transport", "callback"))
	for _, provider := range slices.Sorted(maps.Keys(by)) {
		for _, v := range by[provider] {
			all = append(all, vector{v})
		}
	}
	return all
}

// verdicts returns what the judges should say by their names: what they did when the vector was made. Mollie's code was published later
// than its vectors, so they are held to what is expected of the receiver; of classic calls it says only that they have no
// signature.
func (v vector) verdicts() map[string]bool {
	all := make(map[string]bool)
	for _, by := range v.VerifiedBy {
		all[by.Tool] = by.Result == "accept"
	}
	if v.Provider == "mollie" && v.Config["style"] == "next-gen" {
		all["mollie-api-typescript"] = v.Expect.Accept
	}
	return all
}

// TestVectors holds what the packages say of the vectors against what stands in them. Each package must have accepted
// some and refused some, which shows that it is asked in the right way.
func TestVectors(t *testing.T) {
	needNode(t)
	type verdict struct {
		of   string // the vector
		by   string
		want bool
	}
	judged := make(map[string]string) // a judge's name → its provider
	for _, j := range judges {
		if _, ok := modules.Providers[j.provider]; ok {
			judged[j.name] = j.provider
		}
	}
	var questions []question
	var verdicts []verdict
	for _, v := range vectors(t) {
		r := v.Request
		for name, want := range v.verdicts() {
			if judged[name] == v.Provider {
				questions = append(questions, about(name, v.Config, r, v.Now))
				verdicts = append(verdicts, verdict{v.Provider + "/" + v.Name, name, want})
			}
		}
	}
	accepted, refused := make(map[string]int), make(map[string]int)
	for i, a := range ask(t, questions) {
		v := verdicts[i]
		if a.Accept != v.want {
			t.Errorf("%s: %s accepts: %v (%s), want %v", v.of, v.by, a.Accept, a.Detail, v.want)
		}
		if a.Accept {
			accepted[v.by]++
		} else {
			refused[v.by]++
		}
	}
	for name, provider := range judged {
		t.Logf("%s: %s accepts %d and refuses %d", provider, name, accepted[name], refused[name])
		if accepted[name] == 0 || refused[name] == 0 {
			t.Errorf("%s: %s accepts %d vectors and refuses %d, want some of both", provider, name, accepted[name], refused[name])
		}
	}
}
