package store

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"github.com/authctl/authctl/pkg/fault"
)

// itemSuffix ends the names of the files of items.
const itemSuffix = ".age"

// fileVault keeps one age-encrypted file per item in a folder.
type fileVault struct {
	folder   string
	identity Identity

	once   sync.Mutex // guards loaded
	loaded *keyPair
}

// keys loads the identity when it is needed for the first time. A failure is
// not kept: the file may be there next time.
func (v *fileVault) keys() (*keyPair, error) {
	v.once.Lock()
	defer v.once.Unlock()
	if v.loaded != nil {
		return v.loaded, nil
	}
	pair, err := v.identity.load()
	if err != nil {
		return nil, err
	}
	v.loaded = pair
	return pair, nil
}

// path returns the file of an item. Names are checked although all callers
// make them from a hash: here one with a slash would leave the folder.
func (v *fileVault) path(name string) (string, error) {
	safe := func(r rune) bool { return r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' }
	if name == "" || name[0] == '.' || strings.ContainsFunc(name, func(r rune) bool { return !safe(r) }) {
		return "", fault.New(fault.Other, "", "%q is no name of an item", name)
	}
	if v.folder == "" {
		return "", fault.New(fault.Store, "", "the file store has no folder")
	}
	return filepath.Join(v.folder, name+itemSuffix), nil
}

// Get implements Vault.
func (v *fileVault) Get(ctx context.Context, name string) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	path, err := v.path(name)
	if err != nil {
		return nil, err
	}
	data, err := readPrivate(path, othersRead)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoItem
	}
	if err != nil {
		return nil, err
	}
	pair, err := v.keys()
	if err != nil {
		return nil, err
	}
	return pair.decrypt(data)
}

// Set implements Vault.
func (v *fileVault) Set(ctx context.Context, name string, value []byte) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	path, err := v.path(name)
	if err != nil {
		return err
	}
	pair, err := v.keys()
	if err != nil {
		return err
	}
	data, err := pair.encrypt(value)
	if err != nil {
		return fault.New(fault.Store, hintIdentity, "the session cannot be encrypted: %w", err)
	}
	return writePrivate(path, data)
}

// Delete implements Vault. It needs no identity: who has lost it must be able
// to log out.
func (v *fileVault) Delete(ctx context.Context, name string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	path, err := v.path(name)
	if err != nil {
		return err
	}
	err = removePrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoItem
	}
	return err
}
