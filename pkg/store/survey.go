package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

// ErrCannotList says that a vault cannot tell the names of its items: the
// keyrings of Windows and macOS, through go-keyring, cannot.
var ErrCannotList = errors.New("the items of this store cannot be listed")

// lister is a Vault that can tell the names of its items.
type lister interface {
	Names(ctx context.Context) ([]string, error)
}

// Names implements lister for a vault that does.
func (c checked) Names(ctx context.Context) ([]string, error) {
	if l, ok := c.Vault.(lister); ok {
		return l.Names(ctx)
	}
	return nil, ErrCannotList
}

// Survey is what does not fit together between a vault and the index, after a
// command was killed or a folder was lost.
type Survey struct {
	Sessions   int         // that are in the vault, as far as it can list them
	Unlisted   []token.Key // sessions that the index does not list
	Stale      []token.Key // index entries without a session
	Leftover   []string    // items of sessions that are gone, such as a lone refresh token
	Unreadable []string    // items that the index does not list and nothing can name
	spoilt     []string    // files of entries that cannot be read, without a session
}

// Whole says whether there is nothing to mend.
func (s Survey) Whole() bool {
	return len(s.Unlisted)+len(s.Stale)+len(s.Leftover)+len(s.spoilt) == 0
}

// Entries is the number of index entries that belong to nothing.
func (s Survey) Entries() int { return len(s.Stale) + len(s.spoilt) }

// Survey compares the vault with the index. Where the vault cannot list its
// items it looks for stale entries only, and returns ErrCannotList with them.
func (s *Store) Survey(ctx context.Context) (Survey, error) {
	listed, spoilt, err := s.index.ofStore()
	if err != nil {
		return Survey{}, err
	}
	names, err := s.names(ctx)
	if errors.Is(err, ErrCannotList) {
		stale, staleErr := s.stale(ctx, listed)
		return Survey{Stale: stale}, errors.Join(err, staleErr)
	}
	if err != nil {
		return Survey{}, err
	}
	var found Survey
	for _, name := range names {
		if err := s.place(ctx, &found, name, names, listed); err != nil {
			return Survey{}, err
		}
	}
	for id, key := range listed {
		if !slices.Contains(names, id) && !slices.Contains(names, id+moreSuffix) {
			found.Stale = append(found.Stale, key)
		}
	}
	for id, path := range spoilt {
		if !slices.Contains(names, id) && !slices.Contains(names, id+moreSuffix) {
			found.spoilt = append(found.spoilt, path)
		}
	}
	return found, nil
}

// names returns the sorted names of all items of sessions.
func (s *Store) names(ctx context.Context) ([]string, error) {
	l, ok := s.vault.(lister)
	if !ok {
		return nil, ErrCannotList
	}
	names, err := l.Names(ctx)
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, "v1.") })
	slices.Sort(names)
	return names, err
}

// place says where one item belongs.
func (s *Store) place(ctx context.Context, into *Survey, name string, names []string, listed map[string]token.Key) error {
	if id, isMore := strings.CutSuffix(name, moreSuffix); isMore {
		if _, found := slices.BinarySearch(names, id); !found {
			into.Leftover = append(into.Leftover, name)
		}
		return nil
	}
	into.Sessions++
	if _, known := listed[name]; known {
		return nil
	}
	key, err := s.keyOf(ctx, name)
	switch {
	case errors.Is(err, ErrNoItem): // deleted meanwhile
	case errors.Is(err, ErrDamaged):
		into.Unreadable = append(into.Unreadable, name)
	case err != nil:
		return err
	default:
		into.Unlisted = append(into.Unlisted, key)
	}
	return nil
}

// keyOf reads the key that an access item carries.
func (s *Store) keyOf(ctx context.Context, name string) (token.Key, error) {
	data, err := s.vault.Get(ctx, name)
	if err != nil {
		return token.Key{}, err
	}
	var r accessRecord
	if err := decode(data, &r, &r.Version); err != nil {
		return token.Key{}, err
	}
	if r.ID() != name {
		return token.Key{}, damaged(hintLoginAgain, "the session is damaged: it belongs to another login")
	}
	return r.Key, nil
}

// stale asks the vault for each session of the index.
func (s *Store) stale(ctx context.Context, listed map[string]token.Key) ([]token.Key, error) {
	var stale []token.Key
	for id, key := range listed {
		_, err := s.vault.Get(ctx, id)
		if errors.Is(err, ErrNoItem) {
			_, err = s.vault.Get(ctx, id+moreSuffix)
		}
		switch {
		case errors.Is(err, ErrNoItem):
			stale = append(stale, key)
		case err != nil && !errors.Is(err, ErrDamaged):
			return stale, err
		}
	}
	return stale, nil
}

// Mend makes the index agree with the vault where a survey has found that it
// does not. No secret is deleted. It takes the locks itself.
func (s *Store) Mend(ctx context.Context, found Survey) error {
	var errs []error
	for _, key := range slices.Concat(found.Unlisted, found.Stale) {
		errs = append(errs, s.locked(ctx, key.ID(), func() error { return s.Repair(ctx, key) }))
	}
	for _, path := range found.spoilt {
		if err := removePrivate(path); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// DeleteLeftover deletes items that a survey has found to belong to no session,
// unless they do by now. It takes the locks itself.
func (s *Store) DeleteLeftover(ctx context.Context, found Survey) error {
	var errs []error
	for _, name := range found.Leftover {
		id := strings.TrimSuffix(name, moreSuffix)
		errs = append(errs, s.locked(ctx, id, func() error { return s.deleteLone(ctx, id, name) }))
	}
	return errors.Join(errs...)
}

// deleteLone deletes an item unless the session that it could belong to is
// there.
func (s *Store) deleteLone(ctx context.Context, id, name string) error {
	if _, err := s.vault.Get(ctx, id); err == nil {
		return nil
	} else if !errors.Is(err, ErrNoItem) {
		return err
	}
	if err := s.vault.Delete(ctx, name); err != nil && !errors.Is(err, ErrNoItem) {
		return fault.Wrap(err, "an item of a session that is gone may still be in the store")
	}
	return nil
}

// locked does something while nobody else holds the lock of a session.
func (s *Store) locked(ctx context.Context, id string, do func() error) error {
	release, err := lockFile(ctx, s.locks, id)
	if err != nil {
		return err
	}
	return errors.Join(do(), release())
}

// ofStore returns the keys of the entries of one store by id, and the paths of
// those that cannot be read by the id that their names tell.
func (x index) ofStore() (listed map[string]token.Key, spoilt map[string]string, err error) {
	paths, err := x.paths()
	if err != nil {
		return nil, nil, err
	}
	listed, spoilt = map[string]token.Key{}, map[string]string{}
	for _, path := range paths {
		id, ofStore := strings.CutSuffix(filepath.Base(path), "."+x.store+entrySuffix)
		if !ofStore {
			continue
		}
		e, err := x.read(path)
		switch {
		case err == nil:
			listed[id] = e.Key
		case errors.Is(err, ErrDamaged):
			spoilt[id] = path
		case !errors.Is(err, fs.ErrNotExist):
			return nil, nil, err
		}
	}
	return listed, spoilt, nil
}

// paths returns those of all files of the index.
func (x index) paths() ([]string, error) {
	var paths []string
	err := filepath.WalkDir(x.folder, func(path string, file fs.DirEntry, err error) error {
		if err == nil && file.Type().IsRegular() && !strings.HasPrefix(file.Name(), ".") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Store, "", "the index of sessions: %w", err)
	}
	return paths, nil
}

// Names implements lister.
func (v *fileVault) Names(ctx context.Context) ([]string, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	files, err := os.ReadDir(v.folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Store, "", "%w", err)
	}
	var names []string
	for _, file := range files {
		if name, isItem := strings.CutSuffix(file.Name(), itemSuffix); isItem && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, nil
}

// Names implements lister where the system's keyring can be listed.
func (k *keyringVault) Names(ctx context.Context) ([]string, error) {
	l, ok := k.backend.(interface {
		Names(service string) ([]string, error)
	})
	if !ok {
		return nil, ErrCannotList
	}
	var names []string
	err := k.call(ctx, func() (err error) {
		names, err = l.Names(service)
		return err
	})
	return names, err
}
