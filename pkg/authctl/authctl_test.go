package authctl_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/authctl"
	"github.com/authctl/authctl/pkg/cli"
	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/store"
)

// machine is a home with a profile for a simulated API, and somebody who is
// logged in there with the authctl command.
type machine struct {
	home string
	url  string
	sim  *sim.Server
	web  *httptest.Server
}

func newMachine(lifetime time.Duration) (*machine, error) {
	home, err := os.MkdirTemp("", "authctl-test-")
	if err != nil {
		return nil, err
	}
	m := &machine{home: home, sim: sim.New(sim.Options{})}
	m.web = httptest.NewServer(m.sim)
	m.url = m.web.URL + "/datarhei-core"
	profiles := `version: 1
profiles:
  core:
    base_url: ` + m.url + `
    login: {request: POST /api/login, json: {username: "{{username}}", password: "{{password}}"}}
    refresh: {request: GET /api/login/refresh, headers: {Authorization: "Bearer {{refresh_token}}"}}
    token: .access_token
    refresh_token: .refresh_token
`
	folder := filepath.Join(home, ".config", "authctl")
	_, identityErr := store.CreateIdentity(filepath.Join(folder, "identity.txt"))
	err = errors.Join(identityErr, os.WriteFile(filepath.Join(folder, "profiles.yaml"), []byte(profiles), 0o600), m.sim.SetLifetime(sim.DatarheiCore, lifetime))
	if err != nil {
		return nil, err
	}
	user, password := m.sim.Credentials(sim.DatarheiCore)
	if _, code := m.authctl(password, "login", "core", "--store", "file", "--username", user, "--password-stdin"); code != 0 {
		return nil, fmt.Errorf("login: exit %d", code)
	}
	return m, nil
}

func (m *machine) close() {
	m.web.Close()
	m.sim.Close()
	_ = os.RemoveAll(m.home) // a folder of the test's own
}

// getenv is the environment of the machine.
func (m *machine) getenv(name string) string {
	return map[string]string{"HOME": m.home, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}[name]
}

// authctl runs the command.
func (m *machine) authctl(stdin string, args ...string) (stdout string, code int) {
	var out bytes.Buffer
	code = cli.Main(cli.Env{
		Args: args, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: io.Discard,
		Getenv: m.getenv, Environ: func() []string { return nil }, Now: time.Now,
		OpenTTY: func() (*console.TTY, error) { return nil, console.ErrNoTerminal }, GOOS: "linux", Version: "test",
	})
	return strings.TrimSpace(out.String()), code
}

func (m *machine) refreshes() int {
	n := 0
	for _, r := range m.sim.Requests() {
		if strings.HasSuffix(r.Path, "/refresh") {
			n++
		}
	}
	return n
}

func start(t *testing.T, lifetime time.Duration) (*machine, *authctl.Session) {
	t.Helper()
	m, err := newMachine(lifetime)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	session, err := authctl.Config{Profile: "core", Getenv: m.getenv}.Open()
	if err != nil {
		t.Fatal(err)
	}
	return m, session
}

// TestOneSessionForAll lets a hundred goroutines of a program and some commands
// find at once that the token is over.
func TestOneSessionForAll(t *testing.T) {
	t.Parallel()
	m, session := start(t, 2*time.Second)
	source := session.TokenSource(t.Context())
	first, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	if kept, _ := m.authctl("", "token", "core", "--no-renew"); kept != first.AccessToken || first.Type() != "Bearer" {
		t.Errorf("the command has another token than the program, or %q is no Bearer", first.Type())
	}
	if err := m.sim.SetLifetime(sim.DatarheiCore, time.Hour); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(first.Expiry))
	m.sim.ResetRequests()
	client := session.Client()
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			answer, err := client.Get(m.url + "/api/v3/process")
			if err != nil {
				t.Error(err)
				return
			}
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("status %d", answer.StatusCode)
			}
		})
	}
	for range 5 {
		all.Go(func() {
			if _, code := m.authctl("", "token", "core"); code != 0 {
				t.Errorf("authctl token: exit %d", code)
			}
		})
	}
	all.Wait()
	if n := m.refreshes(); n != 1 {
		t.Errorf("%d renewals, want 1", n)
	}
	second, err := source.Token()
	if kept, _ := m.authctl("", "token", "core"); err != nil || kept != second.AccessToken {
		t.Errorf("the command has another token than the program: %v", err)
	}
}

// TestErrors tells what is missing, in the kinds that the command has exit codes
// for.
func TestErrors(t *testing.T) {
	t.Parallel()
	m, session := start(t, time.Hour)
	if _, err := (authctl.Config{Profile: "cor", Getenv: m.getenv}).Open(); fault.KindOf(err) != fault.Usage && fault.KindOf(err) != fault.Profile {
		t.Errorf("a profile that is not there: %v", err)
	}
	if _, err := (authctl.Config{Profile: "core", Environment: "live", Getenv: m.getenv}).Open(); fault.KindOf(err) != fault.Usage {
		t.Errorf("an environment that is not there: %v", err)
	}
	if _, code := m.authctl("", "logout", "core"); code != 0 {
		t.Fatalf("logout: exit %d", code)
	}
	_, err := session.TokenSource(t.Context()).Token()
	if fault.KindOf(err) != fault.LoginNeeded || fault.HintOf(err) != "authctl login core" {
		t.Errorf("logged out: %v; %s", err, fault.HintOf(err))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := session.TokenSource(ended).Token(); err == nil {
		t.Error("a token came after the end of the context")
	}
}
