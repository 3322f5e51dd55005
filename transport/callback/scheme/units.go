package scheme

import (
	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// amount returns the kind's amount in major units, empty if there is none.
func (f *format) amount(k *Kind, root gjson.Result, currency string) (relay.Amount, *callback.Refusal) {
	if k.Major {
		return callback.MajorAmount(root.Get(k.Amount), k.Amount)
	}
	return callback.MinorAmount(root.Get(k.Amount), k.Amount, currency, f.Decimals)
}

// units returns how the kind writes an amount. An amount that it cannot write is an error.
func (f *format) units(k *Kind, a relay.Amount, currency string) (string, error) {
	if k.Major {
		_, err := relay.ParseAmount(string(a))
		return string(a), err
	}
	return f.Decimals.Minor(a, currency)
}
