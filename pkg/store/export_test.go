package store

import (
	"time"
)

// What tests outside the package need of its inside.

// KeyringVault returns the vault of the real keyring.
func KeyringVault(getenv func(string) string) Vault {
	ready, absent := systemKeyring(getenv)
	return newKeyring(goKeyring{}, ready, absent, unattended)
}

// Backend is what a fake of go-keyring implements.
type Backend = backend

// FakeKeyring returns a keyring vault over a fake of go-keyring.
func FakeKeyring(b Backend, limit time.Duration) Vault {
	nothing := func() error { return nil }
	return newKeyring(b, nothing, nothing, limit)
}

// UnsureKeyring is a FakeKeyring whose 'not found' may be wrong: unsure says why.
func UnsureKeyring(b Backend, unsure error) Vault {
	return newKeyring(b, func() error { return nil }, func() error { return unsure }, time.Minute)
}

// FileVault returns the vault of the file store.
func FileVault(o Options) Vault { return &fileVault{folder: o.DataDir, identity: o.Identity} }

// RawKeyring returns go-keyring itself.
func RawKeyring() Backend { return goKeyring{} }

// LockFolder returns where the locks of a store lie.
func LockFolder(s *Store) string { return s.locks }

// LimitedStore returns a store in pieces of 300 bytes over a fake of go-keyring
// with a limit for each call; waiting is called when a call takes long.
func LimitedStore(b Backend, limit time.Duration, waiting func(), o Options) *Store {
	nothing := func() error { return nil }
	vault := newKeyring(b, nothing, nothing, limit)
	vault.waiting = waiting
	return assemble(NewSplit(vault, 300), o)
}
