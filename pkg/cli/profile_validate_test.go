package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/profile"
)

// wrong is a file with a mistake, one beside a secret, and a warning.
const wrong = `version: 1
profiles:
  x:
    base_url: https://x.example
    inputs: {left_over: Nothing names it}
    login:
      request: post /login
      form: {client_secret: opal-7Q, user: "{{usrname}}"}
      token: .token
`

// TestFindingsWithTheirLines shows what a person at a terminal sees.
func TestFindingsWithTheirLines(t *testing.T) {
	t.Parallel()
	catalog, err := profile.Parse("p.yaml", []byte(wrong))
	if err != nil {
		t.Fatal(err)
	}
	_, problems, err := catalog.Check("x")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"p.yaml:5:14: warning: inputs.left_over: nothing uses it\n" +
			"  | inputs: {left_over: Nothing names it}\n" +
			"  |          ^\n" +
			"  = remove it, or write {{left_over}} where it is sent",
		"p.yaml:7:16: error: request: the method is written in capitals\n" +
			"  | request: post /login\n" +
			"  |          ^\n" +
			"  = write POST /login",
		"p.yaml:8:29: error: login: a profile holds no secrets, and client_secret looks like one\n" +
			"  = write \"{{client_secret}}\" or another input",
		"p.yaml:8:44: error: login: {{usrname}} is no input and nothing saves it\n" +
			"  = did you mean username?",
	}
	for _, colour := range []console.ColorMode{console.ColorNever, console.ColorAlways} {
		env, _, _ := offline()
		a := newApp(env)
		a.color = colour
		a.openStreams()
		var got []string
		for _, f := range ofProblems(catalog, "x", problems) {
			text := a.withSource(f)
			if strings.Contains(text, "\x1b[") != (colour == console.ColorAlways) {
				t.Errorf("--color %s: %q", colour, text)
			}
			got = append(got, withoutColour(text))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("--color %s: %s", colour, diff)
		}
	}
}

// withoutColour takes the escapes for colours away.
func withoutColour(text string) string {
	for {
		before, after, found := strings.Cut(text, "\x1b[")
		if !found {
			return text
		}
		_, rest, _ := strings.Cut(after, "m")
		text = before + rest
	}
}

// TestEveryFileIsValidated has files that are not YAML, not there and wrong
// beside one that is right: each is told.
func TestEveryFileIsValidated(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	folder := filepath.Join(home, ".config", "authctl", "profiles.d")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"1-tab.yaml":     "version: 1\nprofiles:\n\tx: {}\n",
		"2-right.yaml":   "version: 1\nprofiles:\n  right:\n    base_url: https://x.example\n    login: {request: POST /l, json: {u: \"{{username}}\"}, token: .t}\n",
		"3-wrong.yaml":   wrong,
		"4-version.yaml": "version: 2\nprofiles:\n  y:\n    base_url: https://x.example\n    login: {request: POST /l, token: t}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "5-folder.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	env, out, complaint := offline("profile", "validate")
	env.Getenv = func(name string) string { return map[string]string{"HOME": home}[name] }
	if code := run(context.Background(), env); code != 8 {
		t.Errorf("exit %d: %s", code, complaint)
	}
	want := `read profiles: 5-folder.yaml is not a regular file
1-tab.yaml:3:2: not YAML: found character that cannot start any token (indent with blanks, not with a tab)
3-wrong.yaml:5:14: warning: inputs.left_over: nothing uses it (remove it, or write {{left_over}} where it is sent)
3-wrong.yaml:7:16: request: the method is written in capitals (write POST /login)
3-wrong.yaml:8:29: login: a profile holds no secrets, and client_secret looks like one (write "{{client_secret}}" or another input)
3-wrong.yaml:8:44: login: {{usrname}} is no input and nothing saves it (did you mean username?)
4-version.yaml:1:10: version: this authctl reads version 1 only (write version: 1)
4-version.yaml:5:38: login.token: function not defined: t/0 in t (a path begins with a dot: write .t)
`
	if diff := cmp.Diff(want, strings.ReplaceAll(out.String(), folder+"/", "")); diff != "" {
		t.Error(diff)
	}
	if want := "authctl: 7 mistakes and 1 warning found\n"; complaint.String() != want {
		t.Errorf("standard error: %q, want %q", complaint, want)
	}
}
