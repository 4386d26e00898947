package store_test

import (
	"bufio"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

func TestThreat12_LockIsHeldByOne(t *testing.T) {
	t.Parallel()
	o := options(t, store.Keyring)
	first, second := store.New(&storetest.Memory{}, o), store.New(&storetest.Memory{}, o)
	release, err := first.Lock(t.Context(), childKey)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := second.Lock(ctx, childKey); fault.KindOf(err) != fault.Store || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second holder: %v, kind %v", err, fault.KindOf(err))
	}
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, stop)
	if _, err := second.Lock(ctx, childKey); fault.KindOf(err) != fault.Interrupted {
		t.Errorf("Ctrl-C while waiting: %v", err)
	}
	other := childKey
	other.Account = "b"
	otherRelease, err := second.Lock(t.Context(), other)
	if err != nil {
		t.Fatalf("another session: %v", err)
	}
	if err := otherRelease(); err != nil {
		t.Error(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { _ = release() })
	again, err := second.Lock(t.Context(), childKey)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}

// TestThreat12_LockOfADeadHolder kills a process that holds the lock.
func TestThreat12_LockOfADeadHolder(t *testing.T) {
	t.Parallel()
	o := options(t, store.Keyring)
	c := command(t, "lock", "CHILD_LOCKS="+o.LockDir, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("child said %q, %v", line, err)
	}
	s := store.New(&storetest.Memory{}, o)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Lock(ctx, childKey); fault.KindOf(err) != fault.Store {
		t.Errorf("held by another process: %v", err)
	}
	got := make(chan error)
	go func() {
		_, err := s.Lock(t.Context(), childKey)
		got <- err
	}()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("after the holder's death: %v", err)
	}
	_ = c.Wait() // killed
}

// TestLockFileRemovedWhileWaiting: the lock of a removed file is no lock.
func TestLockFileRemovedWhileWaiting(t *testing.T) {
	t.Parallel()
	o := options(t, store.Keyring)
	s := store.New(&storetest.Memory{}, o)
	release, err := s.Lock(t.Context(), childKey)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	var again func() error
	go func() {
		var err error
		again, err = s.Lock(t.Context(), childKey)
		got <- err
	}()
	time.Sleep(30 * time.Millisecond) // let it wait
	if err := os.RemoveAll(o.LockDir); err != nil {
		t.Skip(err) // Windows does not remove open files
	}
	if err := os.MkdirAll(o.LockDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Lock(ctx, childKey); err == nil {
		t.Error("two holders of one lock")
	}
	if err := again(); err != nil { // also keeps the lock from the garbage collector
		t.Error(err)
	}
}

// TestThreat12_LockBelongsToTheCredential: neither the configuration nor the
// state folder of a process decides where it locks.
func TestThreat12_LockBelongsToTheCredential(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has one folder")
	}
	home := filepath.Join("/home", "ada")
	for name, test := range map[string]struct {
		store string
		env   map[string]string
		want  string
	}{
		"file":                  {store.File, map[string]string{"HOME": home, "XDG_STATE_HOME": "/other"}, "/data/locks"},
		"keyring, home":         {store.Keyring, map[string]string{"HOME": home}, "/home/ada/.local/state/authctl/locks"},
		"keyring, state folder": {store.Keyring, map[string]string{"HOME": home, "XDG_STATE_HOME": "/other"}, "/home/ada/.local/state/authctl/locks"},
		"keyring, no home":      {store.Keyring, nil, "/given"},
		"keyring, odd home":     {store.Keyring, map[string]string{"HOME": "ada"}, "/given"},
	} {
		env := map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus"}
		maps.Copy(env, test.env)
		s, err := store.Open(store.Options{
			Name: test.store, StateDir: "/state", DataDir: "/data", LockDir: "/given",
			Getenv: func(name string) string { return env[name] },
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := store.LockFolder(s); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestThreat12_InterruptedRenewal: the note of a renewal tells when it began, as
// long as the session is the same, and is written anew where it cannot be read.
func TestThreat12_InterruptedRenewal(t *testing.T) {
	t.Parallel()
	o := options(t, store.Keyring)
	info := storetest.Session(t, "a").Info
	other, later := info, info
	other.Account, later.ObtainedAt = "b", info.ObtainedAt.Add(time.Second)
	began := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	begin := func(what string, of token.Info, want time.Time) {
		t.Helper()
		began = began.Add(time.Minute)
		// Each call is another process.
		if got, err := store.New(&storetest.Memory{}, o).BeginRenewal(of, began); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s, %v; want %s", what, got, err, want)
		}
	}
	begin("the first", info, time.Time{})
	first := began
	begin("another account", other, time.Time{})
	begin("after an interruption", info, first)
	begin("after two", info, first)
	begin("a newer session", later, time.Time{})
	begin("interrupted as well", later, began)
	s := store.New(&storetest.Memory{}, o)
	for range 2 {
		if err := s.EndRenewal(info.Key); err != nil {
			t.Error(err)
		}
	}
	begin("after an end", later, time.Time{})
	damaged := filepath.Join(o.LockDir, info.ID()+".renewal")
	if err := os.WriteFile(damaged, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	begin("damaged", later, time.Time{})
	begin("mended", later, began)
}
