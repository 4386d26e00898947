package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// TestPieces checks what an item becomes: one item when small, pieces and a
// header when not, and nothing left of the form it had before.
func TestPieces(t *testing.T) {
	t.Parallel()
	memory := &storetest.Memory{MaxItem: 100}
	vault := store.NewSplit(memory, 100)
	for _, test := range []struct {
		value string
		items int
	}{
		{"small", 1}, {strings.Repeat("x", 100), 1}, {strings.Repeat("x", 101), 3}, {strings.Repeat("y", 1000), 11},
		{strings.Repeat("z", 150), 3}, {"authctl-split looks like a header", 2}, {"", 1},
	} {
		// The header alone has about 130 bytes.
		memory.MaxItem = 200
		if err := vault.Set(t.Context(), "item", []byte(test.value)); err != nil {
			t.Fatal(err)
		}
		got, err := vault.Get(t.Context(), "item")
		if err != nil || string(got) != test.value {
			t.Errorf("%.20q came back as %.20q, %v", test.value, got, err)
		}
		if names := memory.Names(); len(names) != test.items {
			t.Errorf("%.20q: items %v, want %d", test.value, names, test.items)
		}
	}
}

// TestDamagedPieces changes each part of a split item.
func TestDamagedPieces(t *testing.T) {
	t.Parallel()
	value := []byte(strings.Repeat("token", 1000))
	good := &storetest.Memory{}
	if err := store.NewSplit(good, 2400).Set(t.Context(), "item", value); err != nil {
		t.Fatal(err)
	}
	upper := func(m *storetest.Memory, name string, item []byte) error {
		return m.Set(t.Context(), name, bytes.ToUpper(item)) // the same length
	}
	shorter := func(m *storetest.Memory, name string, item []byte) error {
		return m.Set(t.Context(), name, item[:len(item)-1])
	}
	gone := func(m *storetest.Memory, name string, _ []byte) error { return m.Delete(t.Context(), name) }
	for _, name := range []string{"item.a.0", "item.a.1", "item.a.2"} {
		checkDamaged(t, good.Clone(), name, value, upper)
		checkDamaged(t, good.Clone(), name, value, shorter)
		checkDamaged(t, good.Clone(), name, value, gone)
	}
	checkDamaged(t, good.Clone(), "item", value, shorter)
}

// checkDamaged spoils the item name of a split item. That must be seen, and
// mended by a write; a deletion must leave nothing.
func checkDamaged(t *testing.T, m *storetest.Memory, name string, value []byte,
	spoil func(*storetest.Memory, string, []byte) error,
) {
	t.Helper()
	item, err := m.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := spoil(m, name, item); err != nil {
		t.Fatal(err)
	}
	got, err := store.NewSplit(m, 2400).Get(t.Context(), "item")
	if !errors.Is(err, store.ErrDamaged) || fault.KindOf(err) != fault.Store {
		t.Errorf("%s: %d bytes, %v; want damaged", name, len(got), err)
	}
	for _, memory := range []*storetest.Memory{m.Clone(), m} {
		vault := store.NewSplit(memory, 2400)
		if memory == m {
			if err := vault.Set(t.Context(), "item", value); err != nil {
				t.Errorf("%s: written anew: %v", name, err)
			}
		}
		if err := vault.Delete(t.Context(), "item"); err != nil || len(memory.Names()) != 0 {
			t.Errorf("%s: deleted: %v, left %v", name, err, memory.Names())
		}
	}
}

// TestUnavailablePiecesAreNotDamaged: who cannot be asked has not lost anything.
func TestUnavailablePiecesAreNotDamaged(t *testing.T) {
	t.Parallel()
	memory := &storetest.Memory{}
	vault := store.NewSplit(memory, 2400)
	if err := vault.Set(t.Context(), "item", make([]byte, 9000)); err != nil {
		t.Fatal(err)
	}
	memory.Before = func(_, name string) error {
		if name != "item" {
			return fault.New(fault.Store, "", "the keyring is locked")
		}
		return nil
	}
	_, err := vault.Get(t.Context(), "item")
	if errors.Is(err, store.ErrDamaged) || !strings.Contains(fmt.Sprint(err), "locked") {
		t.Errorf("%v, want locked", err)
	}
}
