// Package jwks gets the public keys that an issuer publishes (RFC 7517), from
// an address that the user gave and never from one that a token names. What was
// fetched is kept as long as HTTP allows (RFC 9111).
package jwks

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jwt"
	"github.com/authctl/authctl/pkg/profile"
)

const (
	// maxBody is how large a document can be, decoded.
	maxBody = 1 << 20
	// pause lies between two reloads: a stream of tokens with made-up key names
	// must not become a stream of requests.
	pause = time.Minute
)

// Client fetches documents. All fields but Trace and Folder are needed.
type Client struct {
	HTTP      *http.Client // follows no redirect
	Now       func() time.Time
	Timeout   time.Duration // of one request
	UserAgent string
	Folder    string           // where documents are kept; empty: they are not
	Trace     func(call.Event) // is told every request
}

// Set is the key set of one address.
type Set struct {
	client  *Client
	address *url.URL
	last    *document
}

// Set returns the key set of an address, without fetching it yet.
func (c *Client) Set(address string) (*Set, error) {
	u, err := safeURL(address)
	if err != nil {
		return nil, err
	}
	return &Set{client: c, address: u}, nil
}

// Keys returns the keys, fetched or kept.
func (s *Set) Keys(ctx context.Context) ([]jwt.Key, error) {
	doc, err := s.client.document(ctx, s.address)
	return s.read(doc, err)
}

// Reload fetches the keys again, because a token names one that is not there:
// the issuer may have a new one. Within a minute it returns what is there.
func (s *Set) Reload(ctx context.Context) ([]jwt.Key, error) {
	if s.last != nil && s.client.Now().Sub(s.last.Fetched) < pause {
		return s.read(s.last, nil)
	}
	doc, err := s.client.fetch(ctx, s.address, s.last)
	return s.read(doc, err)
}

func (s *Set) read(doc *document, err error) ([]jwt.Key, error) {
	if err != nil {
		return nil, err
	}
	s.last = doc
	keys, err := jwt.ReadKeySet([]byte(doc.Body))
	if err != nil {
		return nil, fault.New(fault.BadAnswer, "check the address of the key set", "%s: %w", s.address.Host, err)
	}
	return keys, nil
}

// Discover asks an issuer where its keys are: OpenID Connect Discovery §4, else
// RFC 8414 §3. The document must be the issuer's own.
func (c *Client) Discover(ctx context.Context, issuer string) (*Set, error) {
	u, err := safeURL(issuer)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" {
		return nil, fault.New(fault.Usage, "", "an issuer's URL has no query")
	}
	doc, err := c.document(ctx, wellKnown(u, "openid-configuration", true))
	if errors.Is(err, errAbsent) {
		doc, err = c.document(ctx, wellKnown(u, "oauth-authorization-server", false))
	}
	if err != nil {
		return nil, err
	}
	var about struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal([]byte(doc.Body), &about); err != nil {
		return nil, fault.New(fault.BadAnswer, "", "%s: the description of the issuer is not what it should be", u.Host)
	}
	if about.Issuer != issuer {
		return nil, fault.New(fault.BadAnswer, "write the issuer exactly as its tokens name it",
			"%s describes the issuer %q, not %q", u.Host, about.Issuer, issuer)
	}
	set, err := c.Set(about.Keys)
	return set, fault.Wrap(err, "jwks_uri of the issuer")
}

// wellKnown is the address of a description: after the path of the issuer, or
// before it (RFC 8414 §3.1).
func wellKnown(issuer *url.URL, name string, after bool) *url.URL {
	path, u := strings.TrimSuffix(issuer.EscapedPath(), "/"), *issuer
	u.Path, u.RawPath = "/.well-known/"+name+path, ""
	if after {
		u.Path = path + "/.well-known/" + name
	}
	return &u
}

// safeURL takes https, and http on this machine (threat 4).
func safeURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, fault.New(fault.Usage, "write https://…", "this is not the URL of a key set or issuer")
	case u.Scheme == "https", u.Scheme == "http" && profile.IsLoopback(u.Hostname()):
		return u, nil
	}
	return nil, fault.New(fault.Usage, "write https://…", "keys come over https; plain http is for this machine only")
}

// document returns what is kept while it is fresh, and fetches it otherwise.
func (c *Client) document(ctx context.Context, u *url.URL) (*document, error) {
	kept := c.kept(u)
	if kept != nil && c.Now().Before(kept.Expires) {
		return kept, nil
	}
	return c.fetch(ctx, u, kept)
}

// fetch asks the server, with the mark of what is kept.
func (c *Client) fetch(ctx context.Context, u *url.URL, kept *document) (*document, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fault.New(fault.Usage, "", "this is not the URL of a key set or issuer")
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	r.Header.Set("User-Agent", c.UserAgent)
	if kept != nil && kept.ETag != "" {
		r.Header.Set("If-None-Match", kept.ETag)
	}
	answer, body, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	return c.take(u, kept, answer, body)
}

func (c *Client) do(ctx context.Context, r *http.Request) (*http.Response, []byte, error) {
	begin := c.Now()
	answer, err := c.HTTP.Do(r)
	c.trace(r, answer, c.Now().Sub(begin))
	if err != nil {
		return nil, nil, unreachable(ctx, r.URL, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, nil, unreachable(ctx, r.URL, err)
	case len(body) > maxBody:
		return nil, nil, fault.New(fault.BadAnswer, "", "%s: the answer is longer than 1 MiB", r.URL.Host)
	}
	return answer, body, nil
}

func unreachable(ctx context.Context, u *url.URL, err error) error {
	err = call.Unreachable(ctx, u, err)
	return fault.New(fault.KindOf(err), "check the URL and the network", "%w", err)
}

func (c *Client) trace(r *http.Request, answer *http.Response, took time.Duration) {
	if c.Trace == nil {
		return
	}
	e := call.Event{Method: r.Method, URL: r.URL.Redacted(), Took: took}
	if answer != nil {
		e.Status = answer.StatusCode
	}
	for name := range r.Header {
		e.Headers = append(e.Headers, name)
	}
	slices.Sort(e.Headers)
	c.Trace(e)
}

// errAbsent is an answer that there is no such document.
var errAbsent = errors.New("there is no such document")

// take makes a document of an answer.
func (c *Client) take(u *url.URL, kept *document, answer *http.Response, body []byte) (*document, error) {
	doc := &document{URL: u.String(), Body: string(body), ETag: answer.Header.Get("ETag")}
	switch status := answer.StatusCode; {
	case status == http.StatusNotModified && kept != nil:
		doc.Body, doc.ETag = kept.Body, kept.ETag
	case status == http.StatusNotFound:
		return nil, fault.New(fault.BadAnswer, "check the URL", "%s%s: %w", u.Host, u.Path, errAbsent)
	case status >= 300 && status < 400:
		return nil, fault.New(fault.BadAnswer, "name the right address, if you trust it", "%s leads elsewhere, to %s, and was not followed", u.Host, target(answer))
	case status == http.StatusTooManyRequests || status >= 500:
		return nil, fault.New(fault.BadAnswer, "try again later", "%s answered with status %d", u.Host, status)
	case status != http.StatusOK:
		return nil, fault.New(fault.BadAnswer, "check the URL", "%s answered with status %d", u.Host, status)
	}
	doc.Fetched = c.Now()
	lifetime, store := freshness(answer.Header)
	doc.Expires = doc.Fetched.Add(lifetime)
	if store {
		c.keep(u, doc)
	} else {
		c.forget(u)
	}
	return doc, nil
}

// target names the host that a redirect leads to.
func target(answer *http.Response) string {
	to, err := answer.Location()
	if err != nil {
		return "nowhere"
	}
	return to.Host
}
