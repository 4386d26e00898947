package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// childFailed is the exit code of a child that could not do its work.
const childFailed = 3

// dying is a vault whose process kills itself before one of its operations.
type dying struct {
	store.Vault
	left *int // operations until then
}

func (d dying) step() {
	if *d.left--; *d.left >= 0 {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil || self.Kill() != nil {
		os.Exit(childFailed)
	}
	select {} // the end is near
}

func (d dying) Get(ctx context.Context, name string) ([]byte, error) {
	d.step()
	return d.Vault.Get(ctx, name)
}

func (d dying) Set(ctx context.Context, name string, value []byte) error {
	d.step()
	return d.Vault.Set(ctx, name, value)
}

func (d dying) Delete(ctx context.Context, name string) error {
	d.step()
	return d.Vault.Delete(ctx, name)
}

// dieIn does what a command does with its session, under the lock, and dies
// before operation number CHILD_DIES of the vault, before it gives the lock
// back, or after that.
func dieIn(command string) error {
	left, err := strconv.Atoi(os.Getenv("CHILD_DIES"))
	if err != nil {
		return err
	}
	o := store.Options{
		Name: os.Getenv("CHILD_STORE"), StateDir: os.Getenv("CHILD_STATE"), LockDir: os.Getenv("CHILD_LOCKS"),
		DataDir: os.Getenv("CHILD_DATA"), Identity: store.Identity{Path: os.Getenv("CHILD_IDENTITY")}, Getenv: os.Getenv,
	}
	vault := dying{vaultOf(o), &left}
	s := store.New(vault, o)
	release, err := s.Lock(neverDone(), childKey)
	if err != nil {
		return err
	}
	switch command {
	case "login":
		err = s.Save(neverDone(), generation("new"))
	case "renewal":
		if _, err = s.Session(neverDone(), childKey); err == nil {
			err = s.Save(neverDone(), generation("new"))
		}
	case "logout":
		err = s.Delete(neverDone(), childKey)
	}
	vault.step()
	err = errors.Join(err, release())
	vault.step()
	return err
}

func vaultOf(o store.Options) store.Vault {
	if o.Name == store.File {
		return store.FileVault(o)
	}
	return store.KeyringVault(o.Getenv)
}

// generation is one of the sessions that follow each other under one key.
func generation(name string) token.Session {
	return token.Session{
		Access:       token.Access{Info: token.Info{Key: childKey}, AccessToken: token.NewSecret("access-" + name)},
		RefreshToken: token.NewSecret("refresh-" + name),
	}
}

// TestThreat12_KilledOnFiles and the next test kill a process at each step of a
// login, a renewal and a logout.
func TestThreat12_KilledOnFiles(t *testing.T) {
	t.Parallel()
	o := fileOptions(t)
	killEverywhere(t, o, func() ([]string, error) {
		return filepath.Glob(filepath.Join(o.DataDir, "*.age"))
	})
}

func TestThreat12_KilledOnTheKeyring(t *testing.T) {
	storetest.Require(t, sharedErr) // not parallel: other tests restart it
	killEverywhere(t, options(t, store.Keyring), func() ([]string, error) {
		items, err := shared.Items()
		return slices.DeleteFunc(items, func(name string) bool { return !strings.HasPrefix(name, childKey.ID()) }), err
	})
}

// killEverywhere kills commands before each of their operations; items lists
// what the vault holds of the session.
func killEverywhere(t *testing.T, o store.Options, items func() ([]string, error)) {
	for _, command := range []string{"first login", "login", "renewal", "logout"} {
		kills := 0
		for killOnce(t, o, command, kills, items) {
			kills++
		}
		t.Logf("%s: killed at %d points", command, kills)
		if kills < 6 {
			t.Errorf("%s: only %d points", command, kills)
		}
	}
}

// killOnce says whether the command was killed. If not, it had come to its end.
func killOnce(t *testing.T, o store.Options, command string, n int, items func() ([]string, error)) bool {
	t.Helper()
	s := store.New(vaultOf(o), o)
	if command != "first login" {
		if err := s.Save(t.Context(), generation("old")); err != nil {
			t.Fatal(err)
		}
	}
	killed := runToDeath(t, o, strings.TrimPrefix(command, "first "), n)
	where := fmt.Sprintf("%s killed at %d", command, n)
	checkLockIsFree(t, s, where)
	got, err := s.Session(t.Context(), childKey)
	mayBeGone := command == "first login" || command == "logout"
	if err != nil && !(mayBeGone && errors.Is(err, token.ErrNoSession)) {
		t.Errorf("%s: the session is lost: %v", where, err)
	}
	if err == nil && !isGeneration(got) {
		t.Errorf("%s: neither the old nor the new session", where)
	}
	if err := s.Delete(t.Context(), childKey); err != nil && !errors.Is(err, token.ErrNoSession) {
		t.Errorf("%s: logout: %v", where, err)
	}
	if left, err := items(); err != nil || len(left) > 0 {
		t.Errorf("%s: left after logout: %v, %v", where, left, err)
	}
	if entries, err := s.List(); err != nil || len(entries) > 0 {
		t.Errorf("%s: listed after logout: %v, %v", where, entries, err)
	}
	return killed
}

// isGeneration takes an old or new session, or the old access token with the
// new refresh token, which is safe before all else; never the other way round.
func isGeneration(s token.Session) bool {
	mixed := generation("old")
	mixed.RefreshToken = generation("new").RefreshToken
	return cmp.Equal(s, generation("old")) || cmp.Equal(s, generation("new")) || cmp.Equal(s, mixed)
}

func runToDeath(t *testing.T, o store.Options, name string, n int) (killed bool) {
	t.Helper()
	c := command(t, name, append(keyringEnv(),
		"CHILD_DIES="+strconv.Itoa(n), "CHILD_STORE="+o.Name, "CHILD_STATE="+o.StateDir, "CHILD_LOCKS="+o.LockDir,
		"CHILD_DATA="+o.DataDir, "CHILD_IDENTITY="+o.Identity.Path)...)
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false
	case errors.As(err, &exit) && exit.ExitCode() != childFailed: // killed, in the words of this system
		return true
	}
	t.Fatalf("%s, to be killed at %d: %v", name, n, err)
	return false
}

// keyringEnv leads a child to the shared keyring, if there is one.
func keyringEnv() []string {
	if shared == nil {
		return storetest.NoBus()
	}
	return shared.Env()
}

func checkLockIsFree(t *testing.T, s *store.Store, where string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	release, err := s.Lock(ctx, childKey)
	if err != nil {
		t.Fatalf("%s: the lock: %v", where, err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}
