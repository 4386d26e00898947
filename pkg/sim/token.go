package sim

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// claims is what a good token says.
type claims struct {
	user string // claim sub
	jti  string
	use  string // claim named by useClaim; empty where the API knows one kind
	// family is the claim that names the login a token comes from; Rotating only.
	family string
}

// useClaim names the claim that tells what a token is for, where there is one:
// datarhei Core calls it usefor, Haut.AI (Simple JWT) token_type, Rotating
// token_use.
func (a *api) useClaim() string {
	switch a.name {
	case DatarheiCore:
		return "usefor"
	case HautAI:
		return "token_type"
	case Rotating:
		return "token_use"
	default:
		return ""
	}
}

// issue signs a token for a user that lasts from now for a lifetime. more holds
// claims beside iss, sub, iat, exp and jti. No two tokens are equal: jti is
// random.
func (c *call) issue(user string, lifetime time.Duration, more jwt.MapClaims) string {
	return c.issueUntil(user, time.Unix(c.now.Unix(), 0).Add(lifetime), more)
}

// issueUntil is issue with a point in time, of which whole seconds count.
func (c *call) issueUntil(user string, exp time.Time, more jwt.MapClaims) string {
	all := jwt.MapClaims{
		"iss": c.api.issuer, "sub": user, "jti": newUUID(),
		"iat": c.now.Unix(), "exp": exp.Unix(),
	}
	maps.Copy(all, more)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString(c.api.key)
	must(err) // HMAC with a key of bytes cannot fail
	return c.s.keep(token)
}

// sentToken returns the token of the header Authorization. Scheme and single
// space must be as documented: "Bearer T", at Analogue "Token T".
func (c *call) sentToken() (string, error) {
	values := c.r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", errNoToken()
	}
	token, ok := strings.CutPrefix(values[0], c.api.scheme+" ")
	if len(values) > 1 || !ok || token == "" {
		return "", refuse(http.StatusUnauthorized, "Authorization must be %q and a token", c.api.scheme)
	}
	return token, nil
}

// errNoToken is the refusal of a request without a token.
func errNoToken() error {
	return refuse(http.StatusUnauthorized, "Authentication credentials were not provided.")
}

// authorized demands a good token and returns what it says.
func (c *call) authorized() (claims, error) {
	token, err := c.sentToken()
	if err != nil {
		return claims{}, err
	}
	return c.check(token)
}

// check returns what a token says, if this API issued it and it is neither over
// nor cancelled. The texts are for people; the status is always 401.
func (c *call) check(token string) (claims, error) {
	all := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, all, func(*jwt.Token) (any, error) { return c.api.key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(c.api.issuer),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return c.now }))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return claims{}, refuse(http.StatusUnauthorized, "Token is expired")
	case err != nil:
		return claims{}, refuse(http.StatusUnauthorized, "Token is invalid")
	}
	text := func(name string) string { s, _ := all[name].(string); return s }
	found := claims{user: text("sub"), jti: text("jti"), use: text(c.api.useClaim()), family: text("family")}
	if c.isRevoked(found.jti) || c.isRevoked(found.family) {
		return claims{}, refuse(http.StatusUnauthorized, "Token was cancelled")
	}
	return found, nil
}

// revoke makes the API refuse a token from now on.
func (c *call) revoke(jti string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.api.revoked[jti] = true
}

// isRevoked says whether a token was cancelled.
func (c *call) isRevoked(jti string) bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.api.revoked[jti]
}
