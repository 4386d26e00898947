package store_test

import (
	"os"

	"github.com/authctl/authctl/pkg/store"
)

func inRunFolder(run string) *store.Store {
	return store.New(store.KeyringVaultIn(os.Getenv, run), store.Options{Name: store.Keyring})
}
