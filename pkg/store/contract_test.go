package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

func neverDone() context.Context { return context.Background() }

// options returns options with folders of their own.
func options(t testing.TB, name string) store.Options {
	t.Helper()
	folder := t.TempDir()
	return store.Options{
		Name: name, StateDir: filepath.Join(folder, "state"), DataDir: filepath.Join(folder, "data"),
		LockDir: filepath.Join(folder, "locks"), Getenv: os.Getenv,
	}
}

func over(o store.Options, vault store.Vault) storetest.Place {
	return storetest.Place{Open: func(*testing.T) *store.Store { return store.New(vault, o) }, Vault: vault}
}

func opened(o store.Options, vault store.Vault) storetest.Place {
	return storetest.Place{Vault: vault, Open: func(t *testing.T) *store.Store {
		t.Helper()
		s, err := store.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, over(options(t, store.Keyring), &storetest.Memory{}))
}

// TestLimited runs the contract on small items with the limits of Windows and
// macOS, and looks for pieces that nobody deleted.
func TestLimited(t *testing.T) {
	t.Parallel()
	memory := storetest.Limited()
	storetest.Run(t, over(options(t, store.Keyring), store.NewSplit(memory, memory.MaxItem)))
	if left := memory.Names(); len(left) != 0 {
		t.Errorf("left after all logouts: %v", left)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	o := fileOptions(t)
	storetest.Run(t, opened(o, store.FileVault(o)))
}

// fileOptions returns options of a file store with a new identity.
func fileOptions(t testing.TB) store.Options {
	t.Helper()
	o := options(t, store.File)
	o.Identity.Path = filepath.Join(t.TempDir(), "keys", "identity")
	if _, err := store.CreateIdentity(o.Identity.Path); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestRealKeyring(t *testing.T) {
	storetest.Require(t, sharedErr)
	storetest.Run(t, opened(options(t, store.Keyring), store.KeyringVault(os.Getenv)))
}
