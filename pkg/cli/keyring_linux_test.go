package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// unattended is how long authctl waits for a keyring that does not answer when
// nobody is there, and patience is that with what a busy machine adds.
const (
	unattended = 5 * time.Second
	patience   = unattended + 4*time.Second
)

// badKeyring is a way in which a keyring misbehaves, and the exit codes of
// three commands: a first login, a token of a session that was there before,
// and the logout from another one.
type badKeyring struct {
	name                 string
	manners              storetest.Manners
	login, token, logout int
}

func badKeyrings() []badKeyring {
	type m = storetest.Manners
	late := unattended + 2*time.Second
	return []badKeyring{
		{"good", m{}, 0, 0, 0},
		{"silent", m{Silent: true}, 5, 5, 5},
		{"nobody answers the unlock dialog", m{Locked: true, Unlock: storetest.Unmindful}, 5, 5, 5},
		{"unlock dialog dismissed", m{Locked: true, Unlock: storetest.Dismissed}, 5, 5, 5},
		{"nobody answers the dialog of a write", m{Create: storetest.Unmindful}, 5, 0, 0},
		{"write dismissed", m{Create: storetest.Dismissed}, 5, 0, 0},
		{"end of a dialog malformed", m{Create: storetest.Malformed}, 5, 0, 0},
		{"nobody answers the dialog of a delete", m{Delete: storetest.Unmindful}, 0, 0, 5},
		{"delete dismissed", m{Delete: storetest.Dismissed}, 0, 0, 5},
		{"wrong types", m{WrongTypes: true}, 5, 5, 5},
		{"items vanish", m{Vanish: true}, 5, 0, 0},
		{"slow", m{Delay: 100 * time.Millisecond}, 0, 0, 0},
		{"slower than the deadline", m{Delay: late}, 5, 5, 5},
		{"one write slower than the deadline", m{Slow: "CreateItem", Delay: late}, 5, 0, 0},
	}
}

// testBadKeyrings runs the program on keyrings that misbehave. They wait most
// of the time, so all run at once; a parallel subtest would take a processor.
func testBadKeyrings(t *testing.T, program string) {
	checkMarked(t)
	var all sync.WaitGroup
	for _, bad := range badKeyrings() {
		service := storetest.StartService(t)
		s := newScene(t, program, store.Keyring, service.Env())
		s.env = append(s.env, "AUTHCTL_TEST_MARK="+s.home)
		all.Go(func() {
			start := time.Now()
			bad.run(s, service)
			t.Logf("%-40s %s", bad.name, time.Since(start).Round(10*time.Millisecond))
		})
	}
	all.Wait()
}

func (b badKeyring) run(s *scene, service *storetest.Service) {
	for _, account := range []string{"token", "logout"} {
		if o := s.login("core", "--account", account); o.code != 0 {
			s.t.Errorf("%s: the keyring is good, but login: %s", b.name, o.stderr)
			return
		}
	}
	service.SetManners(b.manners)
	var login, token, logout outcome
	var all sync.WaitGroup
	all.Go(func() { login = s.login("core", "--account", "login") })
	all.Go(func() { token = s.run("", "token", "core", "--account", "token") })
	all.Go(func() { logout = s.run("", "logout", "core", "--account", "logout") })
	all.Wait()
	b.check(s, "login", login, b.login, "")
	b.check(s, "token", token, b.token, "ey")
	b.check(s, "logout", logout, b.logout, "")
	if done := strings.Contains(login.stderr, "logged in to"); done != (b.login == 0) {
		s.t.Errorf("%s: login claims: %s", b.name, login.stderr)
	}
	if done := strings.Contains(logout.stderr, "logged out"); done != (b.logout == 0) {
		s.t.Errorf("%s: logout claims: %s", b.name, logout.stderr)
	}
	service.SetManners(storetest.Manners{})
	b.checkTruth(s, service)
	if left := marked(s.home); len(left) > 0 {
		s.t.Errorf("%s: left behind: %s", b.name, left)
	}
}

// check looks at the code, the time and the form of what was printed.
func (b badKeyring) check(s *scene, command string, o outcome, code int, stdout string) {
	said := fmt.Sprintf("%s: %s: exit %d after %s\n%s", b.name, command, o.code, o.took, o.stderr)
	if o.code != code || code != 0 && o.took > patience {
		s.t.Errorf("%s\nwant exit %d within %s", said, code, patience)
	}
	if code != 0 {
		stdout = ""
	}
	if (stdout == "") != (o.stdout == "") || !strings.HasPrefix(o.stdout, stdout) {
		s.t.Errorf("%s: standard output %.4q…", said, o.stdout)
	}
	errors, hints := 0, 0
	for line := range strings.Lines(o.stderr) {
		if strings.HasPrefix(line, "authctl: ") {
			errors++
		}
		if strings.HasPrefix(line, "hint: ") {
			hints++
		}
	}
	if want := min(code, 1); errors != want || hints != want {
		s.t.Errorf("%s\n%d error lines and %d hints", said, errors, hints)
	}
}

// checkTruth asks a keyring that is good again what became of the sessions:
// what the program said must be so.
func (b badKeyring) checkTruth(s *scene, service *storetest.Service) {
	truth := map[string]int{"token": 0, "login": 0, "logout": 0}
	if b.login != 0 {
		truth["login"] = 3
	}
	if b.logout == 0 {
		truth["logout"] = 3
	}
	for account, want := range truth {
		if o := s.run("", "token", "core", "--account", account); o.code != want {
			s.t.Errorf("%s: afterwards the session %q: exit %d, want %d\n%s", b.name, account, o.code, want, o.stderr)
		}
	}
	for account := range truth {
		if o := s.run("", "logout", "core", "--account", account); o.code != 0 && o.code != 3 {
			s.t.Errorf("%s: logout at last: exit %d\n%s", b.name, o.code, o.stderr)
		}
	}
	if items, err := service.Items(); err != nil || len(items) > 0 {
		s.t.Errorf("%s: left in the keyring after all logouts: %v, %v", b.name, items, err)
	}
}

// marked returns the processes whose environment holds a text.
func marked(mark string) []string {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var left []string
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && bytes.Contains(data, []byte("AUTHCTL_TEST_MARK="+mark)) {
			name, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
			left = append(left, string(bytes.ReplaceAll(name, []byte{0}, []byte(" "))))
		}
	}
	return left
}

// checkMarked starts a process that stays, to see that marked finds it.
func checkMarked(t *testing.T) {
	t.Helper()
	mark := t.TempDir()
	c := exec.CommandContext(t.Context(), "sleep", "60")
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "AUTHCTL_TEST_MARK=" + mark}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if left := marked(mark); len(left) != 1 {
		t.Errorf("a process that stays behind is found %d times", len(left))
	}
	_ = c.Process.Kill()
	_ = c.Wait() // killed
}

// middle is something that happens to the keyring while the program waits for
// the server.
type middle struct {
	name, profile, path string
	start               func(*scene) *running
	to                  func(*storetest.Keyring) error
	code                int
	said                string
	lost                bool // nobody has the new refresh token, and the old one is used up
}

func middles() []middle {
	login := func(s *scene) *running { return s.startLogin("core") }
	run := func(args ...string) func(*scene) *running {
		return func(s *scene) *running { return s.start("", args...) }
	}
	token, rotate := run("token", "core"), run("token", "rotating")
	restart, lock, stop := (*storetest.Keyring).Restart, (*storetest.Keyring).Lock, (*storetest.Keyring).Stop
	const notKept = " was renewed and could not be kept: the refresh token is not saved: "
	const wayOn = "if the next renewal is refused: authctl login rotating"
	return []middle{
		{"login, restarted", "core", "/login", login, restart, 0, "logged in to core", false},
		{"renewal, restarted", "core", "/refresh", token, restart, 0, "", false},
		{"rotation, restarted", "rotating", "/refresh", rotate, restart, 0, "", false},
		{"login, locked", "core", "/login", login, lock, 5, "the server has logged you in", false},
		{"renewal, locked", "core", "/refresh", token, lock, 0, "was renewed and could not be kept: ", false},
		{"rotation, locked", "rotating", "/refresh", rotate, lock, 0, notKept + "the keyring is locked", true},
		{"rotation, locked: the way on", "rotating", "/refresh", rotate, lock, 0, wayOn, true},
		{"refresh, locked", "rotating", "/refresh", run("refresh", "rotating"), lock, 5, notKept, true},
		{"renewal, stopped", "core", "/refresh", token, stop, 0, "was renewed and could not be kept: ", false},
		{"rotation, stopped", "rotating", "/refresh", rotate, stop, 0, notKept, true},
		{"login, stopped", "core", "/login", login, stop, 5, "the server has logged you in", false},
	}
}

// testKeyringInTheMiddle restarts, locks and stops the real keyring while the
// program waits for the server.
func testKeyringInTheMiddle(t *testing.T, program string) {
	k := storetest.StartKeyring(t)
	s := newScene(t, program, store.Keyring, k.Env())
	for _, test := range middles() {
		s.lifetime(test.profile, 30*time.Second) // too short for a request to begin with it
		if test.path == "/refresh" {
			s.wantLogin(test.profile)
		}
		s.lifetime(test.profile, time.Hour)
		g := s.hold(test.path, false)
		r := test.start(s)
		<-g.arrived
		if err := test.to(k); err != nil {
			t.Fatal(err)
		}
		g.let()
		o := s.finish(r)
		if o.code != test.code || !strings.Contains(o.stderr, test.said) || test.said == "" && o.stderr != "" {
			t.Errorf("%s: exit %d, want %d\n%s", test.name, o.code, test.code, o.stderr)
		}
		if test.path == "/refresh" && o.code == 0 && !s.works(test.profile, o.stdout) {
			t.Errorf("%s: the token that was printed does not work", test.name)
		}
		if err := k.Restart(); err != nil {
			t.Fatal(err)
		}
		s.checkNext(test.name, test.profile, test.lost)
	}
}

// checkNext looks at the next call after a renewal that may not have been kept.
func (s *scene) checkNext(name, profile string, lost bool) {
	next := s.run("", "token", profile, "--min-ttl", "10m")
	switch {
	case lost && (next.code != 3 || !explained(next.stderr, profile)):
		s.t.Errorf("%s: the next call: exit %d, want 3 and the reason\n%s", name, next.code, next.stderr)
	case !lost && (next.code != 0 || !s.works(profile, next.stdout)):
		s.t.Errorf("%s: the next call: exit %d\n%s", name, next.code, next.stderr)
	}
}

// testRotationOnBadKeyrings lets a keyring misbehave between the read and the
// write of a renewal whose refresh token works once: the new token is printed,
// and what cannot be kept is told, now and the next time.
func testRotationOnBadKeyrings(t *testing.T, program string) {
	var all sync.WaitGroup
	for _, bad := range badKeyrings() {
		if bad.manners.Delete != storetest.NoPrompt || bad.manners.Vanish {
			continue // a renewal deletes nothing; where items vanish, the old session does too
		}
		service := storetest.StartService(t)
		s := newScene(t, program, store.Keyring, service.Env())
		s.lifetime("rotating", 30*time.Second)
		s.wantLogin("rotating")
		s.lifetime("rotating", time.Hour)
		all.Go(func() {
			g := s.hold("/refresh", true)
			r := s.start("", "token", "rotating")
			<-g.arrived
			service.SetManners(bad.manners)
			g.let()
			o := s.finish(r)
			lost := bad.login != 0
			told := strings.Contains(o.stderr, "was renewed and could not be kept: ") && strings.Contains(o.stderr, "authctl login rotating")
			if o.code != 0 || !s.works("rotating", o.stdout) || told != lost || o.took > patience {
				t.Errorf("%s: exit %d after %s, works %v\n%s", bad.name, o.code, o.took, s.works("rotating", o.stdout), o.stderr)
			}
			service.SetManners(storetest.Manners{})
			s.checkNext(bad.name, "rotating", lost)
		})
	}
	all.Wait()
}
