package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/jq"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

func reference(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestReferenceHasEveryKey compares the tables of keys with the code.
func TestReferenceHasEveryKey(t *testing.T) {
	t.Parallel()
	text := reference(t)
	rows := 0
	for _, of := range []reflect.Type{
		reflect.TypeFor[profile.Profile](), reflect.TypeFor[profile.Call](), reflect.TypeFor[profile.Input](), reflect.TypeFor[profile.Readings](),
		reflect.TypeFor[profile.TLS](), reflect.TypeFor[profile.Send](), reflect.TypeFor[profile.Verify](), reflect.TypeFor[profile.Tokens](),
	} {
		table := "| key | meaning |\n|---|---|\n"
		for i := range of.NumField() { // what is embedded has a table of its own
			tag := of.Field(i).Tag
			if key := tag.Get("yaml"); key != "" && key != "-" {
				table += "| `" + key + "` | " + strings.ReplaceAll(tag.Get("doc"), "|", `\|`) + " |\n"
				rows++
				if !regexp.MustCompile(`(?s)` + "```yaml\n" + `[^` + "`" + `]*\b` + key + `:`).MatchString(text) {
					t.Errorf("%s.%s has no example", of.Name(), key)
				}
			}
		}
		if !strings.Contains(text, table) {
			t.Errorf("docs/profiles.md does not hold this table of %s:\n%s", of.Name(), table)
		}
	}
	written := regexp.MustCompile("(?m)^\\| `[a-z_]+` \\|").FindAllString(text, -1)
	if len(written) != rows+1 { // {{next}} has a row among the names
		t.Errorf("%d rows begin with a key, and there are %d keys", len(written), rows)
	}
}

// block is a fenced block of the reference.
type block struct{ kind, text string }

func blocks(text string) []block {
	var all []block
	for _, m := range regexp.MustCompile("(?s)```(\\w[^\n]*)\n(.*?)```").FindAllStringSubmatch(text, -1) {
		all = append(all, block{m[1], m[2]})
	}
	return all
}

// whole makes a file of a fragment, as the reference says.
func whole(fragment string) string {
	if strings.Contains(fragment, "version: 1\n") {
		return fragment
	}
	has := func(key string) bool { return regexp.MustCompile(`(?m)^` + key + `:`).MatchString(fragment) }
	if !has("base_url") && !has("environments") {
		fragment += "base_url: https://api.example.com\n"
	}
	if !has("login") {
		fragment += "login:\n  request: POST /login\n  json: {user: \"{{username}}\", password: \"{{password}}\"}\n"
		if !has("token") {
			fragment += "  token: .token\n"
		}
	}
	return "version: 1\nprofiles:\n  example:\n    " + strings.ReplaceAll(strings.TrimSuffix(fragment, "\n"), "\n", "\n    ") + "\n"
}

// TestReferenceExamples reads every example; where a request is shown below it,
// that is what is sent.
func TestReferenceExamples(t *testing.T) {
	t.Parallel()
	requests := 0
	var last *profile.Profile
	for _, b := range blocks(reference(t)) {
		kind, phase, _ := strings.Cut(b.kind, " ")
		switch kind {
		case "yaml":
			last = loaded(t, whole(b.text))
		case "http":
			requests++
			if diff := gocmp.Diff(b.text, sent(t, last, phase)); diff != "" {
				t.Errorf("%s: %s", phase, diff)
			}
		default:
			t.Errorf("a block of %q", b.kind)
		}
	}
	if requests < 15 {
		t.Errorf("only %d requests are shown", requests)
	}
}

// loaded is the profile in a file, which has no mistake; nil if there is none.
func loaded(t *testing.T, file string) *profile.Profile {
	t.Helper()
	catalog, err := profile.Parse("profiles.md", []byte(file))
	if err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
	if len(catalog.Names()) == 0 {
		return nil
	}
	p, problems, err := catalog.Check(catalog.Names()[0])
	if err := cmp.Or(err, problems.Err()); err != nil {
		t.Errorf("%v in\n%s", err, file)
	}
	return p
}

// sent is the request of a phase ("login 2" is the second call of login).
func sent(t *testing.T, p *profile.Profile, phase string) string {
	t.Helper()
	var number int
	if name, n, found := strings.Cut(phase, " "); found {
		if _, err := fmt.Sscan(n, &number); err != nil {
			t.Fatal(err)
		}
		phase, number = name, number-1
	}
	calls, found := p.Phases().Get(phase)
	if !found || number >= len(calls) {
		t.Fatalf("there is no %s", phase)
	}
	values := call.Values{
		"username": "ann", "password": "opal", "tenant": "acme", "region": "eu", "app_key": "k9", "vault_key": "v9", "client_id": "cli",
		"client_secret": "s3c", "api_key": "k1", "token": "T1", "refresh_token": "R1", "session_id": "s7", "csrf": "c5", "ticket": "t3", "id": "17",
		"shard": "https://eu.example.net",
	}
	base, err := p.BaseURL.Fill(values.Text)
	if err != nil {
		t.Fatal(err)
	}
	if !p.APIURL.IsZero() {
		api, err := call.Resolve(p.APIURL, base, values)
		if err != nil {
			t.Fatal(err)
		}
		values["api_url"] = api.String()
	}
	c := &calls[number]
	request, err := call.Build(call.Spec{
		Profile: p, Call: c, Base: base, Values: values, WithToken: c.SendsToken(phase),
		Reach: token.Reach{"https://*.example.com:443", "https://*.example.net:443"},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{request.Method + " " + request.URL.String()}
	request.Header.Del("Accept")
	for _, name := range slices.Sorted(maps.Keys(request.Header)) {
		lines = append(lines, name+": "+request.Header.Get(name))
	}
	if len(request.Body) > 0 {
		lines = append(lines, "", string(request.Body))
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestReferenceFunctions evaluates the example of every function.
func TestReferenceFunctions(t *testing.T) {
	t.Parallel()
	rows := regexp.MustCompile("(?m)^\\| (\\w+) \\| `(.*)` \\| `(.*)` \\|$").FindAllStringSubmatch(reference(t), -1)
	input := jq.Input{
		Header:  http.Header{"X-Token": {"h1"}, "Link": {`<https://api.example.com/keys?page=2>; rel="next"`}},
		Cookies: []*http.Cookie{{Name: "sid", Value: "c1"}, {Name: "lang", Value: "en"}},
		Now:     time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC),
	}
	var names []string
	for _, row := range rows {
		names = append(names, row[1])
		value, err := jq.First(t.Context(), strings.ReplaceAll(row[2], `\|`, "|"), input)
		if err != nil {
			t.Errorf("%s: %v", row[2], err)
			continue
		}
		got, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != row[3] {
			t.Errorf("%s gives `%s`, not `%s`", row[2], got, row[3])
		}
	}
	want := []string{
		"header", "cookie", "cookies", "link", "hash", "hmac", "pbkdf2", "base64", "base64url", "hex", "unhex", "utf16le", "jwt", "jwt_claims", "totp", "nonce", "uuid",
	}
	if diff := gocmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}
