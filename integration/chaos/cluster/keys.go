//go:build linux

package cluster

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/callback/stripe"
	"github.com/tillbell/tillbell/transport/ticket"
)

// Keys are made for one run. Servers have them in files that only their user can read.
type Keys struct {
	API    string
	ticket string
	routes string // between the nodes of a cluster
	erp    standard.Options
	card   stripe.Options
}

// NewKeys returns random keys.
func NewKeys() (Keys, error) {
	text := func() string {
		b := make([]byte, 32)
		_, _ = rand.Read(b)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	k := Keys{API: text(), ticket: text(), routes: text()}
	var err error
	if k.erp, _, err = standard.Throwaway(); err != nil {
		return k, err
	}
	k.card, _, err = stripe.Throwaway()
	return k, err
}

// Signers returns what signs callbacks, by source.
func (k Keys) Signers() (map[string]callback.Signer, error) {
	erp, err := standard.NewSigner(k.erp, "")
	if err != nil {
		return nil, err
	}
	card, err := stripe.NewSigner(k.card, "")
	if err != nil {
		return nil, err
	}
	return map[string]callback.Signer{script.ERP: erp, script.Card: card}, nil
}

// Tickets returns what mints tickets.
func (k Keys) Tickets() (*ticket.Keys, error) { return ticket.New(ticket.Options{Secret: k.ticket}) }
