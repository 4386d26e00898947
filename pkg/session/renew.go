package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jwt"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// TokenOptions say which token is good enough.
type TokenOptions struct {
	MinTTL  time.Duration // renew unless it lasts longer than this
	Strict  bool          // a token that is live but does not last for MinTTL is no help
	NoRenew bool          // give what is there or fail
	Force   bool          // renew even a token that lasts
	Refused token.Secret  // a token that the server takes for over: no help, even if it lasts
}

// Renewed is a live token and how it was come by.
type Renewed struct {
	token.Access
	Renewed bool
	// Warning is a failure that did not keep the token from being had: the
	// store could not keep it, or it could not be renewed but is still live.
	Warning error
}

// Token returns a live access token: the stored one, or one that is renewed by
// the refresh call, else by logging in from saved credentials. Where both need
// a person the error is of kind fault.LoginNeeded.
func (m *Manager) Token(ctx context.Context, t Target, o TokenOptions) (Renewed, error) {
	access, err := m.Stored(ctx, t)
	if err != nil {
		return Renewed{}, err
	}
	stale := o.Force || !o.Refused.IsZero() && access.AccessToken.Equal(o.Refused)
	if !stale && access.Live(m.Now(), o.MinTTL) {
		return Renewed{Access: access}, nil
	}
	var renewed Renewed
	err = fault.New(fault.LoginNeeded, "authctl refresh "+t.flags(), "the token of %s does not last", t)
	if !o.NoRenew {
		err = m.locked(ctx, access.Key, func() (err error) {
			renewed, err = m.renew(ctx, t, access.Key, access, o)
			return err
		})
	}
	switch {
	case err == nil:
		return renewed, nil
	case !renewed.AccessToken.IsZero():
		renewed.Warning = err
		return renewed, nil
	case !o.Strict && !stale && access.Live(m.Now(), 0) && fault.KindOf(err) != fault.Interrupted:
		return Renewed{Access: access, Warning: err}, nil
	}
	return Renewed{}, err
}

// Stored returns the access token that the store holds, live or not.
func (m *Manager) Stored(ctx context.Context, t Target) (token.Access, error) {
	key, err := t.Key()
	if err != nil {
		return token.Access{}, err
	}
	access, err := m.Store.Access(ctx, key)
	if err != nil {
		return token.Access{}, t.absent(key, err)
	}
	m.Learn(access.AccessToken)
	return access, nil
}

// Session returns the session of a target as it is kept, over or not. Nothing is
// renewed and nobody is asked.
func (m *Manager) Session(ctx context.Context, t Target) (token.Session, error) {
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

// renew is the part that runs under the lock: read again, decide, call, write.
func (m *Manager) renew(ctx context.Context, t Target, key token.Key, seen token.Access, o TokenOptions) (Renewed, error) {
	s, err := m.Store.Session(ctx, key)
	if err != nil {
		return Renewed{}, t.absent(key, err)
	}
	m.learnSession(s)
	if !s.AccessToken.Equal(seen.AccessToken) && s.Live(m.Now(), 0) {
		return Renewed{Access: s.Access, Renewed: true}, nil // somebody else was faster
	}
	fresh, err := m.obtain(ctx, t, s)
	if err != nil {
		return Renewed{}, fault.Wrap(m.remember(ctx, s, err), "renew the token of %s", t)
	}
	fresh.RetryAt = time.Time{}
	fresh.Renewable = renewable(t, fresh)
	renewed := Renewed{Access: fresh.Access, Renewed: true}
	if err := m.Store.Save(ctx, fresh); err != nil {
		return renewed, t.notKept(s, fresh, err)
	}
	m.endRenewal(key)
	return renewed, nil
}

// notKept says that a renewed token could not be stored. Where a new refresh
// token came with it, the one that is stored may be used up.
func (t Target) notKept(old, fresh token.Session, err error) error {
	hint := fault.HintOf(err)
	if !fresh.RefreshToken.Equal(old.RefreshToken) {
		hint = strings.TrimPrefix(hint+"; if the next renewal is refused: "+t.LoginHint(), "; ")
	}
	return &fault.Error{
		Kind: fault.KindOf(err), Hint: hint,
		Err: fmt.Errorf("the token of %s was renewed and could not be kept: %w", t, err),
	}
}

// obtain gets a new token by the refresh call, else from saved credentials.
func (m *Manager) obtain(ctx context.Context, t Target, s token.Session) (token.Session, error) {
	if wait := s.RetryAt.Sub(m.Now()); wait > 0 {
		return token.Session{}, fault.New(fault.RateLimited, fmt.Sprintf("wait %s, then try again", wait.Round(time.Second)),
			"the server has had too many requests and was not asked again")
	}
	var refusal error
	for _, way := range m.renewals(t, s) {
		fresh, err := m.refreshNoted(ctx, t, s, way)
		if err == nil || !endsSession(err) {
			return fresh, err
		}
		refusal = err
	}
	if canLogin(t, s) && s.RefusedAt.IsZero() {
		return m.loginAgain(ctx, t, s)
	}
	return token.Session{}, m.needsPerson(t, s, refusal)
}

// renewal is a way to renew a session by calls.
type renewal struct {
	calls   profile.Calls
	purpose purpose
	keeps   bool // the token stays, unless the answer brings another one
}

// renewals are the ways to renew a session, the better ones first: what just
// keeps the token alive while nothing but idleness ends it, then refresh.
func (m *Manager) renewals(t Target, s token.Session) []renewal {
	var all []renewal
	if len(t.Profile.Keepalive) > 0 && !s.LongLived && s.Limit.Live(m.Now(), 0) {
		all = append(all, renewal{calls: t.Profile.Keepalive, purpose: toUse, keeps: true})
	}
	if canRefresh(t.Profile, s) && s.RefreshExpiry.Live(m.Now(), 0) {
		all = append(all, renewal{calls: t.Profile.Refresh, purpose: toRefresh})
	}
	return all
}

// refusedCredentials marks an error as the refusal of saved credentials.
type refusedCredentials struct{ error }

func (r refusedCredentials) Unwrap() error { return r.error }

// remember keeps with the session what the next process must know: that the
// saved credentials were refused, or how long the server wants to be left
// alone. It returns err.
func (m *Manager) remember(ctx context.Context, s token.Session, err error) error {
	var refused refusedCredentials
	var tooMany *call.TooMany
	switch {
	case errors.As(err, &refused):
		s.RefusedAt = m.Now().UTC()
	case errors.As(err, &tooMany) && tooMany.Wait > 0:
		s.RetryAt = m.Now().Add(tooMany.Wait).UTC()
	default:
		return err
	}
	if saveErr := m.Store.Save(ctx, s); saveErr != nil {
		m.Note("what the server said could not be kept for the next time: %v", saveErr)
	}
	return err
}

// needsPerson says why a session cannot be renewed without a person. refusal
// is the server's answer to the refresh token, if it was sent.
func (m *Manager) needsPerson(t Target, s token.Session, refusal error) error {
	switch {
	case fault.KindOf(refusal) == fault.LoginNeeded:
		return refusal
	case refusal != nil && s.RefreshToken.IsZero():
		return t.loginNeeded("the server no longer takes the token: %w", refusal)
	case refusal != nil:
		return t.loginNeeded("the server no longer takes the refresh token: %w", refusal)
	case !s.RefusedAt.IsZero():
		return t.loginNeeded("the credentials were refused on %s and are not sent again", s.RefusedAt.Format(time.RFC3339))
	case s.LongLived:
		return t.loginNeeded("a long-lived token is not renewed: make a new one")
	case canRefresh(t.Profile, s):
		return t.loginNeeded("the refresh token is over since %s", s.RefreshExpiry.At.Format(time.RFC3339))
	case s.Live(m.Now(), 0):
		return t.loginNeeded("there is no refresh call in the profile, and no credentials were saved")
	}
	return t.loginNeeded("the session is over since %s; there is no refresh call, and no credentials were saved", s.At.Format(time.RFC3339))
}

// endsSession says whether a refused refresh means that the session is over,
// and not that the request was wrong (404).
func endsSession(err error) bool {
	var refusal *call.Refusal
	if !errors.As(err, &refusal) {
		return fault.KindOf(err) == fault.LoginNeeded
	}
	switch refusal.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity:
		return true
	}
	return refusal.Status < 300 // told in the body
}

// refreshNoted makes calls that renew with a note in the store round it, so that
// a refusal can be told from one that an interrupted renewal has caused: the
// server may have answered that one with tokens that nobody has kept.
func (m *Manager) refreshNoted(ctx context.Context, t Target, s token.Session, way renewal) (token.Session, error) {
	interrupted, err := m.Store.BeginRenewal(s.Info, m.Now().UTC())
	if err != nil {
		m.Note("%v", err) // it is needed only to explain a failure
	}
	fresh, err := m.refresh(ctx, t, s, way)
	switch {
	case err == nil, mayBeUsedUp(err): // the note stays until the answer is kept
	case interrupted.IsZero():
		m.endRenewal(s.Key)
	case endsSession(err):
		err = fault.Wrap(err, "a renewal that began at %s was interrupted and may have used the refresh token up", interrupted.Format(time.RFC3339))
	}
	return fresh, err
}

// mayBeUsedUp says whether a refresh that failed may have been carried out: no
// answer came, or one that is of no use.
func mayBeUsedUp(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unreachable, fault.BadAnswer, fault.Interrupted:
		return true
	}
	return false
}

func (m *Manager) endRenewal(key token.Key) {
	if err := m.Store.EndRenewal(key); err != nil {
		m.Note("%v", err) // the next renewal writes over it
	}
}

// refresh makes the calls of refresh: or keepalive:. Parts that the answer does
// not bring stay as they were (RFC 6749 §6: a new refresh token is optional).
func (m *Manager) refresh(ctx context.Context, t Target, s token.Session, way renewal) (token.Session, error) {
	r := m.newRun(t, way.purpose, way.calls, sessionValues(s), sessionReach(s))
	res, err := r.do(ctx)
	if err != nil {
		return token.Session{}, err
	}
	if way.keeps && res.read.token.IsZero() {
		res.read.token, res.read.limit = s.AccessToken, s.Limit
	}
	if res.read.token.IsZero() {
		return token.Session{}, res.noToken("the call, or in the profile")
	}
	fresh := s
	if fresh.Limit, fresh.Expiry, err = m.expiry(t, res); err != nil {
		return token.Session{}, err
	}
	fresh.AccessToken, fresh.ObtainedAt, fresh.NotBefore = res.read.token, res.answer.ReceivedAt.UTC(), notBefore(res)
	if reachedEnd(s, fresh) {
		return token.Session{}, t.loginNeeded("the server gives no later token: the session has reached its end")
	}
	if !res.read.refreshToken.IsZero() {
		fresh.RefreshToken, fresh.RefreshExpiry = res.read.refreshToken, refreshExpiry(res)
	}
	fresh.Saved = merged(s.Saved, res.saved)
	return fresh, nil
}

// reachedEnd says whether a refresh that brought a token about to end brought
// none that ends later: some servers hand out tokens that all end with the
// session. Two tokens of the same two seconds may end in the same second.
func reachedEnd(old, fresh token.Session) bool {
	return !fresh.Live(fresh.ObtainedAt, time.Minute) && !old.At.IsZero() && !fresh.At.After(old.At) &&
		fresh.ObtainedAt.Sub(old.ObtainedAt) > 2*time.Second
}

// loginAgain logs in without a person: from saved credentials, and from what
// the profile names (env:, command:).
func (m *Manager) loginAgain(ctx context.Context, t Target, s token.Session) (token.Session, error) {
	calls, err := t.login(s.Via)
	if err != nil {
		return token.Session{}, err
	}
	known := call.Values{}
	maps.Copy(known, s.Saved)
	r := m.newRun(t, toLogin, calls, known, sessionReach(s))
	r.unattended = true
	for name, secret := range s.Credentials {
		in, ok := t.Profile.Input(name)
		if !ok {
			continue // the profile no longer knows it
		}
		if err := r.give(in, secret.Reveal()); err != nil {
			return token.Session{}, err
		}
	}
	fresh, err := r.login(ctx)
	if refusedBy(err) {
		err = refusedCredentials{err}
	}
	if err != nil {
		return token.Session{}, err
	}
	fresh.Via, fresh.Credentials = s.Via, s.Credentials
	return fresh, nil
}

// refreshExpiry is what a refresh token that is a JWT says of its own end; zero
// if none came.
func refreshExpiry(res *result) token.Expiry {
	if res.read.refreshToken.IsZero() {
		return token.Expiry{}
	}
	if at, ok := jwt.Expiry(res.read.refreshToken.Reveal()); ok {
		return token.Expiry{At: byOurClock(at, res.answer.ClockOffset()), Source: token.FromJWT}
	}
	return token.Expiry{Source: token.FromNothing}
}

func merged(old, changes map[string]any) map[string]any {
	all := map[string]any{}
	maps.Copy(all, old)
	maps.Copy(all, changes)
	return all
}
