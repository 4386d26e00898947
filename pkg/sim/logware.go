package sim

import (
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

// newLogware is Logware's API (vendor page "Authentication"): one call that
// takes {login, password} and answers a JWT. The page says that it lasts 10 h;
// its example lasts 12 h, and so do the tokens here. Nothing renews or cancels
// a token. GET /api/whoami is the simulation's own.
func newLogware() *api {
	a := newAPI(Logware, "Logware", User{Name: "my-API-login", Password: "logware-s3cr3t-1"})
	a.problem = func(_ int, text string) any { return logwareProblem{text} }
	a.routes = []route{
		{http.MethodPost, "/api/users/authenticate", logwareLogin},
		{http.MethodGet, "/api/whoami", whoami},
	}
	return a
}

// logwareProblem is the documented form of an error.
type logwareProblem struct {
	Message string `json:"message"`
}

// logwareSession is the documented answer to a login.
type logwareSession struct {
	Login    string  `json:"login"`
	Password *string `json:"password"` // always null
	Token    string  `json:"token"`
	ID       string  `json:"id"`
}

// logwareLogin takes the names in lower case only, as on the newest page.
func logwareLogin(c *call) (answer, error) {
	object, err := c.object()
	if err != nil {
		return answer{}, err
	}
	user, err := c.login(object, "login", "password",
		refuse(http.StatusBadRequest, "Username or password incorrect"))
	if err != nil {
		return answer{}, err
	}
	id := uuidOf(Logware + user.Name)
	token := c.issue(user.Name, c.s.lifetime(Logware), jwt.MapClaims{
		"nbf":         c.now.Unix(),
		"unique_name": user.Name,
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/sid": id,
		// The example on the page holds the control character U+0088 here.
		"http://schemas.microsoft.com/ws/2008/06/identity/claims/userdata": "?A8<\u0088>EAD9",
	})
	return jsonAnswer(http.StatusOK, logwareSession{Login: user.Name, Token: token, ID: id}), nil
}
