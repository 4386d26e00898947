package jwks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// longest is how long a document is kept at most, whatever the server says: a
// key that was withdrawn must not be trusted for ever.
const longest = 24 * time.Hour

// document is an answer as it is kept.
type document struct {
	URL     string    `json:"url"`
	Fetched time.Time `json:"fetched"`
	Expires time.Time `json:"expires"`
	ETag    string    `json:"etag,omitempty"`
	Body    string    `json:"body"`
}

// freshness says how long an answer may be used without asking again, and
// whether it may be kept at all (RFC 9111 §4.2, for a private cache). Without a
// word from the server it is used once.
func freshness(h http.Header) (lifetime time.Duration, store bool) {
	rules := directives(h)
	if _, ok := rules["no-store"]; ok || h.Get("Vary") == "*" {
		return 0, false
	}
	if _, ok := rules["no-cache"]; ok {
		return 0, true
	}
	if age, ok := rules["max-age"]; ok {
		lifetime = seconds(age) - seconds(h.Get("Age"))
	} else if expires, err := http.ParseTime(h.Get("Expires")); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			lifetime = expires.Sub(date)
		}
	}
	return max(0, min(lifetime, longest)), true
}

// directives reads Cache-Control.
func directives(h http.Header) map[string]string {
	rules := map[string]string{}
	for part := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		rules[strings.ToLower(name)] = strings.Trim(value, `"`)
	}
	return rules
}

// seconds reads a number of seconds; what is none counts as 0.
func seconds(text string) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// path is where a document is kept: empty if it is not.
func (c *Client) path(u *url.URL) string {
	if c.Folder == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(u.String()))
	return filepath.Join(c.Folder, hex.EncodeToString(sum[:16])+".json")
}

// kept returns what was kept of an address. Nothing that cannot be read, is of
// another address or comes from the future is used: it is fetched again.
func (c *Client) kept(u *url.URL) *document {
	data, err := os.ReadFile(c.path(u))
	if err != nil {
		return nil
	}
	var doc document
	if json.Unmarshal(data, &doc) != nil || doc.URL != u.String() || doc.Fetched.After(c.Now()) || doc.Expires.Sub(doc.Fetched) > longest {
		return nil
	}
	return &doc
}

// keep writes a document. Where that fails all is as it was, only slower.
func (c *Client) keep(u *url.URL, doc *document) {
	path := c.path(u)
	if path == "" {
		return
	}
	data, err := json.Marshal(doc)
	if err == nil {
		err = os.MkdirAll(c.Folder, 0o700)
	}
	if err == nil {
		_ = replace(path, data)
	}
}

// forget removes what was kept of an address.
func (c *Client) forget(u *url.URL) {
	if path := c.path(u); path != "" {
		_ = os.Remove(path) // mostly there is none; an old one expires
	}
}

// replace writes a file so that nobody sees half of it.
func replace(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".jwks-*") // 0600
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the first error is told
	}
	return err
}
