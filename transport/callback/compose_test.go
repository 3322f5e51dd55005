package callback_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/transport/callback"
)

func TestPlacedValuesAreReadBack(t *testing.T) {
	name := rapid.StringMatching(`[a-z_\-$ é订0-9]{1,6}`)
	rapid.Check(t, func(t *rapid.T) {
		path := strings.Join(rapid.SliceOfN(name, 1, 4).Draw(t, "path"), ".")
		value := rapid.String().Draw(t, "value")
		object := map[string]any{"zz": 1, "zy": map[string]any{"kept": true}}
		if err := callback.Place(object, path, value); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if got := gjson.GetBytes(text, path); got.Str != value {
			t.Errorf("%s reads %q, want %q", text, got.Str, value)
		}
		if !strings.HasPrefix(path, "zy") && !gjson.GetBytes(text, "zy.kept").Bool() {
			t.Errorf("%s lost a neighbour", text)
		}
	})
}

func TestPlaceRefuses(t *testing.T) {
	for _, path := range []string{"", ".", "a.", ".a", "a..b", "a.*", "a.#.b", "a|b", "@this", `a\.b`, "text.inner"} {
		object := map[string]any{"text": "value"}
		if err := callback.Place(object, path, 1); err == nil || !strings.HasPrefix(err.Error(), "fields: ") ||
			!strings.Contains(err.Error(), strconv.Quote(path)) {
			t.Errorf("%q: %v", path, err)
		}
		if object["text"] != "value" {
			t.Errorf("%q: overwrote another field: %v", path, object)
		}
	}
}

func TestDigits(t *testing.T) {
	for _, n := range []int{0, 1, 28, 64} {
		if d := callback.Digits("order-1", n); len(d) != n || !regexp.MustCompile(`^[0-9]*$`).MatchString(d) {
			t.Errorf("%d digits: %q", n, d)
		}
	}
	once, again, other := callback.Digits("order-1", 28), callback.Digits("order-1", 28), callback.Digits("order-2", 28)
	if once != again || once == other {
		t.Error("digits do not follow from their seed")
	}
}
