package scheme_test

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// timed is a MAC whose header is a list.
var timed = scheme.MAC{
	Header: "X-Sig",
	Items:  scheme.Items{Separator: ";", Time: "ts", Signature: "h1"},
	Signed: []scheme.Part{scheme.Timestamp, scheme.Text(":"), scheme.Body},
	Window: 5 * time.Second,
}

func signedBy(key string) string { return "h1=" + hexMAC(sha256.New, key, stamp+":"+body) }

func TestWindow(t *testing.T) {
	old, future := callback.StaleTimestamp, callback.FutureTimestamp
	for _, c := range []struct {
		name      string
		ageOnly   bool
		window    time.Duration
		tolerance time.Duration
		off       time.Duration // of the clock
		want      callback.Reason
	}{
		{"at once", false, 5 * time.Second, 0, 0, ""},
		{"as old as may be", false, 5 * time.Second, 0, 5 * time.Second, ""},
		{"a moment older", false, 5 * time.Second, 0, 5*time.Second + 1, old},
		{"as far ahead as may be", false, 5 * time.Second, 0, -5 * time.Second, ""},
		{"a moment further ahead", false, 5 * time.Second, 0, -5*time.Second - 1, future},
		{"a year old", false, 5 * time.Second, 0, 365 * 24 * time.Hour, old},
		{"a year ahead", false, 5 * time.Second, 0, -365 * 24 * time.Hour, future},
		{"ahead where the age counts", true, 5 * time.Second, 0, -365 * 24 * time.Hour, ""},
		{"old where the age counts", true, 5 * time.Second, 0, 6 * time.Second, old},
		{"wider", false, 5 * time.Second, time.Minute, time.Minute, ""},
		{"beyond the wider", false, 5 * time.Second, time.Minute, time.Minute + 1, old},
		{"narrower", false, 5 * time.Second, time.Second, 2 * time.Second, old},
		{"narrower ahead", false, 5 * time.Second, time.Second, -2 * time.Second, future},
		{"no window", false, 0, 0, 365 * 24 * time.Hour, ""},
		{"no window of the provider's", false, 0, time.Hour, time.Hour + 1, old},
	} {
		for kind, m := range map[string]scheme.MAC{"item": timed, "header": {Header: "X-Sig", TimeHeader: "X-Time",
			Signed: []scheme.Part{scheme.Timestamp, scheme.Body}}} {
			m.Window, m.AgeOnly = c.window, c.ageOnly
			v, err := m.New(scheme.Settings{Keys: []string{"k"}, Tolerance: c.tolerance})
			if err != nil {
				t.Fatal(err)
			}
			h := make(http.Header)
			if err := v.Sign(h, []byte(body), at); err != nil {
				t.Fatal(err)
			}
			if got := reason(v.Verify(callback.NewPost(h, []byte(body)), at.Add(c.off))); got != c.want {
				t.Errorf("%s, time in the %s: %q, want %q", c.name, kind, got, c.want)
			}
		}
	}
}

// Whoever may not sign learns nothing about the clock.
func TestForgedAndStaleIsForged(t *testing.T) {
	r := post(body, "X-Sig", "ts="+stamp+";"+signedBy("other"))
	if got := reason(verifier(t, timed, "k").Verify(r, at.Add(time.Hour))); got != callback.BadSignature {
		t.Errorf("%q, want bad_signature", got)
	}
}

func TestItems(t *testing.T) {
	good := signedBy("k")
	for name, c := range map[string]struct {
		header string
		want   callback.Reason
	}{
		"one":                  {"ts=" + stamp + ";" + good, ""},
		"the other way round":  {good + ";ts=" + stamp, ""},
		"the first of two":     {"ts=" + stamp + ";" + good + ";" + signedBy("x"), ""},
		"the second of two":    {"ts=" + stamp + ";" + signedBy("x") + ";" + good, ""},
		"others in between":    {"ts=" + stamp + ";h2=00;" + good + ";x=", ""},
		"twenty items":         {"ts=" + stamp + strings.Repeat(";h1=00", 18) + ";" + good, ""},
		"twenty-one items":     {"ts=" + stamp + strings.Repeat(";h1=00", 19) + ";" + good, callback.Malformed},
		"two times":            {"ts=" + stamp + ";ts=" + stamp + ";" + good, callback.Malformed},
		"two different times":  {"ts=1;ts=" + stamp + ";" + good, callback.Malformed},
		"no time":              {good, callback.Malformed},
		"no signature":         {"ts=" + stamp, callback.BadSignature},
		"an empty signature":   {"ts=" + stamp + ";h1=", callback.BadSignature},
		"another name":         {"ts=" + stamp + ";H1=" + good[3:], callback.BadSignature},
		"an item without =":    {"ts=" + stamp + ";x;" + good, callback.Malformed},
		"a separator too much": {"ts=" + stamp + ";" + good + ";", callback.Malformed},
		"another separator":    {"ts=" + stamp + "," + good, callback.Malformed},
		"a space":              {"ts=" + stamp + "; " + good, callback.BadSignature},
		"an empty time":        {"ts=;" + good, callback.Malformed},
		"a signed time":        {"ts=+" + stamp + ";" + good, callback.Malformed},
		"a time before 1970":   {"ts=-1;" + good, callback.Malformed},
		"a fraction":           {"ts=" + stamp + ".0;" + good, callback.Malformed},
		"milliseconds":         {"ts=" + stamp + "000;" + good, callback.Malformed},
		"hex":                  {"ts=0x6b;" + good, callback.Malformed},
		"a huge time":          {"ts=99999999999999999999;" + good, callback.Malformed},
		"leading zeros":        {"ts=0" + stamp + ";" + good, callback.BadSignature},
		"nothing":              {"", callback.MissingHeader},
		"separators alone":     {";;;", callback.Malformed},
	} {
		if got := reason(verifier(t, timed, "k").Verify(post(body, "X-Sig", c.header), at)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTimeIsSigned(t *testing.T) {
	r := post(body, "X-Sig", "ts=1795312801;"+signedBy("k"))
	if got := reason(verifier(t, timed, "k").Verify(r, at)); got != callback.BadSignature {
		t.Errorf("%q, want bad_signature", got)
	}
}

func TestToken(t *testing.T) {
	p := open(t, declare(scheme.Reading{}), settings{Keys: []string{"fresh", "old"}, KeysName: "tokens"})
	for name, c := range map[string]struct {
		values []string
		want   callback.Reason
	}{
		"the first":   {[]string{"fresh"}, ""},
		"the second":  {[]string{"old"}, ""},
		"another":     {[]string{"other"}, callback.BadSignature},
		"a prefix":    {[]string{"fres"}, callback.BadSignature},
		"longer":      {[]string{"freshh"}, callback.BadSignature},
		"other case":  {[]string{"FRESH"}, callback.BadSignature},
		"a space":     {[]string{"fresh "}, callback.BadSignature},
		"both in one": {[]string{"fresh, old"}, callback.BadSignature},
		"much":        {[]string{strings.Repeat("fresh", 20_000)}, callback.BadSignature},
		"doubled":     {[]string{"fresh", "fresh"}, callback.DuplicateHeader},
		"both":        {[]string{"fresh", "old"}, callback.DuplicateHeader},
		"empty":       {[]string{""}, callback.MissingHeader},
		"missing":     {nil, callback.MissingHeader},
	} {
		_, err := p.Parse(callback.NewPost(http.Header{header: c.values}, []byte("{}")), at)
		var got callback.Reason
		if r, ok := err.(*callback.Refusal); ok {
			got = r.Reason
			if strings.Contains(r.Error(), "fresh") || r.Genuine {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if got != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for want, keys := range map[string][]string{"set tokens to": nil, "number 2 is empty": {token, ""},
		"number 1 is empty": {" " + token}} {
		_, err := declare(scheme.Reading{}).New(settings{Keys: keys, KeysName: "tokens"})
		if err == nil || !strings.Contains(err.Error(), "shop: ") || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), token) {
			t.Errorf("%v, want shop, %q and no token", err, want)
		}
	}
}
