package session_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/token"
)

// TestAuthenticate logs in to the five APIs with the profiles of the example
// file and compares the whole session.
func TestAuthenticate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		profile, environment, via string
		request                   string
		info                      token.Info // without key and time
		refresh                   bool
		refreshExpiry             token.Expiry
		issued                    int // which of the last tokens is the access token
	}{
		"logware": {
			profile: "logware", request: "POST /api/users/authenticate", issued: 1,
			info: token.Info{User: "my-API-login", Expiry: token.Expiry{At: noon().Add(10 * time.Hour), Source: token.FromLifetime}},
		},
		"zumrails, sandbox": {
			profile: "zumrails", environment: "sandbox", request: "POST /api/authorize", issued: 1,
			info: token.Info{User: "sandbox-api-user", Expiry: token.Expiry{At: noon().Add(time.Hour), Source: token.FromLifetime}},
		},
		"zumrails, production": {
			profile: "zumrails", environment: "production", request: "POST /api/authorize", issued: 1,
			info: token.Info{User: "production-api-user", Expiry: token.Expiry{At: noon().Add(time.Hour), Source: token.FromLifetime}},
		},
		"analogue": {
			profile: "analogue", request: "POST /api/users/login", issued: 1,
			info: token.Info{User: "USER", Expiry: token.Expiry{At: noon().Add(60 * 24 * time.Hour), Source: token.FromLifetime}},
		},
		"datarhei-core": {
			profile: "datarhei-core", request: "POST /api/login", issued: 2, refresh: true,
			refreshExpiry: token.Expiry{At: noon().Add(24 * time.Hour), Source: token.FromJWT},
			info:          token.Info{User: "admin", Renewable: "refresh", Expiry: token.Expiry{At: noon().Add(10 * time.Minute), Source: token.FromJWT}},
		},
		"datarhei-core, auth0": {
			profile: "datarhei-core", via: "auth0", request: "POST /api/login", issued: 2, refresh: true,
			refreshExpiry: token.Expiry{At: noon().Add(24 * time.Hour), Source: token.FromJWT},
			info:          token.Info{Via: "auth0", Renewable: "refresh", Expiry: token.Expiry{At: noon().Add(10 * time.Minute), Source: token.FromJWT}},
		},
		"haut-ai": {
			profile: "haut-ai", request: "POST /api/v1/auth/login/", issued: 2,
			info: token.Info{User: "dev@haut-ai.example", Expiry: token.Expiry{At: noon().Add(time.Hour), Source: token.FromLifetime}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAPIs(t)
			target := a.target(test.profile, test.environment)
			if test.via == "auth0" {
				a.inputs.values["auth0_token"] = a.sim.Auth0Token()
			}
			got, err := a.manager.Authenticate(t.Context(), target, session.LoginOptions{Via: test.via})
			if err != nil {
				t.Fatal(err)
			}
			want := token.Session{
				Access:        token.Access{Info: test.info, AccessToken: a.last(test.issued)},
				RefreshExpiry: test.refreshExpiry,
			}
			want.Key = token.Key{Origin: token.Origin(a.url), Profile: test.profile, Environment: test.environment, Account: "default"}
			want.ObtainedAt = noon()
			if want.User == "USER" {
				want.User, _ = a.sim.Credentials(sim.Analogue)
			}
			if test.refresh {
				want.RefreshToken = a.last(1)
			}
			same(t, "session", want, got)
			same(t, "requests", []string{test.request}, a.asked())
			if !a.knows(got.AccessToken.Reveal()) || test.via == "" && !a.knows(a.inputs.values["password"]) || test.refresh && !a.knows(got.RefreshToken.Reveal()) {
				t.Error("a secret was not told to Learn")
			}
			if _, found := a.stored(target); found {
				t.Error("Authenticate stored the session")
			}
		})
	}
}

// TestLogin stores the session that Authenticate would return, and one more
// login replaces it.
func TestLogin(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("datarhei-core", "")
	first := a.login(target, session.LoginOptions{SaveCredentials: true})
	stored, found := a.stored(target)
	if !found {
		t.Fatal("nothing is stored")
	}
	same(t, "stored", first, stored)
	user, password := a.sim.Credentials(sim.DatarheiCore)
	same(t, "credentials", map[string]token.Secret{"username": token.NewSecret(user), "password": token.NewSecret(password)}, stored.Credentials)
	second := a.login(target, session.LoginOptions{})
	stored, _ = a.stored(target)
	same(t, "stored again", second, stored)
	if first.AccessToken.Equal(second.AccessToken) {
		t.Error("both logins gave one token")
	}
	target.Account = "other"
	if _, found := a.stored(target); found {
		t.Error("another account has the session")
	}
}

// TestLoginFails has everything that a login can be told. Nothing is stored,
// nothing is sent twice, and no message shows a secret.
func TestLoginFails(t *testing.T) {
	t.Parallel()
	const (
		password = "opal-7Q-wrong"
		who      = "check the user name and the password, then log in again"
		what     = "the server's message tells whether it is the password, a field or a second factor"
	)
	bad := func(profile, text, hint string) outcome {
		return outcome{"log in to " + profile + ": " + text, hint, fault.BadAnswer}
	}
	tests := map[string]struct {
		profile, environment, fault string
		wrong                       bool // the password
		want                        outcome
	}{
		"logware, wrong password":   {"logware", "", "", true, outcome{"log in to logware: HOST refused: Username or password incorrect (status 400)", what, fault.Refused}},
		"zumrails, wrong password":  {"zumrails", "sandbox", "", true, outcome{"log in to zumrails (sandbox): HOST refused: Invalid username or password (status 200)", who, fault.Refused}},
		"datarhei, wrong password":  {"datarhei-core", "", "", true, outcome{"log in to datarhei-core: HOST refused: Invalid authorization credentials (status 401)", who, fault.Refused}},
		"haut-ai, wrong password":   {"haut-ai", "", "", true, outcome{"log in to haut-ai: HOST refused: code: no_active_account; detail: No active account found with the given credentials (status 401)", who, fault.Refused}},
		"too many requests":         {"zumrails", "production", "429:90s", false, outcome{"log in to zumrails (production): HOST has had too many requests: Too many requests (status 429)", "wait 1m30s, then try again", fault.RateLimited}},
		"null token":                {"logware", "", "null-token", false, bad("logware", "token: .token finds nothing; the answer is {id: string, login: string, password: null, token: null}", "compare token: in the profile with the answer")},
		"empty token":               {"analogue", "", "empty-token", false, bad("analogue", "token: .user.token finds nothing; SHAPE", "compare token: in the profile with the answer")},
		"no token":                  {"datarhei-core", "", "no-token", false, bad("datarhei-core", "token: .access_token finds nothing; the answer is {}", "compare token: in the profile with the answer")},
		"empty answer":              {"logware", "", "empty", false, bad("logware", "token: .token finds nothing; the answer is empty", "compare token: in the profile with the answer")},
		"empty answer, success":     {"zumrails", "sandbox", "empty", false, bad("zumrails (sandbox)", "HOST answered something unusable: the answer is empty (status 200)", "check base_url")},
		"HTML":                      {"logware", "", "html", false, bad("logware", "token: .token finds nothing; the answer is text/html, 141 bytes", "compare token: in the profile with the answer")},
		"broken JSON":               {"zumrails", "sandbox", "malformed", false, bad("zumrails (sandbox)", "HOST answered with broken JSON: it stops being JSON in line 11 (status 200)", "")},
		"duplicate keys":            {"datarhei-core", "", "duplicate-keys", false, bad("datarhei-core", "HOST answered with broken JSON: a key stands twice (status 200)", "")},
		"trailing":                  {"datarhei-core", "", "trailing", false, bad("datarhei-core", "HOST answered with broken JSON: more text follows the value (status 200)", "")},
		"endless":                   {"datarhei-core", "", "endless", false, bad("datarhei-core", "HOST answered with more than 1 MiB", "")},
		"bomb":                      {"datarhei-core", "", "bomb", false, bad("datarhei-core", "HOST answered with more than 1 MiB", "")},
		"500":                       {"logware", "", "500", false, bad("logware", "HOST is in trouble: Internal server error (status 500)", "try again later")},
		"502":                       {"zumrails", "sandbox", "502", false, bad("zumrails (sandbox)", "HOST is in trouble: status 502", "try again later")},
		"redirect":                  {"logware", "", "redirect:307:http://127.0.0.1:9/x", false, bad("logware", "HOST redirects to http://127.0.0.1:9/x (status 307); a secret follows no redirect", "if the API has moved there, write it as base_url")},
		"dropped":                   {"logware", "", "dropped", false, outcome{"log in to logware: cannot reach HOST: the connection broke (EOF)", "try again", fault.Unreachable}},
		"lost":                      {"logware", "", "lost", false, outcome{"log in to logware: cannot reach HOST: the connection broke (EOF)", "try again", fault.Unreachable}},
		"truncated":                 {"logware", "", "truncated", false, outcome{"log in to logware: cannot reach HOST: the connection broke (unexpected EOF)", "try again", fault.Unreachable}},
		"500 with isError of false": {"zumrails", "sandbox", "status:503", false, bad("zumrails (sandbox)", "HOST is in trouble: Simulated fault (status 503)", "try again later")},
		"404":                       {"logware", "", "status:404", false, outcome{"log in to logware: HOST refused: Simulated fault (status 404)", "check base_url and request in the profile, then the user name", fault.Refused}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAPIs(t)
			target := a.target(test.profile, test.environment)
			api := test.profile
			if test.environment == "production" {
				api = sim.ZumrailsProduction
			}
			if test.wrong {
				a.inputs.values["password"] = password
			}
			if test.fault != "" {
				a.fail(api, test.fault)
			}
			_, err := a.manager.Login(t.Context(), target, session.LoginOptions{SaveCredentials: true})
			if err != nil && strings.Contains(test.want.Text, "SHAPE") {
				_, shape, _ := strings.Cut(err.Error(), "nothing; ")
				test.want.Text = strings.Replace(test.want.Text, "SHAPE", shape, 1)
			}
			expect(t, a.url, test.want, err)
			text := fmt.Sprint(err, fault.HintOf(err), a.told())
			for _, secret := range append(a.sim.Tokens(), a.inputs.values["password"]) {
				if strings.Contains(text, secret) {
					t.Errorf("a secret is shown: %s", text)
				}
			}
			if asked := a.asked(); len(asked) != 1 {
				t.Errorf("%d requests: %q", len(asked), asked)
			}
			if _, found := a.stored(target); found || len(a.memory.Names()) > 0 {
				t.Error("something is stored")
			}
		})
	}
}

// TestUnknownLogin asks for a login that the profile does not have.
func TestUnknownLogin(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	_, err := a.manager.Authenticate(t.Context(), a.target("datarhei-core", ""), session.LoginOptions{Via: "auth"})
	expect(t, a.url, outcome{`datarhei-core has no login called "auth"`, "did you mean auth0?", fault.Usage}, err)
	_, err = a.manager.Authenticate(t.Context(), a.target("logware", ""), session.LoginOptions{Via: "sso"})
	expect(t, a.url, outcome{`logware has no login called "sso"`, "this profile has no other logins", fault.Usage}, err)
	same(t, "requests", []string(nil), a.asked())
}

// TestUnknownEnvironment has a target that no profile describes, as a Go
// program can make one.
func TestUnknownEnvironment(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("zumrails", "sandbox")
	for environment, want := range map[string]outcome{
		"sandbux": {`the profile zumrails has no environment "sandbux"`, "did you mean sandbox?", fault.Usage},
		"":        {`the profile zumrails has no environment ""`, "known are: sandbox, production", fault.Usage},
	} {
		target.Environment = environment
		_, err := target.Key()
		expect(t, a.url, want, err)
		_, err = a.manager.Authenticate(t.Context(), target, session.LoginOptions{})
		expect(t, a.url, want, err)
		_, err = session.Preview(target, "", nothingGiven)
		expect(t, a.url, want, err)
	}
	same(t, "requests", []string(nil), a.asked())
}

// TestInputsAreAskedBeforeAnythingIsSent misses the password.
func TestInputsAreAskedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("logware", "")
	delete(a.inputs.values, "password")
	_, err := a.manager.Login(t.Context(), target, session.LoginOptions{})
	expect(t, a.url, outcome{"log in to logware: password is missing", "", fault.LoginNeeded}, err)
	same(t, "asked for", []string{"username", "password"}, a.inputs.asks())
	same(t, "requests", []string(nil), a.asked())
}

// TestOddPassword logs in with a password that ends strings, pairs, lines and
// templates.
func TestOddPassword(t *testing.T) {
	t.Parallel()
	password := "\"'\\&{{username}}\r\n\t\u00e9密\u2028" + strings.Repeat("x", 4096)
	for _, name := range []string{"logware", "analogue", "datarhei-core", "haut-ai"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAPIs(t)
			target := a.target(name, "")
			user, _ := a.sim.Credentials(name)
			if err := a.sim.SetPassword(name, user, password); err != nil {
				t.Fatal(err)
			}
			a.inputs.values["password"] = password
			a.login(target, session.LoginOptions{})
		})
	}
}

// TestExpiry takes the earliest statement about the end of a token.
func TestExpiry(t *testing.T) {
	t.Parallel()
	jwtAt := func(at time.Time) string {
		// {"alg":"none"} and a payload; the signature does not matter here.
		payload := fmt.Sprintf(`{"exp":%d}`, at.Unix())
		return "eyJhbGciOiJub25lIn0." + b64(payload) + ".c2ln"
	}
	const all = "    expires_in: .in\n    expires_at: .at\n"
	in := func(d time.Duration, source token.ExpirySource) token.Expiry {
		return token.Expiry{At: noon().Add(d), Source: source}
	}
	tests := map[string]struct {
		yaml   string
		answer string
		want   token.Expiry
	}{
		"nothing said":             {"", `{"t":"a"}`, token.Expiry{Source: token.FromNothing}},
		"lifetime":                 {"    lifetime: 2h\n", `{"t":"a"}`, in(2*time.Hour, token.FromLifetime)},
		"never":                    {"    lifetime: never\n", `{"t":"a"}`, token.Expiry{Source: token.FromLifetime}},
		"never, but expires_in":    {"    lifetime: never\n" + all, `{"t":"a","in":60}`, in(time.Minute, token.FromExpiresIn)},
		"JWT":                      {"", `{"t":"` + jwtAt(noon().Add(time.Hour)) + `"}`, in(time.Hour, token.FromJWT)},
		"JWT before lifetime":      {"    lifetime: 2h\n", `{"t":"` + jwtAt(noon().Add(time.Hour)) + `"}`, in(time.Hour, token.FromJWT)},
		"lifetime before JWT":      {"    lifetime: 30m\n", `{"t":"` + jwtAt(noon().Add(time.Hour)) + `"}`, in(30*time.Minute, token.FromLifetime)},
		"expires_in":               {all, `{"t":"a","in":3600}`, in(time.Hour, token.FromExpiresIn)},
		"expires_in as text":       {all, `{"t":"a","in":"3600"}`, in(time.Hour, token.FromExpiresIn)},
		"expires_in with a part":   {all, `{"t":"a","in":1.9}`, in(time.Second, token.FromExpiresIn)},
		"expires_at, RFC 3339":     {all, `{"t":"a","at":"2026-01-02T14:00:00+01:00"}`, in(time.Hour, token.FromExpiresAt)},
		"expires_at with parts":    {all, `{"t":"a","at":"2026-01-02T13:00:00.9999999Z"}`, in(time.Hour, token.FromExpiresAt)},
		"expires_at without zone":  {all, `{"t":"a","at":"2026-01-02T13:00:00"}`, in(time.Hour, token.FromExpiresAt)},
		"expires_at with a blank":  {all, `{"t":"a","at":"2026-01-02 13:00:00"}`, in(time.Hour, token.FromExpiresAt)},
		"expires_at as HTTP dates": {all, `{"t":"a","at":"Fri, 02 Jan 2026 13:00:00 GMT"}`, in(time.Hour, token.FromExpiresAt)},
		"expires_at, a day":        {all, `{"t":"a","at":"2026-01-03"}`, in(12*time.Hour, token.FromExpiresAt)},
		"expires_at in seconds":    {all, fmt.Sprintf(`{"t":"a","at":%d}`, noon().Add(time.Hour).Unix()), in(time.Hour, token.FromExpiresAt)},
		"expires_at as text of it": {all, fmt.Sprintf(`{"t":"a","at":"%d"}`, noon().Add(time.Hour).Unix()), in(time.Hour, token.FromExpiresAt)},
		"expires_at in ms":         {all, fmt.Sprintf(`{"t":"a","at":%d}`, noon().Add(time.Hour).UnixMilli()), in(time.Hour, token.FromExpiresAt)},
		"expires_at, year 1":       {all, `{"t":"a","at":"0001-01-01T00:00:00Z"}`, token.Expiry{Source: token.FromNothing}},
		"null":                     {all, `{"t":"a","in":null,"at":null}`, token.Expiry{Source: token.FromNothing}},
		"the earliest of all": {
			"    lifetime: 4h\n" + all, `{"t":"` + jwtAt(noon().Add(3*time.Hour)) + `","in":7200,"at":"2026-01-02T13:00:00Z"}`, in(time.Hour, token.FromExpiresAt),
		},
		"a JWT of the year 10000": {"    lifetime: 1h\n", `{"t":"eyJhbGciOiJub25lIn0.` + b64(`{"exp":253402300800}`) + `.c2ln"}`, in(time.Hour, token.FromLifetime)},
		"a JWT with two exp":      {"    lifetime: 1h\n", `{"t":"eyJhbGciOiJub25lIn0.` + b64(`{"exp":1767357000,"exp":1}`) + `.c2ln"}`, in(time.Hour, token.FromLifetime)},
		"JWT exp of text":         {"    lifetime: 1h\n", `{"t":"eyJhbGciOiJub25lIn0.` + b64(`{"exp":"1767357000"}`) + `.c2ln"}`, in(time.Hour, token.FromLifetime)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := serve(t, answers{"POST /login": reply(200, test.answer)})
			target := at(t, s.URL, "    login: {request: POST /login, token: .t}\n"+test.yaml)
			got := w.login(target, session.LoginOptions{})
			same(t, "expiry", test.want, got.Expiry)
			stored, _ := w.stored(target)
			same(t, "stored", got, stored)
		})
	}
}

// TestFarEnds has tokens that end after the years in which counters of seconds
// overflow (2038 with 31 bits, 2106 with 32, 2262 with nanoseconds in 63), at
// servers whose clock is a day ahead of ours or behind it.
func TestFarEnds(t *testing.T) {
	t.Parallel()
	last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, at1 := range []time.Time{
		time.Date(2039, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2107, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC), last,
	} {
		for _, ahead := range []time.Duration{0, 24 * time.Hour, -24 * time.Hour} {
			w := newWorld(t)
			w.clock.add(-ahead)
			jwt := "eyJhbGciOiJub25lIn0." + b64(fmt.Sprintf(`{"exp":%d}`, at1.Unix())) + ".c2ln"
			s := serve(t, answers{"POST /login": reply(200, `{"t":"`+jwt+`","r":"`+jwt+`","at":"`+at1.Format(time.RFC3339)+`"}`)})
			target := at(t, s.URL, "    login: {request: POST /login, token: .t}\n    refresh_token: .r\n    expires_at: .at\n")
			got := w.login(target, session.LoginOptions{})
			want := at1.Add(-ahead)
			if want.After(last) {
				want = last
			}
			same(t, "end", want, got.At)
			same(t, "end of the refresh token", want, got.RefreshExpiry.At)
			stored, _ := w.stored(target)
			same(t, "stored", got, stored)
			same(t, "live", []bool{true, true, false}, []bool{
				got.Live(w.clock.Now(), time.Hour), got.Live(want.Add(-2*time.Second), time.Second), got.Live(want, 0),
			})
		}
	}
}

// TestNotBefore keeps a token that is not valid yet, at a login and at a renewal,
// by the clock of a server that is an hour ahead or not.
func TestNotBefore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		claims string
		want   time.Duration // from noon; 0 is none
	}{
		"in an hour":       {fmt.Sprintf(`{"nbf":%d}`, noon().Add(time.Hour).Unix()), time.Hour},
		"now":              {fmt.Sprintf(`{"nbf":%d}`, noon().Unix()), 0},
		"in 4 s":           {fmt.Sprintf(`{"nbf":%d}`, noon().Add(4*time.Second).Unix()), 0},
		"in 5 s":           {fmt.Sprintf(`{"nbf":%d}`, noon().Add(5*time.Second).Unix()), 5 * time.Second},
		"an hour ago":      {fmt.Sprintf(`{"nbf":%d}`, noon().Add(-time.Hour).Unix()), 0},
		"not said":         {`{}`, 0},
		"twice":            {`{"nbf":32503680000,"nbf":32503680000}`, 0},
		"in words":         {`{"nbf":"tomorrow"}`, 0},
		"beyond year 9999": {`{"nbf":1e300}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, ahead := range []time.Duration{0, time.Hour} {
				w := newWorld(t)
				w.clock.add(-ahead)
				answer := reply(200, `{"t":"eyJhbGciOiJub25lIn0.`+b64(test.claims)+`.c2ln","r":"r-1"}`)
				s := serve(t, answers{"POST /login": answer, "POST /refresh": answer})
				target := at(t, s.URL, rotating)
				var want time.Time
				if test.want > 0 {
					want = noon().Add(test.want - ahead)
				}
				got := w.login(target, session.LoginOptions{})
				renewed, err := w.manager.Token(t.Context(), target, session.TokenOptions{Force: true})
				expect(t, s.URL, outcome{}, err)
				stored, _ := w.stored(target)
				same(t, "not before", []time.Time{want, want, want}, []time.Time{got.NotBefore, renewed.NotBefore, stored.NotBefore})
			}
		})
	}
}

// TestSleep: the clock that stands still while a machine sleeps has no say in
// when a token is over. A time that was taken from the system carries it.
func TestSleep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.manager.Now, w.manager.Calls.Now = time.Now, time.Now
	s := serve(t, answers{"POST /login": func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, `{"t":"agate-1","in":3600}`)
	}})
	got, err := w.manager.Authenticate(t.Context(), at(t, s.URL, "    login: {request: POST /login, token: .t}\n    expires_in: .in\n"), session.LoginOptions{})
	expect(t, s.URL, outcome{}, err)
	for name, at := range map[string]time.Time{"end": got.At, "obtained": got.ObtainedAt} {
		if at != at.Round(0) { // which takes the monotonic clock off
			t.Errorf("%s: %v has the monotonic clock", name, at)
		}
	}
}

// TestClockOffset logs in to servers whose clock is another.
func TestClockOffset(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"3h":   {"this machine's clock is 3h0m0s behind the server's; the server's clock was used"},
		"-3h":  {"this machine's clock is 3h0m0s ahead of the server's; the server's clock was used"},
		"4s":   nil,
		"24h":  {"this machine's clock is 24h0m0s behind the server's; the server's clock was used"},
		"-48h": {"this machine's clock is 48h0m0s ahead of the server's; the server's clock was used"},
	}
	for offset, notes := range tests {
		t.Run(offset, func(t *testing.T) {
			t.Parallel()
			a := startAPIs(t)
			target := a.target("datarhei-core", "")
			a.fail(sim.DatarheiCore, "clock:"+offset)
			got := a.login(target, session.LoginOptions{})
			shift := time.Duration(0)
			if offset == "4s" {
				shift = 4 * time.Second
			}
			want := []token.Expiry{
				{At: noon().Add(10*time.Minute + shift), Source: token.FromJWT}, {At: noon().Add(24*time.Hour + shift), Source: token.FromJWT},
			}
			same(t, "expiry", want, []token.Expiry{got.Expiry, got.RefreshExpiry})
			same(t, "notes", notes, a.told())
		})
	}
}

// TestNoDate has a server that does not tell the time, and whose clock is off:
// its token seems over.
func TestNoDate(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("datarhei-core", "")
	a.fail(sim.DatarheiCore, "clock:-3h", "no-date")
	_, err := a.manager.Login(t.Context(), target, session.LoginOptions{})
	expect(t, a.url, outcome{
		"log in to datarhei-core: the token that came is over already, since 2026-01-02T09:10:00Z (JWT exp)",
		"compare the clocks: authctl doctor --online datarhei-core", fault.BadAnswer,
	}, err)
}

// TestThreat11_ImplausibleAnswers stores nothing from answers that cannot be
// meant. No message shows what came.
func TestThreat11_ImplausibleAnswers(t *testing.T) {
	t.Parallel()
	const hint = "compare token: in the profile with the answer"
	none := func(shape string) outcome {
		return outcome{"token: .t finds nothing; the answer is " + shape, hint, fault.BadAnswer}
	}
	bad := func(text string) outcome { return outcome{text, "", fault.BadAnswer} }
	control := bad("token: what was found holds control characters")
	blanks := bad("token: what was found is empty or has blanks around it")
	over := func(at, source string) outcome {
		return outcome{"the token that came is over already, since " + at + " (" + source + ")", "compare the clocks: authctl doctor --online x", fault.BadAnswer}
	}
	tests := map[string]struct {
		answer string
		want   outcome
	}{
		"null token":               {`{"t":null}`, none("{t: null}")},
		"empty token":              {`{"t":""}`, none("{t: string}")},
		"no token":                 {`{"T":"opal-7Q"}`, none("{T: string}")},
		"an error object":          {`{"t":{"a":"opal-7Q"}}`, bad("token: what was found is not text")},
		"a list":                   {`{"t":["opal-7Q"]}`, bad("token: what was found is not text")},
		"true":                     {`{"t":true}`, bad("token: what was found is not text")},
		"blanks":                   {`{"t":"  "}`, blanks},
		"a blank at the end":       {`{"t":"opal-7Q "}`, blanks},
		"a tab at the end":         {`{"t":"opal-7Q\t"}`, blanks},
		"a no-break space":         {`{"t":"opal-7Q\u00a0"}`, blanks},
		"a line break":             {`{"t":"opal\n7Q"}`, control},
		"NUL":                      {`{"t":"opal\u00007Q"}`, control},
		"escape":                   {`{"t":"opal\u001b[2J7Q"}`, control},
		"DEL":                      {`{"t":"opal\u007f7Q"}`, control},
		"C1":                       {`{"t":"opal\u009b7Q"}`, control},
		"not UTF-8":                {"{\"t\":\"opal\xff7Q\"}", control},
		"half a surrogate":         {`{"t":"opal\ud8007Q"}`, control},
		"huge":                     {`{"t":"` + strings.Repeat("x", 512<<10+1) + `"}`, bad("token: 524289 bytes are too many for a token")},
		"refresh token of a list":  {`{"t":"opal-7Q","r":[1]}`, bad("refresh_token: what was found is not text")},
		"refresh token of control": {`{"t":"opal-7Q","r":"a\u0007b"}`, bad("refresh_token: what was found holds control characters")},
		"over on arrival":          {`{"t":"opal-7Q","at":"2026-01-02T12:00:00Z"}`, over("2026-01-02T12:00:00Z", "expires_at")},
		"over since 1970":          {`{"t":"opal-7Q","at":1}`, over("1970-01-01T00:00:01Z", "expires_at")},
		"over, by the JWT":         {`{"t":"eyJhbGciOiJub25lIn0.` + b64(`{"exp":1000000000}`) + `.c2ln"}`, over("2001-09-09T01:46:40Z", "JWT exp")},
		"under a second":           {`{"t":"opal-7Q","in":0.5}`, over("2026-01-02T12:00:00Z", "expires_in")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := serve(t, answers{"POST /login": reply(200, test.answer)})
			target := at(t, s.URL, "    login: {request: POST /login, token: .t}\n    refresh_token: .r\n    expires_in: .in\n    expires_at: .at\n")
			_, err := w.manager.Login(t.Context(), target, session.LoginOptions{})
			test.want.Text = "log in to x: " + test.want.Text
			expect(t, s.URL, test.want, err)
			if strings.Contains(fmt.Sprint(err), "opal") {
				t.Errorf("the message shows what came: %v", err)
			}
			if names := w.memory.Names(); len(names) > 0 {
				t.Errorf("stored: %q", names)
			}
		})
	}
}

// TestThreat11_ImplausibleEnds keeps the token that came with an end that cannot
// be meant, and takes what else is said of its end.
func TestThreat11_ImplausibleEnds(t *testing.T) {
	t.Parallel()
	const seconds = "expires_in: what was found is no plausible number of seconds; it is left out"
	const point = "expires_at: what was found is no point in time; it is left out"
	tests := map[string]struct{ answer, note string }{
		"negative expires_in":     {`{"t":"opal-7Q","in":-1}`, seconds},
		"expires_in of 0":         {`{"t":"opal-7Q","in":0}`, seconds},
		"huge expires_in":         {`{"t":"opal-7Q","in":1e30}`, seconds},
		"expires_in of 101 years": {`{"t":"opal-7Q","in":3185136000}`, seconds},
		"expires_in beyond float": {`{"t":"opal-7Q","in":1e400}`, seconds},
		"expires_in NaN":          {`{"t":"opal-7Q","in":"NaN"}`, seconds},
		"expires_in infinite":     {`{"t":"opal-7Q","in":"Infinity"}`, seconds},
		"expires_in of words":     {`{"t":"opal-7Q","in":"soon"}`, seconds},
		"expires_in of a list":    {`{"t":"opal-7Q","in":[3600]}`, seconds},
		"expires_in true":         {`{"t":"opal-7Q","in":true}`, seconds},
		"expires_at of words":     {`{"t":"opal-7Q","at":"tomorrow"}`, point},
		"expires_at negative":     {`{"t":"opal-7Q","at":-5}`, point},
		"expires_at huge":         {`{"t":"opal-7Q","at":1e20}`, point},
		"expires_at of a list":    {`{"t":"opal-7Q","at":[]}`, point},
		"expires_at of month 13":  {`{"t":"opal-7Q","at":"2026-13-01T00:00:00Z"}`, point},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, answers{"POST /login": reply(200, test.answer)})
			for lifetime, want := range map[string]token.Expiry{
				"":                   {Source: token.FromNothing},
				"    lifetime: 2h\n": {At: noon().Add(2 * time.Hour), Source: token.FromLifetime},
			} {
				w := newWorld(t)
				target := at(t, s.URL, "    login: {request: POST /login, token: .t}\n    expires_in: .in\n    expires_at: .at\n"+lifetime)
				got := w.login(target, session.LoginOptions{})
				same(t, "expiry", want, got.Expiry)
				same(t, "notes", []string{test.note}, w.told())
			}
		})
	}
}

// TestPlausibleTokens are odd and good.
func TestPlausibleTokens(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"one letter": "a", "with a blank": "a b", "a number": "12345678901234567890", "not ASCII": "schlüssel-密", "base64": "ab+/cd==",
		"large": strings.Repeat("x", 512<<10), "quotes": `a"b'c\d`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			encoded, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			if name == "a number" {
				encoded = []byte(text)
			}
			s := serve(t, answers{"POST /login": reply(200, `{"t":`+string(encoded)+`,"r":""}`)})
			target := at(t, s.URL, "    login: {request: POST /login, token: .t}\n    refresh_token: .r\n")
			got := w.login(target, session.LoginOptions{})
			same(t, "tokens", []token.Secret{token.NewSecret(text), {}}, []token.Secret{got.AccessToken, got.RefreshToken})
		})
	}
}

// TestSteps plays logins of several calls against a server of our own.
func TestSteps(t *testing.T) {
	t.Parallel()
	const twoSteps = `    inputs: {region: {label: Region, optional: true}}
    login:
      - request: POST /start
        json: {user: "{{username}}"}
        save: {ticket: .ticket, number: .n, gone: .gone}
      - when: .factor == "otp"
        request: POST /otp
        headers: {Authorization: "Ticket {{ticket}}"}
        form: {code: "{{otp}}", number: "{{number}}", gone: "{{gone}}", region: "{{region}}"}
        token: .t
      - when: .factor == "none"
        request: POST /finish
        form: {ticket: "{{ticket}}"}
        token: .t
    token: .t
`
	const afterRefusal = `    login:
      - request: POST /start
        json: {user: "{{username}}"}
        save: {ticket: .ticket}
      - when: $status == 401 and .challenge
        request: POST /answer
        form: {ticket: "{{ticket}}", word: "{{password}}"}
    token: .t
`
	type result struct {
		Error outcome
		Token token.Secret
		Saved map[string]any
		Asked []string
		Notes []string
	}
	agate := token.NewSecret("agate-2")
	tests := map[string]struct {
		yaml    string
		answers answers
		want    result
	}{
		"second step by when": {
			twoSteps,
			answers{"POST /start": reply(200, `{"factor":"otp","ticket":"opal-7Q","n":7}`), "POST /otp": reply(200, `{"t":"agate-2"}`)},
			result{
				Token: agate, Saved: map[string]any{"ticket": "opal-7Q", "number": json.Number("7")},
				Asked: []string{`POST /start  {"user":"ann"}`, "POST /otp Ticket opal-7Q code=123456&number=7"},
				Notes: []string{"save.gone: .gone found nothing; what names it is left out"},
			},
		},
		"third step by when": {
			twoSteps,
			answers{"POST /start": reply(200, `{"factor":"none","ticket":"opal-7Q"}`), "POST /finish": reply(200, `{"t":"agate-2"}`)},
			result{
				Token: agate, Saved: map[string]any{"ticket": "opal-7Q"}, Asked: []string{`POST /start  {"user":"ann"}`, "POST /finish  ticket=opal-7Q"},
				Notes: []string{"save.number: .n found nothing; what names it is left out", "save.gone: .gone found nothing; what names it is left out"},
			},
		},
		"no further step": {
			twoSteps,
			answers{"POST /start": reply(200, `{"t":"agate-2"}`)},
			result{
				Token: agate, Saved: map[string]any{}, Asked: []string{`POST /start  {"user":"ann"}`},
				Notes: []string{"save.ticket: .ticket found nothing; what names it is left out", "save.number: .n found nothing; what names it is left out", "save.gone: .gone found nothing; what names it is left out"},
			},
		},
		"the second step is refused": {
			twoSteps,
			answers{"POST /start": reply(200, `{"factor":"otp","ticket":"opal-7Q","n":7,"gone":"x"}`), "POST /otp": reply(401, `{"message":"wrong code"}`)},
			result{
				Error: outcome{"HOST refused: wrong code (status 401)", "check the user name and the password, then log in again", fault.Refused},
				Asked: []string{`POST /start  {"user":"ann"}`, "POST /otp Ticket opal-7Q code=123456&number=7&gone=x"},
			},
		},
		"the first step is refused": {
			twoSteps, answers{"POST /start": reply(401, `{"message":"who?"}`)},
			result{
				Error: outcome{"HOST refused: who? (status 401)", "check the user name and the password, then log in again", fault.Refused},
				Asked: []string{`POST /start  {"user":"ann"}`},
				Notes: []string{"save.ticket: .ticket found nothing; what names it is left out", "save.number: .n found nothing; what names it is left out", "save.gone: .gone found nothing; what names it is left out"},
			},
		},
		"the first step is in trouble": {
			twoSteps, answers{"POST /start": reply(500, `{"factor":"otp","ticket":"opal-7Q"}`)},
			result{Error: outcome{"HOST is in trouble: status 500", "try again later", fault.BadAnswer}, Asked: []string{`POST /start  {"user":"ann"}`}},
		},
		"a ticket is no token": {
			twoSteps, answers{"POST /start": reply(200, `{"factor":"sms","ticket":"opal-7Q","n":1,"gone":1}`)},
			result{
				Error: outcome{"token: .t finds nothing; the answer is {factor: string, gone: number, n: number, ticket: string}", "compare token: in the profile with the answer", fault.BadAnswer},
				Asked: []string{`POST /start  {"user":"ann"}`},
			},
		},
		"a step after a refusal": {
			afterRefusal,
			answers{"POST /start": reply(401, `{"challenge":"x","ticket":"opal-7Q"}`), "POST /answer": reply(200, `{"t":"agate-2"}`)},
			result{
				Token: agate, Saved: map[string]any{"ticket": "opal-7Q"}, Asked: []string{`POST /start  {"user":"ann"}`, "POST /answer  ticket=opal-7Q&word=pearl-5"},
			},
		},
		"no step after another refusal": {
			afterRefusal, answers{"POST /start": reply(403, `{"challenge":"x","ticket":"opal-7Q"}`)},
			result{
				Error: outcome{"HOST refused with status 403", "check the user name and the password, then log in again", fault.Refused},
				Asked: []string{`POST /start  {"user":"ann"}`},
			},
		},
		"nothing is read from a refusal": {
			"    login: [{request: POST /start, save: {ticket: .ticket}}, {request: POST /answer, text: \"{{ticket}}\", token: .t}]\n", answers{"POST /start": reply(403, `{}`)},
			result{
				Error: outcome{"HOST refused with status 403", "check the user name and the password, then log in again", fault.Refused},
				Asked: []string{`POST /start`},
			},
		},
		"empty inputs": {
			"    inputs: {region: {label: x, optional: true}, zone: {label: x, default: b}, domain: {label: x, default: \"\"}}\n    login:\n      request: POST /start\n      json: {r: \"{{region}}\", z: \"{{zone}}\", d: \"{{domain}}\"}\n    token: .t\n",
			answers{"POST /start": reply(200, `{"t":"agate-2"}`)},
			result{Token: agate, Asked: []string{`POST /start  {"z":"b","d":""}`}},
		},
		"names in expressions": {
			"    inputs: {region: Region, zone: Zone, unused: {label: x, optional: true}}\n    headers: {X: \"{{unused}}\"}\n    login:\n      request: POST /start\n      success: .zones | index($zone) != null\n      save: {host_key: \".keys[$region]\"}\n      error: .errors[$username]\n    token: .tokens[$region]\n",
			answers{"POST /start": reply(200, `{"zones":["b"],"keys":{"eu":"opal-7Q"},"tokens":{"eu":"agate-2"}}`)},
			result{Token: agate, Saved: map[string]any{"host_key": "opal-7Q", "unused": ""}, Asked: []string{"POST /start"}},
		},
		"a save that does not fit": {
			"    login: {request: POST /start, token: .t, save: {a: .t.x}}\n", answers{"POST /start": reply(200, `{"t":"agate-2"}`)},
			result{Error: outcome{"save.a: .t.x: expected an object but got: string; the answer is {t: string}", "", fault.BadAnswer}, Asked: []string{"POST /start"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.inputs.values = map[string]string{"username": "ann", "password": "pearl-5", "otp": "123456", "region": "", "domain": "", "zone": "b"}
			if name == "names in expressions" {
				w.inputs.values["region"] = "eu"
			}
			s := serve(t, test.answers)
			got, err := w.manager.Authenticate(t.Context(), at(t, s.URL, test.yaml), session.LoginOptions{})
			expect(t, s.URL, test.want.Error, err)
			test.want.Error = outcome{}
			same(t, "result", test.want, result{Token: got.AccessToken, Saved: got.Saved, Asked: s.asked(), Notes: w.told()})
			if err == nil && got.Saved["ticket"] != nil && !w.knows("opal-7Q") {
				t.Error("what was saved was not told to Learn")
			}
		})
	}
}

// TestReadingsOfTheCallWin has readings in the profile and in a call.
func TestReadingsOfTheCallWin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /login": reply(200, `{"a":"agate-2","b":"beryl-3","ra":"ra-1","rb":"rb-1","i":60,"j":120}`)})
	got, err := w.manager.Authenticate(t.Context(), at(t, s.URL,
		"    token: .a\n    refresh_token: .ra\n    expires_in: .i\n    login: {request: POST /login, token: .b, expires_in: .j}\n    refresh: {request: POST /r, form: {r: \"{{refresh_token}}\"}}\n"), session.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := token.Session{
		Access: token.Access{
			Info: token.Info{
				Key: token.Key{Origin: token.Origin(s.URL), Profile: "x", Account: "default"}, ObtainedAt: noon(), Renewable: "refresh",
				Expiry: token.Expiry{At: noon().Add(2 * time.Minute), Source: token.FromExpiresIn},
			},
			AccessToken: token.NewSecret("beryl-3"),
		},
		RefreshToken: token.NewSecret("ra-1"), RefreshExpiry: token.Expiry{Source: token.FromNothing},
	}
	same(t, "session", want, got)
}

// TestInputsForLaterCalls keeps what refresh, cancel and tokens name.
func TestInputsForLaterCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inputs.values = map[string]string{"username": "ann", "password": "pearl-5", "client_id": "dock", "client_secret": "opal-7Q", "tenant": "t1"}
	s := serve(t, answers{"POST /login": reply(200, `{"t":"agate-2","r":"r-1"}`)})
	got, err := w.manager.Authenticate(t.Context(), at(t, s.URL, `    inputs: {tenant: Tenant}
    token: .t
    refresh_token: .r
    login: {request: "POST /login", form: {u: "{{username}}", p: "{{password}}", i: "{{client_id}}", s: "{{client_secret}}", t: "{{tenant}}"}}
    refresh: {request: POST /refresh, basic: "{{client_id}}:{{client_secret}}", form: {r: "{{refresh_token}}"}}
    cancel: {request: "DELETE /{{tenant}}", form: {p: "{{password}}"}}
`), session.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The password is a secret that only cancel names: it is not kept.
	same(t, "saved", map[string]any{"client_id": "dock", "client_secret": "opal-7Q", "tenant": "t1"}, got.Saved)
}

// TestProfileWithMistakesIsNotUsed sends nothing for a profile that Validate
// refuses.
func TestProfileWithMistakesIsNotUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /login": reply(200, `{"t":"agate-2"}`)})
	catalog, err := profile.Parse("p.yaml", []byte("version: 1\nprofiles:\n  x:\n    base_url: "+s.URL+"\n    login: {request: POST /login, token: t}\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.Profile("x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.manager.Login(t.Context(), session.Target{Profile: p, Account: token.DefaultAccount}, session.LoginOptions{})
	expect(t, s.URL, outcome{
		"log in to x: p.yaml:5:42: login.token: function not defined: t/0 in t", "a path begins with a dot: write .t", fault.Profile,
	}, err)
	same(t, "requests", []string(nil), s.asked())
}

// TestLoginIsNotRepeated counts logins that fail for reasons which look like
// passing ones.
func TestLoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 408, 429, 500, 502, 503, 504} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := serve(t, answers{"POST /login": reply(status, `{}`)})
			if _, err := w.manager.Login(t.Context(), at(t, s.URL, "    login: {request: POST /login, token: .t}\n"), session.LoginOptions{}); err == nil {
				t.Error("no error")
			}
			same(t, "requests", []string{"POST /login"}, s.asked())
		})
	}
}

// TestThreat10_OneDeadline has a server that is slow in each of many steps:
// the timeout bounds all of them together.
func TestThreat10_OneDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.manager.Timeout = 60 * time.Millisecond
	slow := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(25 * time.Millisecond):
		case <-r.Context().Done():
		}
		reply(200, `{"t":"agate-2"}`)(w, r)
	}
	s := serve(t, answers{"POST /a": slow, "POST /b": slow, "POST /c": slow, "POST /d": slow})
	_, err := w.manager.Login(t.Context(), at(t, s.URL, "    token: .t\n    login: [{request: POST /a}, {request: POST /b}, {request: POST /c}, {request: POST /d}]\n"), session.LoginOptions{})
	expect(t, s.URL, outcome{"log in to x: cannot reach HOST: no answer in time", "try again, or raise --timeout", fault.Unreachable}, err)
}

// TestWithToken says for which calls the token goes along.
func TestWithToken(t *testing.T) {
	t.Parallel()
	const all = `    token: .t
    refresh_token: .r
    login: {request: POST /login}
    refresh: {request: POST /refresh%s}
    cancel: {request: POST /cancel%s}
`
	tests := map[string]struct {
		refresh, cancel string
		want            []string
	}{
		"a plain refresh":          {"", "", []string{"POST /refresh Bearer agate-1", "POST /cancel Bearer agate-2"}},
		"one with a refresh token": {`, form: {r: "{{refresh_token}}"}`, "", []string{"POST /refresh  r=r-1", "POST /cancel Bearer agate-2"}},
		"both, as written":         {`, with_token: true, form: {r: "{{refresh_token}}"}`, ", with_token: false", []string{"POST /refresh Bearer agate-1 r=r-1", "POST /cancel"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := serve(t, answers{"POST /login": reply(200, `{"t":"agate-1","r":"r-1"}`), "POST /refresh": reply(200, `{"t":"agate-2"}`), "POST /cancel": reply(204, "")})
			target := at(t, s.URL, fmt.Sprintf(all, test.refresh, test.cancel))
			w.login(target, session.LoginOptions{})
			s.asked()
			if _, err := w.manager.Token(t.Context(), target, session.TokenOptions{Force: true}); err != nil {
				t.Error(err)
			}
			if _, err := w.manager.Cancel(t.Context(), target); err != nil {
				t.Error(err)
			}
			same(t, "requests", test.want, s.asked())
		})
	}
}
