package store

import (
	"bytes"
	"context"
	"errors"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

// Move takes a session from one store to another. It is read back from its new
// place and compared before the old one is deleted; if that fails, both stay. A
// newer session in the new place is kept, and the old one is only deleted. It
// is token.ErrNoSession if there is nothing to move. It takes the locks itself.
func Move(ctx context.Context, key token.Key, from, to *Store) error {
	return lockBoth(ctx, key, from, to, func() error { return move(ctx, key, from, to) })
}

// lockBoth does something under the locks of a session in two stores. They are
// taken in one order, so that moves to and fro do not wait for each other.
func lockBoth(ctx context.Context, key token.Key, a, b *Store, do func() error) error {
	first, second := a, b
	if first.name > second.name {
		first, second = second, first
	}
	return first.locked(ctx, key.ID(), func() error { return second.locked(ctx, key.ID(), do) })
}

// move keeps the index true at every moment, for a process that is killed: each
// store with any part of the session has an entry, and the first entry that Find
// returns is that of a store with all of it.
func move(ctx context.Context, key token.Key, from, to *Store) error {
	there, err := to.Access(ctx, key)
	if err != nil && !errors.Is(err, token.ErrNoSession) && !errors.Is(err, ErrDamaged) {
		return err
	}
	isThere := err == nil
	session, err := from.load(ctx, key)
	if err != nil && isThere && errors.Is(err, token.ErrNoSession) {
		return from.Delete(ctx, key) // the rest that a killed move has left
	}
	if err != nil {
		return err
	}
	if !isThere || !there.ObtainedAt.After(session.ObtainedAt) {
		if err := to.indexPartial(session); err != nil {
			return err
		}
		if err := copySession(ctx, session, to); err != nil {
			return err
		}
	}
	if err := from.indexPartial(session); err != nil {
		return err
	}
	return fault.Wrap(from.Delete(ctx, key), "the session is in the store %s now", to.name)
}

// indexPartial lists a session of which not all may be in this store.
func (s *Store) indexPartial(session token.Session) error {
	entry := s.entry(session)
	entry.Partial = true
	return fault.Wrap(s.index.write(entry), "the move is not noted")
}

func copySession(ctx context.Context, session token.Session, to *Store) error {
	if err := to.Save(ctx, session); err != nil {
		return err
	}
	copied, err := to.load(ctx, session.Key)
	if err != nil {
		return fault.Wrap(err, "read back what was moved")
	}
	want, wantErr := encodeDetails(session)
	got, gotErr := encodeDetails(copied)
	if err := errors.Join(wantErr, gotErr); err != nil {
		return err
	}
	if !copied.AccessToken.Equal(session.AccessToken) || !bytes.Equal(want, got) {
		return fault.New(fault.Store, hintTryAgain, "what was read back is not what was moved")
	}
	return nil
}
