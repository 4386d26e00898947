package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/sim"
)

// vikunja is as much of Vikunja's API as the walk-through needs; the account has
// a second factor.
func vikunja(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/login", func(w http.ResponseWriter, r *http.Request) {
		var sent map[string]string
		w.Header().Set("Content-Type", "application/json")
		switch err := json.NewDecoder(r.Body).Decode(&sent); {
		case err != nil || sent["password"] != "vikunja-s3cr3t":
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"message":"Wrong username or password."}`))
		case sent["totp_passcode"] != "123456":
			w.WriteHeader(http.StatusPreconditionFailed)
			_, _ = w.Write([]byte(`{"message":"Invalid totp passcode."}`))
		default:
			http.SetCookie(w, &http.Cookie{Name: "vikunja_refresh_token", Value: "r3fresh-me", HttpOnly: true})
			_, _ = w.Write([]byte(`{"token":"v1kunja-token"}`))
		}
	})
	mux.HandleFunc("POST /api/v1/user/logout", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer v1kunja-token" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// TestWalkThrough types the commands of docs/from-page-to-token.md; what they
// print is what stands there.
func TestWalkThrough(t *testing.T) {
	t.Parallel()
	const file = "../../docs/from-page-to-token.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	server := sim.New(sim.Options{})
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	t.Cleanup(server.Close)
	home := t.TempDir()
	shell := shellIn(t, home)
	hosts := strings.NewReplacer("https://vikunja.example.org", vikunja(t).URL)
	_, analogue := server.Credentials(sim.Analogue)
	_, core := server.Credentials(sim.DatarheiCore)
	passwords := map[string]string{"analogue": analogue, "core": core, "vikunja": "vikunja-s3cr3t"}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("code.txt", "123456\n")
	commands := 0
	now := regexp.MustCompile("(?s)```(yaml|console)\n(.*?)```").ReplaceAllStringFunc(string(page), func(block string) string {
		kind, text, _ := strings.Cut(strings.Trim(block, "`"), "\n")
		if kind == "yaml" {
			write("new.yaml", hosts.Replace(withBaseURLs(text, web.URL)))
			name := regexp.MustCompile(`(?m)^  (\w+):$`).FindStringSubmatch(text)[1]
			write("password.txt", passwords[name]+"\n")
			return block
		}
		var got strings.Builder
		for line := range strings.Lines(text) {
			if typed, isCommand := strings.CutPrefix(line, "$ "); isCommand {
				commands++
				got.WriteString(line + shell(typed))
			}
		}
		return "```console\n" + got.String() + "```"
	})
	if commands < 10 {
		t.Errorf("only %d commands", commands)
	}
	if diff := cmp.Diff(walkAlike(string(page)), walkAlike(now)); diff != "" {
		t.Errorf("%s shows something else (-file +now):\n%s", file, diff)
	}
}

// walkAlike takes away what differs from run to run.
func walkAlike(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{`https?://(?:127\.0\.0\.1:\d+|analogue\.com|vikunja\.example\.org)(?::443)?(?:/analogue|/datarhei-core)?`, "https://HOST"},
		{`\b127\.0\.0\.1:\d+|\b(?:analogue\.com|vikunja\.example\.org)\b`, "HOST"},
		{`\d+ [A-Z][a-z]{2} \d{4} \d\d:\d\d UTC`, "TIME"},
		{`in \d+ (?:d|h|min)(?: \d+ (?:h|min|s))?`, "in SOON"},
		{`\b(?:keyring|file)\n`, "STORE\n"},
		{` {2,}`, "  "},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}
