package sim_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/sim"
)

// The logins of the default users.
const (
	logwareBody  = `{"login":"my-API-login","password":"logware-s3cr3t-1"}`
	zumBody      = `{"Username":"sandbox-api-user","Password":"zumrails-s3cr3t-2"}`
	zumProdBody  = `{"Username":"production-api-user","Password":"zumrails-production-s3cr3t-2"}`
	analogueBody = `{"user":{"email":"user@analogue.com","password":"analogue-s3cr3t-3"}}`
	coreBody     = `{"username":"admin","password":"datarhei-core-s3cr3t-4"}`
	hautBody     = `{"username":"dev@haut-ai.example","password":"haut-ai-s3cr3t-5"}`
)

// logins are the paths of the logins that take JSON, with a good body.
func logins() map[string]ask {
	return map[string]ask{
		sim.Logware:            {Method: "POST", Path: "/logware/api/users/authenticate", Body: logwareBody},
		sim.Zumrails:           {Method: "POST", Path: "/zumrails/api/authorize", Body: zumBody},
		sim.ZumrailsProduction: {Method: "POST", Path: "/zumrails-production/api/authorize", Body: zumProdBody},
		sim.Analogue:           {Method: "POST", Path: "/analogue/api/users/login", Body: analogueBody},
		sim.DatarheiCore:       {Method: "POST", Path: "/datarhei-core/api/login", Body: coreBody},
		sim.HautAI:             {Method: "POST", Path: "/haut-ai/api/v1/auth/login/", Body: hautBody},
	}
}

// allLogins are the logins of all APIs.
func allLogins() map[string]ask {
	all := logins()
	all[sim.Rotating] = form("/rotating/oauth/login", rotatingBody)
	return all
}

// whoami is a path that demands the token of an API.
func whoami(api, auth string) ask {
	path := "/api/whoami"
	switch api {
	case sim.Rotating:
		path = "/whoami"
	case sim.HautAI:
		path = "/api/v1/auth/whoami/"
	case sim.DatarheiCore:
		path = "/api/v3/process"
	}
	return ask{Method: "GET", Path: "/" + api + path, Auth: auth}
}

// scheme is the word before an API's token.
func scheme(api string) string {
	if api == sim.Analogue {
		return "Token "
	}
	return "Bearer "
}

func decodeSegment(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestLoginsAreStrict sends to every API what it must not take.
func TestLoginsAreStrict(t *testing.T) {
	t.Parallel()
	for api, good := range logins() {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := start(t, sim.Options{})
			wrong := map[string]func(*ask){
				"method":         func(a *ask) { a.Method = "PUT" },
				"get":            func(a *ask) { a.Method = "GET" },
				"slash":          func(a *ask) { a.Path = toggleSlash(a.Path) },
				"double slash":   func(a *ask) { a.Path = strings.Replace(a.Path, "/api/", "//api/", 1) },
				"case of path":   func(a *ask) { a.Path = strings.Replace(a.Path, "/api/", "/Api/", 1) },
				"dots":           func(a *ask) { a.Path = strings.Replace(a.Path, "/api/", "/x/../api/", 1) },
				"escaped slash":  func(a *ask) { a.Path = strings.Replace(a.Path, "/api/", "/api%2f", 1) },
				"form":           func(a *ask) { a.Type = "application/x-www-form-urlencoded" },
				"text":           func(a *ask) { a.Type = "text/plain" },
				"charset":        func(a *ask) { a.Type = "application/json; charset=latin1" },
				"no type":        func(a *ask) { a.Type = " " },
				"extra field":    func(a *ask) { a.Body = innerPrefix(a.Body, `"extra":"x",`) },
				"duplicate":      func(a *ask) { a.Body = innerPrefix(a.Body, duplicate(a.Body)) },
				"trailing":       func(a *ask) { a.Body += "{}" },
				"array":          func(a *ask) { a.Body = "[" + a.Body + "]" },
				"other case":     func(a *ask) { a.Body = otherCase(a.Body) },
				"number":         func(a *ask) { a.Body = strings.Replace(a.Body, passwordOf(a.Body), "1", 1) },
				"null":           func(a *ask) { a.Body = strings.Replace(a.Body, passwordOf(a.Body), "null", 1) },
				"blank":          func(a *ask) { a.Body = strings.Replace(a.Body, passwordOf(a.Body), `""`, 1) },
				"no fields":      func(a *ask) { a.Body = "{}" },
				"no body":        func(a *ask) { a.Body = "" },
				"not JSON":       func(a *ask) { a.Body = "login" },
				"not UTF-8":      func(a *ask) { a.Body = strings.Replace(a.Body, "s3cr3t", "s3cr\xff", 1) },
				"deep":           func(a *ask) { a.Body = strings.Repeat("[", 5000) + strings.Repeat("]", 5000) },
				"large":          func(a *ask) { a.Body = strings.Repeat(" ", 1<<20) + a.Body },
				"wrong password": func(a *ask) { a.Body = strings.Replace(a.Body, "s3cr3t", "S3CR3T", 1) },
			}
			for name, change := range wrong {
				a := good
				change(&a)
				if a == good {
					t.Fatalf("%s changes nothing", name)
				}
				answer := w.ask(a)
				zum := strings.Contains(answer.Body, `"isError":true`)
				if answer.Status < 400 && !zum || answer.Status >= 500 {
					t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
				}
			}
			if tokens := w.sim.Tokens(); len(tokens) != 0 {
				t.Errorf("%d tokens were issued", len(tokens))
			}
			good.Type = "application/json; charset=UTF-8"
			if answer := w.ask(good); answer.Status != 200 || strings.Contains(answer.Body, "true,\"responseException") {
				t.Errorf("the good login: %d %s", answer.Status, answer.Body)
			}
		})
	}
}

// toggleSlash adds the slash at the end, or takes it away.
func toggleSlash(path string) string {
	if before, found := strings.CutSuffix(path, "/"); found {
		return before
	}
	return path + "/"
}

// innerPrefix puts text at the start of the innermost object.
func innerPrefix(body, text string) string {
	i := strings.LastIndex(body, "{") + 1
	return body[:i] + text + body[i:]
}

// duplicate returns the first member of the innermost object.
func duplicate(body string) string {
	_, inner, _ := strings.Cut(body[strings.LastIndex(body, "{"):], "{")
	member, _, _ := strings.Cut(inner, ",")
	return member + ","
}

// passwordOf returns the password as it stands in the body, in quotes.
func passwordOf(body string) string {
	i := strings.LastIndex(body, ":")
	return strings.TrimRight(body[i+1:], "}")
}

// otherCase changes the case of the name of the field for the user.
func otherCase(body string) string {
	for lower, upper := range map[string]string{"login": "Login", "username": "Username", "email": "Email"} {
		if strings.Contains(body, `"`+lower+`"`) {
			return strings.Replace(body, `"`+lower+`"`, `"`+upper+`"`, 1)
		}
	}
	return strings.Replace(body, "Username", "username", 1)
}

// TestTokensAreDemanded tries each API with wrong tokens.
func TestTokensAreDemanded(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	first := map[string]int{} // number of the access token
	for _, api := range w.sim.APIs() {
		first[api] = len(w.sim.Tokens()) + 1
		w.ask(allLogins()[api])
	}
	for _, api := range w.sim.APIs() {
		own := fmt.Sprintf("T%d", first[api])
		if answer := w.ask(whoami(api, scheme(api)+own)); answer.Status != 200 {
			t.Errorf("%s: own token: %d %s", api, answer.Status, answer.Body)
		}
		auths := []string{
			"", own, "Basic " + own, "bearer " + own, "token " + own, scheme(api), scheme(api) + " " + own,
			scheme(api) + own + "x", scheme(api) + "x", scheme(api) + "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
		}
		for other, n := range first {
			if other != api {
				auths = append(auths, fmt.Sprintf("%sT%d", scheme(api), n))
			}
		}
		if api == sim.Analogue {
			auths = append(auths, "Bearer "+own)
		} else {
			auths = append(auths, "Token "+own)
		}
		for _, auth := range auths {
			if answer := w.ask(whoami(api, auth)); answer.Status != 401 {
				t.Errorf("%s: %q: %d %s", api, auth, answer.Status, answer.Body)
			}
		}
	}
}

// TestTokensExpire compares the documented lifetimes with the claims, and what
// the API does just before and at the end.
func TestTokensExpire(t *testing.T) {
	t.Parallel()
	documented := map[string]time.Duration{
		sim.Logware: 12 * time.Hour, sim.Zumrails: time.Hour, sim.ZumrailsProduction: time.Hour,
		sim.Analogue: 60 * 24 * time.Hour, sim.DatarheiCore: 10 * time.Minute, sim.HautAI: time.Hour,
		sim.Rotating: 5 * time.Minute,
	}
	for api, lifetime := range documented {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			for _, lifetime := range []time.Duration{lifetime, 90 * time.Second} {
				w := start(t, sim.Options{Lifetimes: map[string]time.Duration{api: lifetime}})
				if lifetime == documented[api] {
					w = start(t, sim.Options{})
				}
				w.ask(allLogins()[api])
				claims := jwtClaims(t, w.sim.Tokens()[0])
				want := strconv.FormatInt(w.clock.Now().Add(lifetime).Unix(), 10)
				if claims["exp"] != json.Number(want) {
					t.Errorf("exp %v, want %s", claims["exp"], want)
				}
				w.clock.Add(lifetime - time.Second)
				before := w.ask(whoami(api, scheme(api)+"T1")).Status
				w.clock.Add(time.Second)
				after := w.ask(whoami(api, scheme(api)+"T1")).Status
				if diff := cmp.Diff([]int{200, 401}, []int{before, after}); diff != "" {
					t.Errorf("lifetime %s (-want +got):\n%s", lifetime, diff)
				}
			}
		})
	}
}

func TestLogware(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	const path = "/logware/api/users/authenticate"
	w.check([]step{
		{"login", ask{Method: "POST", Path: path, Body: logwareBody}, got{200,
			`{"login":"my-API-login","password":null,"token":"T1","id":"ID"}`}},
		{"wrong password", ask{Method: "POST", Path: path, Body: strings.ReplaceAll(logwareBody, "s3", "x")}, got{400,
			`{"message":"Username or password incorrect"}`}},
		{"wrong case", ask{Method: "POST", Path: path, Body: `{"Login":"a","Password":"b"}`}, got{400,
			`{"message":"Login: Unexpected field. Password: Unexpected field. login: This field is required. password: This field is required."}`}},
		{"wrong type", ask{Method: "POST", Path: path, Body: logwareBody, Type: "text/plain"}, got{415,
			`{"message":"Unsupported media type \"text/plain\" in request."}`}},
		{"wrong method", ask{Method: "GET", Path: path}, got{405, `{"message":"Method \"GET\" not allowed."}`}},
		{"wrong path", ask{Method: "POST", Path: path + "/", Body: logwareBody}, got{404, `{"message":"Not found."}`}},
		{"whoami", whoami(sim.Logware, "Bearer T1"), got{200, `{"api":"logware","username":"my-API-login"}`}},
		{"no token", whoami(sim.Logware, ""), got{401, `{"message":"Authentication credentials were not provided."}`}},
	})
	claims := jwtClaims(t, w.sim.Tokens()[0])
	names := slices.Sorted(maps.Keys(claims))
	want := []string{
		"exp", "http://schemas.microsoft.com/ws/2008/06/identity/claims/userdata",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/sid", "iat", "iss", "jti", "nbf", "sub", "unique_name",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestZumrails(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	const path = "/zumrails/api/authorize"
	cancel := ask{Method: "PATCH", Path: path + "/canceltoken", Auth: "Bearer T1"}
	w.check([]step{
		{"login", ask{Method: "POST", Path: path, Body: zumBody}, got{200,
			`{"statusCode":200,"message":"POST Request successful.","isError":false,"result":{"Role":"API","Token":"T1","CustomerId":"ID",` +
				`"CompanyName":"Test Company Inc.","CustomerType":"Customer","Username":"sandbox-api-user"}}`}},
		{"wrong password", ask{Method: "POST", Path: path, Body: strings.ReplaceAll(zumBody, "s3", "x")}, got{200,
			zumError(401, "Invalid username or password")}},
		{"lower case", ask{Method: "POST", Path: path, Body: `{"username":"a","Password":"b"}`}, got{400,
			zumError(400, "Username: This field is required. username: Unexpected field.")}},
		{"login in production", ask{Method: "POST", Path: "/zumrails-production/api/authorize", Body: zumBody}, got{200,
			zumError(401, "Invalid username or password")}},
		{"token in production", whoami(sim.ZumrailsProduction, "Bearer T1"), got{401, zumError(401, "Token is invalid")}},
		{"whoami", whoami(sim.Zumrails, "Bearer T1"), got{200, `{"api":"zumrails","username":"sandbox-api-user"}`}},
		{"cancel by POST", ask{Method: "POST", Path: path + "/canceltoken", Auth: "Bearer T1"}, got{405,
			zumError(405, `Method \"POST\" not allowed.`)}},
		{"cancel without a token", ask{Method: "PATCH", Path: path + "/canceltoken"}, got{401,
			zumError(401, "Authentication credentials were not provided.")}},
		{"cancel", cancel, got{200, `{"statusCode":200,"message":"Token cancelled","isError":false}`}},
		{"cancelled", whoami(sim.Zumrails, "Bearer T1"), got{401, zumError(401, "Token was cancelled")}},
		{"cancel again", cancel, got{401, zumError(401, "Token was cancelled")}},
		{"unknown path", ask{Method: "GET", Path: "/zumrails/api/x"}, got{404, zumError(404, "Not found.")}},
	})
}

// zumError is the envelope of an error.
func zumError(status int, text string) string {
	return fmt.Sprintf(`{"statusCode":%d,"message":"Request was not successful.","isError":true,`+
		`"responseException":{"exceptionMessage":"%s"}}`, status, text)
}

func TestZumrailsLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		api   string
		calls int
		fill  ask // what counts
		free  int // status of a call that is no login, when the limit is reached but not passed
	}{
		{sim.Zumrails, 300, ask{Method: "GET", Path: "/zumrails/api/whoami"}, 429},
		{sim.ZumrailsProduction, 1000, ask{Method: "POST", Path: "/zumrails-production/api/authorize", Body: "{}"}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.api, func(t *testing.T) {
			t.Parallel()
			w := start(t, sim.Options{})
			for i := range tt.calls {
				if answer := w.ask(tt.fill); answer.Status == 429 {
					t.Fatalf("call %d: %s", i+1, answer.Body)
				}
			}
			free := w.ask(whoami(tt.api, ""))
			response, err := w.raw(logins()[tt.api])
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			w.clock.Add(4 * time.Minute)
			blocked := w.ask(whoami(tt.api, ""))
			w.clock.Add(time.Minute)
			after := w.ask(logins()[tt.api])
			statuses := []int{free.Status, response.StatusCode, blocked.Status, after.Status}
			if diff := cmp.Diff([]int{tt.free, 429, 429, 200}, statuses); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"300"}, response.Header["Retry-After"]); diff != "" {
				t.Errorf("Retry-After (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLimitSlides looks at the window and at limits of other APIs.
func TestLimitSlides(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{Limits: map[string]sim.Limit{
		sim.Logware: {Calls: 2, Window: 10 * time.Second, Block: 20 * time.Second}, sim.Zumrails: {},
	}})
	var statuses []int
	for _, pause := range []time.Duration{0, 6, 6, 0, 19, 1} {
		w.clock.Add(pause * time.Second)
		statuses = append(statuses, w.ask(whoami(sim.Logware, "")).Status)
	}
	if diff := cmp.Diff([]int{401, 401, 401, 429, 429, 401}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestAnalogue(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	const path = "/analogue/api/users/login"
	w.check([]step{
		{"login", ask{Method: "POST", Path: path, Body: analogueBody}, got{200,
			`{"user":{"id":1,"email":"user@analogue.com","username":"analogue","name":"Analogue App","bio":"Share what inspires you.",` +
				`"topics":[],"image":"https://analogue.example/image.png","token":"T1"}}`}},
		{"the heading's path", ask{Method: "POST", Path: "/analogue/user/login", Body: analogueBody}, got{404,
			`{"errors":{"message":["Not found."]}}`}},
		{"flat body", ask{Method: "POST", Path: path, Body: `{"email":"user@analogue.com","password":"analogue-s3cr3t-3"}`}, got{422,
			`{"errors":{"message":["the body must be an object with the one object user"]}}`}},
		{"wrong password", ask{Method: "POST", Path: path, Body: strings.ReplaceAll(analogueBody, "s3", "x")}, got{401,
			`{"errors":{"message":["email or password is invalid"]}}`}},
		{"Token", whoami(sim.Analogue, "Token T1"), got{200, `{"api":"analogue","username":"user@analogue.com"}`}},
		{"Bearer", whoami(sim.Analogue, "Bearer T1"), got{401,
			`{"errors":{"message":["Authorization must be \"Token\" and a token"]}}`}},
	})
}

func TestDatarheiCore(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	const public = `{"app":"datarhei-core","auths":["localjwt"],"version":{"number":"16"}}`
	const long = `{"app":"datarhei-core","auths":["localjwt"],"version":{"number":"16.16.0"},"name":"authsim","id":"ID",` +
		`"created_at":"2026-01-02T12:00:00Z","uptime_seconds":0}`
	unauthorized := got{401, `{"code":401,"message":"Unauthorized","details":["Missing or invalid JWT token"]}`}
	notFound := got{404, `{"code":404,"message":"Not Found","details":["Not found"]}`}
	processes := got{200, `[{"id":"authsim","type":"ffmpeg","reference":"started by admin","created_at":1767355200}]`}
	get := func(path, auth string) ask { return ask{Method: "GET", Path: "/datarhei-core" + path, Auth: auth} }
	post := func(path, auth, body string) ask {
		return ask{Method: "POST", Path: "/datarhei-core" + path, Auth: auth, Body: body}
	}
	w.check([]step{
		{"login", post("/api/login", "", coreBody), got{200, `{"access_token":"T1","refresh_token":"T2"}`}},
		{"login with a slash", post("/api/login/", "", coreBody), unauthorized},
		{"wrong password", post("/api/login", "", strings.ReplaceAll(coreBody, "s3", "x")), got{401,
			`{"code":401,"message":"Unauthorized","details":["Invalid authorization credentials"]}`}},
		{"incomplete", post("/api/login", "", `{"username":"admin"}`), got{400,
			`{"code":400,"message":"Bad Request","details":["password: This field is required."]}`}},
		{"nothing", post("/api/login", "", ""), got{400,
			`{"code":400,"message":"Bad Request","details":["Unsupported media type \"\" in request."]}`}},
		{"about, anybody", get("/api", ""), got{200, public}},
		{"about, bad token", get("/api", "Bearer x"), got{200, public}},
		{"about, refresh token", get("/api", "Bearer T2"), got{200, public}},
		{"about, good token", get("/api", "Bearer T1"), got{200, long}},
		{"about with a slash, good token", get("/api/", "Bearer T1"), got{200, long}},
		{"about with a slash, anybody", get("/api/", ""), unauthorized},
		{"process", get("/api/v3/process", "Bearer T1"), processes},
		{"process, anybody", get("/api/v3/process", ""), unauthorized},
		{"process, refresh token", get("/api/v3/process", "Bearer T2"), unauthorized},
		{"refresh", get("/api/login/refresh", "Bearer T2"), got{200, `{"access_token":"T3"}`}},
		{"refresh again", get("/api/login/refresh", "Bearer T2"), got{200, `{"access_token":"T4"}`}},
		{"old token still works", get("/api/v3/process", "Bearer T1"), processes},
		{"refreshed token works", get("/api/v3/process", "Bearer T4"), processes},
		{"refresh with the access token", get("/api/login/refresh", "Bearer T1"), unauthorized},
		{"refresh by POST", post("/api/login/refresh", "Bearer T2", ""), unauthorized},
		{"logout", post("/api/logout", "Bearer T1", ""), notFound},
		{"logout by DELETE", ask{Method: "DELETE", Path: "/datarhei-core/api/login", Auth: "Bearer T1"}, notFound},
		{"unknown, anybody", get("/x", ""), unauthorized},
		{"unknown, token", get("/x", "Bearer T1"), notFound},
	})
	w.clock.Add(24*time.Hour - time.Second)
	w.check([]step{{"refresh, last second", get("/api/login/refresh", "Bearer T2"), got{200, `{"access_token":"T5"}`}}})
	w.clock.Add(time.Second)
	w.check([]step{{"refresh, too late", get("/api/login/refresh", "Bearer T2"), unauthorized}})
}

func TestDatarheiCoreClaims(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{Lifetimes: map[string]time.Duration{sim.DatarheiCoreRefresh: time.Hour}})
	w.ask(logins()[sim.DatarheiCore])
	now := w.clock.Now().Unix()
	number := func(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
	want := []map[string]any{
		{"exi": number(600), "exp": number(now + 600), "iat": number(now), "iss": "datarhei-core", "sub": "admin", "usefor": "access"},
		{"exi": number(3600), "exp": number(now + 3600), "iat": number(now), "iss": "datarhei-core", "sub": "admin", "usefor": "refresh"},
	}
	for i, token := range w.sim.Tokens() {
		claims := jwtClaims(t, token)
		if id, _ := claims["jti"].(string); len(id) != 36 {
			t.Errorf("jti %v", claims["jti"])
		}
		delete(claims, "jti")
		if diff := cmp.Diff(want[i], claims); diff != "" {
			t.Errorf("token %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestDatarheiCoreAuth0(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	foreign := sim.New(sim.Options{Now: w.clock.Now}).Auth0Token()
	w.sim.Auth0Token()
	login := func(auth string) ask { return ask{Method: "POST", Path: "/datarhei-core/api/login", Auth: auth} }
	wrong := got{401, `{"code":401,"message":"Unauthorized","details":["Invalid authorization credentials"]}`}
	w.check([]step{
		{"of another tenant", login("Bearer " + foreign), wrong},
		{"no JWT", login("Bearer x"), wrong},
		{"wrong scheme", login("Token T1"), got{401,
			`{"code":401,"message":"Unauthorized","details":["Authorization must be \"Bearer\" and a token"]}`}},
		{"with the page's content type", ask{Method: "POST", Path: "/datarhei-core/api/login", Auth: "Bearer T1", Type: "application/json"},
			got{200, `{"access_token":"T2","refresh_token":"T3"}`}},
		{"without", login("Bearer T1"), got{200, `{"access_token":"T4","refresh_token":"T5"}`}},
		{"own access token", login("Bearer T2"), wrong},
		{"Auth0 token as access token", whoami(sim.DatarheiCore, "Bearer T1"), got{401,
			`{"code":401,"message":"Unauthorized","details":["Missing or invalid JWT token"]}`}},
		{"works", whoami(sim.DatarheiCore, "Bearer T4"), got{200,
			`[{"id":"authsim","type":"ffmpeg","reference":"started by auth0|authsim","created_at":1767355200}]`}},
	})
	w.clock.Add(24 * time.Hour)
	w.check([]step{{"too late", login("Bearer T1"), wrong}})
}

func TestDatarheiCoreLoginDelay(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{LoginDelay: 30 * time.Millisecond})
	begin := time.Now()
	w.ask(logins()[sim.DatarheiCore])
	if w.ask(ask{Method: "POST", Path: "/datarhei-core/api/login", Body: "{}"}); time.Since(begin) < 30*time.Millisecond {
		t.Error("the refusal came at once")
	}
}

func TestHautAI(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	const path = "/haut-ai/api/v1/auth/login/"
	w.check([]step{
		{"login", ask{Method: "POST", Path: path, Body: hautBody}, got{200,
			`{"id":42,"email":"dev@haut-ai.example","username":"dev@haut-ai.example","company_id":"ID","token_access":"T1",` +
				`"access_token":"T1","refresh_token":"T2","is_verified":true,"profile":{"first_name":"Demo","last_name":"User"}}`}},
		{"no slash", ask{Method: "POST", Path: strings.TrimSuffix(path, "/"), Body: hautBody}, got{404, `{"detail":"Not found."}`}},
		{"wrong password", ask{Method: "POST", Path: path, Body: strings.ReplaceAll(hautBody, "s3", "x")}, got{401,
			`{"code":"no_active_account","detail":"No active account found with the given credentials"}`}},
		{"second factor", ask{Method: "POST", Path: path, Body: `{"username":"mfa@haut-ai.example","password":"haut-ai-s3cr3t-mfa"}`}, got{400,
			`{"code":"mfa_required","detail":"This account has multi-factor authentication, a password is not enough"}`}},
		{"second factor, wrong password", ask{Method: "POST", Path: path, Body: `{"username":"mfa@haut-ai.example","password":"x"}`}, got{401,
			`{"code":"no_active_account","detail":"No active account found with the given credentials"}`}},
		{"fields", ask{Method: "POST", Path: path, Body: `{"username":"","Password":"x"}`}, got{400,
			`{"Password":["Unexpected field."],"password":["This field is required."],"username":["This field may not be blank."]}`}},
		{"not JSON", ask{Method: "POST", Path: path, Body: `{`}, got{400, `{"detail":"JSON parse error - the body is not one JSON value"}`}},
		{"whoami", whoami(sim.HautAI, "Bearer T1"), got{200, `{"api":"haut-ai","username":"dev@haut-ai.example"}`}},
		{"refresh token", whoami(sim.HautAI, "Bearer T2"), got{401, `{"code":"token_not_valid","detail":"Token has wrong type"}`}},
	})
	w.clock.Add(time.Hour)
	w.check([]step{
		{"expired", whoami(sim.HautAI, "Bearer T1"), got{401, `{"code":"token_not_valid","detail":"Token is expired"}`}},
	})
}

const privatePath = "/haut-ai/api/v1/auth/private_tokens/"

func TestHautAIPrivateTokens(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{Users: []sim.User{{API: sim.HautAI, Name: "b", Password: "s3cr3t"}}})
	w.ask(logins()[sim.HautAI]) // T1, T2
	create := func(body string) ask { return ask{Method: "POST", Path: privatePath, Auth: "Bearer T1", Body: body} }
	revoke := func(id, auth string) ask { return ask{Method: "DELETE", Path: privatePath + id + "/", Auth: auth} }
	const empty = `{"count":0,"next":null,"previous":null,"results":[]}`
	notValid := got{401, `{"code":"token_not_valid","detail":"Token was cancelled"}`}
	w.check([]step{
		{"none", ask{Method: "GET", Path: privatePath, Auth: "Bearer T1"}, got{200, empty}},
		{"create", create(`{"name":"ci","expiration_time":"2026-01-03T13:00:00+01:00"}`), got{201,
			`{"id":1000001,"name":"ci","expiration_time":"2026-01-03T12:00:00Z","data":"T3"}`}},
		{"no expiration", create(`{"name":"ci"}`), got{400, `{"expiration_time":["This field is required."]}`}},
		{"past", create(`{"name":"ci","expiration_time":"2026-01-02T12:00:00Z"}`), got{400,
			`{"expiration_time":["Expiration time must be in the future."]}`}},
		{"a date", create(`{"name":"","expiration_time":"2027-01-02","x":1}`), got{400,
			`{"expiration_time":["Datetime has wrong format. Use RFC 3339."],"name":["This field may not be blank."],"x":["Unexpected field."]}`}},
		{"no token", ask{Method: "POST", Path: privatePath, Body: "{}"}, got{401,
			`{"code":"token_not_valid","detail":"Authentication credentials were not provided."}`}},
		{"works as Bearer", whoami(sim.HautAI, "Bearer T3"), got{200, `{"api":"haut-ai","username":"dev@haut-ai.example"}`}},
		{"list with it, without its text", ask{Method: "GET", Path: privatePath, Auth: "Bearer T3"}, got{200,
			`{"count":1,"next":null,"previous":null,"results":[{"id":1000001,"name":"ci","expiration_time":"2026-01-03T12:00:00Z"}]}`}},
		{"another user logs in", ask{Method: "POST", Path: "/haut-ai/api/v1/auth/login/", Body: `{"username":"b","password":"s3cr3t"}`}, got{200,
			`{"id":42,"email":"b","username":"b","company_id":"ID","token_access":"T4",` +
				`"access_token":"T4","refresh_token":"T5","is_verified":true,"profile":{"first_name":"Demo","last_name":"User"}}`}},
		{"and sees nothing", ask{Method: "GET", Path: privatePath, Auth: "Bearer T4"}, got{200, empty}},
		{"and revokes nothing", revoke("1000001", "Bearer T4"), got{404, `{"detail":"Not found."}`}},
		{"unknown", revoke("1", "Bearer T1"), got{404, `{"detail":"Not found."}`}},
		{"revoke without slash", ask{Method: "DELETE", Path: privatePath + "1000001", Auth: "Bearer T1"}, got{404, `{"detail":"Not found."}`}},
		{"revoke", revoke("1000001", "Bearer T1"), got{204, ""}},
		{"revoke again", revoke("1000001", "Bearer T1"), got{404, `{"detail":"Not found."}`}},
		{"revoked", whoami(sim.HautAI, "Bearer T3"), notValid},
		{"gone", ask{Method: "GET", Path: privatePath, Auth: "Bearer T1"}, got{200, empty}},
		{"create another", create(`{"name":"ci","expiration_time":"2026-01-02T12:00:30Z"}`), got{201,
			`{"id":1000002,"name":"ci","expiration_time":"2026-01-02T12:00:30Z","data":"T6"}`}},
	})
	w.clock.Add(30 * time.Second)
	w.check([]step{{"expired", whoami(sim.HautAI, "Bearer T6"), got{401, `{"code":"token_not_valid","detail":"Token is expired"}`}}})
}

// page is a page of the list, by the names on it.
type page struct {
	Count          int
	Next, Previous string
	Names          []string
}

// list asks for a page of the list of private tokens.
func (w *world) list(url string) (page, int) {
	w.t.Helper()
	answer := w.ask(ask{Method: "GET", Path: url, Auth: "Bearer T1"})
	var body struct {
		Count          int
		Next, Previous string
		Results        []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(answer.Body), &body); err != nil {
		w.t.Fatalf("%v: %s", err, answer.Body)
	}
	p := page{Count: body.Count, Next: body.Next, Previous: body.Previous}
	for _, r := range body.Results {
		p.Names = append(p.Names, r.Name)
	}
	return p, answer.Status
}

func TestHautAIList(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	w.ask(logins()[sim.HautAI])
	for i, name := range []string{"c", "a", "b", "ci-1", "ci-2", "f", "g", "h", "i", "j", "k", "a"} {
		expires := w.clock.Now().Add(time.Duration(20-i) * time.Hour).Format(time.RFC3339)
		w.ask(ask{Method: "POST", Path: privatePath, Auth: "Bearer T1", Body: fmt.Sprintf(`{"name":%q,"expiration_time":%q}`, name, expires)})
	}
	const base = "BASE" + privatePath
	tests := []struct {
		query string
		want  page
	}{
		{"", page{12, base + "?page=2", "", []string{"c", "a", "b", "ci-1", "ci-2", "f", "g", "h", "i", "j"}}},
		{"?page=2", page{12, "", base, []string{"k", "a"}}},
		{"?page_size=5&page=2", page{12, base + "?page=3&page_size=5", base + "?page_size=5", []string{"f", "g", "h", "i", "j"}}},
		{"?page_size=5&page=3", page{12, "", base + "?page=2&page_size=5", []string{"k", "a"}}},
		{"?page_size=12", page{12, "", "", []string{"c", "a", "b", "ci-1", "ci-2", "f", "g", "h", "i", "j", "k", "a"}}},
		{"?q=ci&page_size=1", page{2, base + "?page=2&page_size=1&q=ci", "", []string{"ci-1"}}},
		{"?q=nothing", page{}},
		{"?ordering=name&page_size=3", page{12, base + "?ordering=name&page=2&page_size=3", "", []string{"a", "a", "b"}}},
		{"?ordering=-name&page_size=2", page{12, base + "?ordering=-name&page=2&page_size=2", "", []string{"k", "j"}}},
		{"?ordering=expiration_time&page_size=2", page{12, base + "?ordering=expiration_time&page=2&page_size=2", "", []string{"a", "k"}}},
		{"?ordering=-expiration_time&page_size=2", page{12, base + "?ordering=-expiration_time&page=2&page_size=2", "", []string{"c", "a"}}},
	}
	for _, tt := range tests {
		found, status := w.list(privatePath + tt.query)
		if diff := cmp.Diff(tt.want, found); diff != "" || status != 200 {
			t.Errorf("%q: %d (-want +got):\n%s", tt.query, status, diff)
		}
	}
	w.check([]step{
		{"ordering", ask{Method: "GET", Path: privatePath + "?ordering=id", Auth: "Bearer T1"}, got{400, `{"ordering":["\"id\" is not a valid choice."]}`}},
		{"empty ordering", ask{Method: "GET", Path: privatePath + "?ordering=", Auth: "Bearer T1"}, got{400, `{"ordering":["\"\" is not a valid choice."]}`}},
		{"no number", ask{Method: "GET", Path: privatePath + "?page=0&page_size=x&z=1&q=a&q=b", Auth: "Bearer T1"}, got{400,
			`{"page":["A valid positive integer is required."],"page_size":["A valid positive integer is required."],` +
				`"q":["This parameter is given more than once."],"z":["Unknown parameter."]}`}},
		{"no such page", ask{Method: "GET", Path: privatePath + "?page=3", Auth: "Bearer T1"}, got{404, `{"detail":"Invalid page."}`}},
		{"no token", ask{Method: "GET", Path: privatePath}, got{401,
			`{"code":"token_not_valid","detail":"Authentication credentials were not provided."}`}},
	})
}

// TestDefaultUsers compares the credentials with what the other tests send.
func TestDefaultUsers(t *testing.T) {
	t.Parallel()
	s := sim.New(sim.Options{})
	var pairs []string
	for _, api := range s.APIs() {
		name, password := s.Credentials(api)
		pairs = append(pairs, name+" "+password)
	}
	want := []string{
		"my-API-login logware-s3cr3t-1", "sandbox-api-user zumrails-s3cr3t-2",
		"production-api-user zumrails-production-s3cr3t-2", "user@analogue.com analogue-s3cr3t-3",
		"admin datarhei-core-s3cr3t-4", "dev@haut-ai.example haut-ai-s3cr3t-5",
		"ada rotating-s3cr3t-6",
	}
	if diff := cmp.Diff(want, pairs); diff != "" {
		t.Errorf("credentials (-want +got):\n%s", diff)
	}
	if name, password := s.Credentials("nothing"); name+password != "" {
		t.Errorf("credentials of no API: %q %q", name, password)
	}
}
