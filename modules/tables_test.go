package modules_test

import (
	"testing"

	"github.com/tillbell/tillbell/modules"
)

// TestAdapters: each provider stands in the table once, under a name and a label of its own.
func TestAdapters(t *testing.T) {
	labels := make(map[string]string)
	for _, a := range modules.Adapters {
		if other, twice := labels[a.About.Label]; twice {
			t.Errorf("%s and %s are both called %s", a.About.Name, other, a.About.Label)
		}
		labels[a.About.Label] = a.About.Name
	}
	if len(modules.Providers) != len(modules.Adapters) || len(modules.ProviderNames()) != len(modules.Adapters) {
		t.Errorf("%d adapters have the names %q", len(modules.Adapters), modules.ProviderNames())
	}
}
