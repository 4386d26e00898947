package jwt

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/fault"
)

// readAll returns what is found, as "name text".
func readAll(t *testing.T, text string) []string {
	t.Helper()
	var list []string
	for in := NewReader(strings.NewReader(text)); ; {
		found, err := in.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found.Name+" "+Clean(found.Text))
	}
}

// wrap breaks text as a terminal does.
func wrap(text string, width int) string {
	var b strings.Builder
	for len(text) > width {
		b.WriteString(text[:width] + "\n")
		text = text[width:]
	}
	return b.String() + text
}

func TestReader(t *testing.T) {
	t.Parallel()
	access, refresh := datarheiAccess, datarheiRefresh
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"one", access, []string{" " + access}},
		{"nothing", " \n\r\n\t", nil},
		{"one a line, in DOS form", access + "\r\n\r\n" + refresh + "\r\n", []string{" " + access, " " + refresh}},
		{"a token and opaque ones", access + "\nghp_abc\nabcdef", []string{" " + access, " ghp_abc", " abcdef"}},
		{"opaque ones", "abc\ndef", []string{" abc", " def"}},
		{"header lines", "Authorization: Bearer " + access + "\nauthorization: token \"" + refresh + "\"", []string{" " + access, " " + refresh}},
		{"scheme on a line of its own", "Authorization: Bearer\n" + access, []string{" " + access}},
		{"a cookie", "Set-Cookie: sid=" + access + "; Path=/; HttpOnly", []string{" " + access}},
		{"an assignment", "export TOKEN='" + access + "'", []string{" " + access}},
		{"a command", `curl -H "Authorization: Bearer ` + access + `" https://api.example`, []string{" " + access}},
		{"two in one line", access + " " + refresh, []string{" " + access + " " + refresh}},
		{"JSON", `{"access_token":"` + access + `","refresh_token":"opaque","token_type":"Bearer","expires_in":600}`,
			[]string{".access_token " + access, ".refresh_token opaque"}},
		{"JSON over lines", "{\n  \"data\": {\"a b\": [\n \"x\", \"Bearer " + access + "\"]}\n}\n" + refresh, []string{`.data.["a b"][1] ` + access, " " + refresh}},
		{"JSON lines", `{"token":"` + access + `"}` + "\n" + `{"token":"a}\"{"}`, []string{".token " + access, `.token a}"{`}},
		{"list", `["` + access + `"]`, []string{".[0] " + access}},
		{"JSON without a token", `{"a":1}`, []string{` {"a":1}`}},
		{"broken JSON", `{"a":` + "\n1", []string{" {\"a\":\n1"}},
		{"an opaque one in JSON", `{"token":"abc","name":"me"}`, []string{".token abc"}},
		{"wrapped in quotes", `"` + access[:100] + "\n" + access[100:] + `"`, []string{" " + access}},
		{"wrapped and indented", "  " + access[:100] + "\n  " + access[100:], []string{" " + access}},
	} {
		if diff := cmp.Diff(tt.want, readAll(t, tt.text)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// Wherever a terminal breaks the lines, the tokens are whole again.
func TestReaderUnwraps(t *testing.T) {
	t.Parallel()
	tokens := map[string]string{"encrypted": encrypted, "Logware": logware, "datarhei": datarheiAccess}
	for _, tt := range examples() {
		tokens[tt.name] = tt.token
	}
	for name, token := range tokens {
		for width := 20; width < len(token); width++ {
			text := wrap(token, width) + "\n" + wrap("Authorization: Bearer "+datarheiRefresh, max(width, 25)) + "\nend\n"
			if diff := cmp.Diff([]string{" " + token, " " + datarheiRefresh, " end"}, readAll(t, text)); diff != "" {
				t.Fatalf("%s at %d columns: %s", name, width, diff)
			}
		}
	}
}

// However long the input is, no more than a token of it is kept.
func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("x", maxInput+2), "{" + strings.Repeat("\"a\":\n", maxInput/4), "eyJ" + strings.Repeat("\n"+strings.Repeat("a", 2000), 600),
	} {
		in := NewReader(strings.NewReader(text))
		if _, err := in.Next(); fault.KindOf(err) != fault.Usage || err.Error() != "the input is longer than 1 MiB, which no token is" {
			t.Errorf("%.10s: got %v", text, err)
		}
	}
}

// Very many short lines cost no more than a moment.
func TestThreat16_ReaderManyLines(t *testing.T) {
	t.Parallel()
	start := time.Now()
	in := NewReader(strings.NewReader("eyJ" + strings.Repeat("\neyJhbGci", maxInput/16)))
	for {
		if _, err := in.Next(); err != nil {
			break
		}
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestMoreWarnings(t *testing.T) {
	t.Parallel()
	inner := compact(hs256, goodClaims, "c2ln")
	for _, tt := range []struct {
		name, token string
		want        []string
	}{
		{"sensitive", compact(hs256, `{"Password":"x","client-secret":"y","password_changed":1,`+someday+`}`, "c2ln"),
			[]string{`sensitive: claims are not encrypted, and this looks sensitive: "Password", "client-secret"`}},
		{"too long", compact(hs256, `{"x":"`+strings.Repeat("x", 6065)+`",`+someday+`}`, "c2ln"),
			[]string{"too-long: as a header line it has 8191 bytes: many servers take no more than 8 KiB"}},
		{"as long as can be", compact(hs256, `{"x":"`+strings.Repeat("x", 6064)+`",`+someday+`}`, "c2ln"), nil},
		{"nested", compact(`{"alg":"HS256","cty":"JWT"}`, inner, "c2ln"),
			[]string{"nested: the payload is another token, and this signature says nothing about that one's"}},
	} {
		if diff := cmp.Diff(tt.want, warn(inspect(t, tt.token), now())); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if tok := inspect(t, compact(hs256, inner, "c2ln")); tok.Inner == nil || string(tok.Inner.ClaimsJSON) != goodClaims {
		t.Errorf("the inner token is %+v", tok.Inner)
	}
}

func TestJSONThatIsNoToken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"payload":"e30","signatures":[]}`: "this is a signature in JSON form (RFC 7515 §7.2); only the compact form can be read here",
		`{"ciphertext":"x"}`:                "this is encrypted content in JSON form (RFC 7516 §7.2); only the compact form can be read here",
		rfc7517Set:                          "this is a key or key set (RFC 7517), not a token",
		`[1]`:                               "this is JSON, not a token by itself",
		`{`:                                 "this is JSON, not a token by itself",
	} {
		if got := inspect(t, text).Reason; got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(wrap(logware, 80) + "\n{\"token\":\"x\"}\nBearer\n" + datarheiAccess)
	f.Fuzz(func(t *testing.T, text string) {
		for in, count := NewReader(strings.NewReader(text)), 0; ; count++ {
			found, err := in.Next()
			if err != nil {
				return
			}
			if count > len(text) || len(found.Text) > len(text)+1 {
				t.Fatalf("%d tokens, %d bytes", count, len(found.Text))
			}
			_, _ = Inspect(found.Text)
		}
	})
}
