package cli_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/store"
)

// scene is a home with profiles for two simulated APIs, and a program to run
// in it.
type scene struct {
	t       *testing.T
	program string
	sim     *sim.Server
	url     string
	home    string
	env     []string // over those of the home

	ended chan struct{} // closed when the test is over
	mu    sync.Mutex
	gate  *gate
}

// sceneProfiles has an API that keeps its refresh tokens and one that rotates
// them.
const sceneProfiles = `version: 1
profiles:
  core:
    base_url: SIM/datarhei-core
    login: {request: POST /api/login, json: {username: "{{username}}", password: "{{password}}"}}
    refresh: {request: GET /api/login/refresh, headers: {Authorization: "Bearer {{refresh_token}}"}}
    token: .access_token
    refresh_token: .refresh_token
  rotating:
    base_url: SIM/rotating
    login: {request: POST /oauth/login, form: {username: "{{username}}", password: "{{password}}"}}
    refresh: {request: POST /oauth/refresh, form: {refresh_token: "{{refresh_token}}"}}
    token: .access_token
    refresh_token: .refresh_token
    expires_in: .expires_in
`

// newScene makes a home whose sessions lie in a store; bus leads to a keyring.
func newScene(t *testing.T, program, storeName string, bus []string) *scene {
	t.Helper()
	s := &scene{t: t, program: program, sim: sim.New(sim.Options{}), home: t.TempDir(), ended: make(chan struct{})}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	t.Cleanup(s.sim.Close)
	t.Cleanup(func() { close(s.ended) })
	s.url = web.URL
	identity := filepath.Join(s.home, "identity.txt")
	if _, err := store.CreateIdentity(identity); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, bus...)
	s.env = append(s.env, "XDG_DATA_HOME=", "AUTHCTL_STORE="+storeName, "AUTHCTL_AGE_IDENTITY="+identity)
	s.writeProfiles(filepath.Join(s.home, ".config", "authctl", "profiles.yaml"))
	return s
}

func (s *scene) writeProfiles(path string) {
	s.t.Helper()
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700),
		os.WriteFile(path, []byte(strings.ReplaceAll(sceneProfiles, "SIM", s.url)), 0o600))
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) state(name string) string {
	return filepath.Join(s.home, ".local", "state", "authctl", name)
}

// gate holds back one answer of the simulation.
type gate struct {
	path    string // the end of the path of the request
	after   bool   // the simulation has done what it was asked, and says so late
	arrived chan struct{}
	open    chan bool
}

// hold holds back the answer to the next request whose path ends so.
func (s *scene) hold(path string, after bool) *gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = &gate{path, after, make(chan struct{}), make(chan bool, 1)}
	return s.gate
}

func (s *scene) gateOf(r *http.Request) *gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gate
	if g == nil || !strings.HasSuffix(r.URL.Path, g.path) {
		return nil
	}
	s.gate = nil
	return g
}

// let lets the answer go.
func (g *gate) let() { g.open <- true }

// drop says that nobody waits for the answer any more.
func (g *gate) drop() { close(g.open) }

// wait says whether the answer may go.
func (g *gate) wait(ended chan struct{}) bool {
	close(g.arrived)
	select {
	case ok := <-g.open:
		return ok
	case <-ended:
		return false
	}
}

// ServeHTTP implements http.Handler.
func (s *scene) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g := s.gateOf(r)
	switch {
	case g == nil:
		s.sim.ServeHTTP(w, r)
	case g.after:
		answer := httptest.NewRecorder()
		s.sim.ServeHTTP(answer, r)
		if g.wait(s.ended) {
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes()) // the client tells if it gets nothing
		}
	case g.wait(s.ended):
		s.sim.ServeHTTP(w, r)
	}
}

// buildProgram builds authctl as people have it, without the race detector:
// hundreds of processes of the test binary would take too long.
func buildProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "authctl")
	if out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, module+"cmd/authctl").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// command returns a call of the program. It never waits for a terminal.
func (s *scene) command(args ...string) *exec.Cmd {
	c := exec.Command(s.program, args...)
	c.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.home, "NO_PROXY=*", "TZ=UTC", noRaceSleep,
	}, s.env...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // if the test dies
	return c
}

// outcome is what a call of the program came to.
type outcome struct {
	code           int // -1: killed
	stdout, stderr string
	took           time.Duration
}

// run runs the program to its end.
func (s *scene) run(stdin string, args ...string) outcome {
	return s.finish(s.start(stdin, args...))
}

// running is a program that was started.
type running struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
	since          time.Time
	err            error
}

func (s *scene) start(stdin string, args ...string) *running {
	return s.begin(stdin, s.command(args...))
}

func (s *scene) begin(stdin string, c *exec.Cmd) *running {
	r := &running{Cmd: c, since: time.Now()}
	r.Cmd.Stdin, r.Cmd.Stdout, r.Cmd.Stderr = strings.NewReader(stdin), &r.stdout, &r.stderr
	r.err = r.Start()
	if r.err == nil {
		s.t.Cleanup(func() { _ = r.Process.Kill() }) // it has ended, unless the test failed
	}
	return r
}

func (s *scene) finish(r *running) outcome {
	if r.err != nil {
		s.t.Errorf("start: %v", r.err)
		return outcome{code: -1}
	}
	_ = r.Wait() // the exit code tells
	return outcome{r.ProcessState.ExitCode(), r.stdout.String(), r.stderr.String(), time.Since(r.since)}
}

// want runs the program and demands an exit code.
func (s *scene) want(code int, args ...string) outcome {
	s.t.Helper()
	o := s.run("", args...)
	if o.code != code {
		s.t.Fatalf("authctl %s: exit %d, want %d\n%s", strings.Join(args, " "), o.code, code, o.stderr)
	}
	return o
}

// login logs in to a profile of the scene.
func (s *scene) login(profile string, args ...string) outcome {
	return s.finish(s.startLogin(profile, args...))
}

func (s *scene) startLogin(profile string, args ...string) *running {
	user, password := s.sim.Credentials(apiOf(profile))
	return s.start(password, append([]string{"login", profile, "--username", user, "--password-stdin"}, args...)...)
}

func (s *scene) wantLogin(profile string, args ...string) {
	s.t.Helper()
	if o := s.login(profile, args...); o.code != 0 {
		s.t.Fatalf("login: exit %d\n%s", o.code, o.stderr)
	}
}

// lifetime sets how long the tokens of a profile's API last.
func (s *scene) lifetime(profile string, d time.Duration) {
	s.t.Helper()
	if err := s.sim.SetLifetime(apiOf(profile), d); err != nil {
		s.t.Fatal(err)
	}
}

// refreshes counts the refresh calls that came to the simulation.
func (s *scene) refreshes() int {
	n := 0
	for _, r := range s.sim.Requests() {
		if strings.HasSuffix(r.Path, "/refresh") {
			n++
		}
	}
	return n
}

// works says whether the server takes a token.
func (s *scene) works(profile, token string) bool {
	path := map[string]string{"core": "/datarhei-core/api/v3/process", "rotating": "/rotating/whoami"}[profile]
	request, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Error(err)
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func apiOf(profile string) string {
	if profile == "core" {
		return sim.DatarheiCore
	}
	return profile
}

// until polls for something that is to come.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}
