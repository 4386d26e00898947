// Package session logs in, renews, cancels, and makes long-lived tokens. It
// joins a profile, the calls it describes and a store; it knows no terminal
// and no command line.
package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// Store keeps sessions. Access, Session and Delete return token.ErrNoSession
// (wrapped) where there is none, and an error of kind fault.Store where the
// store cannot tell.
type Store interface {
	// Check says whether the store can be used at all.
	Check(context.Context) error
	// Access reads the small part of a session that holds the access token.
	Access(context.Context, token.Key) (token.Access, error)
	Session(context.Context, token.Key) (token.Session, error)
	Save(context.Context, token.Session) error
	Delete(context.Context, token.Key) error
	// Lock waits until nobody else renews or replaces the session.
	Lock(context.Context, token.Key) (release func() error, err error)
	// BeginRenewal notes that the session's refresh token is about to be sent.
	// If the note of an earlier renewal is there still, because it was killed or
	// got no answer, interrupted is when that began; else it is zero.
	BeginRenewal(session token.Info, now time.Time) (interrupted time.Time, err error)
	// EndRenewal removes the note.
	EndRenewal(token.Key) error
}

// Inputs gives what a profile asks for: from flags, the environment, a program
// or a person. An optional input that is not given is "".
type Inputs interface {
	Input(context.Context, profile.Input) (string, error)
	// Known gives an input only if nobody has to be asked for it.
	Known(context.Context, profile.Input) (value string, found bool, err error)
}

// Manager does everything that is done with sessions. All fields but Watch are
// needed.
type Manager struct {
	Store  Store
	Calls  *call.Client
	Inputs Inputs
	Now    func() time.Time
	// Timeout bounds all requests of one operation together.
	Timeout time.Duration
	// Learn is told every secret as soon as it is known, so that it can be
	// kept out of all output.
	Learn func(...token.Secret)
	// Note is told what a person may want to know and no script needs.
	Note func(format string, args ...any)
	// Show gives a person something to do before the next call: show: in the
	// profile. The text is the profile's and the server's.
	Show func(text string)
	// Wait sleeps between two calls of the same kind (until:).
	Wait func(context.Context, time.Duration) error
	// Watch is told of every call that was made, without secrets.
	Watch func(Exchange)
}

// Target is whose login at which API is meant.
type Target struct {
	Profile     *profile.Profile
	Environment string // empty for a profile with one base URL
	Account     string
	// Flags is what a person must type after the profile's name to mean this
	// target again, such as "--account ci"; hints show it.
	Flags string
}

// String names the target for people: "zumrails (sandbox)".
func (t Target) String() string {
	return token.Key{Profile: t.Profile.Name, Environment: t.Environment, Account: t.Account}.Title()
}

// Base returns the base URL of the target's environment; zero if the profile
// has none of that name.
func (t Target) Base() profile.URL {
	if env, ok := t.Profile.Environments.Get(t.Environment); ok {
		return env
	}
	return t.Profile.BaseURL
}

// Key returns what the target's session is stored under. It holds the origin,
// so a profile whose base URL was changed is not logged in (threat 1).
func (t Target) Key() (token.Key, error) {
	base := t.Base()
	if base.IsZero() {
		return token.Key{}, fault.New(fault.Usage, profile.DidYouMean(t.Environment, t.Profile.Environments.Names()),
			"the profile %s has no environment %q", t.Profile.Name, t.Environment)
	}
	origin, err := base.Origin()
	if err != nil {
		return token.Key{}, fault.New(fault.Profile, "", "%w", err)
	}
	return token.Key{Origin: origin, Profile: t.Profile.Name, Environment: t.Environment, Account: t.Account}, nil
}

// forSession is the target as the requests of a session see it: a long-lived token
// can be sent in another way.
func (t Target) forSession(s token.Info) Target {
	if send := t.Profile.Tokens.Send; s.LongLived && len(send.Names()) > 0 {
		p := *t.Profile
		p.Send = send
		t.Profile = &p
	}
	return t
}

// flags returns what must be typed to mean this target again.
func (t Target) flags() string {
	return strings.TrimSpace(t.Profile.Name + " " + t.Flags)
}

// LoginHint is the command that logs in to the target.
func (t Target) LoginHint() string { return "authctl login " + t.flags() }

// notLoggedIn is the error for a target without a session.
func (t Target) notLoggedIn(key token.Key) error {
	return fault.New(fault.LoginNeeded, t.LoginHint(), "not logged in to %s at %s", t, key.Origin)
}

// loginNeeded says that a session is over for good, and why.
func (t Target) loginNeeded(format string, args ...any) error {
	return &fault.Error{Kind: fault.LoginNeeded, Err: fmt.Errorf(format, args...), Hint: t.LoginHint()}
}

// absent turns the store's "no session" into the error a person understands
// and leaves every other error as it is.
func (t Target) absent(key token.Key, err error) error {
	if errors.Is(err, token.ErrNoSession) {
		return t.notLoggedIn(key)
	}
	return err
}

// locked runs do while nobody else can renew or replace the session. Whoever
// holds the lock makes one operation, so two timeouts are a fair wait.
func (m *Manager) locked(ctx context.Context, key token.Key, do func() error) error {
	waiting, cancel := context.WithTimeout(ctx, 2*m.Timeout)
	defer cancel()
	release, err := m.Store.Lock(waiting, key)
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Store, "look for an authctl that hangs", "another authctl has been busy with this session for %s", 2*m.Timeout)
	}
	if err != nil {
		return err
	}
	return errors.Join(do(), release())
}
