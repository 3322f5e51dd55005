package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
)

// state is what a running dev leaves for the other commands, in a file that only its user can read.
type state struct {
	// URL is where it listens.
	URL    string `yaml:"url"`
	APIKey string `yaml:"api_key"`
	// Config is its configuration file.
	Config string `yaml:"config"`
	// Keys are the private keys that providers sign with, by source.
	Keys map[string]string `yaml:"keys"`
}

// errNoDev says what to do where a command needs a running dev or something in its place.
var errNoDev = errors.New(`no running "tillbell dev" was found`)

// stateDir returns the folder of the files: in the user's run-time folder, else in the cache folder.
func stateDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "tillbell")
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "tillbell")
	}
	return filepath.Join(os.TempDir(), "tillbell-"+strconv.Itoa(os.Getuid()))
}

// statePath returns the file of the dev at address. No two that run listen on one port.
func statePath(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Port() == "" {
		return "", fmt.Errorf("dev: save keys: %q has no port", address)
	}
	return filepath.Join(stateDir(), "dev-"+u.Port()+".yaml"), nil
}

// save writes the file and returns where it lies and what removes it at the end.
func (s state) save() (path string, remove func(), err error) {
	path, err = statePath(s.URL)
	if err != nil {
		return "", nil, err
	}
	text, err := yaml.Marshal(s)
	if err != nil {
		return "", nil, fmt.Errorf("dev: save keys: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", nil, fmt.Errorf("dev: save keys: %w", err)
	}
	if err := checkDir(filepath.Dir(path)); err != nil {
		return "", nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".dev-*") // mode 0600
	if err != nil {
		return "", nil, fmt.Errorf("dev: save keys: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("dev: save keys: %w", err), os.Remove(f.Name()))
	}
	// What is left of a dev that was killed is told apart by its address not answering.
	return path, func() { _ = os.Remove(path) }, nil
}

// loadState returns what the dev that was started last left, of those that answer, or errNoDev.
func loadState(ctx context.Context) (state, error) {
	for _, path := range statePaths(stateDir()) {
		s, err := readState(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it ended in this moment
		}
		if err != nil || s.answers(ctx) {
			return s, err
		}
	}
	return state{}, errNoDev
}

// statePaths returns the files that lie in dir, the last written first.
func statePaths(dir string) []string {
	paths, _ := filepath.Glob(filepath.Join(dir, "dev-*.yaml")) // a folder whose name is no pattern has none
	written := make(map[string]time.Time, len(paths))
	for _, path := range paths {
		if info, err := os.Lstat(path); err == nil {
			written[path] = info.ModTime()
		}
	}
	slices.SortStableFunc(paths, func(a, b string) int { return written[b].Compare(written[a]) })
	return paths
}

// checkDir reports an error if somebody else could put keys of his own into the folder, or take these.
func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("dev: keys: %w", err)
	}
	if !info.IsDir() || !onlyMine(info) {
		return fmt.Errorf("dev: the folder %s can be used by others; remove it, or chmod 700 it if it is yours", dir)
	}
	return nil
}

func readState(path string) (state, error) {
	var s state
	if err := checkDir(filepath.Dir(path)); err != nil {
		return s, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return s, fmt.Errorf("dev: read keys: %w", err)
	}
	if !info.Mode().IsRegular() || !onlyMine(info) {
		return s, fmt.Errorf("dev: %s can be used by others; remove it and start dev again", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("dev: read keys: %w", err)
	}
	if err := yaml.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("dev: %s is not what dev writes; remove it and start dev again", path)
	}
	return s, nil
}

// answerTime is how long a dev may take to say that it is there. It is on this machine.
const answerTime = 2 * time.Second

// answers reports whether the dev is where it was, and not somebody else who listens there by now: it knows its API
// key and says of a payment that there is none, or which. One that drains answers too.
func (s state) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/payments/dev", nil)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+s.APIKey)
	resp, err := sendClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // nothing of it is read
	return resp.StatusCode == http.StatusOK ||
		resp.StatusCode == http.StatusNotFound && resp.Header.Get("Content-Type") == "application/problem+json"
}

// config returns dev's configuration, without the environment.
func (s state) config() (*config.Config, error) {
	return config.Load(config.LoadOptions{
		Getenv: func(name string) (string, bool) {
			if name == "TILLBELL_CONFIG" {
				return s.Config, true
			}
			return "", false
		},
		Schema: modules.Schema(),
	})
}
