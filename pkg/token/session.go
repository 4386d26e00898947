// Package token holds what a login yields: secrets that do not print
// themselves, the session with its expiry, and the key it is stored under. It
// knows neither the network nor the store.
package token

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// ErrNoSession says that the store was asked and holds no session under a key.
// A store that could not be asked returns another error.
var ErrNoSession = errors.New("no session")

// DefaultAccount is the account of a login that names none.
const DefaultAccount = "default"

// Origin is scheme, host and port of a URL in one form, such as
// "https://api.example.com:443" (RFC 6454 §4). Two URLs have the same origin
// exactly if the strings are equal.
type Origin string

// OriginOf returns the origin of an http or https URL: lower case, with the
// port always written out.
func OriginOf(u *url.URL) (Origin, error) {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	switch {
	case host == "":
		return "", fmt.Errorf("%q names no host", u.Redacted())
	case scheme != "http" && scheme != "https":
		return "", fmt.Errorf("%q is neither https nor http", u.Redacted())
	case port == "" && scheme == "http":
		port = "80"
	case port == "":
		port = "443"
	}
	return Origin(scheme + "://" + net.JoinHostPort(strings.TrimSuffix(host, "."), port)), nil
}

// Key tells which session is meant.
type Key struct {
	Origin      Origin `json:"origin"`
	Profile     string `json:"profile"`
	Environment string `json:"environment,omitempty"` // empty for a profile with one base URL
	Account     string `json:"account"`
}

// ID returns a name for the key that every store accepts: "v1." and the
// hexadecimal SHA-256 of its parts. Keyrings on macOS and Windows mangle or
// confuse names with quotes, backslashes or colons.
func (k Key) ID() string {
	parts, err := json.Marshal([]string{string(k.Origin), k.Profile, k.Environment, k.Account})
	if err != nil {
		panic("token: a list of strings cannot fail to encode")
	}
	sum := sha256.Sum256(parts)
	return "v1." + hex.EncodeToString(sum[:])
}

// Title names whose session it is, for people: "zumrails (sandbox, account ci)".
// The origin and the account "default" are left out.
func (k Key) Title() string {
	var parts []string
	if k.Environment != "" {
		parts = append(parts, k.Environment)
	}
	if k.Account != DefaultAccount {
		parts = append(parts, "account "+k.Account)
	}
	if len(parts) == 0 {
		return k.Profile
	}
	return k.Profile + " (" + strings.Join(parts, ", ") + ")"
}

// ExpirySource says which statement decided a token's expiry.
type ExpirySource string

// The statements that can decide an expiry.
const (
	FromJWT       ExpirySource = "JWT exp"      // the claim exp (RFC 7519 §4.1.4)
	FromExpiresIn ExpirySource = "expires_in"   // the answer's seconds (RFC 6749 §5.1)
	FromExpiresAt ExpirySource = "expires_at"   // the answer's point in time
	FromLifetime  ExpirySource = "lifetime"     // the profile's lifetime: what the vendor's page says
	FromIdle      ExpirySource = "idle_timeout" // the profile's idle_timeout, since the session was last used by authctl
	FromCookie    ExpirySource = "cookie"       // Max-Age or Expires of the cookie (RFC 6265 §5.3)
	FromNothing   ExpirySource = "nothing said" // no expiry is known
)

// Expiry is the point in time at which a token is over, and who said so.
type Expiry struct {
	At     time.Time    `json:"expires_at,omitzero"` // zero: no end is known
	Source ExpirySource `json:"expiry_source"`
}

// Live says whether a token with this expiry still lasts for at least ttl from
// now. A token without an expiry always does.
func (e Expiry) Live(now time.Time, ttl time.Duration) bool {
	return e.At.IsZero() || e.At.Sub(now) > ttl
}

// Info is what may be shown and kept of a session without a secret in it.
type Info struct {
	Key
	Expiry
	ObtainedAt time.Time `json:"obtained_at"` // when the server handed out the access token
	// NotBefore is when the token begins to be valid, if that was still to come
	// when it was obtained (RFC 7519 §4.1.5, nbf).
	NotBefore time.Time `json:"not_before,omitzero"`
	Via       string    `json:"via,omitempty"`      // the other login that was used; empty for the profile's own
	User      string    `json:"user,omitempty"`     // the user name or e-mail address given at login
	LongLived bool      `json:"long_lived"`         // made by "token create", not by a login
	TokenID   string    `json:"token_id,omitempty"` // the server's id of a long-lived token
	// Home is the origin that the session was made at, where Key.Origin has
	// placeholders in it; else empty.
	Home Origin `json:"home,omitempty"`
	// Renewable says how a new token can be had without a person: "refresh",
	// "keepalive", "login" (credentials that need no person), or empty.
	Renewable string `json:"renewable,omitempty"`
}

// Base is the origin that the session was made at.
func (i Info) Base() Origin {
	if i.Home != "" {
		return i.Home
	}
	return i.Origin
}

// Access is the small part of a session that "authctl token" needs.
type Access struct {
	Info
	AccessToken Secret
}

// Session is the stored result of a login.
type Session struct {
	Access
	RefreshToken  Secret
	RefreshExpiry Expiry
	// Limit is when the token is over even if it is used all the time; zero: no
	// such end is known.
	Limit       Expiry
	Reach       Reach             // where its secrets may go beside its own origin
	Saved       map[string]any    // what the profile's save: read, by name; treated as secret
	Credentials map[string]Secret // the inputs kept by --save-credentials, by name
	// RefusedAt is when the server refused the credentials; they are not sent
	// again, so that a script cannot lock an account. Zero: never.
	RefusedAt time.Time
	// RetryAt is when the server wants to be asked again for a token at the
	// earliest (Retry-After, RFC 9110 §10.2.3). Zero: it has not said.
	RetryAt time.Time
}
