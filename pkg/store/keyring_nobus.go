//go:build windows || darwin

package store

import "github.com/authctl/authctl/pkg/fault"

// splitKeyring says whether items of the keyring have a size limit.
const splitKeyring = true

// systemKeyring returns no checks: nothing is started by a call here, and
// 'not found' is what the system said.
func systemKeyring(func(string) string) (ready, absent func() error) {
	nothing := func() error { return nil }
	return nothing, nothing
}

// explainSystem explains an error of the system, such as a Windows error code.
func explainSystem(err error) error {
	return fault.New(fault.Store, hintOtherStore, "the keyring failed: %w", err)
}

// quickGet has no shorter way on this system.
func quickGet(_, _ string) (value string, found bool) { return "", false }

// listItems cannot be done through go-keyring.
func listItems(string) ([]string, error) { return nil, ErrCannotList }

// Prepare does nothing: there is no connection to make here.
func Prepare(func(string) string) {}

// keyringFolder returns none: no socket leads to the keyring here.
func keyringFolder(func(string) string) string { return "" }
