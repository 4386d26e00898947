package session

import (
	"context"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// Cancelled is what became of a session that was cancelled.
type Cancelled struct {
	token.Info
	// AlreadyOver says that the server refused the token because it was over:
	// it is dead all the same.
	AlreadyOver bool
}

// Cancel makes the server invalidate the token, then forgets the session. If
// the server cannot be asked, or does not agree, the session stays.
func (m *Manager) Cancel(ctx context.Context, t Target) (Cancelled, error) {
	key, err := t.Key()
	if err != nil {
		return Cancelled{}, err
	}
	if len(t.Profile.Cancel) == 0 {
		return Cancelled{}, fault.New(fault.Other, "authctl logout "+t.flags(),
			"%s has no way to cancel a token; it can only be forgotten here", t.Profile.Name)
	}
	var done Cancelled
	err = m.locked(ctx, key, func() error {
		s, err := m.Store.Session(ctx, key)
		if err != nil {
			return t.absent(key, err)
		}
		m.learnSession(s)
		done.Info = s.Info
		err = m.use(ctx, t, s, t.Profile.Cancel)
		if refusedBy(err) && !s.Live(m.Now(), 0) {
			done.AlreadyOver, err = true, nil
		}
		if err != nil {
			return fault.Wrap(err, "cancel the token of %s", t)
		}
		return fault.Wrap(m.Store.Delete(ctx, key), "the server cancelled the token; forget it here")
	})
	return done, err
}

// use makes calls that carry the session's token and read nothing of it.
func (m *Manager) use(ctx context.Context, t Target, s token.Session, calls profile.Calls) error {
	values, err := m.gather(ctx, t, calls, sessionValues(s))
	if err != nil {
		return err
	}
	_, err = (&run{manager: m, target: t, purpose: toUse, calls: calls, values: values, origin: s.Origin}).do(ctx)
	return err
}

// Logout forgets a session here. The server is not told: the token that is
// returned stays valid until it expires.
func (m *Manager) Logout(ctx context.Context, t Target) (token.Info, error) {
	key, err := t.Key()
	if err != nil {
		return token.Info{}, err
	}
	// What cannot be read is forgotten as well, and so is the rest that a killed
	// login or logout has left: logging out must get rid of it. If the store
	// cannot be asked, Forget tells.
	access, _ := m.Store.Access(ctx, key)
	return access.Info, t.absent(key, m.Forget(ctx, key))
}

// Forget removes what the store keeps under key.
func (m *Manager) Forget(ctx context.Context, key token.Key) error {
	return m.locked(ctx, key, func() error { return m.Store.Delete(ctx, key) })
}
