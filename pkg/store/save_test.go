package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// errKilled stands for the death of the process: nothing happens after it.
var errKilled = errors.New("killed")

// killedAfter lets a memory fail from its operation number n on, and says in
// reached whether it came to that.
func killedAfter(memory *storetest.Memory, n int) (reached *bool) {
	reached = new(bool)
	memory.Before = func(string, string) error {
		if n--; n < 0 {
			*reached = true
			return errKilled
		}
		return nil
	}
	return reached
}

// TestThreat12_KilledAtEveryStep ends a Save at each of its operations. What is
// there afterwards must be the old session or the new one, with the newest
// refresh token that was written, and a logout must leave nothing behind.
func TestThreat12_KilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for name, max := range map[string]int{"whole": 0, "in pieces": 2400} {
		for _, sizes := range [][2]int{{100, 100}, {100, 6000}, {6000, 100}, {6000, 9000}, {9000, 6000}} {
			t.Run(fmt.Sprintf("%s %d to %d", name, sizes[0], sizes[1]), func(t *testing.T) {
				t.Parallel()
				before, after := sized(t, "old", sizes[0]), sized(t, "new", sizes[1])
				start := &storetest.Memory{MaxItem: max}
				if err := over2(t, start).Save(t.Context(), before); err != nil {
					t.Fatal(err)
				}
				for n := 0; ; n++ {
					memory := start.Clone()
					reached := killedAfter(memory, n)
					err := over2(t, memory).Save(t.Context(), after)
					if !*reached {
						if err != nil {
							t.Fatal(err)
						}
						break
					}
					memory.Before = nil
					checkAfterKill(t, n, memory, before, after)
				}
			})
		}
	}
}

// over2 returns a store over a memory, split if that has a limit.
func over2(t *testing.T, memory *storetest.Memory) *store.Store {
	t.Helper()
	if memory.MaxItem == 0 {
		return store.New(memory, options(t, store.Keyring))
	}
	return store.New(store.NewSplit(memory, memory.MaxItem), options(t, store.Keyring))
}

func sized(t *testing.T, text string, size int) token.Session {
	t.Helper()
	session := storetest.Session(t, "a")
	session.AccessToken = token.NewSecret(strings.Repeat(text, size/len(text)))
	session.RefreshToken = token.NewSecret(strings.Repeat("r"+text, size/len(text)))
	return session
}

func checkAfterKill(t *testing.T, n int, memory *storetest.Memory, before, after token.Session) {
	t.Helper()
	s := over2(t, memory)
	got, err := s.Session(t.Context(), before.Key)
	if err != nil {
		t.Fatalf("killed at operation %d: %v", n, err)
	}
	mixed := before
	mixed.RefreshToken = after.RefreshToken // safe before the access token
	if !cmp.Equal(got, before) && !cmp.Equal(got, mixed) && !cmp.Equal(got, after) {
		t.Errorf("killed at operation %d: neither the old nor the new session", n)
	}
	again := over2(t, memory.Clone())
	if err := again.Save(t.Context(), after); err != nil {
		t.Errorf("killed at operation %d, Save again: %v", n, err)
	}
	if err := s.Delete(t.Context(), before.Key); err != nil {
		t.Errorf("killed at operation %d, Delete: %v", n, err)
	}
	if left := memory.Names(); len(left) != 0 {
		t.Errorf("killed at operation %d: left after logout: %v", n, left)
	}
}

// TestThreat13_KilledLogout ends a Delete at each of its operations; a second
// one must finish it.
func TestThreat13_KilledLogout(t *testing.T) {
	t.Parallel()
	for _, max := range []int{0, 2400} {
		for n := 0; ; n++ {
			memory := &storetest.Memory{MaxItem: max}
			session := sized(t, "old", 6000)
			s := over2(t, memory)
			if err := s.Save(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			reached := killedAfter(memory, n)
			err := s.Delete(t.Context(), session.Key)
			if !*reached {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			memory.Before = nil
			if entries, err := s.List(); err != nil || len(entries) != 1 {
				t.Errorf("killed at operation %d: listed %d times, %v", n, len(entries), err)
			}
			if err := s.Delete(t.Context(), session.Key); err != nil && !errors.Is(err, token.ErrNoSession) {
				t.Errorf("killed at operation %d, again: %v", n, err)
			}
			if entries, err := s.List(); len(memory.Names()) != 0 || len(entries) != 0 || err != nil {
				t.Errorf("killed at operation %d: left %v, %v, %v", n, memory.Names(), entries, err)
			}
		}
	}
}

// TestOrderOfSave: details first, and not at all if they have not changed.
func TestOrderOfSave(t *testing.T) {
	t.Parallel()
	memory := &storetest.Memory{}
	s := store.New(memory, options(t, store.Keyring))
	session := storetest.Session(t, "a")
	var written []string
	memory.Before = func(operation, name string) error {
		if operation == "set" {
			written = append(written, strings.TrimPrefix(name, session.ID()))
		}
		return nil
	}
	for _, want := range [][]string{{".more", ""}, {""}} {
		written = nil
		if err := s.Save(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, written); diff != "" {
			t.Errorf("items written (-want +got):\n%s", diff)
		}
		session.AccessToken = token.NewSecret("another")
	}
	var reads int
	memory.Before = func(string, string) error { reads++; return nil }
	if _, err := s.Access(t.Context(), session.Key); err != nil || reads != 1 {
		t.Errorf("Access: %v, %d operations, want 1", err, reads)
	}
}

// TestPartialSaveTellsWhatIsKept: the caller must know which half is safe.
func TestPartialSaveTellsWhatIsKept(t *testing.T) {
	t.Parallel()
	session := storetest.Session(t, "a")
	full := fault.New(fault.Store, "", "full")
	for suffix, want := range map[string]string{
		".more": "the refresh token is not saved: full", "": "the access token is not saved: full",
	} {
		memory := &storetest.Memory{Before: func(operation, name string) error {
			if operation == "set" && name == session.ID()+suffix {
				return full
			}
			return nil
		}}
		err := store.New(memory, options(t, store.Keyring)).Save(t.Context(), session)
		if fault.KindOf(err) != fault.Store || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestIndexIsMended(t *testing.T) {
	t.Parallel()
	o := options(t, store.Keyring)
	s := store.New(&storetest.Memory{}, o)
	session := storetest.Session(t, "a")
	if err := s.Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	path := entryPath(t, o)
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func() error{
		"missing": func() error { return os.RemoveAll(filepath.Join(o.StateDir, "index")) },
		"cut off": func() error { return os.WriteFile(path, want[:20], 0o600) },
		"stale": func() error {
			return os.WriteFile(path, []byte(strings.Replace(string(want), "2026-05-01T12", "2026-04-01T12", 1)), 0o600)
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Session(t.Context(), session.Key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
			t.Errorf("%s: the entry is not mended: %v", name, err)
		}
	}
}

// entryPath returns the path of the only index entry.
func entryPath(t *testing.T, o store.Options) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(o.StateDir, "index", "*", "*.json"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("entries: %v, %v", paths, err)
	}
	return paths[0]
}

func TestRepairRemovesAnEntryWithoutASession(t *testing.T) {
	t.Parallel()
	memory := &storetest.Memory{}
	s := store.New(memory, options(t, store.Keyring))
	session := storetest.Session(t, "a")
	if err := s.Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	for _, name := range memory.Names() {
		if err := memory.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Repair(t.Context(), session.Key); err != nil {
		t.Fatal(err)
	}
	if entries, err := s.List(); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v; want none", entries, err)
	}
}

// TestThreat01_MovedIndexEntry: an entry that lies under another name could
// send a command to another login.
func TestThreat01_MovedIndexEntry(t *testing.T) {
	t.Parallel()
	o := options(t, store.Keyring)
	s := store.New(&storetest.Memory{}, o)
	if err := s.Save(t.Context(), storetest.Session(t, "a")); err != nil {
		t.Fatal(err)
	}
	path := entryPath(t, o)
	if err := os.Rename(path, strings.Replace(path, "v1.", "v1.0", 1)); err != nil {
		t.Fatal(err)
	}
	if entries, err := s.List(); len(entries) != 0 || !errors.Is(err, store.ErrDamaged) {
		t.Errorf("%v, %v; want damaged", entries, err)
	}
}

// TestThreat07_NoSecretInTheIndex looks into every file of the index, and at a
// damaged entry, which must not hide the others.
func TestThreat07_NoSecretInTheIndex(t *testing.T) {
	t.Parallel()
	o := options(t, store.Keyring)
	s := store.New(&storetest.Memory{}, o)
	session := storetest.Session(t, "a")
	if err := s.Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(entryPath(t, o))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"access-of", "refresh-of", "t-1", "not UTF-8"} {
		if strings.Contains(string(data), secret) {
			t.Errorf("%q is in the index: %s", secret, data)
		}
	}
	if err := os.WriteFile(entryPath(t, o), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), storetest.Session(t, "b")); err != nil {
		t.Fatal(err)
	}
	entries, err := s.List()
	if len(entries) != 1 || entries[0].Account != "b" || !errors.Is(err, store.ErrDamaged) || fault.KindOf(err) != fault.Store {
		t.Errorf("%v, %v; want b and the damage of a", entries, err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]fault.Kind{"": fault.Other, "keyring": fault.Other, "file": fault.Other, "none": fault.Usage, "vault": fault.Usage} {
		o := options(t, name)
		s, err := store.Open(o)
		if fault.KindOf(err) != want || (s == nil) != (err != nil) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := os.Stat(o.StateDir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: Open made a folder", name)
		}
	}
}
