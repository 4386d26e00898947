package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// crowd is how many processes want the same token at once.
const crowd = 200

// testOneRenewal lets a crowd find one expired token, on both stores, at a
// server that keeps its refresh tokens and at one that revokes the family of a
// refresh token that comes twice.
func testOneRenewal(t *testing.T, program string) {
	k := storetest.StartKeyring(t)
	for _, test := range []struct {
		name, store string
		bus         []string
	}{{"file", store.File, storetest.NoBus()}, {"keyring", store.Keyring, k.Env()}} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, program, test.store, test.bus)
			ways := s.ways()
			for _, profile := range []string{"core", "rotating"} {
				s.expired(profile)
				s.checkCrowd(profile, ways[:1])
			}
			s.expired("rotating")
			s.checkCrowd("rotating", ways)
		})
	}
}

// way is one of several configurations of a user: where the profiles come from.
type way struct {
	args []string
	env  []string
}

// ways are the user's own configuration folder, another one, a file, and another
// state folder, whose index is empty.
func (s *scene) ways() []way {
	other, file := filepath.Join(s.home, "other"), filepath.Join(s.home, "third.yaml")
	s.writeProfiles(filepath.Join(other, "authctl", "profiles.yaml"))
	s.writeProfiles(file)
	return []way{
		{}, {env: []string{"XDG_CONFIG_HOME=" + other}}, {args: []string{"--config", file}},
		{env: []string{"XDG_STATE_HOME=" + other}},
	}
}

// expired logs in and waits until the token is over. The tokens of a renewal
// last.
func (s *scene) expired(profile string) {
	s.t.Helper()
	s.lifetime(profile, time.Second)
	s.wantLogin(profile)
	s.lifetime(profile, time.Hour)
	token := s.sim.Tokens()[len(s.sim.Tokens())-2] // the last one is the refresh token
	until(s.t, "the end of the token", func() bool { return !s.works(profile, token) })
	s.sim.ResetRequests()
}

// checkCrowd starts the crowd in all ways. The answer of the server is held back
// until each process has found the token expired and waits for the lock.
func (s *scene) checkCrowd(profile string, ways []way) {
	s.t.Helper()
	start := time.Now()
	g := s.hold("/refresh", true)
	var all []*running
	for i := range crowd {
		way := ways[i%len(ways)]
		all = append(all, s.startIn(way, "token", profile))
	}
	<-g.arrived
	until(s.t, "the wait of all for the lock", func() bool {
		return !slices.ContainsFunc(all, func(r *running) bool { return !hasLock(r) })
	})
	g.let()
	printed := map[string]int{}
	for _, r := range all {
		o := s.finish(r)
		if o.code != 0 || o.stderr != "" {
			s.t.Errorf("exit %d: %s", o.code, o.stderr)
		}
		printed[o.stdout]++
	}
	for token, times := range printed {
		if len(printed) != 1 || !s.works(profile, token) {
			s.t.Errorf("%d processes printed a token; it works: %v", times, s.works(profile, token))
		}
	}
	if n := s.refreshes(); n != 1 {
		s.t.Errorf("%s: %d refresh calls, want 1", profile, n)
	}
	s.t.Logf("%s: %d configurations, %d processes, %d refresh calls, %s",
		profile, len(ways), crowd, s.refreshes(), time.Since(start).Round(time.Millisecond))
}

func (s *scene) startIn(w way, args ...string) *running {
	env := s.env
	defer func() { s.env = env }()
	s.env = append(env[:len(env):len(env)], w.env...)
	return s.start("", append(args, w.args...)...)
}

// testLockIsLetGo looks at those who wait for the lock of a session: Ctrl-C ends
// the wait, a holder that hangs does not keep them for ever, and one that is
// killed does not keep them at all.
func testLockIsLetGo(t *testing.T, program string) {
	s := newScene(t, program, store.File, storetest.NoBus())
	s.lifetime("core", 30*time.Second)
	s.wantLogin("core")
	s.lifetime("core", time.Hour)
	g := s.hold("/refresh", false)
	holder := s.start("", "token", "core")
	<-g.arrived
	if err := holder.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	strict := []string{"token", "core", "--min-ttl", "10m"}
	interrupted, patient := s.start("", strict...), s.start("", strict...)
	hasty := s.finish(s.start("", append(strict, "--timeout", "200ms")...))
	if hasty.code != 5 || hasty.stdout != "" || !strings.Contains(hasty.stderr, "authctl: another authctl ") {
		t.Errorf("a wait that is too long: exit %d after %s\n%s", hasty.code, hasty.took, hasty.stderr)
	}
	if hasty.took < 400*time.Millisecond || hasty.took > 3*time.Second {
		t.Errorf("a wait of 400ms took %s", hasty.took)
	}
	until(t, "the wait for the lock", func() bool { return hasLock(interrupted) && hasLock(patient) })
	pressed := time.Now()
	if err := interrupted.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	checkInterrupted(t, s.finish(interrupted), pressed)
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	g.drop()
	_ = s.finish(holder) // killed
	if o := s.finish(patient); o.code != 0 || !s.works("core", o.stdout) {
		t.Errorf("after the holder's death: exit %d\n%s", o.code, o.stderr)
	}
}

func checkInterrupted(t *testing.T, o outcome, pressed time.Time) {
	t.Helper()
	if took := time.Since(pressed); o.code != 130 || o.stdout != "" || took > time.Second {
		t.Errorf("Ctrl-C: exit %d after %s\n%s", o.code, took, o.stderr)
	}
}

// testInterruptedAtTheKeyring presses Ctrl-C while a keyring does not answer.
func testInterruptedAtTheKeyring(t *testing.T, program string) {
	service := storetest.StartService(t)
	s := newScene(t, program, store.Keyring, service.Env())
	s.wantLogin("core")
	for _, args := range [][]string{{"token", "core"}, {"logout", "core"}} {
		service.SetManners(storetest.Manners{Silent: true})
		r := s.start("", args...)
		until(t, "a call to the keyring", func() bool { return service.Calls() > 0 })
		pressed := time.Now()
		if err := r.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		checkInterrupted(t, s.finish(r), pressed)
	}
	service.SetManners(storetest.Manners{})
	s.want(0, "token", "core")
}

// hasLock says whether a process has the file of a lock open: it holds the lock
// or waits for it.
func hasLock(r *running) bool {
	files, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(r.Process.Pid), "fd", "*"))
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && strings.HasSuffix(target, ".lock") {
			return true
		}
	}
	return false
}
