package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// build makes authctl once for all tests, in the way "make build" does.
var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "authdemo")
	if err != nil {
		return "", err
	}
	program := filepath.Join(folder, "authctl")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", program, "../authctl")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("go build: %w: %s", err, out), os.RemoveAll(folder))
	}
	return program, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program)) // a temporary folder
	}
	os.Exit(code)
}

// played is what a demo left behind.
type played struct {
	code           int
	stdout, stderr string
	commands       []string // as they were shown
	leftovers      []string // names in the folder for temporary files
}

// playWith plays a demo whose temporary files lie in a folder of its own.
func playWith(t *testing.T, w world, program string) played {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	var stdout, stderr bytes.Buffer
	ctx := t.Context()
	if w.stdout == nil {
		w.stdout = &stdout
	} else { // it is a trigger
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		w.stdout.(*trigger).cancel = cancel
	}
	w.stderr = &stderr
	p := played{code: run(ctx, []string{"--authctl", program, "--profiles", "../../profiles.example.yaml"}, w)}
	p.stdout, p.stderr = stdout.String(), stderr.String()
	for line := range strings.Lines(strings.ReplaceAll(p.stdout, " \\\n   ", "")) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			p.commands = append(p.commands, strings.TrimSpace(command))
		}
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		p.leftovers = append(p.leftovers, entry.Name())
	}
	return p
}

// program returns the path of a built authctl.
func program(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// bare is a machine without curl and without a keyring, in no colours.
func bare() world {
	return world{environ: append(os.Environ(), append(storetest.NoBus(), "NO_COLOR=1")...)}
}

// wantWhole checks what holds for every demo that came to its end.
func wantWhole(t *testing.T, p played) {
	t.Helper()
	if p.code != exitDone || p.stderr != "" || len(p.leftovers) > 0 {
		t.Fatalf("exit code %d, stderr %q, left behind %v, stdout:\n%s", p.code, p.stderr, p.leftovers, p.stdout)
	}
	server := sim.New(sim.Options{})
	for _, user := range server.Users() {
		if strings.Contains(p.stdout, user.Password) {
			t.Errorf("the password of %s is shown", user.API)
		}
	}
	if whole := regexp.MustCompile(`eyJ[\w-]{8,}`).FindString(p.stdout); whole != "" {
		t.Errorf("a token is shown: %s", whole)
	}
	if strings.Contains(p.stdout, "\x1b") {
		t.Error("there are colours, and no terminal")
	}
}

// commands are those of the demo, but for the first ones, which depend on the
// store, and for the calls.
const commands = `authctl login zumrails --username sandbox-api-user --password-stdin
authctl login analogue --username user@analogue.com --password-stdin
authctl login datarhei-core --username admin --password-stdin
authctl login haut-ai --username dev@haut-ai.example --password-stdin
authctl login datarhei-core --via auth0 --input auth0_token=@- --account auth0
authctl status
authctl token haut-ai | authctl decode
authctl token zumrails
authctl refresh datarhei-core
header=$(authctl token zumrails --output header)
authctl cancel zumrails
authctl token zumrails
authctl token create haut-ai --name ci --expires-in 30d
authctl token list haut-ai
authctl token revoke haut-ai ci --yes
authctl token list haut-ai
authctl login logware --username my-API-login --password-stdin
authctl token logware
authctl login zumrails --username sandbox-api-user --password-stdin
authctl logout --all
authctl status`

func TestWithoutKeyringAndCurl(t *testing.T) {
	p := playWith(t, bare(), program(t))
	wantWhole(t, p)
	want := append([]string{
		"authctl doctor --store keyring", "authctl doctor --create-identity",
		"authctl login logware --username my-API-login --password-stdin --store file",
	}, strings.Split(commands, "\n")...)
	if diff := cmp.Diff(want, p.commands); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	for _, part := range []string{
		"by Go's HTTP client (there is no curl here)", "kept in  file", "Token was cancelled", "[401]",
		"[exit code 3]", "[exit code 4]", "Invalid username or password", "there are no sessions",
		program(t) + " login NAME --dry-run",
	} {
		if !strings.Contains(p.stdout, part) {
			t.Errorf("%q is not shown", part)
		}
	}
	for line := range strings.Lines(p.stdout) {
		if strings.HasPrefix(line, "$ ") && len(line) > columns+1 {
			t.Errorf("wider than %d columns: %s", columns, line)
		}
	}
}

func TestWithKeyringAndCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl")
	}
	keyring := storetest.StartKeyring(t)
	w := bare()
	w.curl, w.environ = curl, append(w.environ, keyring.Env()...)
	p := playWith(t, w, program(t))
	wantWhole(t, p)
	if !strings.Contains(p.stdout, "kept in  keyring") || strings.Contains(p.stdout, "--store file") {
		t.Errorf("the keyring was not used:\n%s", p.stdout)
	}
	call := `curl -sS -H "$header" -w ' [%{http_code}]\n' http://127.0.0.1:`
	if !slices.ContainsFunc(p.commands, func(c string) bool { return strings.HasPrefix(c, call) }) {
		t.Errorf("curl was not used: %q", p.commands)
	}
	wantEmpty(t, keyring)
}

// wantEmpty checks that no session is left in a keyring.
func wantEmpty(t *testing.T, keyring *storetest.Keyring) {
	t.Helper()
	search := exec.Command("secret-tool", "search", "--all", "service", "authctl")
	search.Env = append(os.Environ(), keyring.Env()...)
	if out, err := search.CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
		t.Log("there is no secret-tool to look into the keyring")
	} else if len(out) > 0 {
		t.Errorf("left in the keyring: %s", out)
	}
}

// standIn writes a shell script that takes the place of authctl.
func standIn(t *testing.T, script string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	path := filepath.Join(t.TempDir(), "authctl")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSurprise(t *testing.T) {
	p := playWith(t, bare(), standIn(t, "echo broken >&2\nexit 7"))
	want := "authdemo: the demo failed: authctl doctor --store keyring: exit code 7, expected 0 or 5\n"
	if p.code != exitOther || p.stderr != want || !strings.Contains(p.stdout, "broken") || len(p.leftovers) > 0 {
		t.Errorf("exit code %d, stderr %q, left behind %v, stdout:\n%s", p.code, p.stderr, p.leftovers, p.stdout)
	}
}

// TestLateSurprise makes one command do nothing, when there are sessions in the
// keyring.
func TestLateSurprise(t *testing.T) {
	keyring := storetest.StartKeyring(t)
	w := bare()
	w.environ = append(w.environ, keyring.Env()...)
	p := playWith(t, w, standIn(t, "case $1 in cancel) exit 0 ;; *) exec "+program(t)+` "$@" ;; esac`))
	want := "authdemo: the demo failed: GET zumrails/api/whoami: status 200, expected 401\n"
	if p.code != exitOther || p.stderr != want || len(p.leftovers) > 0 {
		t.Errorf("exit code %d, stderr %q, left behind %v", p.code, p.stderr, p.leftovers)
	}
	wantEmpty(t, keyring)
}

func TestPasswordInTheOutput(t *testing.T) {
	p := playWith(t, bare(), standIn(t, "case $1 in login) cat ;; *) exec "+program(t)+` "$@" ;; esac`))
	if p.code != exitOther || !strings.HasSuffix(p.stderr, "--store file: a password is in the output\n") {
		t.Errorf("exit code %d, stderr %q", p.code, p.stderr)
	}
	if strings.Contains(p.stdout, "s3cr3t") || !strings.Contains(p.stdout, "[password]") {
		t.Errorf("the password is shown:\n%s", p.stdout)
	}
}

// trigger cancels the demo as soon as it has shown a text.
type trigger struct {
	at     string
	cancel context.CancelFunc
}

func (tr *trigger) Write(p []byte) (int, error) {
	if strings.Contains(string(p), tr.at) {
		tr.cancel()
	}
	return len(p), nil
}

func TestInterrupted(t *testing.T) {
	for _, at := range []string{"doctor --store keyring", "logged in to zumrails", "Two seconds later"} {
		w := bare()
		w.stdout = &trigger{at: at}
		p := playWith(t, w, program(t))
		if p.code != exitInterrupted || p.stderr != "authdemo: interrupted; nothing is left behind\n" || len(p.leftovers) > 0 {
			t.Errorf("%s: exit code %d, stderr %q, left behind %v", at, p.code, p.stderr, p.leftovers)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for want, args := range map[int][]string{
		exitDone: {"--help"}, exitUsage: {"--nothing"}, exitOther: {"--authctl", filepath.Join(t.TempDir(), "absent")},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, world{stdout: &stdout, stderr: &stderr}); code != want || stderr.Len() == 0 {
			t.Errorf("%v: exit code %d, want %d; stderr %q", args, code, want, stderr.String())
		}
	}
}

func TestProfileFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it is always the same")
	}
	for variable, want := range map[string]string{
		"":                           "~/.config/authctl/profiles.yaml",
		"XDG_CONFIG_HOME=relative":   "~/.config/authctl/profiles.yaml",
		"XDG_CONFIG_HOME=/srv/c/ada": "/srv/c/ada/authctl/profiles.yaml",
	} {
		if got := profileFile([]string{"HOME=/home/ada", variable}); got != want {
			t.Errorf("%s: %s, want %s", variable, got, want)
		}
	}
}
