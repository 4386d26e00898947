package call

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
)

// transport returns what makes the requests of a profile: with its own
// certificate authority, pinned key or client certificate where it has them.
func (c *Client) transport(p *profile.Profile) (http.RoundTripper, error) {
	plain := c.HTTP.Transport
	if plain == nil {
		plain = http.DefaultTransport
	}
	if p.TLS.IsZero() {
		return plain, nil
	}
	own, ok := plain.(*http.Transport)
	if !ok {
		return nil, fault.New(fault.Profile, "", "tls: this client's transport has no TLS settings")
	}
	config, err := c.tlsConfig(p)
	if err != nil {
		return nil, fault.New(fault.Profile, "", "profile %s: tls: %w", p.Name, err)
	}
	own = own.Clone()
	own.TLSClientConfig = config
	return own, nil
}

// Pooled returns a transport for the user's own requests to the API of a profile:
// with the same proxies and the same TLS, but it keeps connections.
func (c *Client) Pooled(p *profile.Profile) (*http.Transport, error) {
	one, err := c.transport(p)
	if err != nil {
		return nil, err
	}
	own, ok := one.(*http.Transport)
	if !ok {
		return nil, fault.New(fault.Profile, "", "this client's transport cannot keep connections")
	}
	own = own.Clone()
	own.DisableKeepAlives, own.MaxIdleConnsPerHost, own.IdleConnTimeout = false, 100, time.Minute
	return own, nil
}

func (c *Client) tlsConfig(p *profile.Profile) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if p.TLS.CAFile != "" {
		data, err := os.ReadFile(c.File(p, p.TLS.CAFile))
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, errors.New("ca_file: " + p.TLS.CAFile + " holds no certificate in PEM form")
		}
	}
	if p.TLS.CertFile != "" {
		key := p.TLS.KeyFile
		if key == "" {
			key = p.TLS.CertFile
		}
		pair, err := tls.LoadX509KeyPair(c.File(p, p.TLS.CertFile), c.File(p, key))
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if len(p.TLS.Pin) > 0 {
		// A pinned key is the server's identity; no authority has to vouch for
		// it unless one is named.
		config.InsecureSkipVerify = p.TLS.CAFile == ""
		config.VerifyConnection = func(state tls.ConnectionState) error { return checkPin(state, p.TLS.Pin) }
	}
	return config, nil
}

// errPin is a server whose key is not the one that the profile names.
var errPin = errors.New("its public key is not the pinned one")

// checkPin compares the hash of the server's public key (RFC 7469 §2.4).
func checkPin(state tls.ConnectionState, pins []string) error {
	sum := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	if !slices.Contains(pins, "sha256//"+base64.StdEncoding.EncodeToString(sum[:])) {
		return errPin
	}
	return nil
}

// File is a file named in a profile: absolute, below the home folder ("~/"), or
// beside the profile.
func (c *Client) File(p *profile.Profile, file string) string {
	if rest, found := strings.CutPrefix(file, "~/"); found && c.Home != "" {
		return filepath.Join(c.Home, rest)
	}
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(p.Pos.File), file)
}
