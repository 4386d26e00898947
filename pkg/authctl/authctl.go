// Package authctl gives Go programs the sessions of the authctl command: a
// person logs in once with "authctl login", and every program on the machine,
// in Go or not, has a live token from the same store. A token that ends is
// renewed once for all of them.
//
//	session, err := authctl.Open("zumrails")
//	if err != nil {
//		return err
//	}
//	answer, err := session.Client().Get("https://api-sandbox.zumrails.com/api/whoami")
//
// The kind of an error, such as fault.LoginNeeded, is told by fault.KindOf of
// package fault.
package authctl

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/place"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/token"
)

// Config says which session is meant. Only Profile is needed.
type Config struct {
	Profile     string
	Environment string // empty: the first of the profile
	Account     string // empty: the default account

	File    string              // of profiles; empty: those of the authctl command
	Logger  *slog.Logger        // is told what a person may want to know, no secrets; nil: nobody is
	Timeout time.Duration       // of all requests of one renewal; 0: 30 s
	Getenv  func(string) string // nil: os.Getenv
}

// Session is a session of the authctl command. It is safe for use by several
// goroutines, and lives as long as the login: longer than a token.
type Session struct {
	source  *session.Source
	profile *profile.Profile
	calls   *call.Client
}

// Open returns the session of a profile: the one that "authctl token" would use
// in its first environment and default account.
func Open(profile string) (*Session, error) { return Config{Profile: profile}.Open() }

// Open returns the session. The store is asked when a token is needed: whether
// somebody is logged in, the first request tells.
func (c Config) Open() (*Session, error) {
	c = c.withDefaults()
	folders := place.FoldersOf(runtime.GOOS, c.Getenv)
	library, err := folders.Library(c.File)
	if err != nil {
		return nil, err
	}
	p, err := library.Profile(c.Profile)
	if err != nil {
		return nil, err
	}
	target := session.Target{Profile: p, Environment: c.Environment, Account: c.Account}
	names := p.Environments.Names()
	switch {
	case c.Environment == "" && len(names) > 0:
		target.Environment = names[0]
	case c.Environment != "" && !slices.Contains(names, c.Environment):
		return nil, fault.New(fault.Usage, profile.DidYouMean(c.Environment, names), "the profile %s has no environment %q", p.Name, c.Environment)
	}
	kept, err := c.openStore(folders, target)
	if err != nil {
		return nil, err
	}
	calls := &call.Client{HTTP: call.NewHTTP(c.Getenv), Now: time.Now, UserAgent: "authctl", Home: c.Getenv("HOME")}
	manager := &session.Manager{
		Store: kept, Calls: calls, Inputs: environment(c.Getenv), Now: time.Now, Timeout: c.Timeout,
		Learn: func(...token.Secret) {}, Note: func(format string, args ...any) { note(c.Logger, format, args...) },
		Show: func(string) {}, Wait: wait,
	}
	return &Session{source: manager.NewSource(target), profile: p, calls: calls}, nil
}

func (c Config) withDefaults() Config {
	if c.Account == "" {
		c.Account = token.DefaultAccount
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// openStore opens the store that holds the session: the newer one of two, and
// the keyring if nobody knows.
func (c Config) openStore(folders place.Folders, target session.Target) (*store.Store, error) {
	key, err := target.Key()
	if err != nil {
		return nil, err
	}
	options := store.Options{
		Name: store.Keyring, Getenv: c.Getenv,
		Identity: store.Identity{Text: token.NewSecret(c.Getenv(place.IdentityVariable)), Path: folders.Identity()},
	}
	index, err := folders.Open(options)
	if err != nil {
		return nil, err
	}
	entries, err := index.Entries(key)
	if err != nil {
		note(c.Logger, "the list of sessions: %v", err)
	}
	if len(entries) > 0 {
		options.Name = entries[0].Store
	}
	return folders.Open(options)
}

// TokenSource returns live tokens, for programs that carry them by themselves.
// ctx bounds what is done to get one.
func (s *Session) TokenSource(ctx context.Context) oauth2.TokenSource { return source{ctx, s.source} }

// Transport returns an http.RoundTripper that puts the credential on requests as
// the profile says, and refuses any other origin than the session's. When the
// server takes the token for over, it is renewed and the request sent once more.
// A nil base stands for one with the TLS settings of the profile.
func (s *Session) Transport(base http.RoundTripper) (http.RoundTripper, error) {
	if base == nil {
		pooled, err := s.calls.Pooled(s.profile)
		if err != nil {
			return nil, err
		}
		base = pooled
	}
	return &session.Transport{Source: s.source, Base: base}, nil
}

// Client returns an HTTP client with the transport of the session. Make it once:
// it keeps connections.
func (s *Session) Client() *http.Client {
	transport, err := s.Transport(nil)
	if err != nil {
		transport = failing{err}
	}
	return &http.Client{Transport: transport}
}

// failing tells at the first request why there is no transport.
type failing struct{ err error }

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return nil, f.err
}

// source implements oauth2.TokenSource, which has no context of its own.
type source struct {
	ctx    context.Context
	passes *session.Source
}

func (s source) Token() (*oauth2.Token, error) {
	pass, err := s.passes.Pass(s.ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: pass.AccessToken.Reveal(), TokenType: pass.Type(), Expiry: pass.At}, nil
}

// environment gives inputs to a renewal that logs in again, from what the
// profile names. Nobody is asked, and no program is run.
type environment func(string) string

// Input implements session.Inputs.
func (e environment) Input(_ context.Context, in profile.Input) (string, error) {
	if in.Optional {
		return "", nil
	}
	return "", fault.New(fault.LoginNeeded, "authctl login", "the input %s is missing, and a program asks nobody", in.Name)
}

// Known implements session.Inputs.
func (e environment) Known(_ context.Context, in profile.Input) (string, bool, error) {
	if in.Env != "" {
		if value := e(in.Env); value != "" {
			return value, true, nil
		}
	}
	return in.Default.Text, in.Default.Set, nil
}

func note(logger *slog.Logger, format string, args ...any) {
	logger.Warn(strings.TrimSpace(fault.New(fault.Other, "", format, args...).Error()))
}

func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
