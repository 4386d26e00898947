package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// TestEntries: of one session in two stores the newer comes first, and damage
// in one entry is told beside the other one.
func TestEntries(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	session := storetest.Session(t, "ada")
	names := func() string {
		entries, err := store.New(nil, store.Options{StateDir: state}).Entries(session.Key)
		var all []string
		for _, e := range entries {
			all = append(all, e.Store)
		}
		if err != nil {
			all = append(all, err.Error())
		}
		return strings.Join(all, " ")
	}
	if got := names(); got != "" {
		t.Errorf("before a login: %s", got)
	}
	for _, name := range []string{store.Keyring, store.File} {
		must(t, store.New(&storetest.Memory{}, store.Options{Name: name, StateDir: state}).Save(t.Context(), session))
		session.ObtainedAt = session.ObtainedAt.Add(time.Second)
	}
	if got, want := names(), "file keyring"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	files, err := filepath.Glob(filepath.Join(state, "index", "*", "*.file.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	must(t, os.WriteFile(files[0], []byte("{"), 0o600))
	if got, want := names(), "keyring the index entry "+files[0]+" is damaged"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
