package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// two returns two stores over memory with one index, as the keyring and the
// file store have.
func two(t *testing.T) (from, to *store.Store, source, target *storetest.Memory) {
	t.Helper()
	o := store.Options{StateDir: t.TempDir()}
	source, target = &storetest.Memory{}, &storetest.Memory{}
	o.Name, o.LockDir = store.Keyring, t.TempDir()
	from = store.New(source, o)
	o.Name, o.LockDir = store.File, t.TempDir()
	return from, store.New(target, o), source, target
}

func TestMove(t *testing.T) {
	t.Parallel()
	from, to, source, _ := two(t)
	session := storetest.Session(t, "ada")
	must(t, from.Save(t.Context(), session))
	must(t, store.Move(t.Context(), session.Key, from, to))
	got, err := to.Session(t.Context(), session.Key)
	if err != nil || !cmp.Equal(session, got) {
		t.Errorf("moved: %v\n%s", err, cmp.Diff(session, got))
	}
	if names := source.Names(); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	entries, err := to.List()
	if err != nil || len(entries) != 1 || entries[0].Store != store.File {
		t.Errorf("the index says %v, %v", entries, err)
	}
	if err := store.Move(t.Context(), session.Key, from, to); !errors.Is(err, token.ErrNoSession) {
		t.Errorf("nothing to move: %v", err)
	}
}

// Whatever fails on the way, the session is in one of the stores, whole, and
// the index knows each copy.
func TestMoveLosesNothing(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{false, true} {
		failing := 1
		for failToMove(t, failing, back) {
			failing++
		}
		if failing < 8 {
			t.Errorf("only %d operations", failing)
		}
	}
}

// failToMove fails from an operation on, and says whether the move did.
func failToMove(t *testing.T, failing int, back bool) bool {
	t.Helper()
	from, to, source, target := two(t)
	if back {
		from, to, source, target = to, from, target, source
	}
	broken := errors.New("broken")
	session := storetest.Session(t, "ada")
	must(t, from.Save(t.Context(), session))
	calls := 0
	fail := func(string, string) error {
		if calls++; calls >= failing {
			return broken
		}
		return nil
	}
	source.Before, target.Before = fail, fail
	moveErr := store.Move(t.Context(), session.Key, from, to)
	source.Before, target.Before = nil, nil
	if moveErr == nil {
		return false // no operation is left to fail
	}
	checkListed(t, failing, session, map[*store.Store]*storetest.Memory{from: source, to: target})
	if err := store.Move(t.Context(), session.Key, from, to); err != nil && !errors.Is(err, token.ErrNoSession) {
		t.Errorf("operation %d failed: the next move: %v", failing, err)
	}
	if got, err := to.Session(t.Context(), session.Key); err != nil || !cmp.Equal(session, got) || len(source.Names()) > 0 {
		t.Errorf("operation %d failed: after the next move: %v, left %v", failing, err, source.Names())
	}
	return true
}

// checkListed demands that every store with an item of the session has an entry,
// and the first one all of the session.
func checkListed(t *testing.T, failing int, session token.Session, stores map[*store.Store]*storetest.Memory) {
	t.Helper()
	for s, items := range stores {
		entries, err := s.Find(session.Profile, session.Environment, session.Origin)
		if err != nil || len(entries) == 0 {
			t.Fatalf("operation %d failed: the index knows %v, %v", failing, entries, err)
		}
		if !slices.ContainsFunc(entries, func(e store.Entry) bool { return e.Store == s.Name() }) && len(items.Names()) > 0 {
			t.Errorf("operation %d failed: %v in the store %s is not listed", failing, items.Names(), s.Name())
		}
		if got, err := s.Session(t.Context(), session.Key); s.Name() == entries[0].Store && (err != nil || !cmp.Equal(session, got)) {
			t.Errorf("operation %d failed: the first entry is that of %s: %v", failing, s.Name(), err)
		}
	}
}

// Nobody renews or replaces the session meanwhile, in either store, and moves to
// and fro come to an end.
func TestMoveHoldsBothLocks(t *testing.T) {
	t.Parallel()
	from, to, _, target := two(t)
	session := storetest.Session(t, "ada")
	must(t, from.Save(t.Context(), session))
	free := 0
	target.Before = func(string, string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		for _, s := range []*store.Store{from, to} {
			if release, err := s.Lock(ctx, session.Key); err == nil {
				free++
				must(t, release())
			}
		}
		return nil
	}
	must(t, store.Move(t.Context(), session.Key, from, to))
	if free > 0 {
		t.Errorf("a lock was free %d times", free)
	}
	target.Before = nil
	var all sync.WaitGroup
	for i := range 20 {
		a, b := from, to
		if i%2 == 0 {
			a, b = to, from
		}
		all.Go(func() {
			if err := store.Move(t.Context(), session.Key, a, b); err != nil && !errors.Is(err, token.ErrNoSession) {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A session that is newer in its new place is not overwritten with an older one.
func TestMoveKeepsTheNewer(t *testing.T) {
	t.Parallel()
	from, to, source, _ := two(t)
	older, newer := storetest.Session(t, "ada"), storetest.Session(t, "ada")
	newer.ObtainedAt = older.ObtainedAt.Add(1)
	newer.AccessToken = token.NewSecret("newer")
	must(t, from.Save(t.Context(), older))
	must(t, to.Save(t.Context(), newer))
	must(t, store.Move(t.Context(), older.Key, from, to))
	got, err := to.Session(t.Context(), older.Key)
	if err != nil || !cmp.Equal(newer, got) || len(source.Names()) != 0 {
		t.Errorf("%v\n%s", err, cmp.Diff(newer, got))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
