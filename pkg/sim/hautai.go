package sim

import (
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

// newHautAI is Haut.AI's API (vendor page "Authentication"): a login with
// {username: email, password} for a token of one hour, and private tokens for
// as long as one wants, which can be listed and revoked. Paths end with a
// slash. Its errors have the form of Django REST framework. The second user has
// a second factor, and is refused with 400. GET /api/v1/auth/whoami/ is the
// simulation's own.
func newHautAI() *api {
	a := newAPI(HautAI, "Haut.AI",
		User{Name: "dev@haut-ai.example", Password: "haut-ai-s3cr3t-5"},
		User{Name: "mfa@haut-ai.example", Password: "haut-ai-s3cr3t-mfa", MFA: true})
	a.problem = hautProblem
	a.private.last = 1_000_000
	const tokens = "/api/v1/auth/private_tokens/"
	a.routes = []route{
		{http.MethodPost, "/api/v1/auth/login/", hautLogin},
		{http.MethodPost, tokens, hautCreate},
		{http.MethodGet, tokens, hautList},
		{http.MethodDelete, tokens + "{id}/", hautRevoke},
		{http.MethodGet, "/api/v1/auth/whoami/", hautWhoami},
	}
	return a
}

// hautDetail is an error with a code for programs and a detail for people.
type hautDetail struct {
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail"`
}

// hautProblem gives a refused token the code that the page promises.
func hautProblem(status int, text string) any {
	if status == http.StatusUnauthorized {
		return hautDetail{Code: "token_not_valid", Detail: text}
	}
	return hautDetail{Detail: text}
}

// invalid is the refusal of fields: {"field": ["message"]}.
func invalid(fields map[string][]string) error {
	return &refusal{status: http.StatusBadRequest, text: "invalid fields", body: fields}
}

// hautSession is the documented answer to a login: the access token is in it
// twice, and the refresh token has no call that takes it.
type hautSession struct {
	ID           int            `json:"id"`
	Email        string         `json:"email"`
	Username     string         `json:"username"`
	CompanyID    string         `json:"company_id"`
	TokenAccess  string         `json:"token_access"`
	AccessToken  string         `json:"access_token"`
	RefreshToken string         `json:"refresh_token"`
	IsVerified   bool           `json:"is_verified"`
	Profile      map[string]any `json:"profile"`
}

// hautLogin checks the password before it tells about the second factor.
func hautLogin(c *call) (answer, error) {
	object, err := c.object()
	if err != nil {
		return answer{}, err
	}
	if wrong := fieldErrors(object, "username", "password"); len(wrong) > 0 {
		return answer{}, invalid(wrong)
	}
	user, err := c.login(object, "username", "password", &refusal{
		status: http.StatusUnauthorized, text: "wrong password",
		body: hautDetail{"no_active_account", "No active account found with the given credentials"},
	})
	if err != nil {
		return answer{}, err
	}
	if user.MFA {
		return answer{}, &refusal{
			status: http.StatusBadRequest, text: "second factor",
			body: hautDetail{"mfa_required", "This account has multi-factor authentication, a password is not enough"},
		}
	}
	return jsonAnswer(http.StatusOK, c.hautSession(user)), nil
}

// hautSession issues the tokens of a login.
func (c *call) hautSession(user User) hautSession {
	access := c.issue(user.Name, c.s.lifetime(HautAI), jwt.MapClaims{"token_type": "access"})
	return hautSession{
		ID: 42, Email: user.Name, Username: user.Name, CompanyID: uuidOf(HautAI),
		TokenAccess: access, AccessToken: access,
		RefreshToken: c.issue(user.Name, c.s.lifetime(HautAIRefresh), jwt.MapClaims{"token_type": "refresh"}),
		IsVerified:   true, Profile: map[string]any{"first_name": "Demo", "last_name": "User"},
	}
}

// hautAuthorized demands an access token or a private one.
func (c *call) hautAuthorized() (claims, error) {
	found, err := c.authorized()
	if err == nil && found.use == "refresh" {
		err = refuse(http.StatusUnauthorized, "Token has wrong type")
	}
	return found, err
}

// hautWhoami is whoami, which does not take a refresh token.
func hautWhoami(c *call) (answer, error) {
	if _, err := c.hautAuthorized(); err != nil {
		return answer{}, err
	}
	return whoami(c)
}
