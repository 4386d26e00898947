package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// fake is a go-keyring whose every call does what do says.
type fake struct {
	do func(operation string) (string, error)
}

func (f fake) Get(_, _ string) (string, error) { return f.do("get") }
func (f fake) Set(_, _, _ string) error        { _, err := f.do("set"); return err }
func (f fake) Delete(_, _ string) error        { _, err := f.do("delete"); return err }

// failures calls every method of a store over a fake keyring.
func failures(t *testing.T, f fake, limit time.Duration) map[string]error {
	t.Helper()
	session := storetest.Session(t, "a")
	errs := make(map[string]error)
	for name, call := range map[string]func(*store.Store) error{
		"Access":  func(s *store.Store) error { _, err := s.Access(t.Context(), session.Key); return err },
		"Session": func(s *store.Store) error { _, err := s.Session(t.Context(), session.Key); return err },
		"Save":    func(s *store.Store) error { return s.Save(t.Context(), session) },
		"Delete":  func(s *store.Store) error { return s.Delete(t.Context(), session.Key) },
	} {
		errs[name] = call(store.New(store.FakeKeyring(f, limit), options(t, store.Keyring)))
	}
	return errs
}

func TestEveryKeyringErrorIsUnavailable(t *testing.T) {
	t.Parallel()
	for cause, f := range map[string]fake{
		"the keyring failed: odd":               {func(string) (string, error) { return "", errors.New("odd") }},
		"the item is too large for the keyring": {func(string) (string, error) { return "", keyring.ErrSetDataTooBig }},
		"there is no keyring on this system":    {func(string) (string, error) { return "", keyring.ErrUnsupportedPlatform }},
		"the keyring gave a malformed answer":   {func(string) (string, error) { panic("a value with a secret") }},
	} {
		for name, err := range failures(t, f, time.Minute) {
			if fault.KindOf(err) != fault.Store || errors.Is(err, token.ErrNoSession) ||
				!strings.Contains(err.Error(), cause) || fault.HintOf(err) == "" {
				t.Errorf("%s: %v (kind %v, hint %q), want %q", name, err, fault.KindOf(err), fault.HintOf(err), cause)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: a panic's value in %v", name, err)
			}
		}
	}
}

// TestNotFoundInALockedKeyring: a keyring that locks between two calls of
// go-keyring finds nothing, and that is no answer.
func TestNotFoundInALockedKeyring(t *testing.T) {
	t.Parallel()
	backend := fake{func(string) (string, error) { return "", keyring.ErrNotFound }}
	vault := store.UnsureKeyring(backend, fault.New(fault.Store, "", "locked meanwhile"))
	_, getErr := vault.Get(t.Context(), "x")
	for _, err := range []error{getErr, vault.Delete(t.Context(), "x")} {
		if fault.KindOf(err) != fault.Store || errors.Is(err, store.ErrNoItem) {
			t.Errorf("%v, want fault.Store", err)
		}
	}
}

func TestSilentKeyring(t *testing.T) {
	t.Parallel()
	forever := make(chan struct{})
	defer close(forever)
	silent := fake{func(string) (string, error) { <-forever; return "", keyring.ErrNotFound }}
	start := time.Now()
	for name, err := range failures(t, silent, 50*time.Millisecond) {
		if fault.KindOf(err) != fault.Store || errors.Is(err, token.ErrNoSession) || !strings.Contains(err.Error(), "(50ms)") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("four operations took %s", took)
	}
}

// lazy is a go-keyring that takes a while for each call.
type lazy struct {
	items *storetest.Memory
	takes time.Duration
}

func (l lazy) Get(_, user string) (string, error) {
	time.Sleep(l.takes)
	value, err := l.items.Get(context.Background(), user)
	return string(value), absentIn(err)
}

func (l lazy) Set(_, user, password string) error {
	time.Sleep(l.takes)
	return l.items.Set(context.Background(), user, []byte(password))
}

func (l lazy) Delete(_, user string) error {
	time.Sleep(l.takes)
	return absentIn(l.items.Delete(context.Background(), user))
}

func absentIn(err error) error {
	if errors.Is(err, store.ErrNoItem) {
		return keyring.ErrNotFound
	}
	return err
}

// TestOneDeadlineForAnOperation has a keyring that answers each call just in
// time: the operation as a whole takes no longer than two calls may. The wait for
// the turns of others does not count.
func TestOneDeadlineForAnOperation(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	session := storetest.Session(t, "a")
	for name, operate := range map[string]func(*store.Store) error{
		"Access":  func(s *store.Store) error { _, err := s.Access(t.Context(), session.Key); return err },
		"Session": func(s *store.Store) error { _, err := s.Session(t.Context(), session.Key); return err },
		"Save":    func(s *store.Store) error { return s.Save(t.Context(), session) },
		"Delete":  func(s *store.Store) error { return s.Delete(t.Context(), session.Key) },
		"Repair":  func(s *store.Store) error { return s.Repair(t.Context(), session.Key) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items, o := &storetest.Memory{}, options(t, store.Keyring)
			if err := store.New(store.NewSplit(items, 300), o).Save(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			s := store.LimitedStore(lazy{items, limit * 8 / 10}, limit, nil, o)
			start := time.Now()
			err := operate(s)
			if took := time.Since(start); took > 3*limit || fault.KindOf(err) != fault.Store ||
				!strings.Contains(fmt.Sprint(err), "the keyring is too slow (2s)") {
				t.Errorf("%v after %s", err, took)
			}
		})
	}
}

// TestTurnsOfOthersAreNoDelay: many operations on one keyring take turns, and
// each has its own time.
func TestTurnsOfOthersAreNoDelay(t *testing.T) {
	t.Parallel()
	const limit = 300 * time.Millisecond
	items, o := &storetest.Memory{}, options(t, store.Keyring)
	s := store.LimitedStore(lazy{items, 20 * time.Millisecond}, limit, nil, o)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := s.Access(t.Context(), childKey); !errors.Is(err, token.ErrNoSession) {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestWaitForADialogIsTold once, and not where the keyring answers.
func TestWaitForADialogIsTold(t *testing.T) {
	t.Parallel()
	for name, takes := range map[string]time.Duration{"told": 1300 * time.Millisecond, "not told": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := 0
			items, o := &storetest.Memory{}, options(t, store.Keyring)
			s := store.LimitedStore(lazy{items, takes}, time.Minute, func() { told++ }, o)
			for range 2 {
				if _, err := s.Access(t.Context(), childKey); !errors.Is(err, token.ErrNoSession) {
					t.Error(err)
				}
			}
			if want := map[string]int{"told": 1}[name]; told != want {
				t.Errorf("told %d times, want %d", told, want)
			}
		})
	}
}

func TestCancelEndsASilentKeyring(t *testing.T) {
	t.Parallel()
	forever := make(chan struct{})
	defer close(forever)
	vault := store.FakeKeyring(fake{func(string) (string, error) { <-forever; return "", nil }}, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := vault.Get(ctx, "x"); fault.KindOf(err) != fault.Store {
		t.Errorf("the caller's deadline: %v, kind %v", err, fault.KindOf(err))
	}
	vault = store.FakeKeyring(fake{func(string) (string, error) { <-forever; return "", nil }}, time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, stop)
	if _, err := vault.Get(ctx, "x"); fault.KindOf(err) != fault.Interrupted {
		t.Errorf("Ctrl-C: %v, kind %v", err, fault.KindOf(err))
	}
}

// TestLateWriteDoesNotOvertake leaves a write behind; while it runs, no later
// write may start, because the late one would then overwrite it.
func TestLateWriteDoesNotOvertake(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var calls int
	goOn, ended := make(chan struct{}), make(chan struct{})
	vault := store.FakeKeyring(fake{func(string) (string, error) {
		mu.Lock()
		calls++
		first := calls == 1
		mu.Unlock()
		if first {
			<-goOn
			defer close(ended)
		}
		return "", nil
	}}, 30*time.Millisecond)
	for range 3 {
		if err := vault.Set(t.Context(), "x", []byte("1")); fault.KindOf(err) != fault.Store {
			t.Errorf("write to a hanging keyring: %v", err)
		}
	}
	mu.Lock()
	if calls != 1 {
		t.Errorf("%d calls reached the keyring, want 1", calls)
	}
	mu.Unlock()
	close(goOn)
	<-ended
	for try := 0; ; try++ { // the turn is given back just after the call's end
		err := vault.Set(t.Context(), "x", []byte("2"))
		if err == nil {
			break
		}
		if try == 100 {
			t.Fatalf("after the late write: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestThreat13_DismissedDialog: the keyring says yes and does nothing.
func TestThreat13_DismissedDialog(t *testing.T) {
	t.Parallel()
	for name, vault := range map[string]func(*storetest.Memory) store.Vault{
		"whole":     func(m *storetest.Memory) store.Vault { return m },
		"in pieces": func(m *storetest.Memory) store.Vault { return store.NewSplit(m, 300) },
	} {
		memory := &storetest.Memory{}
		s := store.New(vault(memory), options(t, store.Keyring))
		old := storetest.Session(t, "a")
		if err := s.Save(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		memory.Dismissed = true
		changed := storetest.Session(t, "a")
		changed.AccessToken, changed.RefreshToken = token.NewSecret("new"), token.NewSecret("new")
		if err := s.Save(t.Context(), changed); fault.KindOf(err) != fault.Store {
			t.Errorf("%s: Save that kept nothing: %v", name, err)
		}
		err := s.Delete(t.Context(), old.Key)
		if fault.KindOf(err) != fault.Store || errors.Is(err, token.ErrNoSession) {
			t.Errorf("%s: Delete that deleted nothing: %v", name, err)
		}
		for _, what := range []string{"the access token", "the refresh token"} {
			if !strings.Contains(fmt.Sprint(err), what) {
				t.Errorf("%s: %v; it does not say that %s is still there", name, err, what)
			}
		}
		if entries, err := s.List(); err != nil || len(entries) != 1 {
			t.Errorf("%s: a session that is still there is listed %d times, %v", name, len(entries), err)
		}
		memory.Dismissed = false
		if got, err := s.Session(t.Context(), old.Key); err != nil || !got.RefreshToken.Equal(old.RefreshToken) {
			t.Errorf("%s: the old session is lost: %v", name, err)
		}
		if err := s.Delete(t.Context(), old.Key); err != nil || len(memory.Names()) != 0 {
			t.Errorf("%s: Delete at last: %v, left %v", name, err, memory.Names())
		}
	}
}
