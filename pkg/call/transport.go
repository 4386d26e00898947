package call

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/authctl/authctl/pkg/fault"
)

// NewHTTP returns a client for calls that carry secrets: it follows no redirect
// (Go forwards headers and bodies to other ports and, on 307, other hosts:
// threat 2), speaks TLS 1.2 or later with the system's roots, keeps no cookies
// and no idle connections. getenv gives the usual proxy variables.
func NewHTTP(getenv func(string) string) *http.Client {
	either := func(name, other string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return getenv(other)
	}
	proxy := (&httpproxy.Config{
		HTTPProxy:  either("http_proxy", "HTTP_PROXY"),
		HTTPSProxy: either("https_proxy", "HTTPS_PROXY"),
		NoProxy:    either("no_proxy", "NO_PROXY"),
		CGI:        getenv("REQUEST_METHOD") != "",
	}).ProxyFunc()
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Unreachable says in plain words why no answer came. The text of url.Error is
// not used: it holds the whole URL.
func Unreachable(ctx context.Context, u *url.URL, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.New(fault.Interrupted, "", "interrupted")
	}
	text, hint := reason(err)
	return fault.New(fault.Unreachable, hint, "cannot reach %s: %s", u.Host, text)
}

func reason(err error) (text, hint string) {
	var dns *net.DNSError
	var unknownCA x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case errors.Is(err, errPin):
		return errPin.Error(), "compare tls: pin: in the profile with the server's key"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host", "check base_url and the network"
	case errors.As(err, &unknownCA):
		return "its certificate is signed by nobody this machine trusts", "install the certificate authority on this machine, or name it in the profile: tls: {ca_file: …}"
	case errors.As(err, &wrongHost):
		return "its certificate is for another name", "check base_url"
	case errors.As(err, &invalid):
		return "its certificate is not valid (expired, or not for this use)", "check the clock of both machines"
	case errors.As(err, &record):
		return "it does not speak TLS", "check scheme and port in base_url"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused", "check that the server runs and that base_url is right"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time", "try again, or raise --timeout"
	default:
		return "the connection broke (" + plainCause(err) + ")", "try again"
	}
}

// plainCause names a network error without the addresses and URLs around it,
// and without what it quotes: an answer that is no HTTP can hold secrets too.
func plainCause(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	text, _, _ := strings.Cut(err.Error(), `"`)
	return strings.TrimRight(text, ": ")
}
