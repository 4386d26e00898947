package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

// wishFlags are what a new long-lived token is to be.
type wishFlags struct {
	inputFlags
	name, expiresIn, expiresAt string
	scopes                     []string
}

func (w *wishFlags) add(cmd *cobra.Command) {
	w.inputFlags.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&w.name, "name", "", "`name` of the token, to find it again")
	flags.StringVar(&w.expiresIn, "expires-in", "", "`time` until it is over, such as 12h, 30d, 8w")
	flags.StringVar(&w.expiresAt, "expires-at", "", "`time` at which it is over, such as 2027-01-31T12:00:00Z")
	flags.StringArrayVar(&w.scopes, "scope", nil, "what the token may do, in the API's words (may be repeated)")
}

// createOptions are the flags of token create.
type createOptions struct {
	wishFlags
	save bool
}

func (a *app) tokenCreateCommand() *cobra.Command {
	var o createOptions
	cmd := &cobra.Command{
		Use:   "create [PROFILE] --name NAME",
		Short: "Make a long-lived token for a server or CI",
		Long: `Make a long-lived token with a session. The API shows its secret this once: it
is printed on standard output, or kept with --save as an account of the
profile, where "authctl token PROFILE --account NAME" finds it.`,
		Example: `  authctl token create haut-ai --name ci --expires-in 30d --save
  authctl token create haut-ai --name ci --expires-at 2027-01-31T12:00:00Z`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.createToken(cmd.Context(), args, o) },
	}
	o.add(cmd)
	cmd.Flags().BoolVar(&o.save, "save", false, "keep the secret in the store instead of printing it")
	a.addOutput(cmd, outputRaw, outputJSON)
	return exitCodes(cmd, 1, 3, 4, 5, 6, 7, 8)
}

// ends returns when the token shall be over; zero if nothing was asked for.
func (w wishFlags) ends(now time.Time) (time.Time, error) {
	switch {
	case w.expiresIn != "" && w.expiresAt != "":
		return time.Time{}, fault.New(fault.Usage, "leave out one of them", "--expires-in and --expires-at exclude each other")
	case w.expiresIn != "":
		lifetime, err := token.ParseLifetime(w.expiresIn)
		if err != nil {
			return time.Time{}, fault.New(fault.Usage, "write --expires-in 30d", "--expires-in: %w", err)
		}
		return now.Add(lifetime).Truncate(time.Second), nil
	case w.expiresAt != "":
		at, err := time.Parse(time.RFC3339, w.expiresAt)
		if err != nil {
			return time.Time{}, fault.New(fault.Usage, "write --expires-at 2027-01-31T12:00:00Z", "--expires-at: %q is no time in the form of RFC 3339", w.expiresAt)
		}
		if !at.After(now) {
			return time.Time{}, fault.New(fault.Usage, "name a time to come", "--expires-at: %s is over already", w.expiresAt)
		}
		return at, nil
	}
	return time.Time{}, nil
}

// wish checks the flags against what calls send.
func (w wishFlags) wish(p *profile.Profile, calls profile.Calls, now time.Time) (session.Wish, error) {
	ends, err := w.ends(now)
	if err != nil {
		return session.Wish{}, err
	}
	var names []string
	for i := range calls {
		names = append(names, p.Needs(&calls[i])...)
	}
	wanted := func(name string) bool { return slices.Contains(names, name) }
	switch {
	case ends.IsZero() && (wanted("expires_at") || wanted("expires_in")):
		err = fault.New(fault.Usage, "add --expires-in 30d", "%s demands an end for a long-lived token", p.Name)
	case len(w.scopes) > 0 && !wanted("scopes"):
		err = fault.New(fault.Usage, "leave --scope out", "the profile %s sends no scopes", p.Name)
	}
	return session.Wish{Name: w.name, ExpiresAt: ends, Scopes: w.scopes}, err
}

func (a *app) createToken(ctx context.Context, args []string, o createOptions) error {
	if o.name == "" {
		return fault.New(fault.Usage, "add --name ci", "a long-lived token needs a name")
	}
	if _, err := o.ends(a.env.Now()); err != nil {
		return err
	}
	s, m, err := a.withSession(ctx, args, "token create", &o.inputFlags)
	if err != nil {
		return err
	}
	wish, err := o.wish(s.Profile, s.Profile.Tokens.Create, a.env.Now())
	if err != nil {
		return err
	}
	if o.save {
		if err := a.freeAccount(ctx, s, o.name); err != nil {
			return err
		}
	}
	created, err := m.CreateToken(ctx, s.Target, wish)
	if err != nil {
		return err
	}
	if o.save {
		if err := m.SaveToken(ctx, s.Target, created, o.name); err != nil {
			// The secret will not be shown again: better printed than lost.
			return errors.Join(fault.Wrap(err, "the token was made and could not be kept; it is printed instead"), a.reveal(created.Secret))
		}
	}
	a.done(a.createdText(s, created, o))
	switch {
	case a.output == outputJSON:
		err = a.revealCreated(created, !o.save)
	case !o.save:
		err = a.reveal(created.Secret)
	}
	if err != nil && !o.save {
		hint := fmt.Sprintf("authctl token revoke %s %s", s.Profile.Name, quoted(created.ID))
		return fault.New(fault.Other, hint, "the token %s was made, and its secret could not be printed: %w", created.ID, err)
	}
	return err
}

// freeAccount refuses a name for a token that another session is kept under:
// that session, or the secret of another token, would be lost.
func (a *app) freeAccount(ctx context.Context, s *selection, name string) error {
	if len(name) > maxAccount || console.Sanitize(name) != name || strings.TrimSpace(name) != name {
		return fault.New(fault.Usage, "choose another --name", "a kept token has a name of at most %d bytes, without control characters and blanks at its ends", maxAccount)
	}
	t := s.Target
	t.Account = name
	key, err := t.Key()
	if err != nil {
		return err
	}
	_, err = s.store.Access(ctx, key)
	if err == nil {
		return fault.New(fault.Usage, "choose another --name, or authctl logout "+s.Profile.Name+" --account "+quoted(name),
			"the account %s holds a session already", name)
	}
	if !errors.Is(err, token.ErrNoSession) {
		return err
	}
	return nil
}

func (a *app) createdText(s *selection, created session.LongLived, o createOptions) string {
	text := fmt.Sprintf("made the token %s (id %s) at %s", created.Name, created.ID, s.Target)
	if !created.ExpiresAt.IsZero() {
		text += ", until " + console.Absolute(created.ExpiresAt.In(a.env.Now().Location()))
	}
	if o.save {
		text += "; print it with authctl token " + s.Profile.Name + " --account " + quoted(o.name)
	}
	return text
}

// revealCreated prints a new token as JSON, its secret only if it was not kept.
func (a *app) revealCreated(created session.LongLived, reveal bool) error {
	secret := ""
	if reveal {
		secret = created.Secret.Reveal()
	}
	encoder := json.NewEncoder(a.out.Raw())
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		session.LongLived
		Token string `json:"token,omitempty"`
	}{created, secret})
}

func (a *app) tokenListCommand() *cobra.Command {
	var flags inputFlags
	cmd := &cobra.Command{
		Use:   "list [PROFILE]",
		Short: "List the long-lived tokens, over all pages",
		Long: `List the long-lived tokens that the API knows, over all pages, with the time
that is left. Secrets are not shown: the API gave them once.`,
		Example: `  authctl token list haut-ai
  authctl token list haut-ai --output json`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, m, err := a.withSession(cmd.Context(), args, "token list", &flags)
			if err != nil {
				return err
			}
			list, err := m.ListTokens(cmd.Context(), s.Target)
			if err != nil {
				return err
			}
			return a.printTokens(list)
		},
	}
	flags.add(cmd)
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 1, 3, 4, 5, 6, 7, 8)
}

func (a *app) printTokens(list []session.LongLived) error {
	if a.output == outputJSON {
		if list == nil {
			list = []session.LongLived{}
		}
		return console.WriteJSON(a.out, list)
	}
	if len(list) == 0 {
		a.say("there are no long-lived tokens")
		return nil
	}
	table := console.NewTable("ID", "NAME", "EXPIRES", "LEFT")
	now := a.env.Now()
	for _, one := range list {
		expires, left, role := "", "", console.Plain
		if !one.ExpiresAt.IsZero() {
			expires = console.Absolute(one.ExpiresAt.In(now.Location()))
			left, role = console.UntilFine(now, one.ExpiresAt), console.Good
			if !one.ExpiresAt.After(now) {
				role = console.Bad
			}
		}
		table.Row(console.Cell{Text: one.ID}, console.Cell{Text: one.Name, Role: console.Key}, console.Cell{Text: expires}, console.Cell{Text: left, Role: role})
	}
	return table.Print(a.out)
}

func (a *app) tokenRevokeCommand() *cobra.Command {
	var yes bool
	var flags inputFlags
	cmd := &cobra.Command{
		Use:   "revoke [PROFILE] ID|NAME",
		Short: "Make a long-lived token invalid",
		Long: `Make a long-lived token invalid at the server. It is named by its id or by its
name; a name that several tokens have is refused. Asks first, unless --yes is
given. A copy that was kept with --save is forgotten as well.`,
		Example: `  authctl token revoke haut-ai ci
  authctl token revoke haut-ai 42 --yes`,
		Args:              between(1, 2, "the id or name of a token, and a profile before it if you like"),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			last := len(args) - 1
			return a.revokeToken(cmd.Context(), args[:last], args[last], yes, flags)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	flags.add(cmd)
	return exitCodes(cmd, 1, 3, 4, 5, 6, 7, 8)
}

func (a *app) revokeToken(ctx context.Context, args []string, wanted string, yes bool, flags inputFlags) error {
	if catalog, err := a.catalog(); err == nil && len(args) == 0 && slices.Contains(catalog.Names(), wanted) {
		return fault.New(fault.Usage, "authctl token list "+wanted, "which token of %s? name its id or name", wanted)
	}
	s, m, err := a.withSession(ctx, args, "token revoke", &flags)
	if err != nil {
		return err
	}
	found, err := a.findToken(ctx, s, m, wanted)
	if err != nil {
		return err
	}
	if !yes {
		agreed, err := a.confirm(ctx, fmt.Sprintf("Revoke the token %s (id %s) at %s?", found.Name, found.ID, s.Target), "--yes")
		if err != nil {
			return err
		}
		if !agreed {
			return fault.New(fault.Other, "", "nothing was revoked")
		}
	}
	if err := m.RevokeToken(ctx, s.Target, found.ID, found.Name); err != nil {
		return err
	}
	a.done(fmt.Sprintf("revoked the token %s (id %s) at %s", found.Name, found.ID, s.Target))
	return a.forgetSaved(ctx, s, m, found.ID)
}

func (a *app) tokenRotateCommand() *cobra.Command {
	var w wishFlags
	cmd := &cobra.Command{
		Use:   "rotate [PROFILE] ID|NAME",
		Short: "Replace a long-lived token by a new one",
		Long: `Ask the server for a new token in place of a long-lived one; the old one is
over. It is named by its id or by its name. The new secret is printed; a copy
that was kept with --save is replaced instead.`,
		Example: `  authctl token rotate gitlab ci --expires-in 30d
  authctl token rotate gitlab 42`,
		Args:              between(1, 2, "the id or name of a token, and a profile before it if you like"),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			last := len(args) - 1
			return a.rotateToken(cmd.Context(), args[:last], args[last], w)
		},
	}
	w.add(cmd)
	a.addOutput(cmd, outputRaw, outputJSON)
	return exitCodes(cmd, 1, 3, 4, 5, 6, 7, 8)
}

func (a *app) rotateToken(ctx context.Context, args []string, wanted string, w wishFlags) error {
	s, m, err := a.withSession(ctx, args, "token rotate", &w.inputFlags)
	if err != nil {
		return err
	}
	if len(s.Profile.Tokens.Rotate) == 0 {
		return fault.New(fault.Other, "make a new token, then revoke the old one", "the profile %s describes no tokens.rotate", s.Profile.Name)
	}
	wish, err := w.wish(s.Profile, s.Profile.Tokens.Rotate, a.env.Now())
	if err != nil {
		return err
	}
	found, err := a.findToken(ctx, s, m, wanted)
	if err != nil {
		return err
	}
	wish.Name = cmp.Or(wish.Name, found.Name)
	kept, err := a.keptAs(s, found.ID)
	if err != nil {
		return err
	}
	created, err := m.RotateToken(ctx, s.Target, found.ID, wish)
	if err != nil {
		return err
	}
	if kept != "" {
		if err := m.SaveToken(ctx, s.Target, created, kept); err != nil {
			// The secret will not be shown again: better printed than lost.
			return errors.Join(fault.Wrap(err, "the token was rotated and could not be kept; it is printed instead"), a.reveal(created.Secret))
		}
	}
	a.done(a.createdText(s, created, createOptions{wishFlags{name: kept}, kept != ""}))
	switch {
	case a.output == outputJSON:
		return a.revealCreated(created, kept == "")
	case kept == "":
		return a.reveal(created.Secret)
	}
	return nil
}

// keptAs is the account that a long-lived token was kept as; empty if it was not.
func (a *app) keptAs(s *selection, id string) (string, error) {
	key, err := s.Key()
	if err != nil {
		return "", err
	}
	entries, err := s.store.Find(key.Profile, key.Environment, key.Origin)
	for _, entry := range entries {
		if entry.LongLived && entry.TokenID == id {
			return entry.Account, nil
		}
	}
	return "", err
}

// findToken looks a token up by id or name. Where the profile cannot list, the
// word is taken for an id.
func (a *app) findToken(ctx context.Context, s *selection, m *session.Manager, wanted string) (session.LongLived, error) {
	if len(s.Profile.Tokens.List) == 0 {
		return session.LongLived{ID: wanted, Name: wanted}, nil
	}
	list, err := m.ListTokens(ctx, s.Target)
	if err != nil {
		return session.LongLived{}, err
	}
	var named []session.LongLived
	for _, one := range list {
		if one.ID == wanted {
			return one, nil
		}
		if one.Name == wanted {
			named = append(named, one)
		}
	}
	hint := "authctl token list " + s.Profile.Name
	switch len(named) {
	case 0:
		return session.LongLived{}, fault.New(fault.Other, hint, "%s has no token with the id or name %q", s.Target, wanted)
	case 1:
		return named[0], nil
	}
	return session.LongLived{}, fault.New(fault.Usage, hint+", then revoke by id", "%d tokens of %s are called %q", len(named), s.Target, wanted)
}

// confirm asks on the terminal; without one the flag must say it.
func (a *app) confirm(ctx context.Context, question, flag string) (bool, error) {
	if a.noInput {
		return false, fault.New(fault.Usage, "add "+flag, "--no-input forbids to ask")
	}
	tty, err := a.env.OpenTTY()
	if errors.Is(err, console.ErrNoTerminal) {
		return false, fault.New(fault.Usage, "add "+flag, "there is no terminal to ask on")
	}
	if err != nil {
		return false, err
	}
	defer tty.Close()
	return tty.Confirm(ctx, question)
}

// forgetSaved removes the copy of a revoked token that --save has kept.
func (a *app) forgetSaved(ctx context.Context, s *selection, m *session.Manager, id string) error {
	key, err := s.Key()
	if err != nil {
		return err
	}
	entries, err := s.store.Find(key.Profile, key.Environment, key.Origin)
	for _, entry := range entries {
		if entry.LongLived && entry.TokenID == id {
			err = errors.Join(err, m.Forget(ctx, entry.Key))
		}
	}
	return fault.Wrap(err, "the token was revoked; forget the copy here")
}
