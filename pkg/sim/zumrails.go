package sim

import (
	"net/http"
	"time"
)

// newZumrails is Zūm Rails' API (vendor page "Authentication"), as sandbox or
// as production; each has its own users and keys and refuses the other's
// tokens. Every answer is an envelope, in which isError decides: a wrong
// password comes with HTTP 200. Over its limit an address is blocked for 5 min.
// GET /api/whoami is the simulation's own.
func newZumrails(name string) *api {
	a := newAPI(name, "Zūm Rails, sandbox", User{Name: "sandbox-api-user", Password: "zumrails-s3cr3t-2"})
	a.limiter.limit = Limit{Calls: 300, Window: 5 * time.Minute, Block: 5 * time.Minute}
	if name == ZumrailsProduction {
		a = newAPI(name, "Zūm Rails, production", User{Name: "production-api-user", Password: "zumrails-production-s3cr3t-2"})
		a.limiter.limit = Limit{Calls: 1000, Window: 5 * time.Minute, Block: 5 * time.Minute}
		a.limiter.only = http.MethodPost + " /api/authorize"
	}
	a.problem = func(status int, text string) any { return zumProblem(status, text) }
	a.routes = []route{
		{http.MethodPost, "/api/authorize", zumLogin},
		{http.MethodPatch, "/api/authorize/canceltoken", zumCancel},
		{http.MethodGet, "/api/whoami", whoami},
	}
	return a
}

// zumEnvelope surrounds every answer.
type zumEnvelope struct {
	StatusCode int           `json:"statusCode"`
	Message    string        `json:"message"`
	IsError    bool          `json:"isError"`
	Exception  *zumException `json:"responseException,omitempty"`
	Result     *zumSession   `json:"result,omitempty"`
}

// zumException tells an error.
type zumException struct {
	Message string `json:"exceptionMessage"`
}

// zumSession is the result of a login. Its names have capitals.
type zumSession struct {
	Role         string
	Token        string
	CustomerID   string `json:"CustomerId"`
	CompanyName  string
	CustomerType string
	Username     string
}

// zumProblem is the envelope of an error.
func zumProblem(status int, text string) zumEnvelope {
	return zumEnvelope{
		StatusCode: status, Message: "Request was not successful.", IsError: true,
		Exception: &zumException{Message: text},
	}
}

// zumLogin takes Username and Password; in lower case they are unknown fields.
func zumLogin(c *call) (answer, error) {
	object, err := c.object()
	if err != nil {
		return answer{}, err
	}
	user, err := c.login(object, "Username", "Password", &refusal{
		status: http.StatusOK, // isError tells, not the status
		body:   zumProblem(http.StatusUnauthorized, "Invalid username or password"),
	})
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, zumEnvelope{
		StatusCode: http.StatusOK, Message: "POST Request successful.",
		Result: &zumSession{
			Role: "API", Token: c.issue(user.Name, c.s.lifetime(c.api.name), nil),
			CustomerID: uuidOf(c.api.name + user.Name), CompanyName: "Test Company Inc.",
			CustomerType: "Customer", Username: user.Name,
		},
	}), nil
}

// zumCancel makes the API refuse the token that came with the request.
func zumCancel(c *call) (answer, error) {
	found, err := c.authorized()
	if err != nil {
		return answer{}, err
	}
	c.revoke(found.jti)
	return jsonAnswer(http.StatusOK, zumEnvelope{StatusCode: http.StatusOK, Message: "Token cancelled"}), nil
}
