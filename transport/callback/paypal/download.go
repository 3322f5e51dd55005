package paypal

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

const (
	// patience bounds a download, from the look-up of the host to the last byte.
	patience = 5 * time.Second
	// maxCertificate bounds what a download may bring, in bytes.
	maxCertificate = 64 << 10
	// maxDownloads is how many downloads may begin within a minute: half of them for calls from where others were for nothing,
	// half for the rest.
	maxDownloads = 10
	// silence is how long an address that brought no usable certificate is not asked again.
	silence = time.Minute
	// maxCertificates is how many certificates are kept. Calls name one, and another once PayPal has renewed it.
	maxCertificates = 16
	// maxWaiting is how many calls may wait for another's download.
	maxWaiting = 100
)

// The errors after which PayPal should come again.
var (
	errBudget  = fmt.Errorf("paypal: fetch certificate: %d others were asked for within a minute", maxDownloads/2)
	errWaiting = fmt.Errorf("paypal: fetch certificate: %d calls wait already", maxWaiting)
)

// downloads fetches certificates and keeps them. Calls that need the same one wait for one download. Strangers can name any
// certificate at PayPal, so that downloads are few: an attacker who names new ones all the time, from many networks, delays one that is not
// known yet, until PayPal's retry finds a free place, and none that is known. Pinned certificates are beyond his reach.
type downloads struct {
	client  *http.Client
	roots   *x509.CertPool
	waiting chan struct{} // holds one for each call that waits for another's download

	mu             sync.Mutex // guards what follows; never held during a download
	byURL          map[string]*download
	usual, dubious budget
}

// budget is when the latest downloads began, round and round, and which of them is the oldest.
type budget struct {
	begun [maxDownloads / 2]time.Time
	next  int
}

// take reports whether one more may begin at now, and notes it.
func (b *budget) take(now time.Time) bool {
	oldest := &b.begun[b.next]
	if !oldest.IsZero() && now.Sub(*oldest) < time.Minute {
		return false
	}
	*oldest = now
	b.next = (b.next + 1) % len(b.begun)
	return true
}

// download is the certificate at one address. done is closed when the rest is set; used is guarded by downloads.mu.
type download struct {
	done  chan struct{}
	begun time.Time
	used  time.Time
	chain *chain
	err   error
}

func newDownloads(roots *x509.CertPool) *downloads {
	return &downloads{
		client: &http.Client{
			Transport:     newTransport(new(net.Dialer).DialContext),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		roots:   roots,
		waiting: make(chan struct{}, maxWaiting),
		byURL:   make(map[string]*download),
	}
}

// dialer is http.Transport's DialContext.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// newTransport returns a transport that goes straight to the host: a proxy from the environment would see a request that
// strangers cause. It keeps no connection, because certificates are fetched about once a year. Connecting has limits of its
// own, because http.Transport goes on with it after a request was given up.
func newTransport(dial dialer) *http.Transport {
	return &http.Transport{
		Proxy: nil,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			return dial(ctx, network, address)
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    patience,
		DisableKeepAlives:      true,
		DisableCompression:     true, // so that maxCertificate is what is read
		MaxResponseHeaderBytes: 16 << 10,
	}
}

// key returns the key of the certificate at an address that is allowed. The error is a *callback.Refusal if what is there
// does not count, and another one if it could not be fetched.
func (d *downloads) key(address string, now time.Time, doubtful func() bool) (*rsa.PublicKey, error) {
	f, mine, err := d.find(address, now, doubtful)
	if err != nil {
		return nil, err
	}
	switch {
	case mine:
		d.run(f, address, now)
	case !f.finished():
		select {
		case d.waiting <- struct{}{}:
			<-f.done
			<-d.waiting
		default:
			return nil, errWaiting
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	if err := f.chain.check(now); err != nil {
		return nil, err
	}
	return f.chain.key, nil
}

// find returns the download of the address, and whether the caller is to run it.
func (d *downloads) find(address string, now time.Time, doubtful func() bool) (f *download, mine bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f = d.byURL[address]; f != nil && !f.spent(now) {
		f.used = now
		return f, false, nil
	}
	b := &d.usual
	if doubtful != nil && doubtful() {
		b = &d.dubious
	}
	if !b.take(now) {
		return nil, false, errBudget
	}
	d.forget(now)
	f = &download{done: make(chan struct{}), begun: now, used: now}
	d.byURL[address] = f
	return f, true, nil
}

// forget drops what is spent, and then the certificate that nobody asked for the longest if there are too many.
func (d *downloads) forget(now time.Time) {
	var idle string
	kept := 0
	for address, f := range d.byURL {
		switch {
		case f.spent(now):
			delete(d.byURL, address)
		case f.finished() && f.err == nil:
			kept++
			if idle == "" || f.used.Before(d.byURL[idle].used) {
				idle = address
			}
		}
	}
	if kept >= maxCertificates {
		delete(d.byURL, idle)
	}
}

func (f *download) finished() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// spent reports whether the address is to be asked again: what it brought has expired, or was no use and is old.
func (f *download) spent(now time.Time) bool {
	switch {
	case !f.finished():
		return false
	case f.err != nil:
		return now.Sub(f.begun) >= silence
	default:
		return f.chain.check(now) != nil
	}
}

// run fetches what is at the address and checks it.
func (d *downloads) run(f *download, address string, now time.Time) {
	defer close(f.done)
	text, err := d.fetch(address)
	if err != nil {
		f.err = err
		return
	}
	if f.chain, err = newChain(text, d.roots); err != nil {
		f.err = callback.Refuse(callback.UntrustedCert, "what is at "+headerCert+" does not count: "+err.Error())
		return
	}
	f.err = f.chain.check(now)
}

// fetch returns the text at the address. What PayPal says for good is a *callback.Refusal.
func (d *downloads) fetch(address string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("paypal: fetch certificate: %w", err)
	}
	response, err := d.client.Do(r)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err // without the address, which a stranger wrote
		}
		return "", fmt.Errorf("paypal: fetch certificate: %w", err)
	}
	defer response.Body.Close()
	switch code := response.StatusCode; {
	case code == http.StatusBadRequest || code == http.StatusNotFound || code == http.StatusGone:
		return "", callback.Refuse(callback.UntrustedCert, "PayPal has no certificate at "+headerCert)
	case code >= 300 && code < 400:
		return "", callback.Refuse(callback.UntrustedCert, headerCert+" leads to another address, which is not followed")
	case code != http.StatusOK:
		return "", fmt.Errorf("paypal: fetch certificate: PayPal answers %d", code)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxCertificate+1))
	if err == nil {
		err = ctx.Err() // a server that sees us leave may end its answer as if that was all
	}
	if err != nil {
		return "", fmt.Errorf("paypal: fetch certificate: %w", err)
	}
	if len(text) > maxCertificate {
		return "", callback.Refuse(callback.UntrustedCert, "what is at "+headerCert+" is larger than 64 KiB")
	}
	return string(text), nil
}
