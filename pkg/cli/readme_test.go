package cli_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// The session in the README looks as it does there. Only addresses, times, the
// name of the store and the blanks that align it are made equal.
func TestReadmeSession(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```console\n(.*?)```").FindStringSubmatch(string(readme))
	if block == nil {
		t.Fatal("the README shows no session")
	}
	server := sim.New(sim.Options{})
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	t.Cleanup(server.Close)
	shell := readmeShell(t, server, web.URL)
	var got bytes.Buffer
	for line := range strings.Lines(block[1]) {
		if typed, isCommand := strings.CutPrefix(line, "$ "); isCommand {
			got.WriteString(line)
			got.WriteString(shell(withBaseURLs(typed, web.URL)))
		}
	}
	if diff := cmp.Diff(alike(block[1], web.URL), alike(got.String(), web.URL)); diff != "" {
		t.Errorf("the session in the README is another one (-README +now):\n%s", diff)
	}
}

// readmeShell returns a shell in which the README's commands can be typed.
func readmeShell(t *testing.T, server *sim.Server, url string) func(string) string {
	t.Helper()
	home := t.TempDir()
	example, err := os.ReadFile("../../profiles.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, password := server.Credentials(sim.Zumrails)
	for name, text := range map[string]string{
		".config/authctl/profiles.yaml": withBaseURLs(string(example), url), "password.txt": password + "\n",
	} {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return shellIn(t, home)
}

// shellIn returns a shell with a home and a file store.
func shellIn(t *testing.T, home string) func(string) string {
	t.Helper()
	identity := filepath.Join(home, "identity.txt")
	if _, err := store.CreateIdentity(identity); err != nil {
		t.Fatal(err)
	}
	return func(typed string) string {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", typed)
		cmd.Dir = home
		cmd.Env = append([]string{
			"GORACE=atexit_sleep_ms=0", "HOME=" + home, "PATH=" + os.Getenv("PATH"), "TZ=UTC", "AUTHCTL_STORE=file", "AUTHCTL_AGE_IDENTITY=" + identity,
		}, storetest.NoBus()...)
		out, _ := cmd.CombinedOutput() // a failure shows in the output
		return string(out)
	}
}

// alike takes away what differs from run to run.
func alike(text, url string) string {
	for _, r := range []struct{ pattern, with string }{
		{regexp.QuoteMeta(url) + `(/zumrails)?`, "https://api-sandbox.zumrails.com"},
		{`zumrails.com:443`, "zumrails.com"},
		{`\d+ [A-Z][a-z]{2} \d{4} \d\d:\d\d UTC`, "TIME"},
		{`in \d+ min( \d+ s)?`, "in SOON"},
		{`\b(keyring|file)\n`, "STORE\n"},
		{` {2,}`, "  "},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}
