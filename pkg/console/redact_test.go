package console

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/authctl/authctl/pkg/token"
)

const mark = "[redacted]"

// redactAll writes the pieces one after another and returns what came out.
func redactAll(r *Redactor, pieces ...string) string {
	var out bytes.Buffer
	w := r.Writer(&out)
	for _, p := range pieces {
		_, _ = io.WriteString(w, p)
	}
	_ = w.Flush()
	return out.String()
}

func TestThreat07_Redactor(t *testing.T) {
	secret := "p ä\"s&/+<w>\n{{d}}?~"
	jsonText, _ := json.Marshal(secret)
	r := new(Redactor)
	r.Add(token.NewSecret(secret), token.NewSecret("abcd"), token.NewSecret("cdefgh"), token.NewSecret("ab"), token.Secret{})
	std, urls := base64.StdEncoding, base64.URLEncoding
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "all is well\n", "all is well\n"},
		{"raw", "x" + secret + "y", "x" + mark + "y"},
		{"sanitised", "x" + Sanitize(secret) + "y", "x" + mark + "y"},
		{"quoted", fmt.Sprintf("%q", secret), `"` + mark + `"`},
		{"json", string(jsonText), `"` + mark + `"`},
		{"json without html escapes", `"p ä\"s&/+<w>\n{{d}}?~"`, `"` + mark + `"`},
		{"query", url.QueryEscape(secret) + "&x", mark + "&x"},
		{"query with %20", strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"), mark},
		{"path", url.PathEscape(secret) + "/x", mark + "/x"},
		{"base64", std.EncodeToString([]byte(secret)) + ".", mark + "."},
		{"base64 raw", std.WithPadding(base64.NoPadding).EncodeToString([]byte(secret)) + ".", mark + "."},
		{"base64 url", urls.EncodeToString([]byte(secret)) + ".", mark + "."},
		{"base64 url raw", urls.WithPadding(base64.NoPadding).EncodeToString([]byte(secret)) + ".", mark + "."},
		{"short ones are ignored", "ab", "ab"},
		{"line of a long one", "{{d}}?~", mark},
		{"overlapping", "xabcdefghy", "x" + mark + "y"},
		{"side by side", "abcdabcd", mark + mark},
		{"a beginning only", "abc", "abc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := redactAll(r, tt.in); got != tt.want {
				t.Errorf("whole: got %q, want %q", got, tt.want)
			}
			if got := redactAll(r, strings.Split(tt.in, "")...); got != tt.want {
				t.Errorf("in pieces: got %q, want %q", got, tt.want)
			}
		})
	}
}

// The password of an Authorization: Basic header stands after a user name of
// any length.
func TestThreat07_RedactorBasic(t *testing.T) {
	const password = "correct horse battery"
	r := new(Redactor)
	r.Add(token.NewSecret(password))
	for _, user := range []string{"a:", "al:", "ali:", "alic:"} {
		encoded := base64.StdEncoding.EncodeToString([]byte(user + password))
		got := redactAll(r, "Basic "+encoded)
		if !strings.Contains(got, mark) || len(got) > len("Basic ")+len(mark)+10 {
			t.Errorf("%s: %s", user, got)
		}
	}
}

func TestRedactorPromptComesOutAtOnce(t *testing.T) {
	r := new(Redactor)
	r.Add(token.NewSecret("hunter22"))
	var out bytes.Buffer
	w := r.Writer(&out)
	_, _ = io.WriteString(w, "Password: ")
	if out.String() != "Password: " {
		t.Errorf("got %q", out.String())
	}
	_, _ = io.WriteString(w, "hunt")
	_, _ = io.WriteString(w, "ing\n")
	if want := "Password: hunting\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestRedactorConcurrent(t *testing.T) {
	r := new(Redactor)
	var out bytes.Buffer
	w := r.Writer(&out)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			secret := fmt.Sprintf("secret-%d-secret", i)
			for range 50 {
				r.Add(token.NewSecret(secret))
				_, _ = fmt.Fprintf(w, "<%s>\n", secret)
			}
		})
	}
	all.Wait()
	_ = w.Flush()
	if want := strings.Repeat("<"+mark+">\n", 400); out.String() != want {
		t.Errorf("a secret came through:\n%s", out.String())
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestRedactorPassesErrorsOn(t *testing.T) {
	if n, err := new(Redactor).Writer(brokenWriter{}).Write([]byte("x")); n != 0 || err != io.ErrClosedPipe {
		t.Errorf("got %d, %v", n, err)
	}
}

func FuzzRedactor(f *testing.F) {
	f.Add("secret", "other", "a secret text", uint8(3))
	f.Add("abab", "baba", "xababababy", uint8(1))
	f.Add("a b\"c", "ä&+/", `{"a b\"c":"\u00e4"}`, uint8(2))
	f.Fuzz(func(t *testing.T, one, two, text string, step uint8) {
		r := new(Redactor)
		r.Add(token.NewSecret(one), token.NewSecret(two))
		text += one + text + two
		whole := redactAll(r, text)
		var pieces []string
		for rest := text; rest != ""; {
			n := min(len(rest), int(step)+1)
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if split := redactAll(r, pieces...); split != whole {
			t.Errorf("in pieces %q, whole %q", split, whole)
		}
		// A byte that neither secret has stands for the marks.
		const other = "\x01"
		if strings.Contains(one+two, other) {
			return
		}
		rest := strings.ReplaceAll(whole, mark, other)
		for _, s := range []string{one, two} {
			if len([]rune(s)) >= minSecret && !strings.Contains(s, mark) && strings.Contains(rest, s) {
				t.Errorf("%q is left in %q", s, whole)
			}
		}
	})
}
