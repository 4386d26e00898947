package sim

import (
	"errors"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// newDatarheiCore is the API of datarhei Core (vendor page "Login", and what a
// server of version 16.16 was seen to do): a login with {username, password},
// or with no body and an Auth0 access JWT; a refresh by GET that gives a new
// access token and keeps the refresh token; no logout. Whatever has no route is
// 401 without a good access token and 404 with one.
func newDatarheiCore() *api {
	a := newAPI(DatarheiCore, "datarhei Core", User{Name: "admin", Password: "datarhei-core-s3cr3t-4"})
	a.problem = func(status int, text string) any {
		return coreProblem{Code: status, Message: http.StatusText(status), Details: []string{text}}
	}
	a.routes = []route{
		{http.MethodPost, "/api/login", coreLogin},
		{http.MethodGet, "/api/login/refresh", coreRefresh},
		{http.MethodGet, "/api", coreAbout},
		// The page's example asks for /api/, with a token.
		{http.MethodGet, "/api/", coreAboutLong},
		{http.MethodGet, "/api/v3/process", coreProcesses},
	}
	a.unmatched = func(c *call) error {
		if _, err := c.coreAccess(); err != nil {
			return err
		}
		return refuse(http.StatusNotFound, "Not found")
	}
	return a
}

// coreProblem is an error; the text that helps is in the details.
type coreProblem struct {
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Details []string `json:"details"`
}

// coreTokens is the answer to a login and, without refresh token, to a refresh.
type coreTokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
}

// coreLogin refuses only after a while, as the real server does.
func coreLogin(c *call) (answer, error) {
	user, err := c.coreUser()
	if r := new(refusal); errors.As(err, &r) {
		c.wait(c.s.loginDelay)
		if r.status != http.StatusUnauthorized {
			r.status = http.StatusBadRequest // it knows only the two
		}
		return answer{}, r
	}
	return jsonAnswer(http.StatusOK, coreTokens{
		AccessToken:  c.coreToken(user, "access", c.s.lifetime(DatarheiCore)),
		RefreshToken: c.coreToken(user, "refresh", c.s.lifetime(DatarheiCoreRefresh)),
	}), nil
}

// coreUser finds out who logs in. A body decides; without one the header does.
func (c *call) coreUser() (string, error) {
	wrong := refuse(http.StatusUnauthorized, "Invalid authorization credentials")
	if len(c.body) == 0 && len(c.r.Header.Values("Authorization")) > 0 {
		token, err := c.sentToken()
		if err != nil {
			return "", err
		}
		if user, ok := c.s.tenant.check(token, c.now); ok {
			return user, nil
		}
		return "", wrong
	}
	object, err := c.object()
	if err != nil {
		return "", err
	}
	user, err := c.login(object, "username", "password", wrong)
	return user.Name, err
}

// coreToken issues a token for "access" or for "refresh".
func (c *call) coreToken(user, use string, lifetime time.Duration) string {
	return c.issue(user, lifetime, jwt.MapClaims{"exi": int64(lifetime / time.Second), "usefor": use})
}

// coreFor demands a token of one use. The real server says the same about every
// token it does not like.
func (c *call) coreFor(use string) (claims, error) {
	found, err := c.authorized()
	if err == nil && found.use != use {
		err = errors.New("the token is for something else")
	}
	if err != nil {
		return claims{}, refuse(http.StatusUnauthorized, "Missing or invalid JWT token")
	}
	return found, nil
}

// coreAccess demands an access token.
func (c *call) coreAccess() (claims, error) { return c.coreFor("access") }

// coreRefresh gives a new access token and no new refresh token.
func coreRefresh(c *call) (answer, error) {
	found, err := c.coreFor("refresh")
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, coreTokens{
		AccessToken: c.coreToken(found.user, "access", c.s.lifetime(DatarheiCore)),
	}), nil
}

// coreInfo is what the server tells about itself: the first part to anybody,
// the rest only to a good token.
type coreInfo struct {
	App     string      `json:"app"`
	Auths   []string    `json:"auths"`
	Version coreVersion `json:"version"`
	Name    string      `json:"name,omitempty"`
	ID      string      `json:"id,omitempty"`
	Created *time.Time  `json:"created_at,omitempty"`
	Uptime  *int64      `json:"uptime_seconds,omitempty"`
}

// coreVersion is the version of the server.
type coreVersion struct {
	Number string `json:"number"`
}

// coreAbout answers everybody, more to those who have a token.
func coreAbout(c *call) (answer, error) {
	if _, err := c.coreAccess(); err == nil {
		return coreAboutLong(c)
	}
	return jsonAnswer(http.StatusOK, coreInfo{
		App: "datarhei-core", Auths: []string{"localjwt"}, Version: coreVersion{"16"},
	}), nil
}

// coreAboutLong demands the token.
func coreAboutLong(c *call) (answer, error) {
	if _, err := c.coreAccess(); err != nil {
		return answer{}, err
	}
	created := c.s.started.UTC().Truncate(time.Second)
	uptime := int64(c.now.Sub(created) / time.Second)
	return jsonAnswer(http.StatusOK, coreInfo{
		App: "datarhei-core", Auths: []string{"localjwt"}, Version: coreVersion{"16.16.0"},
		Name: "authsim", ID: uuidOf(DatarheiCore), Created: &created, Uptime: &uptime,
	}), nil
}

// coreProcess is an entry of the list of processes, shortened.
type coreProcess struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Reference string `json:"reference"`
	CreatedAt int64  `json:"created_at"`
}

// coreProcesses demands the token and lists one process.
func coreProcesses(c *call) (answer, error) {
	found, err := c.coreAccess()
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, []coreProcess{{
		ID: "authsim", Type: "ffmpeg", Reference: "started by " + found.user, CreatedAt: c.s.started.Unix(),
	}}), nil
}
