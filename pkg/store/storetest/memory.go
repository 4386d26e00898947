package storetest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
)

// Memory is a vault that keeps items in memory. Set its fields before use.
type Memory struct {
	// MaxItem refuses larger items, in bytes; 0 is no limit.
	MaxItem int
	// PlainNames refuses names that a keyring mangles: with quotes, backslashes
	// or line breaks (macOS), or a colon (Windows).
	PlainNames bool
	// Before, if not nil, is called at the start of each operation ("get",
	// "set", "delete") on an item; its error ends the operation undone.
	Before func(operation, name string) error
	// Dismissed makes "set" and "delete" report success and change nothing, as
	// a keyring does whose dialog is dismissed.
	Dismissed bool

	mu    sync.Mutex
	items map[string][]byte
}

// Limited returns a memory with the limits of the keyrings of Windows and
// macOS: it refuses more than 2,400 bytes an item, and names that they mangle.
func Limited() *Memory { return &Memory{MaxItem: 2400, PlainNames: true} }

// Get implements store.Vault.
func (m *Memory) Get(ctx context.Context, name string) ([]byte, error) {
	if err := m.begin(ctx, "get", name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, found := m.items[name]
	if !found {
		return nil, store.ErrNoItem
	}
	return bytes.Clone(value), nil
}

// Set implements store.Vault.
func (m *Memory) Set(ctx context.Context, name string, value []byte) error {
	if err := m.begin(ctx, "set", name); err != nil {
		return err
	}
	if m.MaxItem > 0 && len(value) > m.MaxItem {
		return fault.New(fault.Store, "", "an item of %d bytes is too large", len(value))
	}
	if m.Dismissed {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.items == nil {
		m.items = make(map[string][]byte)
	}
	m.items[name] = bytes.Clone(value)
	return nil
}

// Delete implements store.Vault.
func (m *Memory) Delete(ctx context.Context, name string) error {
	if err := m.begin(ctx, "delete", name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, found := m.items[name]; !found {
		return store.ErrNoItem
	}
	if !m.Dismissed {
		delete(m.items, name)
	}
	return nil
}

// Names returns the names of all items, sorted.
func (m *Memory) Names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.items))
}

// Clone returns a memory with the same items and limits, without Before.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{MaxItem: m.MaxItem, PlainNames: m.PlainNames, items: maps.Clone(m.items)}
}

func (m *Memory) begin(ctx context.Context, operation, name string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if m.PlainNames && strings.ContainsAny(name, "'\"\\\r\n:") {
		return fault.New(fault.Store, "", "the name %q would be mangled", name)
	}
	if m.Before != nil {
		return m.Before(operation, name)
	}
	return nil
}
