package session

import (
	"context"
	"slices"

	"github.com/authctl/authctl/pkg/call"
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
		if refusedBy(err) && (!s.Live(m.Now(), 0) || saysExpired(err) && !t.Profile.Expired.IsZero()) {
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
	_, err := m.newRun(t.forSession(s.Info), toUse, calls, sessionValues(s), sessionReach(s)).do(ctx)
	return err
}

// Whoami asks the server whether the token is good. It returns whose it is, as
// far as name: in the profile's call says.
func (m *Manager) Whoami(ctx context.Context, t Target) (string, error) {
	r, res, err := m.manage(ctx, t, t.Profile.Whoami, "whoami", nil)
	if err != nil {
		return "", fault.Wrap(err, "ask %s about the token", t)
	}
	name, err := res.answer.Read(ctx, res.call.TokenName, r.values)
	if err != nil {
		return "", fault.New(fault.BadAnswer, "compare name: in whoami with the answer", "name: %s: %w; %s", res.call.TokenName.Text, err, res.answer.Describe())
	}
	return plainText(name), nil
}

// Credential returns a live token with what a request of the user's own carries.
func (m *Manager) Credential(ctx context.Context, t Target, o TokenOptions) (Renewed, call.Carrier, error) {
	live, err := m.Token(ctx, t, o)
	if err != nil {
		return Renewed{}, call.Carrier{}, err
	}
	s := token.Session{Access: live.Access}
	t = t.forSession(live.Info)
	if !carriesTokenOnly(t.Profile) { // the rest of the session is read for it
		if s, err = m.Store.Session(ctx, live.Key); err != nil {
			return Renewed{}, call.Carrier{}, err
		}
		m.learnSession(s)
		s.AccessToken = live.AccessToken
	}
	carrier, err := m.Carry(ctx, t, s)
	return live, carrier, err
}

// Carry returns what a request of the user's own carries: the token as send:
// says, and the profile's headers.
func (m *Manager) Carry(ctx context.Context, t Target, s token.Session) (call.Carrier, error) {
	t = t.forSession(s.Info)
	if carriesTokenOnly(t.Profile) {
		return call.Carry(t.Profile, call.Values{"token": s.AccessToken.Reveal()})
	}
	r, err := m.carrying(ctx, t, s, nil)
	if err != nil {
		return call.Carrier{}, err
	}
	return call.Carry(t.Profile, r.values)
}

// carrying is a pass that knows what send:, headers: and more names need.
func (m *Manager) carrying(ctx context.Context, t Target, s token.Session, more []string) (*run, error) {
	r := m.newRun(t, toUse, nil, sessionValues(s), sessionReach(s))
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	return r, r.provide(ctx, t.Profile.NeedsOf(append(t.Profile.Carries(), more...)...))
}

func carriesTokenOnly(p *profile.Profile) bool {
	return !slices.ContainsFunc(p.Carries(), func(name string) bool { return name != "token" })
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
