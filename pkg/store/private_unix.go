//go:build unix

package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"

	"github.com/authctl/authctl/pkg/fault"
)

// flagNoLink makes an open fail on a symbolic link.
const flagNoLink = syscall.O_NOFOLLOW

// openPrivate opens a file for reading and checks what it opened, so that
// nothing can be put in its place in between: a regular file of this user, no
// symbolic link, and without the permissions in forbidden. A file that is not
// there is fs.ErrNotExist.
func openPrivate(path string, forbidden fs.FileMode) (*os.File, error) {
	// O_NONBLOCK, because opening a named pipe waits for its other end.
	f, err := os.OpenFile(path, os.O_RDONLY|flagNoLink|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fs.ErrNotExist
	}
	if errors.Is(err, syscall.ELOOP) {
		return nil, fault.New(fault.Store, "put the file itself there", "%s is a symbolic link", path)
	}
	if err != nil {
		return nil, fault.New(fault.Store, "", "%w", err)
	}
	if err := checkOpen(f, path, forbidden); err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

func checkOpen(f *os.File, path string, forbidden fs.FileMode) error {
	info, err := f.Stat()
	if err != nil {
		return fault.New(fault.Store, "", "%w", err)
	}
	switch {
	case !info.Mode().IsRegular():
		return fault.New(fault.Store, "", "%s is not a regular file", path)
	case owner(info) != os.Geteuid():
		return fault.New(fault.Store, "", "%s belongs to another user", path)
	case info.Mode().Perm()&forbidden != 0:
		return fault.New(fault.Store, "chmod 600 "+path, "%s has permissions %04o: others can read or change it",
			path, info.Mode().Perm())
	}
	return nil
}

// checkFolder refuses a folder in which somebody else can put files: one that
// group or world may write, or that belongs to neither this user nor root.
func checkFolder(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fault.New(fault.Store, "", "%w", err)
	case !info.IsDir():
		return fault.New(fault.Store, "", "%s is not a folder", path)
	case owner(info) != os.Geteuid() && owner(info) != 0:
		return fault.New(fault.Store, "", "the folder %s belongs to another user", path)
	case info.Mode().Perm()&0o022 != 0:
		return fault.New(fault.Store, "chmod 700 "+path, "the folder %s has permissions %04o: others can change it",
			path, info.Mode().Perm())
	}
	return nil
}

func owner(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// replaceFile writes data beside path and renames it there, both flushed to
// the disk. It does not look at what is there; a link is replaced, not
// followed.
func replaceFile(path string, data []byte) error {
	folder := filepath.Dir(path)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(folder), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { _ = f.Cleanup() }() // does nothing after the rename
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes a rename or a removal in the folder last.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
