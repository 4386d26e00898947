package store

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

// Entry is what the index says of a session. It holds no secret. The vault is
// the truth; an entry may be older.
type Entry struct {
	token.Info
	Store         string       `json:"store"`   // "keyring" or "file": where the session lies
	Details       bool         `json:"details"` // whether there is more than an access token
	RefreshExpiry token.Expiry `json:"refresh_expiry"`
	// Partial says that a move to or from this store has not come to its end: not
	// all of the session may be here, and another store has it whole.
	Partial bool `json:"partial,omitempty"`
}

type entryRecord struct {
	Version int `json:"v"`
	Entry
}

// index is a folder of entries, one small file each, in one folder a profile. A
// session that two stores hold, while it moves from one to the other or was made
// in both, has an entry for each, so that neither is ever forgotten.
type index struct {
	folder string
	store  string // whose entries are removed
}

const entrySuffix = ".json"

// profileFolder is named by a hash: a profile's name may be no name of a file.
func (x index) profileFolder(profile string) string {
	sum := sha256.Sum256([]byte(profile))
	return filepath.Join(x.folder, hex.EncodeToString(sum[:]))
}

func (x index) path(key token.Key, store string) string {
	return filepath.Join(x.profileFolder(key.Profile), key.ID()+"."+store+entrySuffix)
}

func (x index) write(e Entry) error {
	data, err := encode(entryRecord{version, e})
	if err != nil {
		return err
	}
	return writePrivate(x.path(e.Key, e.Store), data)
}

// remove returns fs.ErrNotExist if there was no entry.
func (x index) remove(key token.Key) error { return removePrivate(x.path(key, x.store)) }

// read returns the entry in a file, which must lie where it belongs.
func (x index) read(path string) (Entry, error) {
	data, err := readPrivate(path, othersWrite)
	if err != nil {
		return Entry{}, err
	}
	var r entryRecord
	if err := decode(data, &r, &r.Version); err != nil || x.path(r.Key, r.Store) != path {
		return Entry{}, damaged("authctl doctor", "the index entry "+path+" is damaged")
	}
	return r.Entry, nil
}

// mend writes the entry of a session that was read from the vault if the index
// has none, a damaged one, or an older one.
func (x index) mend(e Entry) error {
	known, err := x.read(x.path(e.Key, e.Store))
	if err == nil && (known.ObtainedAt.After(e.ObtainedAt) || sameEntry(known, e)) {
		return nil
	}
	return x.write(e)
}

func sameEntry(a, b Entry) bool {
	left, leftErr := json.Marshal(a)
	right, rightErr := json.Marshal(b)
	return leftErr == nil && rightErr == nil && bytes.Equal(left, right)
}

// of returns the entries of one session.
func (x index) of(key token.Key) ([]Entry, error) {
	var entries []Entry
	var wrong []error
	for _, store := range []string{Keyring, File} {
		e, err := x.read(x.path(key, store))
		switch {
		case err == nil:
			entries = append(entries, e)
		case !errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, err)
		}
	}
	return entries, errors.Join(wrong...)
}

// list returns the entries in one folder of the index that keep accepts.
func (x index) list(folder string, keep func(Entry) bool) ([]Entry, error) {
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Store, "authctl doctor", "the index of sessions: %w", err)
	}
	var entries []Entry
	var wrong []error
	for _, file := range files {
		name := file.Name()
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, entrySuffix) {
			continue // what a killed writer left
		}
		e, err := x.read(filepath.Join(folder, name))
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
		case err != nil:
			wrong = append(wrong, err)
		case keep(e):
			entries = append(entries, e)
		}
	}
	return entries, errors.Join(wrong...)
}

func (x index) all() ([]Entry, error) {
	folders, err := os.ReadDir(x.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Store, "authctl doctor", "the index of sessions: %w", err)
	}
	var entries []Entry
	var wrong []error
	for _, folder := range folders {
		found, err := x.list(filepath.Join(x.folder, folder.Name()), func(Entry) bool { return true })
		entries = append(entries, found...)
		wrong = append(wrong, err)
	}
	slices.SortFunc(entries, compareEntries)
	return entries, errors.Join(wrong...)
}

// compareEntries sorts by what people see; of two stores, the one that has all of
// the session comes first, then the newer session.
func compareEntries(a, b Entry) int {
	return cmp.Or(
		cmp.Compare(a.Profile, b.Profile), cmp.Compare(a.Environment, b.Environment),
		cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Account, b.Account),
		cmp.Compare(weight(a.Partial), weight(b.Partial)), b.ObtainedAt.Compare(a.ObtainedAt), cmp.Compare(a.Store, b.Store),
	)
}

func weight(last bool) int {
	if last {
		return 1
	}
	return 0
}
