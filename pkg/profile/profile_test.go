package profile_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
)

// line writes a problem as "line:column text | hint".
func line(p profile.Problem) string {
	text := fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Column, p.Text)
	if p.Hint != "" {
		text += " | " + p.Hint
	}
	if p.Warning {
		text = "warning " + text
	}
	return text
}

// problems returns everything that is wrong with the profiles of a file. A
// file that cannot be read at all has the problems that Parse tells.
func problems(t *testing.T, data []byte) []string {
	t.Helper()
	catalog, err := profile.Parse("p.yaml", data)
	if err != nil {
		var found profile.Problems
		if !errors.As(err, &found) || fault.KindOf(err) != fault.Profile {
			t.Fatalf("Parse: %T of kind %d: %v", err, fault.KindOf(err), err)
		}
		return lines(found)
	}
	var all []string
	for _, name := range catalog.Names() {
		_, found, err := catalog.Check(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, lines(found)...)
	}
	return all
}

func lines(found profile.Problems) []string {
	var all []string
	for _, p := range found {
		all = append(all, line(p))
	}
	return all
}

// good is a file with one profile x, to which more keys of the profile can be
// added.
func good(more string) []byte {
	return []byte("version: 1\nprofiles:\n  x:\n    base_url: https://x.example\n" +
		"    login: {request: POST /login, token: .token}\n" + more)
}

// parse returns the profile x of a file that is right.
func parse(t *testing.T, data []byte) *profile.Profile {
	t.Helper()
	if found := problems(t, data); len(found) > 0 {
		t.Fatalf("problems: %q", found)
	}
	catalog, err := profile.Parse("p.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.Profile("x")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tpl, expr and object build what a profile is to mean.
func tpl(t *testing.T, text string) profile.Template {
	t.Helper()
	parsed, err := profile.ParseTemplate(text, profile.Pos{})
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func expr(text string) profile.Expr { return profile.Expr{Text: text} }

// object is a JSON body of texts; it takes name, value, name, value.
func object(t *testing.T, pairs ...string) *profile.Value {
	t.Helper()
	value := profile.Value{Object: true}
	for i := 0; i < len(pairs); i += 2 {
		text := tpl(t, pairs[i+1])
		value.Members = append(value.Members, profile.Member{Name: tpl(t, pairs[i]), Value: profile.Value{Text: &text}})
	}
	return &value
}

func base(t *testing.T, text string) profile.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return profile.URL{URL: u, Text: tpl(t, text)}
}

// pair is one header, with a plain name.
func pair(t *testing.T, name, value string) profile.Pair {
	t.Helper()
	return profile.Pair{Name: tpl(t, name), Value: tpl(t, value)}
}

func entry[T any](name string, value T) profile.Named[T] {
	return profile.Named[T]{Name: name, Value: value}
}

// meaning compares profiles without the places where they were written.
func meaning() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreTypes(profile.Pos{}), cmpopts.IgnoreUnexported(profile.Profile{}, profile.Input{}, profile.Expr{}),
		cmpopts.EquateEmpty(),
	}
}

func bearer(t *testing.T) profile.Send {
	t.Helper()
	return profile.Send{Headers: profile.Pairs{pair(t, "Authorization", "Bearer {{token}}")}}
}

// TestExamples reads the five profiles that come with authctl.
func TestExamples(t *testing.T) {
	t.Parallel()
	catalog, err := profile.Load([]string{filepath.Join("..", "..", "profiles.example.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	want := examples(t)
	var names []string
	for _, p := range want {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff(names, catalog.Names()); diff != "" {
		t.Fatal(diff)
	}
	for _, want := range want {
		t.Run(want.Name, func(t *testing.T) {
			t.Parallel()
			got, found, err := catalog.Check(want.Name)
			if err != nil || len(found) > 0 {
				t.Fatalf("%v, problems: %q", err, lines(found))
			}
			if diff := cmp.Diff(&want, got, meaning()); diff != "" {
				t.Error(diff)
			}
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func examples(t *testing.T) []profile.Profile {
	t.Helper()
	return []profile.Profile{
		{
			Name: "logware", Docs: "https://docs.logware.io (Authentication)",
			BaseURL: base(t, "https://api.logware.io"),
			Login: profile.Calls{{
				Request:  profile.Request{Method: "POST", Target: profile.Target{Path: tpl(t, "/api/users/authenticate")}},
				JSON:     object(t, "login", "{{username}}", "password", "{{password}}"),
				Readings: profile.Readings{Token: expr(".token")},
			}},
			Send: bearer(t), Readings: profile.Readings{Error: expr(".message")}, Lifetime: profile.Lifetime{Text: "10h", Duration: 10 * time.Hour},
		},
		{
			Name: "zumrails", Docs: "https://docs.zumrails.com/api-reference/authentication",
			Environments: profile.List[profile.URL]{
				entry("sandbox", base(t, "https://api-sandbox.zumrails.com")),
				entry("production", base(t, "https://api-app.zumrails.com")),
			},
			Login: profile.Calls{{
				Request:  profile.Request{Method: "POST", Target: profile.Target{Path: tpl(t, "/api/authorize")}},
				JSON:     object(t, "Username", "{{username}}", "Password", "{{password}}"),
				Readings: profile.Readings{Token: expr(".result.Token")},
			}},
			Cancel:   profile.Calls{{Request: profile.Request{Method: "PATCH", Target: profile.Target{Path: tpl(t, "/api/authorize/canceltoken")}}}},
			Send:     bearer(t),
			Readings: profile.Readings{Success: expr("$status < 500 and .isError == false"), Error: expr(".responseException.exceptionMessage // .message")}, Lifetime: profile.Lifetime{Text: "1h", Duration: time.Hour},
		},
		{
			Name: "analogue", Docs: "https://docs.analogue.com (Authorization Token)",
			BaseURL: base(t, "https://analogue.com"),
			Login: profile.Calls{{
				Request: profile.Request{Method: "POST", Target: profile.Target{Path: tpl(t, "/api/users/login")}},
				JSON: &profile.Value{Object: true, Members: []profile.Member{
					{Name: tpl(t, "user"), Value: *object(t, "email", "{{email}}", "password", "{{password}}")},
				}},
				Readings: profile.Readings{Token: expr(".user.token")},
			}},
			Send:     profile.Send{Headers: profile.Pairs{pair(t, "Authorization", "Token {{token}}")}},
			Lifetime: profile.Lifetime{Text: "60d", Duration: 60 * 24 * time.Hour},
		},
		{
			Name: "datarhei-core", Docs: "https://docs.datarhei.com/core/api/login",
			BaseURL: base(t, "http://127.0.0.1:8080"),
			Inputs: profile.List[profile.Input]{entry("auth0_token", profile.Input{
				Name: "auth0_token", Label: "Auth0 access token", Secret: profile.Flag{Value: true, Set: true}, Env: "AUTH0_TOKEN",
			})},
			Login: profile.Calls{{
				Request: profile.Request{Method: "POST", Target: profile.Target{Path: tpl(t, "/api/login")}},
				JSON:    object(t, "username", "{{username}}", "password", "{{password}}"),
			}},
			OtherLogins: profile.List[profile.Calls]{entry("auth0", profile.Calls{{
				Request: profile.Request{Method: "POST", Target: profile.Target{Path: tpl(t, "/api/login")}},
				Headers: profile.Pairs{pair(t, "Authorization", "Bearer {{auth0_token}}")},
			}})},
			Refresh: profile.Calls{{
				Request: profile.Request{Method: "GET", Target: profile.Target{Path: tpl(t, "/api/login/refresh")}},
				Headers: profile.Pairs{pair(t, "Authorization", "Bearer {{refresh_token}}")},
			}},
			Send:     bearer(t),
			Readings: profile.Readings{Token: expr(".access_token"), RefreshToken: expr(".refresh_token"), Error: expr(".details[0] // .message")},
		},
		{
			Name: "haut-ai", Docs: "https://docs.haut.ai (Authentication)",
			BaseURL: base(t, "https://saas.haut.ai"),
			Login: profile.Calls{{
				Request:  profile.Request{Method: "POST", Target: profile.Target{Path: tpl(t, "/api/v1/auth/login/")}},
				JSON:     object(t, "username", "{{email}}", "password", "{{password}}"),
				Readings: profile.Readings{Token: expr(".access_token")},
			}},
			Send: bearer(t), Lifetime: profile.Lifetime{Text: "1h", Duration: time.Hour},
			Readings: profile.Readings{Error: expr(`to_entries | map("\(.key): \(.value | if type == "array" then join(" ") else tostring end)") | join("; ")`)},
			Tokens: profile.Tokens{
				Create: profile.Calls{{
					Request:  profile.Request{Method: "POST", Target: profile.Target{Path: tpl(t, "/api/v1/auth/private_tokens/")}},
					JSON:     object(t, "name", "{{name}}", "expiration_time", "{{expires_at}}"),
					Readings: profile.Readings{Token: expr(".data"), ExpiresAt: expr(".expiration_time")},
				}},
				List: profile.Calls{{
					Request: profile.Request{Method: "GET", Target: profile.Target{Path: tpl(t, "/api/v1/auth/private_tokens/")}},
					Items:   expr(".results"), Readings: profile.Readings{ExpiresAt: expr(".expiration_time")}, Next: expr(".next"),
				}},
				Revoke: profile.Calls{{
					Request: profile.Request{Method: "DELETE", Target: profile.Target{Path: tpl(t, "/api/v1/auth/private_tokens/{{id}}/")}},
				}},
			},
		},
	}
}

// TestPlaces makes sure that what was read knows where it stands.
func TestPlaces(t *testing.T) {
	t.Parallel()
	p := parse(t, good("    send: \"X-Key: {{token}}\"\n"))
	got := []string{p.Pos.String(), p.BaseURL.Pos.String(), p.Login[0].Pos.String(), p.Login[0].Request.Pos.String(), p.Login[0].Token.Pos.String(), p.Send.Headers[0].Value.Pos.String()}
	want := []string{"p.yaml:3:3", "p.yaml:4:15", "p.yaml:5:12", "p.yaml:5:22", "p.yaml:5:42", "p.yaml:6:11"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLoad reads several files.
func TestLoad(t *testing.T) {
	t.Parallel()
	const one = "version: 1\nprofiles:\n  %s:\n    base_url: https://x.example\n    login: {request: POST /l, token: .t}\n"
	write := func(t *testing.T, texts ...string) []string {
		t.Helper()
		folder := t.TempDir()
		var paths []string
		for i, text := range texts {
			path := filepath.Join(folder, fmt.Sprintf("%d.yaml", i))
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
		return paths
	}
	a, b := fmt.Sprintf(one, "a"), fmt.Sprintf(one, "b")
	const later = "version: 2\nprofiles: {}\n"
	tests := map[string]struct {
		paths  []string
		names  []string
		broken []string // %[1]s is the first path, %[2]s the second
		fatal  string   // likewise, of the error
	}{
		"none":           {paths: nil},
		"in their order": {paths: write(t, b, a), names: []string{"b", "a"}},
		"an empty file":  {paths: write(t, "", a, "# only a comment\n"), names: []string{"a"}},
		"one name twice": {paths: write(t, a, b+"  a: {}\n"), names: []string{"a", "b"}},
		"a broken file": {
			paths: write(t, a, "version: 1\n\tx: 1\n"), names: []string{"a"},
			broken: []string{"%[2]s:2:2: not YAML: found a tab character that violates indentation"},
		},
		"a file that is gone": {paths: append(write(t, a), "testdata/nowhere.yaml"), names: []string{"a"}, broken: []string{"read profiles: open %[2]s: no such file or directory"}},
		"only a broken file":  {paths: write(t, later), fatal: "%[1]s:1:10: version: this authctl reads version 1 only"},
		"all are broken":      {paths: write(t, later, "{"), fatal: "%[1]s:1:10: version: this authctl reads version 1 only"},
		"not there":           {paths: []string{"testdata/nowhere.yaml"}, fatal: "read profiles: open %[1]s: no such file or directory"},
		"a folder":            {paths: []string{"testdata"}, fatal: "read profiles: %[1]s is not a regular file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			type result struct {
				Names, Broken []string
				Fatal         string
				Kind          fault.Kind
			}
			paths := append(append([]string{}, test.paths...), "", "")
			named := func(text string) string {
				return strings.NewReplacer("%[1]s", paths[0], "%[2]s", paths[1]).Replace(text)
			}
			want := result{Names: test.names, Fatal: named(test.fatal)}
			for _, text := range test.broken {
				want.Broken = append(want.Broken, named(text))
			}
			var got result
			catalog, err := profile.Load(test.paths)
			if err != nil {
				want.Kind = fault.Profile
				got.Fatal, got.Kind = err.Error(), fault.KindOf(err)
			} else {
				got.Names = catalog.Names()
				for _, broken := range catalog.Broken() {
					got.Broken = append(got.Broken, broken.Error())
				}
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOneNameInTwoFiles makes the name useless and no other; a name that nobody
// has may stand in a file that is broken.
func TestOneNameInTwoFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var paths []string
	for i, text := range []string{string(good("")), "version: 1\nprofiles:\n  x: {}\n  y: {base_url: https://y.example, login: {request: POST /l, token: .t}}\n", "{"} {
		path := filepath.Join(folder, fmt.Sprintf("%d.yaml", i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	catalog, err := profile.Load(paths)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"x": paths[1] + ":3:3: profile x: also in " + paths[0] + ":3:3",
		"y": "",
		"z": paths[2] + ":1:1: not YAML: did not find expected node content",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = ""
		if _, err := catalog.Profile(name); err != nil {
			got[name] = err.Error()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLoadRefusesHugeFiles has a long file, and one that YAML makes much of.
func TestLoadRefusesHugeFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "huge.yaml")
	for want, data := range map[string]string{
		"is larger than 8 MiB": strings.Repeat("a", 8<<20+1),
		"holds more than 500000 lines, commas, colons and brackets": strings.Repeat("[],", 250_001),
	} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := profile.Load([]string{path})
		if want := "read profiles: " + path + " " + want; err == nil || err.Error() != want {
			t.Errorf("error: %v\nwant: %s", err, want)
		}
	}
}

// TestBrokenProfileHidesNoOther has a mistake in the first of two profiles.
func TestBrokenProfileHidesNoOther(t *testing.T) {
	t.Parallel()
	data := []byte("version: 1\nprofiles:\n  broken: {base_url: x, login: 7}\n  null-one:\n  x:\n    base_url: https://x.example\n    login: {request: POST /l, token: .t}\n")
	catalog, err := profile.Parse("p.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"broken", "null-one", "x"}, catalog.Names()); diff != "" {
		t.Error(diff)
	}
	if p, err := catalog.Profile("x"); err != nil || p.Name != "x" {
		t.Errorf("x: %v, %v", p, err)
	}
	type facts struct {
		Text, Hint string
		Kind       fault.Kind
	}
	want := map[string]facts{
		"broken": {
			`p.yaml:3:22: base_url: a base URL begins with https:// (and 1 more)`,
			"write https://x", fault.Profile,
		},
		"null-one": {"p.yaml:4:12: profile null-one: nothing stands below it", "write its keys below it, indented deeper, or remove it", fault.Profile},
		"y":        {`no profile is called "y"`, "did you mean x?", fault.Profile},
	}
	got := map[string]facts{}
	for name := range want {
		if _, err := catalog.Profile(name); err != nil {
			got[name] = facts{err.Error(), fault.HintOf(err), fault.KindOf(err)}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, _, err := catalog.Check("y"); fault.KindOf(err) != fault.Profile {
		t.Errorf("Check of a name that nobody has: %v", err)
	}
}

// TestValidateTellsTheFirstMistake runs it often: the first mistake must not
// depend on the order of a map.
func TestValidateTellsTheFirstMistake(t *testing.T) {
	t.Parallel()
	catalog, err := profile.Parse("p.yaml", good("    success: .a &&\n    error: .b ||\n    refresh_token: |-\n      .c '\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.Profile("x")
	if err != nil {
		t.Fatal(err)
	}
	const want = `p.yaml:6:17: success: not a jq expression: unexpected token "&" in .a && (and 2 more)`
	for range 20 {
		if err := p.Validate(); err == nil || err.Error() != want || fault.HintOf(err) != "jq says and" {
			t.Fatalf("error: %v, hint %q\nwant: %s", err, fault.HintOf(err), want)
		}
	}
}

func TestInputs(t *testing.T) {
	t.Parallel()
	p := parse(t, []byte(`version: 1
profiles:
  x:
    base_url: https://x.example
    inputs:
      tenant: Tenant
      region: {label: Region, default: eu, choices: [eu, us, no, 1.10]}
      pin: {secret: true, optional: true, env: X_PIN}
      app_token: {label: App token, secret: false}
      ticket: {command: pass show ticket}
      badge: {command: [badge, "a b", --quiet]}
      otp: {optional: true}
      username: Badge number
    login:
      request: POST /{{tenant}}/{{region}}
      json: ["{{pin}}", "{{app_token}}", "{{ticket}}", "{{badge}}", "{{otp}}", "{{username}}"]
      token: .t
`))
	set := profile.Flag{Value: true, Set: true}
	want := map[string]profile.Input{
		"tenant":    {Name: "tenant", Label: "Tenant"},
		"region":    {Name: "region", Label: "Region", Default: profile.Scalar{Text: "eu", Set: true}, Choices: profile.Choices{List: []string{"eu", "us", "no", "1.10"}}},
		"pin":       {Name: "pin", Secret: set, Optional: true, Env: "X_PIN"},
		"app_token": {Name: "app_token", Label: "App token", Secret: profile.Flag{Set: true}},
		"ticket":    {Name: "ticket", Command: profile.Command{"pass", "show", "ticket"}},
		"badge":     {Name: "badge", Command: profile.Command{"badge", "a b", "--quiet"}},
		// A built-in input stays secret and keeps its label.
		"otp":      {Name: "otp", Label: "One-time code", Secret: profile.Flag{Value: true}, Optional: true},
		"username": {Name: "username", Label: "Badge number"},
		"password": {Name: "password", Label: "Password", Secret: profile.Flag{Value: true}},
	}
	got := map[string]profile.Input{}
	for name := range want {
		in, ok := p.Input(name)
		if !ok {
			t.Errorf("there is no input %s", name)
		}
		got[name] = in
	}
	if diff := cmp.Diff(want, got, meaning()); diff != "" {
		t.Error(diff)
	}
	if in, ok := p.Input("nobody"); ok {
		t.Errorf("an input that nobody declared: %+v", in)
	}
}

func TestLoginCalls(t *testing.T) {
	t.Parallel()
	p := parse(t, good("    token: .t\n    other_logins: {sso: {request: POST /sso}, key: [{request: POST /a}, {request: POST /b}]}\n"))
	type result struct {
		Paths []string
		Found bool
	}
	want := map[string]result{
		"":    {[]string{"/login"}, true},
		"sso": {[]string{"/sso"}, true},
		"key": {[]string{"/a", "/b"}, true},
		"SSO": {nil, false},
	}
	got := map[string]result{}
	for via := range want {
		calls, found := p.LoginCalls(via)
		var paths []string
		for _, call := range calls {
			paths = append(paths, call.Request.Path.Text)
		}
		got[via] = result{paths, found}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"sso", "key"}, p.OtherLogins.Names()); diff != "" {
		t.Error(diff)
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	p := parse(t, []byte(`version: 1
profiles:
  x:
    base_url: https://x.example
    token: .t
    login:
      - {request: "POST /{{username}}", query: {a: "{{client_id}}"}, save: {s: .s}}
      - request: POST /two
        headers: {H: "x{{email}}"}
        basic: "{{api_key}}:{{api_secret}}"
        json: [1, {"{{otp}}": ["{{password}}", {a: "{{s}}"}]}]
    refresh: {request: GET /, form: {f: "{{client_secret}}"}}
    cancel: {request: GET /, text: "{{token}}!"}
`))
	calls := map[string]profile.Call{"one": p.Login[0], "two": p.Login[1], "refresh": p.Refresh[0], "cancel": p.Cancel[0]}
	want := map[string][]string{
		"one": {"username", "client_id"}, "two": {"email", "api_key", "api_secret", "otp", "password", "s"},
		"refresh": {"client_secret"}, "cancel": {"token"},
	}
	got := map[string][]string{}
	for name, call := range calls {
		call.Templates(func(t profile.Template) { got[name] = append(got[name], t.Names()...) })
		for _, placeholder := range want[name] {
			if !call.Mentions(placeholder) {
				t.Errorf("%s does not mention %s", name, placeholder)
			}
		}
		if call.Mentions("nobody") {
			t.Errorf("%s mentions what does not stand in it", name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	known := []string{"headers", "token", "refresh_token"}
	tests := map[string]string{
		"heders":        "did you mean headers?",
		"HEADERS":       "did you mean headers?",
		"refreshtoken":  "did you mean refresh_token?",
		"tokne":         "did you mean token?",
		"tken":          "did you mean token?",
		"x":             "known are: headers, token, refresh_token",
		"":              "known are: headers, token, refresh_token",
		"headers_extra": "known are: headers, token, refresh_token",
	}
	for word, want := range tests {
		if got := profile.DidYouMean(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := profile.DidYouMean("x", nil); got != "" {
		t.Errorf("with nothing known: %q", got)
	}
}
