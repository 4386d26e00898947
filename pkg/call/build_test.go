package call_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// opal is the secret that must not be seen.
const opal = "opal-7Q"

// load returns a profile x with that base URL whose login is written in YAML,
// indented by six blanks; more holds keys of the profile, indented by four.
func load(t testing.TB, base, login, more string) *profile.Profile {
	t.Helper()
	text := "version: 1\nprofiles:\n  x:\n    base_url: " + base + "\n" + more + "    login:\n      token: .token\n" + login
	catalog, err := profile.Parse("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.Profile("x")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// spec asks for the login of a profile.
func spec(p *profile.Profile, values call.Values) call.Spec {
	home, _ := token.OriginOf(p.BaseURL.URL) // the profile was checked
	return call.Spec{Profile: p, Call: &p.Login[0], Base: p.BaseURL.URL, Values: values, Reach: token.Reach{string(home)}}
}

func parseURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// wire is a request as it is sent.
type wire struct {
	Line    string // method and URL
	Header  http.Header
	Body    string
	LeftOut []string
}

func wireOf(r *call.Request) wire {
	return wire{r.Method + " " + r.URL.String(), r.Header, string(r.Body), r.LeftOut}
}

// header returns a header with Accept, and the given name, value, ….
func header(pairs ...string) http.Header {
	h := http.Header{"Accept": {"application/json, */*;q=0.8"}}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestBuild(t *testing.T) {
	t.Parallel()
	const (
		jsonType = "application/json"
		formType = "application/x-www-form-urlencoded"
		textType = "text/plain; charset=utf-8"
	)
	values := call.Values{
		"username": "ann", "password": opal, "otp": "", "blank": call.Blank, "client_id": nil, "tenant": "a/b",
		"count": json.Number("12345678901234567890"), "on": true, "list": []any{"x", json.Number("1")}, "token": "agate-2",
	}
	tests := map[string]struct {
		login, more string
		withToken   bool
		want        wire
	}{
		"nothing but a line": {
			login: "      request: GET /status\n",
			want:  wire{Line: "GET https://x.example/v1/status", Header: header()},
		},
		"json": {
			login: `      request: POST /login
      json: {user: {name: "{{username}}", password: "{{password}}"}, fixed: [1, 2.50, true, null, "", [], {}], "{{username}}-key": "<&>"}
`,
			want: wire{
				Line: "POST https://x.example/v1/login", Header: header("Content-Type", jsonType),
				Body: `{"user":{"name":"ann","password":"opal-7Q"},"fixed":[1,2.50,true,null,"",[],{}],"ann-key":"<&>"}`,
			},
		},
		"json keeps types where the placeholder is alone": {
			login: `      request: POST /login
      json: {a: "{{count}}", b: "{{on}}", c: "{{list}}", d: "n{{count}}", e: "{{on}}!", f: "{{list}} "}
`,
			want: wire{
				Line: "POST https://x.example/v1/login", Header: header("Content-Type", jsonType),
				Body: `{"a":12345678901234567890,"b":true,"c":["x",1],"d":"n12345678901234567890","e":"true!","f":"[\"x\",1] "}`,
			},
		},
		"json leaves out what is missing and what that empties": {
			login: `      request: POST /login
      json: {a: "{{otp}}", b: {c: "x{{client_id}}"}, d: ["{{nobody}}", "{{username}}"], e: [["{{otp}}"]], f: {}, g: [{h: "{{otp}}", i: 1}]}
`,
			want: wire{
				Line: "POST https://x.example/v1/login", Header: header("Content-Type", jsonType), Body: `{"d":["ann"],"f":{},"g":[{"i":1}]}`,
				LeftOut: []string{"json.a (no otp)", "json.b.c (no client_id)", "json.d.0 (no nobody)", "json.e.0.0 (no otp)", "json.g.0.h (no otp)"},
			},
		},
		"an empty text that is meant": {
			login: `      request: POST /login
      headers: {X-Domain: "{{blank}}"}
      query: {domain: "{{blank}}"}
      json: {a: "{{blank}}", b: "{{blank}}{{username}}"}
`,
			want: wire{
				Line: "POST https://x.example/v1/login?domain=", Header: header("Content-Type", jsonType, "X-Domain", ""), Body: `{"a":"","b":"ann"}`,
			},
		},
		"json of which nothing is left": {
			login: "      request: POST /login\n      json: {a: \"{{otp}}\"}\n",
			want: wire{
				Line: "POST https://x.example/v1/login", Header: header("Content-Type", jsonType), LeftOut: []string{"json.a (no otp)"},
			},
		},
		"json that is one text": {
			login: "      request: POST /login\n      json: \"{{username}}\"\n",
			want:  wire{Line: "POST https://x.example/v1/login", Header: header("Content-Type", jsonType), Body: `"ann"`},
		},
		"form": {
			login: "      request: POST /login\n      form: {z: \"{{username}}\", a: \"{{password}}&b=c d+e\", o: \"{{otp}}\", \"k=&\": v}\n",
			want: wire{
				Line: "POST https://x.example/v1/login", Header: header("Content-Type", formType),
				Body: "z=ann&a=opal-7Q%26b%3Dc+d%2Be&k%3D%26=v", LeftOut: []string{"form.o (no otp)"},
			},
		},
		"text": {
			login: "      request: PUT /login\n      text: \"{{username}}\\n{{password}}\"\n",
			want:  wire{Line: "PUT https://x.example/v1/login", Header: header("Content-Type", textType), Body: "ann\nopal-7Q"},
		},
		"basic": {
			login: "      request: GET /login\n      basic: \"{{username}}:a:{{password}}\"\n",
			want: wire{
				Line: "GET https://x.example/v1/login", Header: header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("ann:a:opal-7Q"))),
			},
		},
		"basic without a password": {
			login: "      request: GET /login\n      basic: \"{{username}}:{{otp}}\"\n",
			want:  wire{Line: "GET https://x.example/v1/login", Header: header(), LeftOut: []string{"basic (no otp)"}},
		},
		"query": {
			login: "      request: GET /login?v=2&flag\n      query: {user: \"{{username}}&admin=1\", otp: \"{{otp}}\"}\n",
			want: wire{
				Line: "GET https://x.example/v1/login?v=2&flag&user=ann%26admin%3D1", Header: header(), LeftOut: []string{"query.otp (no otp)"},
			},
		},
		"headers of the profile and of the call": {
			more:  "    headers: {x-a: profile, X-B: profile, X-C: \"{{otp}}\"}\n",
			login: "      request: GET /login\n      headers: {X-B: \"call of {{username}}\", Accept: text/xml}\n",
			want: wire{
				Line: "GET https://x.example/v1/login", Header: header("X-A", "profile", "X-B", "call of ann", "Accept", "text/xml"),
				LeftOut: []string{"headers.X-C (no otp)"},
			},
		},
		"token": {
			login: "      request: GET /login\n", withToken: true,
			want: wire{Line: "GET https://x.example/v1/login", Header: header("Authorization", "Bearer agate-2")},
		},
		"token as send says": {
			more: "    send: \"X-Key: k {{token}}\"\n", login: "      request: GET /login\n      basic: \"{{username}}:{{password}}\"\n", withToken: true,
			want: wire{
				Line:   "GET https://x.example/v1/login",
				Header: header("X-Key", "k agate-2", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("ann:opal-7Q"))),
			},
		},
		"names that are always known": {
			login: "      request: GET /login\n      query: {b: \"{{base_url}}\", h: \"{{host}}\"}\n",
			want:  wire{Line: "GET https://x.example/v1/login?b=https%3A%2F%2Fx.example%2Fv1&h=x.example", Header: header()},
		},
		"path": {
			login: "      request: GET /{{tenant}}/x{{username}}y/%41\n",
			want:  wire{Line: "GET https://x.example/v1/a%2Fb/xanny/%41", Header: header()},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spec(load(t, "https://x.example/v1", test.login, test.more), values)
			s.WithToken = test.withToken
			request, err := call.Build(s)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, wireOf(request), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// oddPasswords are values that end strings, lines, pairs, paths and templates
// somewhere.
func oddPasswords() map[string]string {
	return map[string]string{
		"quotes": `"'` + "`", "backslash": `a\b\n\u0041\`, "placeholder": "{{username}} {{", "pairs": "a&b=c;d%26e+f #?",
		"line break": "a\r\nb\nc", "4 kB": strings.Repeat("long-", 820), "not ASCII": "pässwörd 密码 🔑", "NUL": "a\x00b",
		"separator": "a\u2028b\u2029c", "BOM": "\ufeffa", "HTML": "<script>&amp;</script>", "blanks": "  a\t", "only a blank": " ",
		"JSON": `","admin":true,"x":"`, "control": "\x01\x1b[2J\x7f\u0085", "combining": "e\u0301", "replacement": "a\ufffdb", "dollar": "$HOME ${HOME} $(id)",
	}
}

// TestOddPasswords sends odd passwords in JSON, form, query, text and Basic,
// and reads back what the server would read.
func TestOddPasswords(t *testing.T) {
	t.Parallel()
	passwords := oddPasswords()
	passwords["invalid UTF-8"] = "a\xff\xfeb" // JSON refuses it: see TestRefusedBeforeSending
	p := load(t, "https://x.example", `      request: POST /l
      query: {p: "{{password}}"}
      form: {a: "1", p: "{{password}}", z: "2"}
      basic: "u:{{password}}"
`, "")
	text := load(t, "https://x.example", "      request: POST /l\n      text: \"{{password}}\"\n", "")
	for name, password := range passwords {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := call.Build(spec(p, call.Values{"password": password}))
			if err != nil {
				t.Fatal(err)
			}
			form, err := url.ParseQuery(string(request.Body))
			if err != nil {
				t.Fatal(err)
			}
			_, basic, _ := (&http.Request{Header: request.Header}).BasicAuth()
			plain, err := call.Build(spec(text, call.Values{"password": password}))
			if err != nil {
				t.Fatal(err)
			}
			type read struct {
				Query, Form url.Values
				Basic, Text string
			}
			want := read{url.Values{"p": {password}}, url.Values{"a": {"1"}, "p": {password}, "z": {"2"}}, password, password}
			got := read{request.URL.Query(), form, basic, string(plain.Body)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOddPasswordsInJSON(t *testing.T) {
	t.Parallel()
	p := load(t, "https://x.example", `      request: POST /l
      json: {a: 1, p: "{{password}}", q: ["x{{password}}y"], "{{password}}": key, z: 2}
`, "")
	for name, password := range oddPasswords() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := call.Build(spec(p, call.Values{"password": password}))
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(request.Body, &got); err != nil {
				t.Fatalf("%v: %s", err, request.Body)
			}
			want := map[string]any{"a": 1., "p": password, "q": []any{"x" + password + "y"}, password: "key", "z": 2.}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// refusal is what is told of a request that is not made.
type refusal struct {
	Text, Hint string
	Kind       fault.Kind
}

func refusalOf(err error) refusal {
	if err == nil {
		return refusal{}
	}
	return refusal{err.Error(), fault.HintOf(err), fault.KindOf(err)}
}

// TestThreat05_RefusedBeforeSending gives values to places that cannot carry
// them. No message shows the value.
func TestThreat05_RefusedBeforeSending(t *testing.T) {
	t.Parallel()
	const lineBreak = " holds a line break or NUL, which a header cannot carry"
	tests := map[string]struct {
		login string
		value any
		more  string
		want  string
	}{
		"CR LF in a header":            {"      request: GET /\n      headers: {X-A: \"{{password}}\"}\n", opal + "\r\nX-Admin: 1", "", "headers.X-A: {{password}}" + lineBreak},
		"LF in a header":               {"      request: GET /\n      headers: {X-A: \"{{password}}\"}\n", opal + "\n", "", "headers.X-A: {{password}}" + lineBreak},
		"CR in a header":               {"      request: GET /\n      headers: {X-A: \"{{password}}\"}\n", opal + "\r", "", "headers.X-A: {{password}}" + lineBreak},
		"NUL in a header":              {"      request: GET /\n      headers: {X-A: \"{{password}}\"}\n", opal + "\x00", "", "headers.X-A: {{password}}" + lineBreak},
		"escape in a header":           {"      request: GET /\n      headers: {X-A: \"{{password}}\"}\n", opal + "\x1b[2J", "", "headers.X-A: {{password}} holds a control character, which a header cannot carry"},
		"blank at the end of a header": {"      request: GET /\n      headers: {X-A: \"{{password}}\"}\n", opal + " ", "", "headers.X-A: {{password}} has blanks at an end, which a header does not carry"},
		"LF in a header of a profile":  {"      request: GET /\n", opal + "\n", "    headers: {X-A: \"{{password}}\"}\n", "headers.X-A: {{password}}" + lineBreak},
		"colon in the user of Basic":   {"      request: GET /\n      basic: \"{{password}}:x\"\n", opal + ":admin", "", "basic: the user name holds a colon, which Basic cannot carry"},
		"invalid UTF-8 in JSON":        {"      request: GET /\n      json: [\"{{password}}\"]\n", opal + "\xff", "", "json.0: {{password}} is not UTF-8, which JSON cannot carry"},
		"invalid UTF-8 in a JSON key":  {"      request: GET /\n      json: {\"{{password}}\": 1}\n", opal + "\xff", "", "{{password}} is not UTF-8, which JSON cannot carry"},
		"missing JSON key":             {"      request: GET /\n      json: {\"{{password}}\": 1}\n", "", "", "json: {{password}} names a field and has no value"},
		"missing in the path":          {"      request: GET /a/{{password}}\n", "", "", "request: {{password}} has no value"},
		"null in the path":             {"      request: GET /a/{{password}}\n", nil, "", "request: {{password}} has no value"},
		"empty in the path":            {"      request: GET /a/{{password}}\n", call.Blank, "", "request: {{password}} is empty, and a path needs a value"},
		"dot in the path":              {"      request: GET /a/{{password}}/b\n", ".", "", "request: {{password}} would lead to another path"},
		"two dots in the path":         {"      request: GET /a/{{password}}\n", "..", "", "request: {{password}} would lead to another path"},
		"dots from two values":         {"      request: GET /a/.{{host}}\n", ".", "", "request: {{host}} would lead to another path"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := call.Build(spec(load(t, "https://x.example", test.login, test.more), call.Values{"password": test.value, "host": test.value}))
			got := refusalOf(err)
			if diff := cmp.Diff(refusal{Text: test.want, Kind: fault.Usage}, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(got.Text, opal) {
				t.Error("the message shows the value")
			}
		})
	}
}

// TestThreat05_TokenOfTwoLines has a session whose token cannot stand in a
// header, and one that has none.
func TestThreat05_TokenOfTwoLines(t *testing.T) {
	t.Parallel()
	p := load(t, "https://x.example", "      request: GET /\n", "")
	tests := map[string]refusal{
		opal + "\r\nX-Admin: 1": {"send.Authorization: {{token}} holds a line break or NUL, which a header cannot carry", "", fault.Usage},
		"":                      {"the token cannot be sent: send.Authorization (no token) has no value", "check save: in the profile", fault.Usage},
	}
	for value, want := range tests {
		s := spec(p, call.Values{"token": value})
		s.WithToken = true
		_, err := call.Build(s)
		if diff := cmp.Diff(want, refusalOf(err)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestThreat03_ValuesStayInTheirSegment puts what leads elsewhere into a path.
func TestThreat03_ValuesStayInTheirSegment(t *testing.T) {
	t.Parallel()
	p := load(t, "https://x.example/v1", "      request: GET /a/{{username}}/b\n", "")
	tests := map[string]string{
		"plain":                 "/v1/a/plain/b",
		"a/b":                   "/v1/a/a%2Fb/b",
		"../../admin":           "/v1/a/..%2F..%2Fadmin/b",
		"..%2fadmin":            "/v1/a/..%252fadmin/b",
		"%2e%2e":                "/v1/a/%252e%252e/b",
		"?admin=1":              "/v1/a/%3Fadmin=1/b",
		"#top":                  "/v1/a/%23top/b",
		"//evil.example":        "/v1/a/%2F%2Fevil.example/b",
		"@evil.example":         "/v1/a/@evil.example/b",
		`\..\x`:                 "/v1/a/%5C..%5Cx/b",
		";jsessionid=1":         "/v1/a/%3Bjsessionid=1/b",
		"...":                   "/v1/a/.../b",
		" a b ":                 "/v1/a/%20a%20b%20/b",
		"ü\x00\xff\n":           "/v1/a/%C3%BC%00%FF%0A/b",
		"https://evil.example/": "/v1/a/https:%2F%2Fevil.example%2F/b",
		"{{password}}":          "/v1/a/%7B%7Bpassword%7D%7D/b",
	}
	for value, want := range tests {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			request, err := call.Build(spec(p, call.Values{"username": value, "password": opal}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("https://x.example"+want, request.URL.String()); diff != "" {
				t.Error(diff)
			}
			again := parseURL(t, request.URL.String())
			if diff := cmp.Diff([]string{"https", "x.example", "", ""}, []string{again.Scheme, again.Host, again.RawQuery, again.Fragment}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestThreat03_EscapesOfAValueAreKept has a path that Go would escape anew,
// and with it turn an escaped slash into a real one. The profile refuses such
// a path; a Go program can make one.
func TestThreat03_EscapesOfAValueAreKept(t *testing.T) {
	t.Parallel()
	p := load(t, "https://x.example", "      request: GET /a\n", "")
	path, err := profile.ParseTemplate("/größe/{{username}}", profile.Pos{})
	if err != nil {
		t.Fatal(err)
	}
	p.Login[0].Request.Path = path
	_, err = call.Build(spec(p, call.Values{"username": "../admin"}))
	want := refusal{Text: "request: the path holds characters that a URL writes with %", Kind: fault.Usage}
	if diff := cmp.Diff(want, refusalOf(err)); diff != "" {
		t.Error(diff)
	}
}

// TestThreat01_OriginGuard compares the origins of base URL, session and next
// page.
func TestThreat01_OriginGuard(t *testing.T) {
	t.Parallel()
	elsewhere := func(to, home string) refusal {
		return refusal{Text: to + " is not " + home + ": nothing was sent there", Kind: fault.BadAnswer}
	}
	foreign := func(session, to string) refusal {
		return refusal{"the session belongs to " + session + ", not to " + to + ": nothing was sent", "authctl login x", fault.LoginNeeded}
	}
	const home = "https://x.example:443"
	tests := map[string]struct {
		base    string
		origin  string // of the session; empty: what the base URL says
		next    string
		want    refusal
		allowed string // more of the profile
	}{
		"same":                      {"https://x.example", home, "", refusal{}, ""},
		"no session":                {"https://x.example", "", "", refusal{}, ""},
		"default port written":      {"https://x.example:443", home, "", refusal{}, ""},
		"upper case":                {"https://X.EXAMPLE", home, "", refusal{}, ""},
		"trailing dot":              {"https://x.example.", home, "", refusal{}, ""},
		"other path":                {"https://x.example/v2", home, "", refusal{}, ""},
		"other host":                {"https://y.example", home, "", foreign(home, "https://y.example:443"), ""},
		"other port":                {"https://x.example:8443", home, "", foreign(home, "https://x.example:8443"), ""},
		"subdomain":                 {"https://a.x.example", home, "", foreign(home, "https://a.x.example:443"), ""},
		"other scheme":              {"http://127.0.0.1", "https://127.0.0.1:443", "", foreign("https://127.0.0.1:443", "http://127.0.0.1:80"), ""},
		"other scheme, same port":   {"http://127.0.0.1:443", "https://127.0.0.1:443", "", foreign("https://127.0.0.1:443", "http://127.0.0.1:443"), ""},
		"localhost is not 127.0.01": {"http://localhost:80", "http://127.0.0.1:80", "", foreign("http://127.0.0.1:80", "http://localhost:80"), ""},
		"next page":                 {"https://x.example", home, "https://x.example/p?page=2", refusal{}, ""},
		"next page, upper case":     {"https://x.example", home, "HTTPS://X.example:443/p", refusal{}, ""},
		"next page elsewhere":       {"https://x.example", home, "https://evil.example/p", elsewhere("https://evil.example:443", home), ""},
		"next page on another port": {"https://x.example", home, "https://x.example:444/p", elsewhere("https://x.example:444", home), ""},
		"next page in plain text":   {"https://x.example", home, "http://x.example/p", refusal{"plain http to x.example would show the secret to the network", "write https:// in base_url", fault.Profile}, ""},
		"next page with a user":     {"https://x.example", home, "https://a:b@x.example/p", refusal{Text: "a URL with a user name in it is not followed", Kind: fault.BadAnswer}, ""},
		"next page is no URL":       {"https://x.example", home, "mailto:a@b", refusal{Text: `"mailto:a@b" names no host`, Kind: fault.Profile}, ""},
		"next page is a file":       {"https://x.example", home, "ftp://x.example/p", refusal{Text: `"ftp://x.example/p" is neither https nor http`, Kind: fault.Profile}, ""},
		"plain http allowed":        {"http://x.example", "http://x.example:80", "", refusal{}, "    allow_http: true\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spec(load(t, test.base, "      request: GET /p\n", test.allowed), call.Values{"token": opal})
			s.WithToken = true
			if test.origin != "" {
				s.Reach = token.Reach{test.origin}
			}
			if test.next != "" {
				s.URL = parseURL(t, test.next)
			}
			request, err := call.Build(s)
			if diff := cmp.Diff(test.want, refusalOf(err)); diff != "" {
				t.Error(diff)
			}
			if (request == nil) != (err != nil) {
				t.Errorf("request %v, error %v", request, err)
			}
		})
	}
}

// TestThreat01_SavedURL has requests to what an answer named.
func TestThreat01_SavedURL(t *testing.T) {
	t.Parallel()
	foreign := func(host string) refusal {
		return refusal{"{{code}} names " + host + ", which the profile does not allow: nothing was sent there", "write the host under allowed_hosts: if it belongs to the API, then log in again", fault.Refused}
	}
	none := refusal{Text: "request: {{code}} holds no URL", Kind: fault.Usage}
	tests := map[string]struct {
		saved, url string
		want       refusal
	}{
		"whole":             {"https://x.example/s/4?a=1", "https://x.example/s/4?a=1", refusal{}},
		"path":              {"/s/4?a=1", "https://x.example/s/4?a=1", refusal{}},
		"elsewhere":         {"https://y.example/s/4", "", foreign("y.example")},
		"another port":      {"https://x.example:444/s/4", "", foreign("x.example:444")},
		"without a scheme":  {"//y.example/s/4", "", none},
		"neither":           {"s/4", "", none},
		"a backslash":       {"/\\y.example", "https://x.example/%5Cy.example", refusal{}},
		"a way out of here": {"/../../s", "https://x.example/s", refusal{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := load(t, "https://x.example/api", "      request: POST /in\n      save: {code: .code}\n", "    cancel: {request: \"DELETE {{code}}\", with_token: false}\n")
			s := spec(p, call.Values{"code": test.saved})
			s.Call = &p.Cancel[0]
			request, err := call.Build(s)
			if diff := cmp.Diff(test.want, refusalOf(err)); diff != "" {
				t.Error(diff)
			}
			if request != nil && request.URL.String() != test.url {
				t.Errorf("sent to %s", request.URL)
			}
		})
	}
}

// TestThreat04_PlainHTTP is the last look before sending: a Go program can
// hand over a base URL that no profile was checked with.
func TestThreat04_PlainHTTP(t *testing.T) {
	t.Parallel()
	s := spec(load(t, "https://x.example", "      request: GET /p\n", ""), nil)
	s.Base = parseURL(t, "http://x.example")
	_, err := call.Build(s)
	want := refusal{"plain http to x.example would show the secret to the network", "write https:// in base_url", fault.Profile}
	if diff := cmp.Diff(want, refusalOf(err)); diff != "" {
		t.Error(diff)
	}
}

func TestCarry(t *testing.T) {
	t.Parallel()
	const profileHeaders = "    headers: {App-Token: \"{{api_key}}\", X-Left-Out: \"{{otp}}\"}\n"
	values := call.Values{"token": opal, "username": "ann", "api_key": "k"}
	app := call.Field{Name: "App-Token", Value: "k"}
	tests := map[string]struct {
		send string
		want call.Carrier
		err  string
	}{
		"a header":      {`"x-api-key: {{token}}"`, call.Carrier{Headers: []call.Field{{Name: "x-api-key", Value: opal}, app}}, ""},
		"two headers":   {`{headers: {A: "{{token}}", B: "{{username}}"}}`, call.Carrier{Headers: []call.Field{{Name: "A", Value: opal}, {Name: "B", Value: "ann"}, app}}, ""},
		"query":         {`{query: {key: "{{token}}"}}`, call.Carrier{Query: []call.Field{{Name: "key", Value: opal}}, Headers: []call.Field{app}}, ""},
		"basic":         {`{basic: "{{username}}:{{token}}"}`, call.Carrier{Headers: []call.Field{{Name: "Authorization", Value: "Basic YW5uOm9wYWwtN1E="}, app}}, ""},
		"token alone":   {`{basic: "{{token}}"}`, call.Carrier{Headers: []call.Field{{Name: "Authorization", Value: "Basic b3BhbC03UQ=="}, app}}, ""},
		"missing value": {`{headers: {A: "{{token}}", B: "{{otp}}"}}`, call.Carrier{}, "the token cannot be sent: send.B (no otp) has no value"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := load(t, "https://x.example", "      request: GET /p\n", profileHeaders+"    send: "+test.send+"\n")
			got, err := call.Carry(p, values)
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if refusalOf(err).Text != test.err {
				t.Errorf("%v, want %q", err, test.err)
			}
		})
	}
}

func TestValuesText(t *testing.T) {
	t.Parallel()
	type result struct {
		Text string
		OK   bool
	}
	tests := map[string]struct {
		value any
		want  result
	}{
		"text":    {"a", result{"a", true}},
		"empty":   {"", result{"", false}},
		"blank":   {call.Blank, result{"", true}},
		"nil":     {nil, result{"", false}},
		"number":  {json.Number("1.50"), result{"1.50", true}},
		"integer": {1_000_001, result{"1000001", true}},
		"float":   {1.5, result{"1.5", true}},
		"boolean": {false, result{"false", true}},
		"list":    {[]any{"a"}, result{`["a"]`, true}},
		"odd":     {func() {}, result{"", false}},
	}
	for name, test := range tests {
		text, ok := call.Values{"v": test.value}.Text("v")
		if diff := cmp.Diff(test.want, result{text, ok}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if text, ok := (call.Values)(nil).Text("v"); ok || text != "" {
		t.Errorf("a name that is absent: %q, %v", text, ok)
	}
}
