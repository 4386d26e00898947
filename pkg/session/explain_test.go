package session_test

import (
	"os"
	"strings"
	"testing"

	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
)

// explained are the facts of a profile, one a line.
func explained(t *testing.T, data []byte, name string) []string {
	t.Helper()
	catalog, err := profile.Parse("p.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.Profile(name)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, fact := range session.Explain(p) {
		lines = append(lines, fact.About+": "+fact.Text)
	}
	return lines
}

func TestExplain(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../profiles.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	everything, err := os.ReadFile("../profile/testdata/right/every-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "datarhei-core", []string{
		"login: POST /api/login",
		"login: sends no token: a login has none yet",
		"login: is a success if the status is 2xx",
		"other_logins.auth0: POST /api/login",
		"other_logins.auth0: sends no token: a login has none yet",
		"other_logins.auth0: is a success if the status is 2xx",
		"refresh: GET /api/login/refresh",
		"refresh: does not send the token, because it sends {{refresh_token}}",
		"refresh: is a success if the status is 2xx",
		"inputs of login: username, password (secret)",
		"inputs of other_logins.auth0: auth0_token (secret, from $AUTH0_TOKEN)",
		"kept with the session: the token, the refresh token",
		"kept with the session: what else was typed is kept by login --save-credentials only",
		"secrets go to: http://127.0.0.1:8080",
		"the token ends: at the earliest of: exp in the token if it is a JWT, the age of the cookie if it is one",
		"the token is over: if an answer has the status 401",
		"renewed by: refresh, if the login gave a refresh token; else a new login, if login --save-credentials kept what it asks for",
	}, explained(t, example, "datarhei-core"))
	all := strings.Join(explained(t, everything, "all"), "\n")
	for _, fact := range []string{
		"login 1/2: does not send the token, because with_token: says so",
		"login 2/2: is a success if the status is 2xx and .ok (its own success:)",
		"other_logins.brought: sends nothing: it has no request:",
		"whoami: sends the token: X-Token: {{token}}, X-Ticket: {{ticket}}, ?v=2, Authorization: Basic {{username}}:{{region}}",
		"inputs of login: tenant (default \"acme\"), username, region, device (only if the answer says .devices), shared (secret, from a program), " +
			"pin (secret, may be left out, from $PIN), code (secret, a code from a TOTP secret, only if the answer says $status == 412), password (secret)",
		"kept with the session: the token, the refresh token, home (save:), ticket (save:), tenant (a later call names it), username (a later call names it), region (a later call names it)",
		"secrets go to: https://{{tenant}}.test.example:443 or https://{{tenant}}.example:443 (that of the environment); also https://login.example:443, " +
			"https://*.vendor.example:443, http://*.vendor.example:80, https://pages.example:443, http://pages.example:80",
		"secrets go to: plain http is allowed: others on the network can read them",
		"the token ends: at the earliest of: lifetime: 1d12h, expires_in:, expires_at:, idle_timeout: 30m, exp in the token if it is a JWT, the age of the cookie if it is one",
		"the token is over: if it is true of an answer: $status == 403",
		"renewed by: keepalive; else refresh, if the login gave a refresh token; else a new login, if login --save-credentials kept what it asks for",
	} {
		if !strings.Contains("\n"+all+"\n", "\n"+fact+"\n") {
			t.Errorf("%q is not said in\n%s", fact, all)
		}
	}
	zumrails := strings.Join(explained(t, example, "zumrails"), "\n")
	if want := "cancel: is a success if $status < 500 and .isError == false; success: of the profile decides alone, because it names $status"; !strings.Contains(zumrails, want) {
		t.Errorf("%q is not said in\n%s", want, zumrails)
	}
}
