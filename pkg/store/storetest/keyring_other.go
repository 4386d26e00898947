//go:build !linux

package storetest

// Keyring is a private keyring; on this system there is none.
type Keyring struct{}

// LaunchKeyring returns ErrNoPrograms.
func LaunchKeyring() (*Keyring, error) { return nil, ErrNoPrograms }

// Env returns nothing.
func (*Keyring) Env() []string { return nil }

// Stop does nothing.
func (*Keyring) Stop() error { return nil }

// Lock does nothing.
func (*Keyring) Lock() error { return nil }

// Restart does nothing.
func (*Keyring) Restart() error { return nil }

// Items returns nothing.
func (*Keyring) Items() ([]string, error) { return nil, nil }

// Add does nothing.
func (*Keyring) Add(map[string][]byte) error { return nil }

// Close does nothing.
func (*Keyring) Close() error { return nil }
