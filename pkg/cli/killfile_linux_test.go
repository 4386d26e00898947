package cli_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// From ptrace(2); the package syscall has none of them.
const (
	ptraceGetSyscallInfo = 0x420e
	ptraceExitKill       = 0x100000
	syscallEntry         = 1
	syscallStop          = syscall.SIGTRAP | 0x80
)

// syscallInfo is the beginning of struct ptrace_syscall_info.
type syscallInfo struct {
	op     uint8
	_      [3]uint8
	arch   uint32
	ip, sp uint64
	number uint64
	args   [6]uint64
}

// traced is the end of a program whose changes of names in folders were counted.
type traced struct {
	outcome
	changes int
	err     error
}

// runTraced runs the program, and kills it before its change number n of a name
// in a folder: a file that is put in its place, or removed. 0 kills it never.
func (s *scene) runTraced(n int, stdin string, args ...string) traced {
	done := make(chan traced)
	go func() {
		runtime.LockOSThread() // a tracer is a thread
		defer runtime.UnlockOSThread()
		c := s.command(args...)
		c.SysProcAttr.Ptrace, c.SysProcAttr.Setpgid = true, true
		r := s.begin(stdin, c)
		if r.err != nil {
			done <- traced{err: r.err}
			return
		}
		t := trace(r.Process.Pid, n)
		code := t.code
		t.outcome = s.finish(r)
		t.code = code // the tracer has seen the end, not Wait
		done <- t
	}()
	return <-done
}

// trace follows all threads of a process to its end.
func trace(pid, n int) (t traced) {
	first := true
	for {
		var status syscall.WaitStatus
		// The process is a group of its own: no child of another test is reaped.
		who, err := syscall.Wait4(-pid, &status, syscall.WALL, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return traced{err: err}
		case who == pid && !status.Stopped():
			t.code = status.ExitStatus() // -1: killed
			return t
		case !status.Stopped():
			continue // a thread
		}
		if first {
			first = false
			options := syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | ptraceExitKill
			if err := syscall.PtraceSetOptions(who, options); err != nil {
				return traced{err: err}
			}
		}
		signal := status.StopSignal()
		if signal == syscallStop && renames(who) {
			if t.changes++; t.changes == n {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it is there: it has stopped
				continue
			}
		}
		if signal == syscallStop || signal == syscall.SIGTRAP || signal == syscall.SIGSTOP {
			signal = 0 // of the tracing, not of the program
		}
		_ = syscall.PtraceSyscall(who, int(signal)) // a thread that is gone by now is reported by Wait4
	}
}

// renames says whether a thread is about to change a name in a folder.
func renames(thread int) bool {
	var info syscallInfo
	_, _, failed := syscall.Syscall6(syscall.SYS_PTRACE, ptraceGetSyscallInfo, uintptr(thread),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	return failed == 0 && info.op == syscallEntry &&
		(info.number == syscall.SYS_RENAMEAT || info.number == syscall.SYS_UNLINKAT)
}

// fileKilling is a command that is killed at each change in the folders, with the
// state that it finds.
type fileKilling struct {
	name, store, profile string
	args                 []string
	mayBeGone            bool // the session, afterwards
}

func fileKillings() []fileKilling {
	var all []fileKilling
	for _, name := range []string{store.Keyring, store.File} {
		other := map[string]string{store.Keyring: store.File, store.File: store.Keyring}[name]
		all = append(all,
			fileKilling{"login again", name, "core", []string{"login", "core", "--username", "admin", "--password-stdin"}, false},
			fileKilling{"renewal", name, "core", []string{"refresh", "core"}, false},
			fileKilling{"renewal with a new refresh token", name, "rotating", []string{"refresh", "rotating"}, false},
			fileKilling{"logout", name, "core", []string{"logout", "core"}, true},
			fileKilling{"move", name, "core", []string{"store", "move", "--from", name, "--to", other}, false},
		)
	}
	return all
}

// testKilledAtTheFiles kills the program before each change that it makes in a
// folder: to the index, to the files of the file store, to its settings. The
// programs wait for the disk most of the time, so all run at once.
func testKilledAtTheFiles(t *testing.T, program string) {
	if end := newScene(t, program, store.File, storetest.NoBus()).runTraced(0, "", "version"); errors.Is(end.err, syscall.EPERM) {
		t.Skip("programs may not be traced here")
	}
	var all sync.WaitGroup
	for _, k := range fileKillings() {
		service := storetest.StartService(t)
		s := newScene(t, program, k.store, service.Env())
		all.Go(func() {
			kills, lost := 0, 0
			for k.killOnce(s, service, kills+1, &lost) {
				kills++
			}
			// The server's answer is lost with a process that dies before it has
			// written anything of it.
			if want := map[string]int{"rotating": 1}[k.profile]; lost > want || kills == 0 {
				t.Errorf("%s, %s: killed %d times, the session was lost %d times", k.store, k.name, kills, lost)
			}
			t.Logf("%s, %s: killed at %d changes", k.store, k.name, kills)
		})
	}
	all.Wait()
}

// killOnce says whether the program was killed. If not, it had come to its end.
func (k fileKilling) killOnce(s *scene, service *storetest.Service, n int, lost *int) bool {
	where := fmt.Sprintf("%s, %s killed at change %d", k.store, k.name, n)
	_, password := s.sim.Credentials(apiOf(k.profile))
	s.lifetime(k.profile, 30*time.Second) // too short for --min-ttl
	if o := s.login(k.profile, "--store", k.store); o.code != 0 {
		s.t.Errorf("%s: login before it: %s", where, o.stderr)
		return false
	}
	s.lifetime(k.profile, time.Hour)
	end := s.runTraced(n, password, k.args...)
	if end.err != nil || end.code != -1 && (end.code != 0 || end.changes >= n) {
		s.t.Errorf("%s: exit %d after %d changes, %v\n%s", where, end.code, end.changes, end.err, end.stderr)
		return false
	}
	if !k.checkAlive(s, where) {
		*lost++
	}
	if o := s.run("", "doctor", "--repair", "--yes"); o.code != 0 {
		s.t.Errorf("%s: doctor --repair: exit %d\n%s%s", where, o.code, o.stdout, o.stderr)
	}
	checkLoggedOut(s, service, where, k.profile)
	return end.code != 0
}

// checkAlive says whether the session can be used and renewed; where it cannot,
// that must be explained.
func (k fileKilling) checkAlive(s *scene, where string) bool {
	o := s.run("", "token", k.profile, "--min-ttl", "10m")
	switch {
	case o.code == 0 && s.works(k.profile, o.stdout), k.mayBeGone:
		return true
	case o.code != 3 || k.profile != "rotating" || !explained(o.stderr, k.profile):
		s.t.Errorf("%s: the next call: exit %d\n%s", where, o.code, o.stderr)
	}
	return false
}

// checkLoggedOut logs out, once, and looks for what is left in both stores.
func checkLoggedOut(s *scene, service *storetest.Service, where, profile string) {
	if o := s.run("", "logout", profile); o.code != 0 && o.code != 3 {
		s.t.Errorf("%s: logout: exit %d\n%s", where, o.code, o.stderr)
	}
	files, err := filepath.Glob(filepath.Join(s.home, ".local", "share", "authctl", "sessions", "*.age"))
	items, itemsErr := service.Items()
	if left := slices.Concat(files, items); len(left) > 0 || err != nil || itemsErr != nil {
		s.t.Errorf("%s: left after logout: %s, %v, %v", where, strings.Join(left, " "), err, itemsErr)
	}
	if o := s.run("", "status"); o.code != 0 || o.stdout != "" {
		s.t.Errorf("%s: status after logout: exit %d, %s%s", where, o.code, o.stdout, o.stderr)
	}
}
