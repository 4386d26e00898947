//go:build !windows && !darwin

package store

// KeyringVaultIn is KeyringVault with another folder for /run/user.
func KeyringVaultIn(getenv func(string) string, run string) Vault {
	return newKeyring(goKeyring{}, sessionBus{getenv: getenv, run: run}.ready, confirmAbsent, unattended)
}

// BusAddress returns the address of the session bus that an environment leads to.
func BusAddress(getenv func(string) string, run string) (string, error) {
	return sessionBus{getenv: getenv, run: run}.address()
}

// ConfirmAbsent asks the bus of the process whether 'not found' can be believed.
func ConfirmAbsent() error { return confirmAbsent() }
