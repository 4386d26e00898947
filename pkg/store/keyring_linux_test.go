package store_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// wantUnavailable checks that a child was told that the store cannot be asked,
// and never that there is no session.
func wantUnavailable(t *testing.T, reports []report, cause, hint string) {
	t.Helper()
	for _, r := range reports {
		if r.Kind != fault.Store || r.NoSession || !strings.Contains(r.Error, cause) || !strings.Contains(r.Hint, hint) {
			t.Errorf("%s: want fault.Store, %q, hint %q; got %+v", r.Operation, cause, hint, r)
		}
	}
}

const everything = "access,session,save,delete"

func TestLockedKeyringIsNotAnAbsentSession(t *testing.T) {
	t.Parallel()
	k := storetest.StartKeyring(t)
	for _, r := range runChild(t, "save,access", k.Env()...) {
		if r.Error != "" {
			t.Fatalf("unlocked: %+v", r)
		}
	}
	if err := k.Lock(); err != nil {
		t.Fatal(err)
	}
	locked := runChild(t, everything, k.Env()...)
	wantUnavailable(t, locked, "the keyring is locked", "--store file")
	for _, r := range locked {
		if r.Took > 2*time.Second {
			t.Errorf("%s took %s", r.Operation, r.Took)
		}
	}
	if err := k.Restart(); err != nil {
		t.Fatal(err)
	}
	for _, r := range runChild(t, "session,delete", k.Env()...) {
		if r.Error != "" {
			t.Errorf("unlocked again: %+v", r)
		}
	}
}

func TestKeyringServiceStopped(t *testing.T) {
	t.Parallel()
	k := storetest.StartKeyring(t)
	if err := k.Stop(); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, runChild(t, everything, k.Env()...), "no keyring service is running", "--store none")
}

func TestBusDown(t *testing.T) {
	t.Parallel()
	wantUnavailable(t, runChild(t, everything, storetest.NoBus()...), "the session bus cannot be reached", "--store file")
}

func TestSilentBus(t *testing.T) {
	t.Parallel()
	reports := runChild(t, "access,delete", storetest.SilentBus(t)...)
	wantUnavailable(t, reports[:1], "the keyring does not answer (5s)", "--store file")
	wantUnavailable(t, reports[1:], "has not answered an earlier call", "--store file")
	if took := reports[0].Took + reports[1].Took; took > 8*time.Second {
		t.Errorf("took %s, want one wait of 5 s", took)
	}
}

// TestThreat06_KeyringStartsNoDaemon puts a dbus-launch into the path that leaves a
// mark. Where godbus finds no bus it would call it, and a bus and a keyring
// daemon with our environment would stay behind.
func TestThreat06_KeyringStartsNoDaemon(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	mark := filepath.Join(folder, "started")
	script := "#!/bin/sh\n: >" + mark + "\nexit 1\n"
	if err := os.WriteFile(filepath.Join(folder, "dbus-launch"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + folder + ":" + os.Getenv("PATH")
	empty := "CHILD_RUN=" + t.TempDir()
	for name, env := range map[string][]string{
		"nothing":    {path, empty},
		"autolaunch": {path, empty, "DBUS_SESSION_BUS_ADDRESS=autolaunch:"},
		"no socket":  {path, empty, "XDG_RUNTIME_DIR=" + folder},
	} {
		wantUnavailable(t, runChild(t, everything, env...), "there is no session bus", "--store file (encrypted), or --store none")
		if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%s: a daemon was started (%v)", name, err)
		}
	}
	t.Run("runtime folder only", func(t *testing.T) {
		k := storetest.StartKeyring(t)
		reports := runChild(t, "save,access,delete", path, empty, k.Env()[2])
		for _, r := range reports {
			if r.Error != "" {
				t.Errorf("%+v", r)
			}
		}
		if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a daemon was started (%v)", err)
		}
	})
}

func TestBusAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"unix:path=/run/user/1000/bus,guid=1": "unix:path=/run/user/1000/bus,guid=1",
		"unix:path=/a;unix:abstract=b":        "unix:path=/a;unix:abstract=b",
		"tcp:host=evil.example,port=1":        "",
		"unix:path=/a;tcp:host=evil.example":  "",
		"autolaunch:scope=x":                  "",
		"nonsense":                            "",
	} {
		env := map[string]string{"DBUS_SESSION_BUS_ADDRESS": address}
		got, err := store.BusAddress(func(name string) string { return env[name] }, t.TempDir())
		if got != want || (want == "") != (fault.KindOf(err) == fault.Store) {
			t.Errorf("%s: %q, %v; want %q", address, got, err, want)
		}
	}
}

// TestThreat12_LockBesideTheBus: who comes to the keyring by one socket comes to
// one lock, unless somebody else may come to its folder.
func TestThreat12_LockBesideTheBus(t *testing.T) {
	t.Parallel()
	own, open := t.TempDir(), t.TempDir()
	for folder, mode := range map[string]os.FileMode{own: 0o700, open: 0o755} {
		if err := errors.Join(os.Chmod(folder, mode), os.WriteFile(filepath.Join(folder, "a b"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	beside, atHome := filepath.Join(own, "authctl", "locks"), "/home/ada/.local/state/authctl/locks"
	for address, want := range map[string]string{
		"unix:path=" + own + "/a%20b":                  beside,
		"unix:guid=1,path=" + own + "/b":               beside,
		"unix:path=" + own + "/b;unix:path=/nowhere/b": beside,
		"unix:path=" + open + "/b":                     atHome,
		"unix:path=/nonexistent":                       atHome,
		"unix:path=relative/b":                         atHome,
		"unix:abstract=" + own + "/b":                  atHome,
		"tcp:host=localhost,port=1":                    atHome,
	} {
		env := map[string]string{"HOME": "/home/ada", "DBUS_SESSION_BUS_ADDRESS": address}
		s, err := store.Open(store.Options{Name: store.Keyring, Getenv: func(name string) string { return env[name] }})
		if err != nil {
			t.Fatal(err)
		}
		if got := store.LockFolder(s); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// TestRestartInTheMiddle stops and starts the daemon under a running process.
func TestKeyringRestartedInTheMiddle(t *testing.T) {
	storetest.Require(t, sharedErr)
	o := options(t, store.Keyring)
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	session := storetest.Session(t, "a")
	if err := s.Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if err := shared.Stop(); err != nil {
		t.Fatal(err)
	}
	_, err = s.Access(t.Context(), session.Key)
	if fault.KindOf(err) != fault.Store || errors.Is(err, token.ErrNoSession) {
		t.Errorf("stopped: %v", err)
	}
	if err := shared.Lock(); err != nil {
		t.Fatal(err)
	}
	if err := store.ConfirmAbsent(); fault.KindOf(err) != fault.Store {
		t.Errorf("'not found' of a locked keyring is believed: %v", err)
	}
	if err := shared.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := store.ConfirmAbsent(); err != nil {
		t.Errorf("'not found' of an unlocked keyring is not believed: %v", err)
	}
	if _, err := s.Access(t.Context(), session.Key); err != nil {
		t.Errorf("restarted: %v", err)
	}
	if err := s.Delete(t.Context(), session.Key); err != nil {
		t.Error(err)
	}
}

func TestRealKeyringInPieces(t *testing.T) {
	storetest.Require(t, sharedErr)
	s := store.New(store.NewSplit(store.KeyringVault(os.Getenv), 2400), options(t, store.Keyring))
	session := storetest.Session(t, "a")
	session.AccessToken = token.NewSecret(strings.Repeat("x", 8000))
	if err := s.Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Access(t.Context(), session.Key); err != nil || !got.AccessToken.Equal(session.AccessToken) {
		t.Errorf("Access: %v", err)
	}
	if err := s.Delete(t.Context(), session.Key); err != nil {
		t.Error(err)
	}
}

// TestFakeServiceIsGood runs the contract, without its slowest parts, on the fake
// Secret Service: its bad manners prove something only if it is good otherwise.
func TestFakeServiceIsGood(t *testing.T) {
	t.Parallel()
	if os.Getenv(foreignVariable) != "" {
		storetest.Run(t, opened(options(t, store.Keyring), store.KeyringVault(os.Getenv)))
		return
	}
	service := storetest.StartService(t)
	c := exec.Command(os.Args[0], "-test.v",
		"-test.run=^"+t.Name()+"$/^(Absent|SaveAndLoad|AccessOnly|Overwrite|Delete|Neighbours|ManyKeysAtOnce|Damaged|HalfDeleted)$")
	c.Env = append([]string{foreignVariable + "=1", "GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH")}, service.Env()...)
	out, err := c.CombinedOutput()
	if err != nil || service.Calls() < 100 || !strings.Contains(string(out), "--- PASS: "+t.Name()+"/HalfDeleted") {
		t.Errorf("%v after %d calls: %s", err, service.Calls(), out)
	}
	if items, err := service.Items(); err != nil || len(items) > 0 {
		t.Errorf("left: %v, %v", items, err)
	}
}

// BenchmarkAccess is the hot path of "authctl token" on the real keyring.
func BenchmarkAccess(b *testing.B) {
	storetest.Require(b, sharedErr)
	s, err := store.Open(options(b, store.Keyring))
	if err != nil {
		b.Fatal(err)
	}
	session := storetest.Session(b, "a")
	session.AccessToken = token.NewSecret(strings.Repeat("x", 1200))
	if err := s.Save(b.Context(), session); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Access(b.Context(), session.Key); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGet is what go-keyring alone costs for the same item.
func BenchmarkGet(b *testing.B) {
	storetest.Require(b, sharedErr)
	raw := store.RawKeyring()
	if err := raw.Set("bench", "item", strings.Repeat("x", 1700)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := raw.Get("bench", "item"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSave(b *testing.B) {
	storetest.Require(b, sharedErr)
	s, err := store.Open(options(b, store.Keyring))
	if err != nil {
		b.Fatal(err)
	}
	session := storetest.Session(b, "a")
	for b.Loop() {
		if err := s.Save(b.Context(), session); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAccessFile(b *testing.B) {
	session := storetest.Session(b, "a")
	o := fileOptions(b)
	s, err := store.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Save(b.Context(), session); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if s, err = store.Open(o); err != nil { // as a new process does
			b.Fatal(err)
		}
		if _, err := s.Access(b.Context(), session.Key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList1000(b *testing.B) {
	session := storetest.Session(b, "a")
	s := store.New(&storetest.Memory{}, options(b, store.Keyring))
	for i := range 1000 {
		session.Account = strings.Repeat("x", i)
		if err := s.Save(b.Context(), session); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if entries, err := s.List(); err != nil || len(entries) != 1000 {
			b.Fatal(len(entries), err)
		}
	}
}
