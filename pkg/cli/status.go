package cli

import (
	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/token"
)

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [PROFILE]",
		Short: "Show the sessions and how long they last",
		Long: `List the sessions of all profiles, or of one: whose, where, how long the token
lasts and which statement decided that, how it is renewed, where it is kept.
Neither the network nor the keyring is asked.`,
		Example: `  authctl status
  authctl status zumrails --output json`,
		Args:              cobra.MaximumNArgs(1),
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
	if a.out.Terminal() && len(args) > 0 {
		return a.statusDetails(entries)
	}
	return a.statusTable(entries)
}

// statusEntries are all sessions, or those of the profile that is named.
func (a *app) statusEntries(args []string) ([]store.Entry, error) {
	if err := a.settings.load(); err != nil {
		return nil, err
	}
	if len(args) == 0 && a.selected == (selectFlags{}) {
		return a.sessions()
	}
	s, err := a.target(args, false)
	if err != nil {
		return nil, err
	}
	key, err := s.Key()
	if err != nil {
		return nil, err
	}
	all, err := a.sessions()
	if err != nil {
		return nil, err
	}
	var entries []store.Entry
	for _, entry := range all {
		sameAccount := a.selected.account == "" || entry.Account == a.selected.account
		if entry.Profile == key.Profile && entry.Environment == key.Environment && entry.Origin == key.Origin && sameAccount {
			entries = append(entries, entry)
		}
	}
	if len(entries) == 0 {
		return nil, fault.New(fault.LoginNeeded, s.LoginHint(), "not logged in to %s at %s", s.Target, key.Origin)
	}
	return entries, nil
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
		a.warn(fault.Wrap(err, "the list of sessions"))
	}
	return entries, nil
}

func (a *app) statusTable(entries []store.Entry) error {
	table := console.NewTable("PROFILE", "ACCOUNT", "EXPIRES", "BY", "RENEWED BY", "STORE")
	for _, entry := range entries {
		name := entry.Profile
		if entry.Environment != "" {
			name += " (" + entry.Environment + ")"
		}
		expires, role := a.expiresCell(entry.Info)
		table.Row(console.Cell{Text: name, Role: console.Key}, console.Cell{Text: entry.Account},
			console.Cell{Text: expires, Role: role}, console.Cell{Text: string(entry.Source), Role: console.Faint},
			console.Cell{Text: renewedBy(entry)}, console.Cell{Text: entry.Store})
	}
	return table.Print(a.out)
}

// statusDetails shows one profile's sessions with everything that is known.
func (a *app) statusDetails(entries []store.Entry) error {
	for _, entry := range entries {
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
	case info.At.IsZero():
		return "no end known", console.Plain
	case !info.Live(now, 0):
		return "over, " + console.Until(now, info.At), console.Bad
	default:
		return console.Until(now, info.At), console.Good
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
