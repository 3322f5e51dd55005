package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
)

// setup is what the commands that speak to a server go by: a configuration, or a running dev.
type setup struct {
	config *config.Config
	url    string
	keys   map[string]string
	// apiKey is one of the server's, or empty.
	apiKey string
	// named says that the user said where the server is.
	named bool
	dev   bool
}

func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "", "configuration `FILE` (YAML)")
}

// findSetup reads the configuration file at path, or if path is empty that in TILLBELL_CONFIG, or else finds the
// running dev. The URL is where the server is reached from this machine.
func findSetup(ctx context.Context, path string) (setup, error) {
	if path != "" || os.Getenv("TILLBELL_CONFIG") != "" {
		c, err := config.Load(config.LoadOptions{Path: path, Schema: modules.Schema()})
		if err != nil {
			return setup{}, err
		}
		if err := c.Validate(); err != nil {
			return setup{}, err
		}
		s := setup{config: c, url: localURL(c)}
		if len(c.APIKeys) > 0 {
			s.apiKey = c.APIKeys[0]
		}
		return s, nil
	}
	s, err := loadState(ctx)
	if err != nil {
		return setup{}, err
	}
	c, err := s.config()
	if err != nil {
		return setup{}, err
	}
	return setup{config: c, url: s.URL, keys: s.Keys, apiKey: s.APIKey, dev: true}, nil
}

// localURL returns where a server with the configuration is reached from this machine.
func localURL(c *config.Config) string {
	scheme, addr := "http", c.Listen
	if c.TLS.Cert != "" {
		scheme = "https"
	}
	for _, all := range []string{"0.0.0.0:", "[::]:"} {
		if rest, ok := strings.CutPrefix(addr, all); ok {
			addr = ":" + rest
		}
	}
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	return scheme + "://" + addr
}

// readURL returns the value of --url without what a copy brings along: white space and slashes around it.
func readURL(text string) (string, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "/")
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", usage(errors.New("--url must be the server's address, such as http://127.0.0.1:8080 or https://pay.shop.example"))
	}
	return text, nil
}

// needs adds what else could be done to errNoDev.
func needs(err error, otherwise string) error {
	if errors.Is(err, errNoDev) {
		return fmt.Errorf(`%w: start it in another terminal, %s`, err, otherwise)
	}
	return err
}

// unreachable says what to do where the server does not answer.
func unreachable(s setup, err error) error {
	switch {
	case s.named:
		return fmt.Errorf("nothing answers at %s (%w): see that the server runs and that --url is right", s.url, brief(err))
	case s.dev:
		return fmt.Errorf(`nothing answers at %s (%w): start "tillbell dev" in another terminal, or say where with --url`, s.url, brief(err))
	}
	return fmt.Errorf("nothing answers at %s (%w): start the server, or say where it is with --url", s.url, brief(err))
}

// brief returns the cause of a failed request or listen, which names the address once more.
func brief(err error) error {
	if u := new(url.Error); errors.As(err, &u) {
		err = u.Err
	}
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err
	}
	if sys := new(os.SyscallError); errors.As(err, &sys) {
		err = sys.Err
	}
	return err
}
