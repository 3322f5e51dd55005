package callbacktest

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// Adapter is what an adapter exports, with its Options hidden: the functions take and return the struct as it is.
type Adapter struct {
	About     callback.About
	Zero      any // the Options' zero value
	New       func(options any) (callback.Provider, error)
	NewSigner func(options any, key string) (callback.Signer, error)
	Throwaway func() (options any, key string, err error)
}

// About holds what an adapter says of itself against what it does: each status is signed and read, every other one is an
// error, signatures grow old or do not, and the sample is a source that the adapter takes.
func About(t *testing.T, a Adapter) {
	t.Helper()
	filledIn(t, a.About)
	o, key, err := a.Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	if a.About.PrivateKey != (key != "") {
		t.Errorf("PrivateKey is %v, and Throwaway has one: %v", a.About.PrivateKey, key != "")
	}
	p, err := a.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.NewSigner(o, key)
	if err != nil {
		t.Fatal(err)
	}
	signsStatuses(t, a.About, p, s)
	growsOld(t, a.About, p, s)
	source := reflect.New(reflect.TypeOf(a.Zero))
	DecodeInto(t, sample(t, a.About), source.Interface())
	if fromThrowaway(t, source.Elem(), reflect.ValueOf(o)) == 0 && !a.About.PrivateKey { // whose public half can be fetched
		t.Error("Sample has no key")
	}
	if _, err := a.New(source.Elem().Interface()); err != nil {
		t.Errorf("Sample with fresh keys: %v", err)
	}
}

var (
	providerName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	sourceName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
)

// filledIn checks the form of what is said.
func filledIn(t *testing.T, a callback.About) {
	t.Helper()
	if !providerName.MatchString(a.Name) {
		t.Errorf("Name is %q", a.Name)
	}
	for name, text := range map[string]string{"Label": a.Label, "Proof": a.Proof, "Window": a.Window, "EventID": a.EventID} {
		if text == "" || text != strings.TrimSpace(text) || strings.ContainsAny(text, "|\n") || strings.HasSuffix(text, ".") {
			t.Errorf("%s is %q: it must be a few words that fit into a cell of a table", name, text)
		}
	}
	if a.Vectors < 1 {
		t.Error("Vectors is 0: what only the adapter's own Signer signs proves nothing of the provider's signatures")
	}
	for _, text := range a.Checked {
		if text == "" || strings.ContainsAny(text, "|\n") {
			t.Errorf("Checked has %q", text)
		}
	}
	if decimals, ok := money.Exponent(a.Currency); !ok || decimals != 2 {
		t.Errorf("Currency is %q: it must be one with two decimals, in which the demo shop charges", a.Currency)
	}
	for name, sentences := range map[string][]string{"Unconfirmed": a.Unconfirmed, "Steps": a.Steps} {
		for _, text := range sentences {
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "\n") {
				t.Errorf("%s has %q, which is no sentence on one line", name, text)
			}
		}
	}
	if !slices.ContainsFunc(a.Steps, func(step string) bool { return strings.Contains(step, "https://pay.shop.example/v1/callbacks/SOURCE") }) {
		t.Error("no step says that the provider posts to https://pay.shop.example/v1/callbacks/SOURCE")
	}
	if slices.ContainsFunc(a.Retries, func(d time.Duration) bool { return d <= 0 }) {
		t.Errorf("Retries are %v", a.Retries)
	}
}

// anyStatus are all statuses that a callback could tell, and one that there is not.
var anyStatus = []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed, "nonsense"}

// signsStatuses checks that the Signer has a callback for each status that is said and for no other, and that the
// Provider reads that status in it, or that it has to ask.
func signsStatuses(t *testing.T, a callback.About, p callback.Provider, s callback.Signer) {
	t.Helper()
	now := time.Now()
	for _, status := range anyStatus {
		r, err := s.Sign(callback.Notification{Status: status}, now)
		if said := slices.Contains(a.Statuses, status); said != (err == nil) {
			t.Errorf("Statuses has %s: %v; Sign: %v", status, said, err)
			continue
		}
		if err != nil {
			continue
		}
		events, err := p.Parse(r, now)
		if err != nil || len(events) != 1 || !events[0].Fetch && events[0].Status != status {
			t.Errorf("%s: Parse: %+v, %v", status, events, err)
		}
	}
}

// year is longer than any window.
const year = 365 * 24 * time.Hour

// growsOld checks Window: whether a signature of long ago is refused.
func growsOld(t *testing.T, a callback.About, p callback.Provider, s callback.Signer) {
	t.Helper()
	if len(a.Statuses) == 0 {
		return
	}
	now := time.Now()
	r, err := s.Sign(callback.Notification{Status: a.Statuses[0]}, now.Add(-year))
	if err != nil {
		t.Errorf("Sign a year ago: %v", err)
		return
	}
	if _, err = p.Parse(r, now); a.Timed() != (err != nil) {
		t.Errorf("Window is %q, and of a signature of a year ago Parse says %v", a.Window, err)
	}
}

// sample returns the section of a source that Sample is.
func sample(t *testing.T, a callback.About) map[string]any {
	t.Helper()
	var sections map[string]map[string]any
	if err := yaml.Unmarshal([]byte(a.Sample), &sections); err != nil || len(sections) != 1 {
		t.Fatalf("Sample is not one source: %v\n%s", err, a.Sample)
	}
	for line := range strings.Lines(a.Sample) {
		if strings.ContainsRune(line, '\t') || len([]rune(line)) > 140 || !strings.HasSuffix(line, "\n") {
			t.Errorf("Sample has the line %q", line)
		}
	}
	var section map[string]any
	for name, s := range sections {
		if !sourceName.MatchString(name) {
			t.Errorf("Sample names the source %q", name)
		}
		section = s
	}
	if section["provider"] != a.Name {
		t.Errorf("Sample is of the provider %v", section["provider"])
	}
	delete(section, "registration")
	return section
}

// fromThrowaway puts the throw-away keys in place of those that a sample has no more than the place of, and returns how
// many it had. A secret of a sample stands in a file or a variable: people leave what they see.
func fromThrowaway(t *testing.T, to, from reflect.Value) (keys int) {
	t.Helper()
	for i := range to.NumField() {
		f := to.Type().Field(i)
		if f.Type.Kind() == reflect.Struct && f.Anonymous {
			keys += fromThrowaway(t, to.Field(i), from.Field(i))
			continue
		}
		kind := f.Tag.Get("file")
		if kind != "secret" && kind != "public" {
			continue
		}
		shown := texts(to.Field(i))
		keys += len(shown)
		for _, text := range shown {
			if kind == "secret" && !strings.HasPrefix(text, "${") && !strings.HasPrefix(text, "file:") {
				t.Errorf("Sample shows the secret %s: want ${VARIABLE} or file:PATH", cmp.Or(f.Tag.Get("yaml"), f.Name))
			}
		}
		if len(shown) > 0 {
			to.Field(i).Set(from.Field(i))
		}
	}
	return keys
}

// texts returns the texts in a value: it, or the elements of a list or a map.
func texts(v reflect.Value) (all []string) {
	switch v.Kind() {
	case reflect.String:
		if v.Len() > 0 {
			all = append(all, v.String())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			all = append(all, texts(v.Index(i))...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			all = append(all, texts(v.MapIndex(key))...)
		}
	}
	return all
}
