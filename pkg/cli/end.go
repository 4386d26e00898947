package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/token"
)

func (a *app) logoutCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "logout [PROFILE]",
		Short: "Forget a session on this machine",
		Long: `Remove a session from the store. The server is not told: the token stays valid
until it expires. Use "authctl cancel" to make the server invalidate it first,
where the API can do that.`,
		Example: `  authctl logout zumrails
  authctl logout --all`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all {
				return a.logoutAll(cmd.Context(), args)
			}
			return a.logout(cmd.Context(), args)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "forget every session in every store")
	return exitCodes(cmd, 3, 5, 8)
}

func (a *app) logout(ctx context.Context, args []string) error {
	s, err := a.target(args, false)
	if err != nil {
		return err
	}
	if err := s.needsSession("logout"); err != nil {
		return err
	}
	info, err := a.manager(s.store, nil).Logout(ctx, s.Target)
	if err == nil || fault.KindOf(err) == fault.LoginNeeded {
		err = cmp.Or(a.forgetCopies(ctx, s), err)
	}
	if err != nil {
		return fault.Wrap(err, "log out of %s", s.Target)
	}
	a.done("logged out of " + s.Target.String())
	hint := ""
	if len(s.Profile.Cancel) > 0 {
		hint = "; next time, authctl cancel ends it at once"
	}
	a.stillValid(info, hint)
	return nil
}

// forgetCopies forgets what other stores have of a session, after a move or a
// login that was killed. --store means that store alone.
func (a *app) forgetCopies(ctx context.Context, s *selection) error {
	key, err := s.Key()
	if err != nil || a.selected.store != "" {
		return err
	}
	entries, err := s.store.Find(key.Profile, key.Environment, key.Origin)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Key != key {
			continue
		}
		if err := a.forgetOne(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

// stillValid says that a token which was forgotten here lives on (threat 13).
func (a *app) stillValid(info token.Info, hint string) {
	switch {
	case info.Profile == "" || !info.Live(a.env.Now(), 0): // damaged, or over
	case info.At.IsZero():
		a.say("the token itself stays valid at the server, nobody said for how long%s", hint)
	default:
		a.say("the token itself stays valid at the server until %s%s", a.expiryText(info), hint)
	}
}

// logoutAll removes every session that the index knows. One that cannot be
// removed does not keep the others; all failures are told.
func (a *app) logoutAll(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return fault.New(fault.Usage, "leave out one of them", "--all and a profile exclude each other")
	}
	if err := a.settings.load(); err != nil {
		return err
	}
	entries, err := a.sessions()
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		a.say("there are no sessions")
	}
	return a.forgetAll(ctx, entries)
}

// forgetAll stops asking a store that cannot be used; what stays is counted.
func (a *app) forgetAll(ctx context.Context, entries []store.Entry) error {
	broken, left := map[string]error{}, 0
	var first error
	for _, entry := range entries {
		err := broken[entry.Store]
		if err == nil {
			err = a.forgetOne(ctx, entry)
		}
		if err != nil {
			broken[entry.Store] = err
			first, left = cmp.Or(first, err), left+1
			continue
		}
		a.done("logged out of " + entry.Title())
		a.stillValid(entry.Info, "")
	}
	if left > 0 {
		return fault.Wrap(first, "%s could not be forgotten", count(left, "session"))
	}
	return nil
}

func (a *app) forgetOne(ctx context.Context, entry store.Entry) error {
	st, err := a.openStore(entry.Store)
	if err == nil {
		err = a.manager(st, nil).Forget(ctx, entry.Key)
	}
	if errors.Is(err, token.ErrNoSession) {
		return nil // gone already; the entry is removed with it
	}
	return err
}

func (a *app) cancelCommand() *cobra.Command {
	var flags inputFlags
	cmd := &cobra.Command{
		Use:   "cancel [PROFILE]",
		Short: "Make the server invalidate the token, then forget it",
		Long: `Ask the server to invalidate the token of a session, then remove the session
from the store. If the server cannot be asked or does not agree, the session
stays. Not every API can do this: see cancel: in the profile.`,
		Example:           "  authctl cancel zumrails",
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, m, err := a.withSession(cmd.Context(), args, "cancel", &flags)
			if err != nil {
				return err
			}
			done, err := m.Cancel(cmd.Context(), s.Target)
			if err != nil {
				return err
			}
			a.done("cancelled the token of " + s.Target.String())
			if done.AlreadyOver {
				a.say("the server refused it because it was over already")
			}
			return nil
		},
	}
	flags.add(cmd)
	return exitCodes(cmd, 1, 3, 4, 5, 6, 7, 8)
}

// withSession is the beginning of every command that works on a session. Those
// without flags for inputs never ask a person.
func (a *app) withSession(ctx context.Context, args []string, command string, flags *inputFlags) (*selection, *session.Manager, error) {
	if err := a.settings.load(); err != nil {
		return nil, nil, err
	}
	if a.storeName("") == store.Keyring {
		store.Prepare(a.env.Getenv)
	}
	s, err := a.target(args, false)
	if err != nil {
		return nil, nil, err
	}
	if err := s.needsSession(command); err != nil {
		return nil, nil, err
	}
	quiet := flags == nil
	if quiet {
		flags = &inputFlags{}
	}
	in, err := flags.read(ctx, a, s.Profile)
	if err != nil {
		return nil, nil, err
	}
	in.quiet = quiet
	if !slices.Contains([]string{"token", "exec", "curl", "proxy"}, command) { // which are silent
		a.announce(s)
	}
	return s, a.manager(s.store, in), nil
}

// done tells a person that something was done.
func (a *app) done(text string) {
	// Nobody may be reading standard error.
	_, _ = fmt.Fprintln(a.err, a.err.Paint(console.Good, console.Sanitize(text)))
}
