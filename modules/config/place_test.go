package config_test

import (
	"testing"

	"github.com/tillbell/tillbell/modules/config"
)

func TestPlace(t *testing.T) {
	c, err := config.Load(config.LoadOptions{
		Getenv: func(name string) (string, bool) {
			switch name {
			case "TILLBELL_CONFIG":
				return "listen: :80\nsources:\n  erp:\n    provider: standard-webhooks\n", true
			case "TILLBELL_ENGINE":
				return "memory", true
			}
			return "", false
		},
		Flags: map[string]string{"admin": ":9090"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"listen":               "TILLBELL_CONFIG:1",
		"sources.erp.provider": "TILLBELL_CONFIG:4",
		"sources.erp.secrets":  "TILLBELL_CONFIG:4",
		"engine":               "TILLBELL_ENGINE",
		"admin":                "flag",
		"retention":            "",
	} {
		equal(t, path, c.Place(path), want)
	}
}

// TestGiven: a configuration was given if a document or a variable of Tillbell's says anything.
func TestGiven(t *testing.T) {
	for _, test := range []struct {
		name, variable, value string
		want                  bool
	}{
		{"nothing", "", "", false},
		{"the platform's port", "PORT", "80", false},
		{"an empty document", "TILLBELL_CONFIG", "", false},
		{"a document", "TILLBELL_CONFIG", "engine: memory", true},
		{"a variable", "TILLBELL_ENGINE", "memory", true},
	} {
		c, err := config.Load(config.LoadOptions{
			Getenv: func(name string) (string, bool) {
				if name != test.variable {
					return "", false
				}
				return test.value, true
			},
			Flags: map[string]string{"listen": ":80"},
		})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, test.name, c.Given(), test.want)
	}
}

// TestBareVariable: $NAME in a secret is meant to be a variable and would be a key that everybody can read.
func TestBareVariable(t *testing.T) {
	for _, value := range []string{"$NAME", "$_a1"} {
		_, err := config.Load(config.LoadOptions{Getenv: setting("api_keys: ['" + value + "']")})
		if err == nil || err.Error() != "TILLBELL_CONFIG:1: api_keys[0]: is a variable without braces; write ${NAME}" {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, text := range []string{"api_keys: ['$NAME-and-more']", "api_keys: ['$1']", "listen: $NAME"} {
		if _, err := config.Load(config.LoadOptions{Getenv: setting(text)}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// setting returns an environment that has nothing but the document.
func setting(text string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name == "TILLBELL_CONFIG" {
			return text, true
		}
		return "", false
	}
}
