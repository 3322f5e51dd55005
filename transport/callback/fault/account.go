package fault

import (
	"errors"
	"fmt"

	"github.com/tillbell/tillbell/transport/callback"
)

// Account is whose callbacks go wrong. Open makes one. It may be used from many goroutines.
type Account struct {
	Signer callback.Signer
	// Provider is the other half, which sees that what must be refused is.
	Provider callback.Provider

	// Each makes the Signer of a fault, or says what has to be configured before there is one.
	wrongKey, rotatedKey, otherMerchant func() (callback.Signer, error)
}

// Open returns the account with the settings o. Key is the provider's private key, or empty where it shares a secret with
// the merchant. The functions are those that an adapter exports.
func Open[O any, P callback.Provider, S callback.Signer](
	o O, key string, build func(O) (P, error), sign func(O, string) (S, error), throwaway func() (O, string, error),
) (Account, error) {
	provider, err := build(o)
	if err != nil {
		return Account{}, err
	}
	signer, err := sign(o, key)
	if err != nil {
		return Account{}, err
	}
	return Account{
		Signer:   signer,
		Provider: provider,
		wrongKey: func() (callback.Signer, error) {
			fresh, freshKey, err := throwaway()
			if err != nil {
				return nil, err
			}
			signer, err := opened(sign(withKeysOf(o, fresh), freshKey))
			if err != nil {
				return nil, fmt.Errorf("a stranger's keys do not go with the settings of this source: %w", err)
			}
			return signer, nil
		},
		rotatedKey: func() (callback.Signer, error) {
			older, err := withOldestKey(o)
			if err != nil {
				return nil, err
			}
			return opened(sign(older, ""))
		},
		otherMerchant: func() (callback.Signer, error) {
			other, err := forAnother(o)
			if err != nil {
				return nil, err
			}
			return opened(sign(other, key))
		},
	}, nil
}

// opened forgets the Signer's type, and a Signer that is none.
func opened[S callback.Signer](s S, err error) (callback.Signer, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// errOneKey is why some sources have no key before the one that signs.
var errOneKey = errors.New("this provider's callbacks are signed with one shared secret at a time, or with a private key: " +
	"there is no older one here to sign with")
