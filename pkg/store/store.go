// Package store keeps sessions: in the keyring of the desktop, or in files
// encrypted with age. An absent session and a store that cannot be asked are
// different errors, everywhere. What is written is read back, what is deleted
// is looked up again, and no secret is ever kept in plain text.
//
// A session is two items in a vault: a small one with the access token, which
// is all that "authctl token" reads, and one with the details that a renewal
// needs. A third part, without a secret, is its entry in the index.
package store

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

// The names of the stores, as people type them after --store.
const (
	Keyring = "keyring" // the keyring of the desktop
	File    = "file"    // files encrypted with age
	None    = "none"    // nothing is kept; Open does not take it
)

// Names returns the names of all stores, the default first.
func Names() []string { return []string{Keyring, File, None} }

// Options say which store to open and where its parts lie. The folders are
// made when they are needed; they are for this user alone.
type Options struct {
	Name        string              // Keyring or File; empty is Keyring
	StateDir    string              // holds the index, which has no secret in it
	DataDir     string              // holds the encrypted files of the file store
	LockDir     string              // holds the locks where Open finds no better place; see lockFolder
	Identity    Identity            // the key of the file store
	Getenv      func(string) string // the environment, to find the session bus
	Interactive bool                // a person may be there to type a password into a dialog
	Waiting     func()              // called once if Interactive and the keyring takes long; may be nil
}

// Store keeps sessions in a vault, lists them in an index, and has a lock for
// each. Its methods can be called from several goroutines; Save and Delete of
// one session only by the holder of its lock.
type Store struct {
	name  string
	vault Vault
	index index
	locks string
}

// Open returns the store that the options name. It touches nothing: neither
// the keyring nor a file.
func Open(o Options) (*Store, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	o.LockDir = lockFolder(o)
	switch o.Name {
	case Keyring, "":
		o.Name = Keyring
		ready, absent := systemKeyring(o.Getenv)
		vault := newKeyring(goKeyring{}, ready, absent, unattended)
		if o.Interactive {
			vault.limit, vault.waiting = attended, o.Waiting
		}
		if splitKeyring {
			return assemble(NewSplit(vault, maxItem), o), nil
		}
		return assemble(checked{vault}, o), nil
	case File:
		return assemble(checked{&fileVault{folder: o.DataDir, identity: o.Identity}}, o), nil
	case None:
		return nil, fault.New(fault.Usage, "--store keyring or --store file", "the store none keeps no session")
	default:
		return nil, fault.New(fault.Usage, "--store "+strings.Join(Names(), ", --store "), "there is no store %q", o.Name)
	}
}

// New returns a store over any vault, such as one in memory for tests. What it
// writes is read back, whatever the vault does. o.Name is the name that index
// entries carry.
func New(vault Vault, o Options) *Store { return assemble(checked{vault}, o) }

func assemble(vault Vault, o Options) *Store {
	return &Store{
		name: o.Name, vault: vault, locks: o.LockDir,
		index: index{folder: filepath.Join(o.StateDir, "index"), store: o.Name},
	}
}

// Name returns the name of the store: Keyring or File.
func (s *Store) Name() string { return s.name }

// Check says whether the store can be used: the keyring answers and is unlocked,
// the file store has its key. It is for those who are about to make something
// that must be kept, and changes nothing.
func (s *Store) Check(ctx context.Context) error {
	if outer, ok := s.vault.(checked); ok {
		if files, ok := outer.Vault.(*fileVault); ok {
			_, err := files.keys()
			return err
		}
	}
	_, err := s.vault.Get(ctx, "v1.check")
	if errors.Is(err, ErrNoItem) {
		return nil
	}
	return err
}

// Access returns the access token stored under key, with one read of one small
// item. It is token.ErrNoSession if there is none, fault.Store if the store
// could not be asked or the session is damaged (errors.Is ErrDamaged).
func (s *Store) Access(ctx context.Context, key token.Key) (token.Access, error) {
	ctx = withBudget(ctx)
	access, _, err := s.access(ctx, key)
	return access, err
}

// access also says whether the session has details.
func (s *Store) access(ctx context.Context, key token.Key) (token.Access, bool, error) {
	data, err := s.vault.Get(ctx, key.ID())
	if errors.Is(err, ErrNoItem) {
		return token.Access{}, false, absent(key)
	}
	if err != nil {
		return token.Access{}, false, err
	}
	return decodeAccess(data, key)
}

func absent(key token.Key) error {
	return fault.New(fault.LoginNeeded, "authctl login "+key.Profile, "%w", token.ErrNoSession)
}

// Session returns everything stored under key; errors are those of Access. It
// mends the index entry of the session if that is missing or old.
func (s *Store) Session(ctx context.Context, key token.Key) (token.Session, error) {
	ctx = withBudget(ctx)
	session, err := s.load(ctx, key)
	if errors.Is(err, ErrDamaged) {
		// Somebody may have written or deleted between our two reads.
		session, err = s.load(ctx, key)
	}
	if err != nil {
		return token.Session{}, err
	}
	// The session is good whether or not the index can be written; Save and
	// Repair report what this leaves out.
	_ = s.index.mend(s.entry(session))
	return session, nil
}

func (s *Store) load(ctx context.Context, key token.Key) (token.Session, error) {
	access, details, err := s.access(ctx, key)
	session := token.Session{Access: access}
	if err != nil || !details {
		return session, err
	}
	data, err := s.vault.Get(ctx, key.ID()+moreSuffix)
	if errors.Is(err, ErrNoItem) {
		return session, damaged(hintLoginAgain, "the session is damaged: its details are missing")
	}
	if err != nil {
		return session, err
	}
	return session, decodeDetails(data, &session)
}

func (s *Store) entry(session token.Session) Entry {
	return Entry{Info: session.Info, Store: s.name, Details: hasDetails(session), RefreshExpiry: session.RefreshExpiry}
}

// Save writes a session over an older one with the same key. The new refresh
// token is safe before anything else is written; at every moment the store
// holds the old session or the new one. The caller holds the lock.
func (s *Store) Save(ctx context.Context, session token.Session) error {
	ctx = withBudget(ctx)
	if err := checkSession(session); err != nil {
		return err
	}
	more, err := encodeDetails(session)
	if err != nil {
		return err
	}
	access, err := encodeAccess(session.Access, more != nil)
	if err != nil {
		return err
	}
	name := session.ID()
	if more != nil {
		if err := s.saveDetails(ctx, name+moreSuffix, more); err != nil {
			return fault.Wrap(err, "the refresh token is not saved")
		}
	}
	if err := s.vault.Set(ctx, name, access); err != nil {
		return fault.Wrap(err, "the access token is not saved")
	}
	var left error
	if more == nil { // details of an older login
		if err := s.vault.Delete(ctx, name+moreSuffix); !errors.Is(err, ErrNoItem) {
			left = fault.Wrap(err, "the session is saved, but the details of an older one are still there")
		}
	}
	if err := s.index.write(s.entry(session)); err != nil {
		return errors.Join(left, fault.Wrap(err, "the session is saved, but not listed"))
	}
	return left
}

// checkSession refuses what could not be read again.
func checkSession(session token.Session) error {
	if session.AccessToken.IsZero() {
		return fault.New(fault.Other, "", "a session without an access token is not saved")
	}
	k := session.Key
	for _, part := range []string{string(k.Origin), k.Profile, k.Environment, k.Account} {
		if !utf8.ValidString(part) {
			return fault.New(fault.Usage, "", "%q is not UTF-8 text", part)
		}
	}
	return nil
}

// saveDetails writes the details item unless it is there already: a keyring
// rewrites its whole collection at each write.
func (s *Store) saveDetails(ctx context.Context, name string, value []byte) error {
	old, err := s.vault.Get(ctx, name)
	switch {
	case err == nil && slices.Equal(old, value):
		return nil
	case err == nil, errors.Is(err, ErrNoItem), errors.Is(err, ErrDamaged):
		return s.vault.Set(ctx, name, value)
	default:
		return err
	}
}

// Delete removes a session from the vault and from the index, and looks
// whether it is gone. It is token.ErrNoSession if there was none. Another
// error says what is still there; the entry in the index stays as long as a
// secret does. The caller holds the lock.
func (s *Store) Delete(ctx context.Context, key token.Key) error {
	ctx = withBudget(ctx)
	items := []struct{ name, what string }{
		{key.ID(), "the access token"},
		{key.ID() + moreSuffix, "the refresh token and saved values"},
	}
	found := false
	var left []string
	var cause error
	for _, item := range items {
		err := s.vault.Delete(ctx, item.name)
		found = found || err == nil
		if err != nil && !errors.Is(err, ErrNoItem) {
			left = append(left, item.what)
			cause = cmp.Or(cause, err)
		}
	}
	if cause != nil {
		return fault.Wrap(cause, "%s may still be in the store", strings.Join(left, ", and "))
	}
	err := s.index.remove(key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(err, "the session is deleted, but still listed")
	}
	if !found {
		return absent(key)
	}
	return nil
}

// Repair makes the index entry of key agree with the vault: written if the
// session is there, removed if nothing of it is. The caller holds the lock.
func (s *Store) Repair(ctx context.Context, key token.Key) error {
	ctx = withBudget(ctx)
	session, err := s.load(ctx, key)
	if err == nil {
		return fault.Wrap(s.index.write(s.entry(session)), "the session is not listed")
	}
	if !errors.Is(err, token.ErrNoSession) {
		return err
	}
	if _, err := s.vault.Get(ctx, key.ID()+moreSuffix); err == nil {
		return nil // half deleted: the entry is the only trace of a secret
	} else if !errors.Is(err, ErrNoItem) {
		return err
	}
	if err := s.index.remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// List returns the index entries of all sessions in all stores, sorted by
// profile, environment, origin and account, without asking the vault. Entries
// and an error can come together: the error then tells of entries that could
// not be read.
func (s *Store) List() ([]Entry, error) { return s.index.all() }

// Find returns the index entries of one profile, environment and origin, one
// for each account, sorted by account. As with List, entries and an error can
// come together.
func (s *Store) Find(profile, environment string, origin token.Origin) ([]Entry, error) {
	entries, err := s.index.list(s.index.profileFolder(profile), func(e Entry) bool {
		return e.Profile == profile && e.Environment == environment && e.Origin == origin
	})
	slices.SortFunc(entries, compareEntries)
	return entries, err
}

// Entries returns the index entries of one session, one for each store that
// holds it, the newest first. It takes as long for one session as among a
// thousand. As with List, entries and an error can come together.
func (s *Store) Entries(key token.Key) ([]Entry, error) {
	entries, err := s.index.of(key)
	slices.SortFunc(entries, compareEntries)
	return entries, err
}

// Lock takes the lock of the session under key, for renewing, saving and
// deleting it. It waits for other holders, in this and in other processes,
// until the context ends; a holder that dies gives it up. release can be
// called more than once; keep it, because a lock that nothing refers to any
// more is given up.
func (s *Store) Lock(ctx context.Context, key token.Key) (release func() error, err error) {
	return lockFile(ctx, s.locks, key.ID())
}
