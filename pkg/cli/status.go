package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/token"
)

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [PROFILE]",
		Short: "Show the sessions and how long they last",
		Long: `List all sessions: whose they are, how long the token lasts and which statement
decided that, where it is kept. With PROFILE, show all that is known of its
sessions. Neither the network nor the keyring is asked.`,
		Example: `  authctl status
  authctl status zumrails --output json`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(_ *cobra.Command, args []string) error { return a.status(args) },
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 3, 8)
}

func (a *app) status(args []string) error {
	entries, err := a.statusEntries(args)
	if err != nil {
		return err
	}
	if a.output == outputJSON {
		rows := make([]row, 0, len(entries))
		for _, entry := range entries {
			rows = append(rows, a.row(entry.Info, entry.Store))
		}
		return console.WriteJSON(a.out, rows)
	}
	if len(entries) == 0 {
		a.say("there are no sessions; log in with authctl login")
		return nil
	}
	if len(args) > 0 || a.selected.profile != "" {
		return a.statusDetails(entries)
	}
	return a.statusTable(entries)
}

// statusEntries are all sessions, or those of the profile, the environment and
// the account that are named. Those of a profile belong to its base URLs as they
// are now.
func (a *app) statusEntries(args []string) ([]store.Entry, error) {
	if err := a.settings.load(); err != nil {
		return nil, err
	}
	all, err := a.sessions()
	if err != nil {
		return nil, err
	}
	wanted := func(e store.Entry) bool {
		return (a.selected.environment == "" || e.Environment == a.selected.environment) &&
			(a.selected.account == "" || e.Account == a.selected.account)
	}
	if len(args) == 0 && a.selected.profile == "" {
		return slices.DeleteFunc(all, func(e store.Entry) bool { return !wanted(e) }), nil
	}
	s, err := a.target(args, true)
	if err != nil {
		return nil, err
	}
	homes, err := keysOf(s.Profile)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(all, func(e store.Entry) bool {
		home := token.Key{Origin: e.Origin, Profile: e.Profile, Environment: e.Environment}
		return !wanted(e) || !slices.Contains(homes, home)
	})
	if len(kept) == 0 {
		return nil, fault.New(fault.LoginNeeded, s.LoginHint(), "not logged in to %s at %s", s.Target, s.Base())
	}
	return kept, nil
}

// keysOf are the keys, but for the account, that sessions of a profile can have.
func keysOf(p *profile.Profile) ([]token.Key, error) {
	var keys []token.Key
	for _, environment := range append(p.Environments.Names(), "") {
		t := session.Target{Profile: p, Environment: environment}
		if t.Base().IsZero() {
			continue // there is no base_url beside environments
		}
		key, err := t.Key()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// sessions lists the index. Entries that cannot be read are told and do not
// hide the others.
func (a *app) sessions() ([]store.Entry, error) {
	st, err := a.openStore(store.Keyring)
	if err != nil {
		return nil, err
	}
	entries, err := st.List()
	if err != nil {
		first, _, more := strings.Cut(err.Error(), "\n")
		if more {
			first += ", and others"
		}
		a.say("the list of sessions: %s", first)
	}
	return entries, nil
}

func (a *app) statusTable(entries []store.Entry) error {
	table := console.NewTable("PROFILE", "USER", "EXPIRES", "BY", "STORE")
	for _, entry := range entries {
		expires, role := a.expiresCell(entry.Info)
		table.Row(console.Cell{Text: entry.Title(), Role: console.Key}, console.Cell{Text: entry.User},
			console.Cell{Text: expires, Role: role}, console.Cell{Text: string(entry.Source), Role: console.Faint},
			console.Cell{Text: entry.Store})
	}
	return table.Print(a.out)
}

// statusDetails shows one profile's sessions with everything that is known.
func (a *app) statusDetails(entries []store.Entry) error {
	for i, entry := range entries {
		if i > 0 {
			_, _ = io.WriteString(a.out, "\n") // the table after it tells a broken stream
		}
		_, role := a.expiresCell(entry.Info)
		table := console.NewTable()
		add := func(name, value string, role console.Role) {
			if value != "" {
				table.Row(console.Cell{Text: name, Role: console.Faint}, console.Cell{Text: value, Role: role})
			}
		}
		add("profile", entry.Profile, console.Key)
		add("environment", entry.Environment, console.Plain)
		add("account", entry.Account, console.Plain)
		add("user", entry.User, console.Plain)
		add("origin", string(entry.Origin), console.Plain)
		add("expires", a.expiryText(entry.Info), role)
		if now := a.env.Now(); entry.NotBefore.After(now) {
			add("valid from", console.Absolute(entry.NotBefore.In(now.Location())), console.Bad)
		}
		add("obtained", console.Absolute(entry.ObtainedAt.In(a.env.Now().Location())), console.Plain)
		add("renewed by", renewedBy(entry), console.Plain)
		add("login", entry.Via, console.Plain)
		add("store", entry.Store, console.Plain)
		if err := table.Print(a.out); err != nil {
			return err
		}
	}
	return nil
}

// expiresCell says how long a token lasts, in the colour that fits.
func (a *app) expiresCell(info token.Info) (string, console.Role) {
	now := a.env.Now()
	switch {
	case info.NotBefore.After(now):
		return "valid only " + console.UntilFine(now, info.NotBefore), console.Bad
	case info.At.IsZero():
		return "no end known", console.Plain
	case !info.Live(now, 0):
		return "over, " + console.UntilFine(now, info.At), console.Bad
	default:
		return console.UntilFine(now, info.At), console.Good
	}
}

func renewedBy(entry store.Entry) string {
	switch {
	case entry.LongLived:
		return "nothing"
	case entry.Renewable == "":
		return "a person"
	case entry.Renewable == "login":
		return "credentials"
	}
	return entry.Renewable
}
