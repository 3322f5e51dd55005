package command

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

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
	status, amount            string
	json                      bool
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
was refused, which is what the faults bad-signature, stale and probe should come to.

Faults:
  duplicate      the same callback twice
  reorder        the outcome first, then what should have come before it
  late           signed now, about something an hour ago
  bad-signature  changed after it was signed
  stale          signed an hour ago
  probe          the provider's own deliberate wrong signature (WeChat Pay)`,
		Example: "  tillbell send stripe --payment order-1001\n" +
			"  tillbell send alipay --payment order-1001 --status refunded --amount 20.00\n" +
			"  tillbell send wechatpay-v3 --payment order-1001 --fault bad-signature",
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
	f.StringVar(&o.fault, "fault", "", "duplicate, reorder, late, bad-signature, stale or probe")
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
	signer, err := newSigner(s, name, section, o.keyFile)
	if err != nil {
		return err
	}
	known := s.payment(cmd.Context(), o.n.Payment)
	account, err := faulty(o.fault, signer, section)
	if err != nil {
		return about(name, section.Provider, err)
	}
	posts, err := fault.Compose(o.fault, account, complete(o.n, known, section.Provider), time.Now())
	if err != nil {
		return about(name, section.Provider, err)
	}
	refused, conflicts := false, len(known.Conflicts)
	for _, p := range posts {
		answer, err := post(cmd.Context(), s, name, p.Request)
		if err != nil {
			return err
		}
		if answer.acknowledged {
			if all := s.payment(cmd.Context(), o.n.Payment).Conflicts; len(all) > conflicts {
				conflicts, answer.conflict = len(all), all[len(all)-1].Reason
			}
		}
		refused = refused || !answer.acknowledged
		printPosting(cmd.OutOrStdout(), p, name, answer, o)
	}
	if refused {
		return exit{code: exitError}
	}
	return nil
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

// newSigner returns the signer of a source, with what keyFile holds, or with dev's key, or with the source's secrets.
func newSigner(s setup, name string, section config.Source, keyFile string) (callback.Signer, error) {
	key := s.keys[name]
	if keyFile != "" {
		text, err := os.ReadFile(keyFile)
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		key = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r") // the line end that editors add
	}
	adapter := modules.Providers[section.Provider]
	if key == "" && adapter.PrivateKey {
		return nil, fmt.Errorf("%s signs with a private key: pass it with --key FILE", name)
	}
	signer, err := adapter.NewSigner(section, key)
	if err != nil {
		return nil, about("sources."+name, section.Provider, err)
	}
	return signer, nil
}

// about says what err is about, in place of the adapter's package, which says the same once more.
func about(what, provider string, err error) error {
	text := err.Error()
	if adapter, rest, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(provider, adapter) {
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
	n.Currency = cmp.Or(n.Currency, currencyOf(provider))
	return n
}
