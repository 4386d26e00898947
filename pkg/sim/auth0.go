package sim

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What the simulated Auth0 tenant and datarhei Core agree on.
const (
	auth0Issuer   = "https://authsim.eu.auth0.com/"
	auth0Audience = "https://authsim.example/datarhei-core"
	auth0User     = "auth0|authsim"
)

// tenant is a simulated Auth0 tenant. It signs with RS256, as Auth0 does by
// default.
type tenant struct{ key func() *rsa.PrivateKey }

// newTenant returns a tenant whose key is made when it is first needed, since
// making one is slow and most tests want none.
func newTenant() *tenant {
	return &tenant{key: sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		must(err) // fails only without randomness
		return key
	})}
}

// Auth0Token returns a new access JWT of the simulated Auth0 tenant, which
// datarhei Core takes for a login without a body. It lasts for the lifetime
// called Auth0.
func (s *Server) Auth0Token() string {
	now := time.Unix(s.now().Unix(), 0)
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": auth0Issuer, "sub": auth0User, "aud": []string{auth0Audience, auth0Issuer + "userinfo"},
		"iat": now.Unix(), "exp": now.Add(s.lifetime(Auth0)).Unix(), "jti": newUUID(),
		"azp": "authsim-client", "scope": "openid profile",
	})
	signed, err := token.SignedString(s.tenant.key())
	must(err) // a fresh RSA key signs
	return s.keep(signed)
}

// check returns the user of an access JWT of the tenant.
func (t *tenant) check(token string, now time.Time) (user string, ok bool) {
	all := jwt.RegisteredClaims{}
	_, err := jwt.ParseWithClaims(token, &all, func(*jwt.Token) (any, error) { return &t.key().PublicKey, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}), jwt.WithIssuer(auth0Issuer),
		jwt.WithAudience(auth0Audience), jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now }))
	return all.Subject, err == nil && all.Subject == auth0User
}
