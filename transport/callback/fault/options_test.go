package fault_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
)

// shared are settings that several adapters embed.
type shared struct {
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
}

// settings have a field of each kind that a fault changes.
type settings struct {
	shared
	Tokens  callback.List     `yaml:"tokens,omitempty" file:"secret"`
	Keys    map[string]string `yaml:"keys,omitempty" file:"public"`
	Account callback.List     `yaml:"account,omitempty" account:"true"`
	Shop    string            `yaml:"shop,omitempty" account:"true"`
	Style   string            `yaml:"style,omitempty"`

	Password string `yaml:"password,omitempty" file:"secret"`
}

// spy is both halves of a provider. It keeps what it was made with, and refuses what is not like it.
type spy struct{ o settings }

func (s spy) Sign(n callback.Notification, _ time.Time) (callback.Request, error) {
	return callback.NewPost(map[string][]string{}, []byte(s.text()+n.Payment)), nil
}

func (s spy) text() string {
	text := strings.Join(s.o.Secrets, ",") + ";" + strings.Join(s.o.Tokens, ",") + ";"
	for name, key := range s.o.Keys {
		text += name + "=" + key
	}
	return text + ";" + strings.Join(s.o.Account, ",") + ";" + s.o.Shop + ";" + s.o.Style + s.o.Password + ";"
}

func (s spy) Parse(r callback.Request, _ time.Time) ([]callback.Event, error) {
	if strings.HasPrefix(string(r.Body), s.text()) {
		return nil, nil
	}
	return nil, callback.Refuse(callback.BadSignature, "")
}

func (s spy) Answer(error) callback.Answer { return callback.Answer{} }

func spied(t *testing.T, o settings) fault.Account {
	t.Helper()
	a, err := fault.Open(o, "", func(o settings) (spy, error) { return spy{o}, nil },
		func(o settings, _ string) (spy, error) { return spy{o}, nil },
		func() (settings, string, error) {
			return settings{shared: shared{[]string{"fresh"}}, Tokens: callback.List{"f1", "f2"}, Keys: map[string]string{"id9": "pem9"},
				Account: callback.List{"a9"}, Style: "own"}, "", nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSettings: each fault changes exactly what it is about, and never what the account was made of.
func TestSettings(t *testing.T) {
	o := settings{shared: shared{[]string{"s1", "s2", "s3"}}, Tokens: callback.List{"t1"}, Keys: map[string]string{"id1": "pem1"},
		Account: callback.List{"m1", "m2"}, Shop: "bell", Style: "new", Password: "open"}
	for name, want := range map[string]string{
		fault.WrongKey:      "fresh;f1,f2;id1=pem9;m1,m2;bell;newopen;p",
		fault.RotatedKey:    "s3,s1,s2;t1;id1=pem1;m1,m2;bell;newopen;p",
		fault.OtherMerchant: "s1,s2,s3;t1;id1=pem1;m3;cell;newopen;p",
		"":                  "s1,s2,s3;t1;id1=pem1;m1,m2;bell;newopen;p",
	} {
		list, err := fault.Compose(name, spied(t, o), callback.Notification{Payment: "p", Status: relay.Paid}, time.Now())
		if err != nil || len(list) != 1 || string(list[0].Request.Body) != want {
			t.Errorf("%s: %+v, %v; want %q", name, list, err, want)
		}
	}
}

// TestMissingSettings: what a fault needs and the account lacks is named.
func TestMissingSettings(t *testing.T) {
	o := settings{shared: shared{[]string{"s1"}}}
	for name, want := range map[string]string{
		fault.RotatedKey:    "in secrets or tokens",
		fault.OtherMerchant: "set account or shop",
	} {
		_, err := fault.Compose(name, spied(t, o), callback.Notification{Payment: "p", Status: relay.Paid}, time.Now())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestEveryAccountTaken: an account that is none of the list's is found, however many there are.
func TestEveryAccountTaken(t *testing.T) {
	o := settings{Account: callback.List{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}}
	list, err := fault.Compose(fault.OtherMerchant, spied(t, o), callback.Notification{Status: relay.Paid}, time.Now())
	if err != nil || !strings.Contains(string(list[0].Request.Body), ";01234567890;") {
		t.Errorf("%+v, %v", list, err)
	}
}

// unsigned is a provider whose callbacks are a form with one field that matters: mostly they prove nothing.
type unsigned struct{ signed func(callback.Request) string }

func (u unsigned) Sign(callback.Notification, time.Time) (callback.Request, error) {
	r := callback.NewPost(map[string][]string{"Content-Type": {"application/json"}}, []byte(`{"ref":"order-1","sealed":"aGVsbG8="}`))
	r.URL.RawQuery = "data.id=17&type=payment"
	return r, nil
}

func (u unsigned) Parse(r callback.Request, _ time.Time) ([]callback.Event, error) {
	genuine, _ := u.Sign(callback.Notification{}, time.Time{})
	if u.signed(r) != u.signed(genuine) {
		return nil, callback.Refuse(callback.BadSignature, "")
	}
	return nil, nil
}

func (u unsigned) Answer(error) callback.Answer { return callback.Answer{} }

// TestChanges: whatever it is of a callback that the provider signs, a change to it is found, and where it signs nothing
// that is said.
func TestChanges(t *testing.T) {
	cut := func(text, from, to string) string {
		_, text, _ = strings.Cut(text, from)
		text, _, _ = strings.Cut(text, to)
		return text
	}
	for what, signed := range map[string]func(callback.Request) string{
		"body":   func(r callback.Request) string { return string(r.Body) },
		"id":     func(r callback.Request) string { return cut(string(r.Body), `"ref":"`, `"`) },
		"sealed": func(r callback.Request) string { return cut(string(r.Body), `"sealed":"`, `"`) },
		"query":  func(r callback.Request) string { return r.URL.RawQuery },
		"":       func(callback.Request) string { return "" },
	} {
		a, err := fault.Open(struct{}{}, "", func(struct{}) (unsigned, error) { return unsigned{signed}, nil },
			func(struct{}, string) (unsigned, error) { return unsigned{signed}, nil },
			func() (struct{}, string, error) { return struct{}{}, "", errors.New("none") })
		if err != nil {
			t.Fatal(err)
		}
		list, err := fault.Compose(fault.BadSignature, a, callback.Notification{Payment: "order-1", Status: relay.Paid}, time.Now())
		if what == "" {
			if err == nil || !strings.Contains(err.Error(), "nothing in this provider's callbacks is signed") {
				t.Errorf("nothing is signed, and yet %+v, %v", list, err)
			}
			continue
		}
		if err != nil || len(list) != 1 || !list[0].Forged {
			t.Errorf("a change to the %s is not found: %+v, %v", what, list, err)
		}
	}
}
