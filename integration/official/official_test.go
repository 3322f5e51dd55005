// Package official_test lets the providers' own code judge callbacks: the vectors, and what the Signers here make. Where
// that code signs too, its callbacks are read here.
//
// The code is npm packages of exact versions in testdata/npm, which judge.mjs asks. Checkout.com, Lemon Squeezy, Paystack and
// Xendit publish none that would check their callbacks in JavaScript or Go, and Mollie's classic ones have nothing to check.
// PayPal's is in Python, and its verdicts are in the vectors alone.
package official_test

import (
	"cmp"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
)

// judge is one package that knows the callbacks of a provider.
type judge struct {
	name     string // in judge.mjs, and in the vectors' verified_by
	npm      string // the package's, where it has another
	provider string
	// style is the source's setting, where the provider has several kinds of callbacks and the package knows this one.
	style string
	// transaction is a payment's id in the provider's own shape, where callbacks have that alone.
	transaction string
	// signs says that the package signs too.
	signs bool
	// silent says that callbacks of this kind are about no payment, so that no Signer makes them.
	silent bool
	// part says that the package's MAC is over part of the body, so that some of it may change.
	part bool
	// query says that it is over ids in the query, and over nothing of the body.
	query bool
}

var judges = []judge{
	{name: "adyen-api-library", npm: "@adyen/api-library", provider: "adyen", part: true},
	{name: "adyen-api-library", npm: "@adyen/api-library", provider: "adyen", style: "platform", silent: true, signs: true},
	{name: "alipay-sdk", provider: "alipay", part: true},
	{name: "coinbase-commerce-node", provider: "coinbase-commerce", signs: true},
	{name: "mercadopago", provider: "mercadopago", transaction: "12310014567", query: true},
	{name: "mollie-api-typescript", provider: "mollie", style: "next-gen", transaction: "tr_1001cwPMGnU", signs: true},
	{name: "octokit-webhooks-methods", npm: "@octokit/webhooks-methods", provider: "github", silent: true, signs: true},
	{name: "paddle-node-sdk", npm: "@paddle/paddle-node-sdk", provider: "paddle"},
	{name: "razorpay-node", npm: "razorpay", provider: "razorpay"},
	{name: "shopify-api", npm: "@shopify/shopify-api", provider: "shopify"},
	{name: "square-node", npm: "square", provider: "square"},
	{name: "standardwebhooks-js", npm: "standardwebhooks", provider: "standard-webhooks", signs: true},
	{name: "stripe-node", npm: "stripe", provider: "stripe", signs: true},
}

// String names a subtest.
func (j judge) String() string {
	if j.style != "" {
		return j.name + " " + j.style
	}
	return j.name
}

// source returns a source of the provider from a section of the configuration, which JSON or a Throwaway gave.
func source(t *testing.T, provider string, section map[string]any) config.Source {
	t.Helper()
	text, err := yaml.Marshal(section)
	if err != nil {
		t.Fatal(err)
	}
	options := reflect.New(reflect.TypeOf(modules.Providers[provider].Zero))
	if err := yaml.Unmarshal(text, options.Interface()); err != nil {
		t.Fatalf("%s: %v", provider, err)
	}
	return config.NewSource(provider, options.Elem().Interface())
}

// section returns Options as a source's section of the configuration.
func section(t *testing.T, options any) map[string]any {
	t.Helper()
	text, err := yaml.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]any)
	if err := yaml.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestJudges holds that every provider whose table row names official code has a judge here, or is judged elsewhere.
func TestJudges(t *testing.T) {
	elsewhere := []string{
		"paypal",                       // its own is in Python
		"wechatpay-v2", "wechatpay-v3", // theirs are in Go, and asked in the adapters' packages
	}
	for _, a := range modules.Adapters {
		name := a.About.Name
		judged := slices.ContainsFunc(judges, func(j judge) bool { return j.provider == name })
		if want := len(a.About.Checked) > 0 && !slices.Contains(elsewhere, name); judged != want {
			t.Errorf("%s: judged %v, want %v: About.Checked is %q", name, judged, want, a.About.Checked)
		}
	}
}

// TestChecked holds that the table of providers names the packages, in the versions that are installed here.
func TestChecked(t *testing.T) {
	text, err := os.ReadFile("testdata/npm/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var project struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(text, &project); err != nil {
		t.Fatal(err)
	}
	for _, j := range judges {
		adapter, ok := modules.Providers[j.provider]
		name := cmp.Or(j.npm, j.name)
		want := name + " " + project.Dependencies[name]
		if ok && !slices.ContainsFunc(adapter.About.Checked, func(c string) bool { return strings.HasPrefix(c+" ", want+" ") }) {
			t.Errorf("%s: About.Checked is %q, want %q among it", j.provider, adapter.About.Checked, want)
		}
	}
}
