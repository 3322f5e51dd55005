package command

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
)

// sendOptions are send's flags.
type sendOptions struct {
	path, keyFile, url, fault string
	status, amount, speedText string
	json, retries             bool
	speed                     float64
	n                         callback.Notification
}

func newSend() *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use:   "send SOURCE --payment ID",
		Short: "Post a signed callback as the provider would",
		Long: `Send signs a callback exactly as the provider of the source would and posts it. It needs the key that the provider
signs with: that of the running dev, the secret in the configuration for providers that share one with the merchant, or
--key where the provider signs with a private key. It exits with 0 if every callback was acknowledged and with 1 if one
was refused.

A provider whose callbacks have to be asked back (mollie, mercadopago) has its API played by dev, which send tells of the
payment first.

With --retries a callback that is not acknowledged comes again after each pause of the provider's own schedule, divided by
--speed, whether the server refuses it, cannot store it or is not there: 1h is 6s at --speed 600x. It exits with 1 when the
provider would give up.

Faults that are acknowledged:
  duplicate       the same callback twice
  reorder         the outcome first, then what should have come before it
  late            signed now, about something an hour ago
  rotated-key     signed with the oldest of the source's shared secrets
  wrong-amount    says one minor unit more: a conflict if the payment's amount is registered
Faults that are refused, so that send exits with 1:
  bad-signature   changed after it was signed
  wrong-key       signed with a key that is nobody's
  truncated       its body ends in the middle
  other-merchant  signed with the right key, for another account
  stale           signed an hour ago, or a month where that is not too old
  probe           the provider's own deliberate wrong signature (WeChat Pay)`,
		Example: "  tillbell send stripe --payment order-1001\n" +
			"  tillbell send alipay --payment order-1001 --status refunded --amount 20.00\n" +
			"  tillbell send wechatpay-v3 --payment order-1001 --fault bad-signature\n" +
			"  tillbell send paypal --payment order-1001 --retries --speed 600x",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return send(cmd, args[0], o) },
	}
	f := cmd.Flags()
	configFlag(cmd, &o.path)
	f.StringVar(&o.n.Payment, "payment", "", "the payment's `ID` (required)")
	f.StringVar(&o.status, "status", "paid", "paid, pending, failed, closed, refunded or refund_failed")
	f.StringVar(&o.amount, "amount", "", "amount in major units, such as 129.00 (default: what is registered, if an API key is at hand, else 1.00)")
	f.StringVar(&o.n.Currency, "currency", "", "ISO 4217 `CODE` (default: what is registered, else the provider's usual one)")
	f.StringVar(&o.n.ID, "id", "", "the provider's event `ID` (default: a fresh one)")
	f.StringVar(&o.n.TransactionID, "transaction-id", "", "the provider's payment `ID` (default: a fresh one)")
	f.StringVar(&o.fault, "fault", "", "one of the faults above")
	f.BoolVar(&o.retries, "retries", false, "go on as the provider would until the callback is acknowledged")
	f.StringVar(&o.speedText, "speed", "1x", "with --retries: how many `TIMES` faster than the provider")
	f.StringVar(&o.url, "url", "", "the server's `URL` (default: the running dev's, or the configuration's listen address on this machine)")
	f.StringVar(&o.keyFile, "key", "", "`FILE` with the provider's private key")
	f.BoolVar(&o.json, "json", false, "print each answer as a JSON line")
	return cmd
}

func send(cmd *cobra.Command, name string, o sendOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	s, err := findSetup(cmd.Context(), o.path)
	if err != nil {
		return needs(err, "or name a configuration with -c")
	}
	section, ok := s.config.Sources[name]
	if !ok {
		return fmt.Errorf("there is no source %q; there are %s", name, sourceNames(s.config))
	}
	if o.url != "" {
		s.url, s.named = o.url, true
	}
	account, err := openAccount(s, name, section, o.keyFile)
	if err != nil {
		return err
	}
	known := s.payment(cmd.Context(), o.n.Payment)
	d := &delivery{
		setup: s, source: name, provider: modules.Providers[section.Provider].About, account: account, options: o,
		says: complete(o.n, known, section.Provider), conflicts: len(known.Conflicts),
		post: post, out: cmd.OutOrStdout(),
	}
	return d.run(cmd.Context())
}

// check judges the flags and reads those that are more than text.
func (o *sendOptions) check() error {
	if o.n.Payment == "" {
		return usage(errors.New("--payment is missing: name the payment, for example --payment order-1001"))
	}
	if err := relay.CheckPayment(o.n.Payment); err != nil {
		return usage(fmt.Errorf("--payment: %w", err))
	}
	if o.n.Status = relay.Status(o.status); !o.n.Status.Valid() {
		return usage(fmt.Errorf("--status %q is none of paid, pending, failed, closed, refunded, refund_failed", o.status))
	}
	if o.fault != "" && !slices.Contains(fault.Names, o.fault) {
		return usage(fmt.Errorf("--fault %q is none of %s", o.fault, strings.Join(fault.Names, ", ")))
	}
	if err := o.checkSpeed(); err != nil {
		return err
	}
	if strings.HasPrefix(o.amount, "-") {
		return usage(fmt.Errorf("--amount %q must not be negative; --status refunded is money that goes back", o.amount))
	}
	if o.amount != "" {
		a, err := relay.ParseAmount(o.amount)
		if err != nil {
			return usage(fmt.Errorf("--amount: %w", err))
		}
		o.n.Amount = a
	}
	if o.url != "" {
		var err error
		if o.url, err = readURL(o.url); err != nil {
			return err
		}
	}
	return nil
}

func sourceNames(c *config.Config) string {
	if len(c.Sources) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(c.Sources)), ", ")
}

// checkSpeed reads --speed, which may end in x.
func (o *sendOptions) checkSpeed() error {
	var err error
	o.speed, err = strconv.ParseFloat(strings.TrimSuffix(o.speedText, "x"), 64)
	switch {
	case err != nil || !(o.speed > 0) || math.IsInf(o.speed, 0):
		return usage(fmt.Errorf("--speed %q is not a number of times such as 60x", o.speedText))
	case o.speed != 1 && !o.retries:
		return usage(errors.New("--speed is how fast --retries come: name both"))
	}
	return nil
}

// openAccount returns the account of a source, with what keyFile holds, or with dev's key, or with the source's secrets.
func openAccount(s setup, name string, section config.Source, keyFile string) (fault.Account, error) {
	key := s.keys[name]
	if keyFile != "" {
		text, err := os.ReadFile(keyFile)
		if err != nil {
			return fault.Account{}, fmt.Errorf("--key: %w", err)
		}
		key = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r") // the line end that editors add
	}
	adapter := modules.Providers[section.Provider]
	if key == "" && adapter.About.PrivateKey {
		return fault.Account{}, fmt.Errorf("%s is signed with the provider's private key: use the source of a running \"tillbell dev\" (send without -c), or pass with --key FILE one whose public half the source has", name)
	}
	account, err := adapter.Account(section, key)
	if err != nil {
		return fault.Account{}, about("sources."+name, section.Provider, err)
	}
	return account, nil
}

// about says what err is about, in place of the adapter's package, which says the same once more.
func about(what, provider string, err error) error {
	text := err.Error()
	joined := strings.NewReplacer("-", "")
	if adapter, rest, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(joined.Replace(provider), joined.Replace(adapter)) {
		text = rest
	}
	return errors.New(what + ": " + text)
}

// complete fills in what the user left out: amount and currency as the payment is registered, if it is and waits for a
// callback.
func complete(n callback.Notification, known inspected, provider string) callback.Notification {
	if n.Amount == "" && n.Currency == "" && known.Status == relay.Pending {
		n.Amount, n.Currency = known.Amount, known.Currency
	}
	n.Amount = cmp.Or(n.Amount, "1.00")
	n.Currency = cmp.Or(n.Currency, modules.Providers[provider].About.Currency)
	return n
}
