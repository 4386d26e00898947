package session_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
)

// b64 is base64url without padding, as in a JWT.
func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func nothingGiven(profile.Input) (string, bool) { return "", false }

// preview is a request of a dry run in one line.
func previews(t *testing.T, target session.Target, via string, values map[string]string) []string {
	t.Helper()
	requests, err := session.Preview(target, via, func(in profile.Input) (string, bool) {
		value, ok := values[in.Name]
		return value, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range requests {
		lines = append(lines, fmt.Sprintf("%s %s %s %q %s", r.Method, r.URL, r.Header.Get("Authorization"), r.LeftOut, r.Body))
	}
	return lines
}

// TestThreat07_PreviewHoldsNoSecret shows the logins of the five APIs and of a
// profile that has a secret in every place.
func TestThreat07_PreviewHoldsNoSecret(t *testing.T) {
	t.Parallel()
	values := map[string]string{"username": "ann", "email": "ann@x.example", "password": "opal-7Q", "otp": "opal-7Q", "auth0_token": "opal-7Q", "pin": "opal-7Q", "domain": ""}
	a := startAPIs(t)
	everywhere := at(t, a.url, `    inputs: {pin: {label: Pin, secret: true}, note: {label: Note, optional: true}, domain: {label: Domain, default: ""}, tenant: Tenant}
    headers: {X-Pin: "{{pin}}"}
    login:
      - {request: "POST /{{pin}}/{{tenant}}", query: {p: "{{pin}}"}, basic: "{{username}}:{{password}}", form: {p: "{{password}}", n: "{{note}}", d: "{{domain}}"}, save: {ticket: .a}}
      - {request: "POST /{{ticket}}", text: "{{otp}} {{ticket}}", when: .b, token: .t}
`)
	told := at(t, a.url, `    login:
      - {request: POST /start, save: {poll_url: .url}}
      - {request: "GET {{poll_url}}/done", query: {u: "{{username}}"}, token: .t}
`)
	tests := map[string]struct {
		target session.Target
		via    string
		want   []string
	}{
		"an address that an answer tells": {told, "", []string{"POST URL/start  [] ", "GET <poll_url>/done?u=ann  [] "}},
		"logware":                         {a.target("logware", ""), "", []string{"POST URL/logware/api/users/authenticate  [] " + `{"login":"ann","password":"[redacted]"}`}},
		"zumrails":                        {a.target("zumrails", "production"), "", []string{"POST URL/zumrails-production/api/authorize  [] " + `{"Username":"ann","Password":"[redacted]"}`}},
		"analogue":                        {a.target("analogue", ""), "", []string{"POST URL/analogue/api/users/login  [] " + `{"user":{"email":"ann@x.example","password":"[redacted]"}}`}},
		"datarhei":                        {a.target("datarhei-core", ""), "auth0", []string{"POST URL/datarhei-core/api/login Bearer [redacted] [] "}},
		"haut-ai":                         {a.target("haut-ai", ""), "", []string{"POST URL/haut-ai/api/v1/auth/login/  [] " + `{"username":"ann@x.example","password":"[redacted]"}`}},
		"everywhere": {everywhere, "", []string{
			"POST URL/%5Bredacted%5D/%3Ctenant%3E?p=%5Bredacted%5D Basic " + base64.StdEncoding.EncodeToString([]byte("ann:[redacted]")) + ` ["form.n (no note)"] p=%5Bredacted%5D&d=`,
			"POST URL/%3Cticket%3E  [] [redacted] <ticket>",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := previews(t, test.target, test.via, values)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], a.url, "URL")
			}
			same(t, "requests", test.want, got)
			if strings.Contains(strings.Join(got, "\n"), "opal-7Q") {
				t.Error("a secret is shown")
			}
			nothing := previews(t, test.target, test.via, nil)
			if strings.Contains(strings.Join(nothing, "\n"), "ann") || len(nothing) != len(got) {
				t.Errorf("with nothing given: %q", nothing)
			}
		})
	}
	same(t, "requests", []string(nil), a.asked())
}

// TestPreviewLeavesOutWhatIsAskedForLater: a secret with when: is sent only if
// it is given, and the preview says so.
func TestPreviewLeavesOutWhatIsAskedForLater(t *testing.T) {
	t.Parallel()
	target := at(t, "https://x.example", "    inputs: {otp: {when: $status == 412}}\n    login: {request: POST /l, json: {code: \"{{otp}}\"}, token: .t}\n")
	same(t, "without", []string{`POST https://x.example/l  ["json.code (no otp)"] `}, previews(t, target, "", nil))
	same(t, "given", []string{`POST https://x.example/l  [] {"code":"[redacted]"}`}, previews(t, target, "", map[string]string{"otp": "123456"}))
}
