package sim

import "net/http"

// newAnalogue is Analogue's API (vendor page "Authorization Token"): a login
// with {user: {email, password}}, and tokens of 60 days that go out as
// "Authorization: Token T". The page's heading says /user/login, its examples
// call /api/users/login; only that one is here. The page says nothing about
// errors but HTTP 4xx, so their form, {errors: {name: [text]}}, is a guess, and
// so is GET /api/whoami, which is the simulation's own.
func newAnalogue() *api {
	a := newAPI(Analogue, "Analogue", User{Name: "user@analogue.com", Password: "analogue-s3cr3t-3"})
	a.scheme = "Token"
	a.problem = func(_ int, text string) any {
		return map[string]any{"errors": map[string][]string{"message": {text}}}
	}
	a.routes = []route{
		{http.MethodPost, "/api/users/login", analogueLogin},
		{http.MethodGet, "/api/whoami", whoami},
	}
	return a
}

// analogueUser is the documented answer to a login, inside {user: …}.
type analogueUser struct {
	ID       int      `json:"id"`
	Email    string   `json:"email"`
	Username string   `json:"username"`
	Name     string   `json:"name"`
	Bio      string   `json:"bio"`
	Topics   []string `json:"topics"`
	Image    string   `json:"image"`
	Token    string   `json:"token"`
}

// analogueLogin reads the object inside the object.
func analogueLogin(c *call) (answer, error) {
	object, err := c.object()
	if err != nil {
		return answer{}, err
	}
	inner, ok := object["user"].(map[string]any)
	if !ok || len(object) != 1 {
		return answer{}, refuse(http.StatusUnprocessableEntity, "the body must be an object with the one object user")
	}
	user, err := c.login(inner, "email", "password",
		refuse(http.StatusUnauthorized, "email or password is invalid"))
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, map[string]analogueUser{"user": {
		ID: 1, Email: user.Name, Username: "analogue", Name: "Analogue App", Bio: "Share what inspires you.",
		Topics: []string{}, Image: "https://analogue.example/image.png",
		Token: c.issue(user.Name, c.s.lifetime(Analogue), nil),
	}}), nil
}
