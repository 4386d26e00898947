package sim

import (
	"mime"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// newRotating is no vendor's API: it does what RFC 9700 §4.14.2 tells servers
// to do. Each refresh gives a new refresh token and ends the one that was sent;
// one that comes a second time may be stolen, so it ends every token of its
// login, its family. Bodies are forms, errors those of RFC 6749 §5.2.
func newRotating() *api {
	a := newAPI(Rotating, "Rotating refresh tokens", User{Name: "ada", Password: "rotating-s3cr3t-6"})
	a.problem = func(status int, text string) any { return oauthProblem{oauthCode(status), text} }
	a.spent = map[string]bool{}
	a.routes = []route{
		{http.MethodPost, "/oauth/login", rotatingLogin},
		{http.MethodPost, "/oauth/refresh", rotatingRefresh},
		{http.MethodGet, "/whoami", rotatingWhoami},
	}
	return a
}

// oauthProblem is an error in the form of RFC 6749 §5.2.
type oauthProblem struct {
	Code string `json:"error"`
	Text string `json:"error_description"`
}

// oauthCode is the code for a status that has no other.
func oauthCode(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "invalid_token" // RFC 6750 §3.1
	case http.StatusTooManyRequests:
		return "slow_down"
	case http.StatusInternalServerError:
		return "server_error"
	default:
		return "invalid_request"
	}
}

// invalidGrant refuses a password or a refresh token.
func invalidGrant(text string) error {
	return &refusal{status: http.StatusBadRequest, text: text, body: oauthProblem{"invalid_grant", text}}
}

// rotatingPair is the answer to a login and to a refresh.
type rotatingPair struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int64  `json:"expires_in"`
}

func rotatingLogin(c *call) (answer, error) {
	form, err := c.form()
	if err != nil {
		return answer{}, err
	}
	user, err := c.login(form, "username", "password", invalidGrant("The user name or the password is wrong"))
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, c.rotatingPair(user.Name, newUUID())), nil
}

// rotatingPair issues the next tokens of a family.
func (c *call) rotatingPair(user, family string) rotatingPair {
	issue := func(use string, lifetime time.Duration) string {
		return c.issue(user, lifetime, jwt.MapClaims{"token_use": use, "family": family})
	}
	lifetime := c.s.lifetime(Rotating)
	return rotatingPair{
		AccessToken:  issue("access", lifetime),
		RefreshToken: issue("refresh", c.s.lifetime(RotatingRefresh)),
		ExpiresIn:    int64(lifetime / time.Second),
	}
}

func rotatingRefresh(c *call) (answer, error) {
	form, err := c.form()
	if err != nil {
		return answer{}, err
	}
	given, err := texts(form, "refresh_token")
	if err != nil {
		return answer{}, err
	}
	found, err := c.check(given[0])
	switch {
	case err != nil:
		return answer{}, invalidGrant("The refresh token is no good: it is over, cancelled or was never one")
	case found.use != "refresh":
		return answer{}, invalidGrant("This is no refresh token")
	case !c.spend(found):
		return answer{}, invalidGrant("The refresh token was used before: all tokens of this login are cancelled")
	}
	return jsonAnswer(http.StatusOK, c.rotatingPair(found.user, found.family)), nil
}

// spend uses up a refresh token. It is false if that was used before, and then
// ends its family.
func (c *call) spend(found claims) bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.api.spent[found.jti] {
		c.api.revoked[found.family] = true
		return false
	}
	c.api.spent[found.jti] = true
	return true
}

// rotatingWhoami is whoami, which does not take a refresh token.
func rotatingWhoami(c *call) (answer, error) {
	found, err := c.authorized()
	if err == nil && found.use != "access" {
		err = refuse(http.StatusUnauthorized, "This is no access token")
	}
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, identity{API: c.api.name, Username: found.user}), nil
}

// form reads the body as a form (RFC 6749 appendix B), strictly: each name
// once, all of it UTF-8, nothing beside it in the query.
func (c *call) form() (map[string]any, error) {
	const wanted = "application/x-www-form-urlencoded"
	media, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != wanted || len(params) > 0 {
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Type must be %s", wanted)
	}
	if c.r.URL.RawQuery != "" {
		return nil, refuse(http.StatusBadRequest, "The parameters belong in the body")
	}
	values, err := url.ParseQuery(string(c.body))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The body is no form")
	}
	form := map[string]any{}
	for name, all := range values {
		if len(all) != 1 || !utf8.ValidString(name+all[0]) {
			return nil, refuse(http.StatusBadRequest, "The parameter %q must be there once, as UTF-8", name)
		}
		form[name] = all[0]
	}
	return form, nil
}
