package embedded_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"
)

// TestTLS lets in the nodes that have a certificate of the cluster's, and no other.
func TestTLS(t *testing.T) {
	t.Parallel()
	all, said := options(t, 3), newLog()
	config := certificate(t)
	for i := range all {
		all[i].TLS = config
	}
	c := newCluster(t, all)
	c.start()

	c.stopNode(2)
	stranger := all[2]
	stranger.TLS, stranger.Log = certificate(t), said.logger()
	ended := startUntil(t, stranger)
	said.wait(t, "TLS route handshake error")
	ended()
	c.start(2)
}

// certificate returns the settings of a cluster whose nodes all have one certificate, which signed itself.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}},
		RootCAs:      pool, ClientCAs: pool, MinVersion: tls.VersionTLS12,
	}
}
