package cli

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

func variable(value string) []session.Variable {
	return []session.Variable{{Name: "OPAL", Value: token.NewSecret(value)}}
}

// nasty are values that a shell, or a reader of a file, may take for more.
func nasty() []string {
	return []string{
		"agate-1", "a b", `'`, `"`, `\`, `\'`, `'\''`, "$(id)", "`id`", "$HOME", "${HOME}", "!!", "%PATH%", "a;id", "a&id", "a|id", "#x", "~", "*", "{a,b}",
		"‘id’", "‚‛", "-n", "=", "a=b", "é€𝄞", `\n`, `end\`, `\\`, "(id)", "<<x", "::error::x",
	}
}

// TestShellsReadBack gives every nasty value to the shells that are here.
func TestShellsReadBack(t *testing.T) {
	t.Parallel()
	shells := map[string][]string{
		shellPOSIX: {"sh", "bash", "dash", "zsh"}, shellFish: {"fish"}, shellPowerShell: {"pwsh"},
	}
	for form, programs := range shells {
		for _, program := range programs {
			t.Run(program, func(t *testing.T) {
				t.Parallel()
				path, err := exec.LookPath(program)
				if err != nil {
					t.Skip("is not here")
				}
				f := formFlags{shell: form}
				home := t.TempDir()
				for _, value := range nasty() {
					line, err := eachVariable(variable(value), f.shellLine("linux"))
					if err != nil {
						t.Fatal(err)
					}
					cmd := exec.Command(path, "-c", line+"printenv OPAL")
					cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8"}
					out, err := cmd.Output()
					if err != nil || string(out) != value+"\n" {
						t.Errorf("%q came back as %q, %v", value, out, err)
					}
				}
			})
		}
	}
}

// TestForms pins the forms that have no reader here, and what each refuses.
func TestForms(t *testing.T) {
	t.Parallel()
	type result struct {
		Text string
		Kind fault.Kind
	}
	refused := result{"", fault.BadAnswer}
	shell := func(name string) func(string) (string, error) {
		return func(value string) (string, error) {
			f := formFlags{shell: name}
			return eachVariable(variable(value), f.shellLine("linux"))
		}
	}
	lines := func(write func(string, string) (string, error)) func(string) (string, error) {
		return func(value string) (string, error) { return eachVariable(variable(value), write) }
	}
	netrc := func(value string) (string, error) { return netrcLine(passWith(value)) }
	curl := func(value string) (string, error) {
		return curlConfig(call.Carrier{Headers: []call.Field{{Name: "T", Value: value}}, Query: []call.Field{{Name: "q", Value: value}}})
	}
	header := func(value string) (string, error) {
		return headerLines(call.Carrier{Headers: []call.Field{{Name: "T", Value: value}}})
	}
	tests := []struct {
		name  string
		write func(string) (string, error)
		value string
		want  result
	}{
		{"powershell", shell(shellPowerShell), "a'b’c", result{"$env:OPAL = 'a''b’’c'\n", 0}},
		{"cmd", shell(shellCmd), "a&b|c", result{"set \"OPAL=a&b|c\"\n", 0}},
		{"cmd percent", shell(shellCmd), "a%b", refused},
		{"cmd quote", shell(shellCmd), `a"b`, refused},
		{"cmd caret", shell(shellCmd), "a^b", refused},
		{"cmd bang", shell(shellCmd), "a!b", refused},
		{"dotenv", lines(dotenvLine), "agate-1.x_y=", result{"OPAL=agate-1.x_y=\n", 0}},
		{"dotenv quoted", lines(dotenvLine), "a $b #c", result{"OPAL='a $b #c'\n", 0}},
		{"dotenv quote", lines(dotenvLine), "a'b", refused},
		{"dotenv backslash", lines(dotenvLine), `a\b`, refused},
		{"gitlab", lines(gitlabLine), "a$b=", result{"OPAL=a$b=\n", 0}},
		{"gitlab blank", lines(gitlabLine), "a b", refused},
		{"gitlab quote", lines(gitlabLine), "'a'", refused},
		{"github", lines(heredoc("R")), "a b", result{"OPAL<<authctl_R\na b\nauthctl_R\n", 0}},
		{"netrc", netrc, "agate-1", result{"machine api.example.com login ann password agate-1\n", 0}},
		{"netrc blank", netrc, "a b", refused},
		{"netrc quote", netrc, `a"b`, refused},
		{"netrc nothing", netrc, "", refused},
		{"curl", curl, `a"b\c d`, result{"header = \"T: a\\\"b\\\\c d\"\nurl-query = \"+q=a%22b%5Cc+d\"\n", 0}},
		{"header", header, "a b", result{"T: a b\n", 0}},
	}
	for _, form := range []string{shellPOSIX, shellFish, shellPowerShell, shellCmd} {
		tests = append(tests, struct {
			name  string
			write func(string) (string, error)
			value string
			want  result
		}{form + " line", shell(form), "a\nb", refused})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, err := test.write(test.value)
			if diff := cmp.Diff(test.want, result{text, fault.KindOf(err)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func passWith(value string) session.Pass {
	pass := session.Pass{API: mustParse("https://api.example.com:8443/v1")}
	pass.User, pass.AccessToken = "ann", token.NewSecret(value)
	return pass
}

// TestThreat05_NoFormBreaksItsLine gives each form what ends a line somewhere.
func TestThreat05_NoFormBreaksItsLine(t *testing.T) {
	t.Parallel()
	forms := map[string]func(string) (string, error){
		"header": func(v string) (string, error) {
			return headerLines(call.Carrier{Headers: []call.Field{{Name: "T", Value: v}}})
		},
		"curl": func(v string) (string, error) {
			return curlConfig(call.Carrier{Headers: []call.Field{{Name: "T", Value: v}}})
		},
		"dotenv": func(v string) (string, error) { return eachVariable(variable(v), dotenvLine) },
		"gitlab": func(v string) (string, error) { return eachVariable(variable(v), gitlabLine) },
		"github": func(v string) (string, error) { return eachVariable(variable(v), heredoc("R")) },
		"netrc":  func(v string) (string, error) { return netrcLine(passWith(v)) },
		"mask": func(v string) (string, error) {
			env, out, _ := offline()
			err := newApp(env).mask(variable(v))
			return out.String(), err
		},
		"raw": func(v string) (string, error) {
			env, out, _ := offline()
			err := newApp(env).reveal(token.NewSecret(v))
			return out.String(), err
		},
	}
	for name, write := range forms {
		for _, value := range []string{"a\nOPAL=evil", "a\r\nX: y", "a\x00b", "a\rb"} {
			if text, err := write(value); err == nil || text != "" {
				t.Errorf("%s took %q and wrote %q", name, value, text)
			}
		}
	}
}

// TestThreat05_DelimiterIsNew keeps a value from ending the block of another.
func TestThreat05_DelimiterIsNew(t *testing.T) {
	t.Parallel()
	write := func() string {
		file := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(file, []byte("BEFORE=1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		env, _, _ := offline()
		env.Getenv = func(name string) string { return map[string]string{"GITHUB_ENV": file}[name] }
		if err := newApp(env).exportToGitHub("GITHUB_ENV", passWith("agate-1"), variable("agate-1")); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	first, second := write(), write()
	delimiter, _, _ := strings.Cut(strings.TrimPrefix(first, "BEFORE=1\nOPAL<<"), "\n")
	if want := "BEFORE=1\nOPAL<<" + delimiter + "\nagate-1\n" + delimiter + "\n"; first != want || len(delimiter) < 26 || first == second {
		t.Errorf("%q, then %q", first, second)
	}
}

// TestThreat07_MaskComesFirst leaves the file as it is where the mask cannot be
// printed.
func TestThreat07_MaskComesFirst(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	env, _, _ := offline()
	env.Getenv = func(name string) string { return map[string]string{"GITHUB_ENV": file}[name] }
	env.Stdout = broken{}
	err := newApp(env).exportToGitHub("GITHUB_ENV", passWith("agate-1"), variable("agate-1"))
	data, readErr := os.ReadFile(file)
	if err == nil || readErr != nil || len(bytes.TrimSpace(data)) > 0 {
		t.Errorf("%v, %v: the file holds %q", err, readErr, data)
	}
}

// broken is a stream that takes nothing.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

func mustParse(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}
