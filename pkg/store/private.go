package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/authctl/authctl/pkg/fault"
)

// Permissions that must not be set on a file.
const (
	othersRead  fs.FileMode = 0o077 // with a secret in it: nobody else may touch it
	othersWrite fs.FileMode = 0o022 // without one: nobody else may change it
)

// maxFile is the size in bytes up to which a file is read: far above any
// session, and small enough for the memory of any machine.
const maxFile = 64 << 20

// readPrivate returns the content of a file that openPrivate accepts, in a
// folder that checkFolder accepts.
func readPrivate(path string, forbidden fs.FileMode) ([]byte, error) {
	f, err := openPrivate(path, forbidden)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	if err := checkFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fault.New(fault.Store, "", "%w", err)
	}
	if len(data) > maxFile {
		return nil, damaged("", path+" is too large")
	}
	return data, nil
}

// writePrivate replaces a file, atomically and with permissions 0600, in a
// folder that it makes if need be.
func writePrivate(path string, data []byte) error {
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	if err := replaceFile(path, data); err != nil {
		return fault.New(fault.Store, "", "%w", err)
	}
	return nil
}

// removePrivate removes a file and what killed writers left of it. A file that
// is not there is fs.ErrNotExist.
func removePrivate(path string) error {
	folder, base := filepath.Split(path)
	err := os.Remove(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Store, "", "%w", err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fs.ErrNotExist
	}
	left, listErr := os.ReadDir(folder)
	if errors.Is(listErr, fs.ErrNotExist) {
		return err
	}
	for _, file := range left {
		if strings.HasPrefix(file.Name(), "."+base) {
			listErr = errors.Join(listErr, os.Remove(filepath.Join(folder, file.Name())))
		}
	}
	if listErr = errors.Join(listErr, syncFolder(folder)); listErr != nil {
		return fault.New(fault.Store, "", "%w", listErr)
	}
	return err
}

// makeFolder makes a folder and its parents for this user alone, and checks
// the one that is there.
func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fault.New(fault.Store, "", "%w", err)
	}
	return checkFolder(path)
}
