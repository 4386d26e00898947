package cli_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// killing is a command that is killed in the middle, and what may be after it.
type killing struct {
	name, profile string
	session       string // the store that has one before; empty is none
	start         func(*scene) *running
	// mayNeedLogin says whether the session may be gone afterwards, if the
	// keyring had carried out so many writes and deletes.
	mayNeedLogin func(changes int) bool
}

func killings() []killing {
	login := func(profile string) func(*scene) *running {
		return func(s *scene) *running { return s.startLogin(profile) }
	}
	call := func(args ...string) func(*scene) *running {
		return func(s *scene) *running { return s.start("", args...) }
	}
	always := func(int) bool { return true }
	never := func(int) bool { return false }
	return []killing{
		{"first login", "core", "", login("core"), always},
		{"login again", "core", store.Keyring, login("core"), never},
		{"renewal", "core", store.Keyring, call("token", "core"), never},
		// Before the first write, the refresh token that the server gave is known
		// to nobody but the dead process; the one before it is over.
		{"renewal with a new refresh token", "rotating", store.Keyring, call("token", "rotating"), func(changes int) bool { return changes == 0 }},
		{"move to files", "core", store.Keyring, call("store", "move", "--from", "keyring", "--to", "file"), never},
		{"move to the keyring", "core", store.File, call("store", "move", "--from", "file", "--to", "keyring"), never},
		{"logout", "core", store.Keyring, call("logout", "core"), func(changes int) bool { return changes > 0 }},
	}
}

// testKilledAtTheKeyring kills the program at its calls to a keyring: the first
// and the last one, and before and after each that changes something.
func testKilledAtTheKeyring(t *testing.T, program string) {
	for _, k := range killings() {
		t.Run(k.name, func(t *testing.T) {
			service := storetest.StartService(t)
			s := newScene(t, program, store.Keyring, service.Env())
			methods := k.dryRun(s, service)
			for _, n := range killPoints(methods) {
				k.at(s, service, n, changes(methods[:n-1]))
			}
			t.Logf("killed at calls %v of %d", killPoints(methods), len(methods))
		})
	}
}

// changes counts the calls that change something.
func changes(methods []string) int {
	n := 0
	for _, method := range methods {
		if method == "CreateItem" || method == "Delete" {
			n++
		}
	}
	return n
}

// killPoints are the numbers of the calls before which the program is killed.
func killPoints(methods []string) []int {
	points := []int{1, len(methods)}
	for i := range methods {
		if changes(methods[i:i+1]) == 1 {
			points = append(points, i+1, i+2)
		}
	}
	slices.Sort(points)
	return slices.Compact(points)
}

// prepare makes the state that the command finds: a session that has to be
// renewed, or none.
func (k killing) prepare(s *scene) {
	s.lifetime(k.profile, 30*time.Second)
	if k.session != "" {
		s.wantLogin(k.profile, "--store", k.session)
	}
	s.lifetime(k.profile, time.Hour)
}

// dryRun lets the command run to its end and returns its calls.
func (k killing) dryRun(s *scene, service *storetest.Service) []string {
	k.prepare(s)
	var methods []string
	var mu sync.Mutex
	service.SetManners(storetest.Manners{Before: func(_ int, method string) bool {
		mu.Lock()
		defer mu.Unlock()
		methods = append(methods, method)
		return true
	}})
	o := s.finish(k.start(s))
	service.SetManners(storetest.Manners{})
	if o.code != 0 || changes(methods) == 0 {
		s.t.Fatalf("exit %d, calls %v\n%s", o.code, methods, o.stderr)
	}
	checkLoggedOut(s, service, "not killed", k.profile)
	return methods
}

// at kills the command before call number n is carried out.
func (k killing) at(s *scene, service *storetest.Service, n, changes int) {
	k.prepare(s)
	started := make(chan *running, 1)
	service.SetManners(storetest.Manners{Before: func(i int, _ string) bool {
		if i != n {
			return true
		}
		_ = (<-started).Process.Kill() // finish looks whether it was
		return false
	}})
	r := k.start(s)
	started <- r
	o := s.finish(r)
	service.SetManners(storetest.Manners{})
	where := fmt.Sprintf("killed at call %d, after %d changes", n, changes)
	if o.code != -1 || o.stdout != "" {
		s.t.Errorf("%s: exit %d, want killed\n%s", where, o.code, o.stderr)
	}
	next := s.run("", "token", k.profile, "--min-ttl", "10m")
	alive := next.code == 0 && s.works(k.profile, next.stdout)
	if !alive && !(next.code == 3 && k.mayNeedLogin(changes)) ||
		next.code == 3 && strings.Contains(next.stderr, "refused") && !explained(next.stderr, k.profile) {
		s.t.Errorf("%s: the next call: exit %d\n%s", where, next.code, next.stderr)
	}
	checkLoggedOut(s, service, where, k.profile)
}

// explained says whether a session that has died with its renewal is told so, and
// what to do.
func explained(stderr, profile string) bool {
	return strings.Contains(stderr, " was interrupted and may have used the refresh token up: ") &&
		strings.Contains(stderr, "hint: authctl login "+profile)
}

// testKilledAtTheServer kills the program while it waits for an answer: before
// the server has done what it was asked, and after.
func testKilledAtTheServer(t *testing.T, program string) {
	s := newScene(t, program, store.File, storetest.NoBus())
	for _, test := range []struct {
		name, profile, path string
		after               bool
		code                int // of the next call
	}{
		{"login again, not done", "core", "/login", false, 0},
		{"login again, done", "core", "/login", true, 0},
		{"renewal, not done", "core", "/refresh", false, 0},
		{"renewal, done", "core", "/refresh", true, 0},
		{"rotation, not done", "rotating", "/refresh", false, 0},
		{"rotation, done: only the server knows the new token", "rotating", "/refresh", true, 3},
	} {
		s.lifetime(test.profile, 30*time.Second)
		s.wantLogin(test.profile)
		s.lifetime(test.profile, time.Hour)
		g := s.hold(test.path, test.after)
		start := func() *running { return s.start("", "token", test.profile, "--min-ttl", "10m") }
		if test.path == "/login" {
			start = func() *running { return s.startLogin(test.profile) }
		}
		r := start()
		<-g.arrived
		if err := r.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		g.drop()
		if o := s.finish(r); o.code != -1 {
			t.Errorf("%s: exit %d, want killed", test.name, o.code)
		}
		next := s.run("", "token", test.profile, "--min-ttl", "10m")
		if next.code != test.code || next.code == 0 && !s.works(test.profile, next.stdout) {
			t.Errorf("%s: the next call: exit %d, want %d\n%s", test.name, next.code, test.code, next.stderr)
		}
		if next.code == 3 && !explained(next.stderr, test.profile) {
			t.Errorf("%s: no reason or no way on: %s", test.name, next.stderr)
		}
		if o := s.run("", "logout", test.profile); o.code != 0 {
			t.Errorf("%s: logout: exit %d\n%s", test.name, o.code, o.stderr)
		}
	}
}
