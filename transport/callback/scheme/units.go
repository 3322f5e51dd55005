package scheme

import (
	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// amount returns the kind's amount in major units, empty if there is none.
func (f *format) amount(k *Kind, root gjson.Result, currency string) (relay.Amount, *callback.Refusal) {
	r := root.Get(k.Amount)
	if k.Major {
		return callback.MajorAmount(r, k.Amount)
	}
	a, refusal := callback.MinorAmount(r, k.Amount, currency)
	n, differs := f.Decimals[currency]
	if a == "" || !differs {
		return a, refusal
	}
	a, err := money.Shift(callback.Text(r), n)
	if err != nil {
		return "", callback.Reject("the amount at " + k.Amount + " is too long")
	}
	return a, nil
}

// units returns how the kind writes an amount. An amount that it cannot write is an error.
func (f *format) units(k *Kind, a relay.Amount, currency string) (string, error) {
	if k.Major {
		_, err := relay.ParseAmount(string(a))
		return string(a), err
	}
	if n, differs := f.Decimals[currency]; differs {
		return money.Unshift(a, n)
	}
	return money.ToMinor(a, currency)
}
