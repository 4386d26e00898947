//go:build !unix

package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/authctl/authctl/pkg/fault"
)

// flagNoLink has no counterpart here.
const flagNoLink = 0

// openPrivate opens a file for reading. Permissions are those of the user's
// profile folder, which Windows keeps from other users; modes say nothing.
func openPrivate(path string, _ fs.FileMode) (*os.File, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, fault.New(fault.Store, "", "%w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Store, "", "%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.Store, "", "%w", err)
	}
	return f, nil
}

// checkFolder checks that there is a folder.
func checkFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fault.New(fault.Store, "", "%w", err)
	}
	if !info.IsDir() {
		return fault.New(fault.Store, "", "%s is not a folder", path)
	}
	return nil
}

// replaceFile writes data beside path and renames it there.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path))
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone after the rename
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// syncFolder does nothing: folders cannot be flushed here.
func syncFolder(string) error { return nil }
