package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/authctl/authctl/pkg/cli"
	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// sweepVariable names the folder that every authctl of a script writes a copy
// of its output to, for the sweep.
const sweepVariable = "AUTHCTL_TEST_SWEEP"

// noRaceSleep keeps a program with the race detector from sleeping for a second
// at its end.
const noRaceSleep = "GORACE=atexit_sleep_ms=0"

// TestMain makes the test binary run as authctl where a script calls it, so
// that the scripts run the real program, with the race detector.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"authctl": func() { os.Exit(cli.Main(recorded())) }})
}

// recorded is the real system, with a copy of both streams for the sweep.
func recorded() cli.Env {
	env := cli.System("v0.0.0-test")
	folder := os.Getenv(sweepVariable)
	if folder == "" {
		return env
	}
	open := func(stream string) io.Writer {
		name := fmt.Sprintf("%d-%d.%s", time.Now().UnixNano(), os.Getpid(), stream)
		file, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			panic(err)
		}
		_, _ = fmt.Fprintln(file, strings.Join(os.Args, " "))
		return file
	}
	env.Stdout, env.Stderr = tee{os.Stdout, open("out")}, tee{os.Stderr, open("err")}
	return env
}

// tee is a file that copies what is written to it; it stays the terminal that
// the file may be.
type tee struct {
	*os.File
	log io.Writer
}

func (t tee) Write(p []byte) (int, error) {
	_, _ = t.log.Write(p)
	return t.File.Write(p)
}

// pass is one run of all scripts on one store.
type pass struct {
	store    string
	env      []string // of the keyring
	identity string   // of the file store
	sweep    string

	mu      sync.Mutex
	secrets []string // that no output but a token command's may hold
}

func TestScriptsOnFileStore(t *testing.T) {
	t.Parallel()
	runScripts(t, &pass{store: store.File, env: storetest.NoBus()})
}

func TestScriptsOnKeyring(t *testing.T) {
	t.Parallel()
	runScripts(t, &pass{store: store.Keyring, env: storetest.StartKeyring(t).Env()})
}

func runScripts(t *testing.T, p *pass) {
	p.sweep = t.TempDir()
	p.identity = filepath.Join(t.TempDir(), "identity.txt")
	if _, err := store.CreateIdentity(p.identity); err != nil {
		t.Fatal(err)
	}
	t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Dir:                 "testdata",
			Setup:               p.setup,
			RequireExplicitExec: true,
			RequireUniqueNames:  true,
			Condition: func(condition string) (bool, error) {
				if !slices.Contains(store.Names(), condition) {
					return false, fmt.Errorf("unknown condition %q", condition)
				}
				return condition == p.store, nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"exits": exits, "sim": simulate, "requests": requests, "whoami": whoami, "capture": capture, "bytes": writeBytes,
				"absent": absent,
				"secret": p.secret, "privatekeyring": p.privateKeyring,
			},
		})
	})
	p.sweepOutput(t)
}

// simKey finds a script's simulated APIs.
type simKey struct{}

func (p *pass) setup(env *testscript.Env) error {
	server := sim.New(sim.Options{})
	web := httptest.NewServer(server)
	env.Defer(func() {
		server.Close()
		web.Close()
		p.keep(server.Tokens()...)
	})
	for _, user := range server.Users() {
		p.keep(user.Password)
	}
	env.Values[simKey{}] = server
	home := filepath.Join(env.WorkDir, "home")
	config := filepath.Join(home, ".config", "authctl")
	if err := os.MkdirAll(config, 0o700); err != nil {
		return err
	}
	example, err := os.ReadFile("../../profiles.example.yaml")
	if err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(config, "profiles.yaml"), []byte(withBaseURLs(string(example), web.URL)), 0o600)
	if err != nil {
		return err
	}
	env.Vars = append(env.Vars, p.env...)
	env.Vars = append(env.Vars, noRaceSleep,
		"GORACE=atexit_sleep_ms=0", // else each program lingers for a second
		"HOME="+home, "CONFIG="+config, "SIM="+web.URL, "PORT="+web.URL[strings.LastIndex(web.URL, ":")+1:], "NO_PROXY=*", "TZ=UTC",
		"XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "XDG_DATA_HOME=",
		"AUTHCTL_STORE="+p.store, "AUTHCTL_AGE_IDENTITY="+p.identity, sweepVariable+"="+p.sweep,
	)
	return nil
}

// withBaseURLs changes nothing in the example profiles but the base URLs.
func withBaseURLs(profiles, base string) string {
	return strings.NewReplacer(
		"https://api.logware.io", base+"/logware",
		"https://api-sandbox.zumrails.com", base+"/zumrails",
		"https://api-app.zumrails.com", base+"/zumrails-production",
		"https://analogue.com", base+"/analogue",
		"http://127.0.0.1:8080", base+"/datarhei-core",
		"https://saas.haut.ai", base+"/haut-ai",
	).Replace(profiles)
}

func simOf(ts *testscript.TestScript) *sim.Server { return ts.Value(simKey{}).(*sim.Server) }

// exits runs a program and demands an exit code:
//
//	exits 3 authctl token zumrails
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// simulate steers the simulated APIs:
//
//	sim fault zumrails html     sim fault zumrails     sim lifetime zumrails 2s
//	sim password logware user file     sim auth0 file
func simulate(ts *testscript.TestScript, _ bool, args []string) {
	server := simOf(ts)
	switch args[0] {
	case "fault":
		var faults []sim.Fault
		for _, text := range args[2:] {
			fault, err := sim.ParseFault(text)
			ts.Check(err)
			faults = append(faults, fault)
		}
		ts.Check(server.Fault(args[1], faults...))
	case "lifetime":
		lifetime, err := time.ParseDuration(args[2])
		ts.Check(err)
		ts.Check(server.SetLifetime(args[1], lifetime))
	case "password":
		ts.Check(server.SetPassword(args[1], args[2], ts.ReadFile(args[3])))
	case "auth0":
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(server.Auth0Token()), 0o600))
	default:
		ts.Fatalf("sim cannot %s", args[0])
	}
}

// requests prints what the simulated APIs were asked since the last time, one
// request a line, for stdout and cmp.
func requests(ts *testscript.TestScript, _ bool, _ []string) {
	server, out := simOf(ts), ts.Stdout()
	for _, r := range server.Requests() {
		_, _ = fmt.Fprintf(out, "%s %s %s %d\n", r.Method, r.API, r.Path, r.Status)
	}
	server.ResetRequests()
}

// whoami asks an API who sends a header line, and demands a status:
//
//	whoami 200 zumrails $HEADER
func whoami(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: whoami STATUS API HEADERLINE")
	}
	path := map[string]string{"datarhei-core": "/api/v3/process", "haut-ai": "/api/v1/auth/whoami/"}[args[1]]
	if path == "" {
		path = "/api/whoami"
	}
	request, err := http.NewRequest(http.MethodGet, ts.Getenv("SIM")+"/"+args[1]+path, nil)
	ts.Check(err)
	name, value, _ := strings.Cut(args[2], ": ")
	request.Header.Set(name, value)
	answer, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	_, _ = ts.Stdout().Write(body)
	if fmt.Sprint(answer.StatusCode) != args[0] {
		ts.Fatalf("status %d, want %s", answer.StatusCode, args[0])
	}
}

// capture puts the last standard output, without its line break, into a
// variable, as $(…) does.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimRight(ts.ReadFile("stdout"), "\n"))
}

// writeBytes writes a file from a Go string literal, for bytes that a script
// cannot hold:
//
//	bytes file "a\nb\x00"
func writeBytes(ts *testscript.TestScript, _ bool, args []string) {
	text, err := strconv.Unquote(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// absent demands that no file below a folder holds a text.
//
//	absent $HOME text
func absent(ts *testscript.TestScript, _ bool, args []string) {
	err := filepath.WalkDir(args[0], func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && bytes.Contains(data, []byte(args[1])) {
			err = fmt.Errorf("%s holds the text", path)
		}
		return err
	})
	ts.Check(err)
}

// secret names more secrets for the sweep.
func (p *pass) secret(_ *testscript.TestScript, _ bool, args []string) { p.keep(args...) }

// privateKeyring gives the script a keyring of its own and puts it into a
// state: privatekeyring unlocked|locked|stopped
func (p *pass) privateKeyring(ts *testscript.TestScript, _ bool, args []string) {
	k, err := storetest.LaunchKeyring()
	ts.Check(err)
	ts.Defer(func() { ts.Check(k.Close()) })
	for _, variable := range k.Env() {
		name, value, _ := strings.Cut(variable, "=")
		ts.Setenv(name, value)
	}
	ts.Check(keyringState(k, args[0]))
	if len(args) > 1 {
		ts.Check(ts.Exec(args[1], args[2:]...))
	}
}

func keyringState(k *storetest.Keyring, state string) error {
	switch state {
	case "locked":
		return k.Lock()
	case "stopped":
		return k.Stop()
	case "unlocked":
		return nil
	}
	return fmt.Errorf("no keyring can be %s", state)
}

func (p *pass) keep(secrets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secrets = append(p.secrets, secrets...)
}

// sweepOutput looks for every secret used in any script in all output of all
// scripts (threat 7). Standard output may hold a token where a command was
// asked for one; standard error never holds any.
func (p *pass) sweepOutput(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(p.sweep, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the scripts left no output to sweep: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		command, output, _ := strings.Cut(string(data), "\n")
		for _, secret := range p.secrets {
			if len(secret) >= 4 && strings.Contains(output, secret) && !(strings.HasSuffix(file, ".out") && mayReveal(command, secret)) {
				t.Errorf("threat 7: %q shows a secret that begins with %.12q in %s", command, secret, filepath.Ext(file))
			}
		}
	}
}

// mayReveal says whether a command prints tokens because it was asked to.
// Passwords (they hold "s3cr3t") are never printed.
func mayReveal(command, secret string) bool {
	words := strings.Fields(command)
	asked := len(words) > 1 && (words[1] == "token" || words[1] == "decode" || slices.Contains(words, "none"))
	return asked && !strings.Contains(secret, "s3cr3t")
}
