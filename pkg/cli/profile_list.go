package cli

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
)

func (a *app) profileListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the profiles",
		Long:    "List all profiles with their base URLs; * marks the one that is used when none\nis named. One that cannot be read does not hide the others.",
		Example: "  authctl profile list --output json",
		Args:    between(0, 0, "no arguments"),
		RunE:    func(*cobra.Command, []string) error { return a.listProfiles() },
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 8)
}

func (a *app) listProfiles() error {
	if err := a.settings.load(); err != nil {
		return err
	}
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	list := []shown{}
	broken := errors.Join(catalog.Broken()...)
	for _, name := range catalog.Names() {
		if p, err := catalog.Profile(name); err == nil {
			list = append(list, summary(p))
		} else {
			broken = cmp.Or(broken, err)
		}
	}
	if a.output == outputJSON {
		err = console.WriteJSON(a.out, list)
	} else {
		err = a.printProfiles(list)
	}
	return cmp.Or(err, fault.Wrap(broken, "not all profiles can be used"))
}

// printProfiles lists one base URL a line, so that a narrow terminal does not
// cut it. The chosen profile is marked.
func (a *app) printProfiles(list []shown) error {
	table := console.NewTable("", "PROFILE", "ENVIRONMENT", "BASE URL")
	chosen := a.settings.GetString(setProfile)
	for _, s := range list {
		mark := ""
		if s.Name == chosen {
			mark = "*"
		}
		for _, env := range append(s.Environments, shownURL{URL: s.BaseURL}) {
			if env.URL != "" {
				table.Row(console.Cell{Text: mark, Role: console.Good}, console.Cell{Text: s.Name, Role: console.Key}, console.Cell{Text: env.Name}, console.Cell{Text: env.URL})
			}
		}
	}
	return table.Print(a.out)
}
