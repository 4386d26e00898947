package session

import (
	"context"

	"github.com/authctl/authctl/pkg/token"
)

// Stored returns the session of a target as it is kept, over or not. Nothing is
// renewed and nobody is asked.
func (m *Manager) Stored(ctx context.Context, t Target) (token.Session, error) {
	key, err := t.Key()
	if err != nil {
		return token.Session{}, err
	}
	s, err := m.Store.Session(ctx, key)
	if err != nil {
		return token.Session{}, t.absent(key, err)
	}
	m.learnSession(s)
	return s, nil
}
