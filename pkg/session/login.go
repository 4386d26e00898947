package session

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// LoginOptions are the choices of a login.
type LoginOptions struct {
	Via             string // one of the profile's other_logins; empty for login
	SaveCredentials bool   // keep the inputs in the store, for unattended renewal
}

// Authenticate logs in and returns the session without storing it. A login is
// never repeated by itself: it can lock an account or block an address.
func (m *Manager) Authenticate(ctx context.Context, t Target, o LoginOptions) (token.Session, error) {
	return m.authenticate(ctx, t, o, nil)
}

func (m *Manager) authenticate(ctx context.Context, t Target, o LoginOptions, known call.Values) (token.Session, error) {
	calls, err := t.login(o.Via)
	if err != nil {
		return token.Session{}, err
	}
	r := m.newRun(t, toLogin, calls, known, profileReach(t.Profile))
	r.fresh = true
	s, err := r.login(ctx)
	if err != nil {
		return token.Session{}, err
	}
	s.Via = o.Via
	if o.SaveCredentials {
		s.Credentials = credentials(r.given, s.AccessToken)
	}
	s.Renewable = renewable(t, s)
	return s, nil
}

// Login logs in and stores the session in place of the one that was there.
func (m *Manager) Login(ctx context.Context, t Target, o LoginOptions) (token.Session, error) {
	// Nobody is asked for a password, and no server for a token, that could not
	// be kept.
	if err := m.Store.Check(ctx); err != nil {
		return token.Session{}, fault.Wrap(err, "log in to %s", t)
	}
	s, err := m.authenticate(ctx, t, o, m.lastTime(ctx, t, o.Via))
	if err != nil {
		return token.Session{}, fault.Wrap(err, "log in to %s", t)
	}
	err = m.locked(ctx, s.Key, func() error { return m.Store.Save(ctx, s) })
	return s, fault.Wrap(err, "the server has logged you in to %s, but", t)
}

// lastTime are the values that the login needs and saves itself, such as the id
// of a device, as the session that is there holds them. Without one, or if it
// cannot be read, there are none: the login is about to replace it.
func (m *Manager) lastTime(ctx context.Context, t Target, via string) call.Values {
	calls, _ := t.Profile.LoginCalls(via)
	var names []string
	for i := range calls {
		for _, name := range calls[i].Save.Names() {
			if slices.Contains(t.Profile.Needs(&calls[i]), name) {
				names = append(names, name)
			}
		}
	}
	key, err := t.Key()
	if len(names) == 0 || err != nil {
		return nil
	}
	s, err := m.Store.Session(ctx, key)
	if err != nil {
		return nil
	}
	known := call.Values{}
	for _, name := range names {
		if value, saved := s.Saved[name]; saved {
			known[name] = value
		}
	}
	return known
}

func (t Target) login(via string) (profile.Calls, error) {
	calls, ok := t.Profile.LoginCalls(via)
	if !ok {
		names := t.Profile.OtherLogins.Names()
		hint := "this profile has no other logins"
		if len(names) > 0 {
			hint = profile.DidYouMean(via, names)
		}
		return nil, fault.New(fault.Usage, hint, "%s has no login called %q", t.Profile.Name, via)
	}
	return calls, nil
}

// login makes the calls of a login and puts a session together.
func (r *run) login(ctx context.Context) (token.Session, error) {
	t, m := r.target, r.manager
	key, err := t.Key()
	if err != nil {
		return token.Session{}, err
	}
	res, err := r.do(ctx)
	if err != nil {
		return token.Session{}, explainRefusal(err)
	}
	if res.read.token.IsZero() {
		return token.Session{}, res.noToken("the call, or in the profile")
	}
	if err := r.provide(ctx, t.Profile.NeedsOf(t.Profile.Send.Names()...)); err != nil {
		return token.Session{}, err
	}
	if _, err := call.Carry(t.Profile, r.values); err != nil {
		return token.Session{}, fault.Wrap(err, "the login worked, but")
	}
	limit, expiry, err := m.expiry(t, res)
	if err != nil {
		return token.Session{}, err
	}
	s := token.Session{
		Access: token.Access{
			Info:        token.Info{Key: key, Expiry: expiry, ObtainedAt: res.answer.ReceivedAt.UTC(), NotBefore: notBefore(res), User: userOf(r.values)},
			AccessToken: res.read.token,
		},
		RefreshToken: res.read.refreshToken, RefreshExpiry: refreshExpiry(res),
		Saved: res.saved, Reach: profileReach(t.Profile), Limit: limit,
	}
	if home, err := token.OriginOf(r.base); err == nil && home != key.Origin {
		s.Home = home
	}
	r.keepInputs(s.Saved)
	return s, nil
}

// explainRefusal adds the hint that a refused login allows: 401 and 403 speak
// of who logs in, 400 and 422 may speak of a field or a second factor.
func explainRefusal(err error) error {
	var refusal *call.Refusal
	if !errors.As(err, &refusal) || fault.KindOf(err) != fault.Refused {
		return err
	}
	hint := "check the user name and the password, then log in again"
	switch refusal.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		hint = "the server's message tells whether it is the password, a field or a second factor"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		hint = "check base_url and request in the profile, then the user name"
	}
	return &fault.Error{Kind: fault.Refused, Err: err, Hint: hint}
}

// userOf is the name that a person knows the login by.
func userOf(values call.Values) string {
	for _, name := range []string{"username", "email", "client_id"} {
		if user, isText := values[name].(string); isText && user != "" {
			return user
		}
	}
	return ""
}

// credentials are the inputs that were given, for another login without a
// person. A token that was brought along is none: it would come back when it is
// over.
func credentials(given map[string]string, brought token.Secret) map[string]token.Secret {
	kept := map[string]token.Secret{}
	for name, value := range given {
		if secret := token.NewSecret(value); value != "" && !secret.Equal(brought) {
			kept[name] = secret
		}
	}
	return kept
}

// keptInputs are the inputs that later calls name, so that a refresh finds its
// client id: those of refresh, keepalive, headers:, send: and of the base URL,
// and of the others, env: among them, what is no secret.
func keptInputs(p *profile.Profile, base profile.URL) []profile.Input {
	kept := inputsOf(p, base, slices.Concat(p.Refresh, p.Keepalive))
	others := inputsOf(p, base, slices.Concat(p.Cancel, p.Whoami, p.Tokens.Create, p.Tokens.List, p.Tokens.Revoke, p.Tokens.Rotate))
	for _, name := range p.NeedsOf(p.Env.Names()...) {
		if in, ok := p.Input(name); ok {
			others = append(others, in)
		}
	}
	for _, in := range others {
		if !in.Secret.Value && !slices.ContainsFunc(kept, func(k profile.Input) bool { return k.Name == in.Name }) {
			kept = append(kept, in)
		}
	}
	return slices.DeleteFunc(kept, func(in profile.Input) bool { return in.TOTP })
}

// keepInputs keeps those that were given.
func (r *run) keepInputs(saved map[string]any) {
	for _, in := range keptInputs(r.target.Profile, r.target.Base()) {
		if value, given := r.given[in.Name]; given {
			saved[in.Name] = value
		}
	}
}

// renewable says how the session can be renewed without a person.
func renewable(t Target, s token.Session) string {
	switch {
	case s.LongLived:
	case canRefresh(t.Profile, s):
		return "refresh"
	case len(t.Profile.Keepalive) > 0:
		return "keepalive"
	case canLogin(t, s):
		return "login"
	}
	return ""
}

// canLogin says whether everything that the login needs can be had without a
// person: it was saved, or the profile says where it comes from. A login that
// shows something waits for somebody who reads it.
func canLogin(t Target, s token.Session) bool {
	calls, ok := t.Profile.LoginCalls(s.Via)
	asks := func(c profile.Call) bool { return c.Show != nil }
	if !ok || s.LongLived || slices.ContainsFunc(calls, asks) {
		return false
	}
	return !slices.ContainsFunc(inputsOf(t.Profile, t.Base(), calls), func(in profile.Input) bool {
		_, saved := s.Credentials[in.Name]
		_, kept := s.Saved[in.Name]
		return !saved && !kept && !in.Unattended()
	})
}

// canRefresh says whether the profile has a refresh call and the session what
// it needs.
func canRefresh(p *profile.Profile, s token.Session) bool {
	needsToken := slices.ContainsFunc(p.Refresh, func(c profile.Call) bool { return slices.Contains(p.Needs(&c), "refresh_token") })
	return len(p.Refresh) > 0 && !s.LongLived && (!needsToken || !s.RefreshToken.IsZero())
}
