package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/fault"
)

func (a *app) profileUseCommand() *cobra.Command {
	var none bool
	cmd := &cobra.Command{
		Use:   "use PROFILE | --none",
		Short: "Choose the profile that is used when none is named",
		Long: `Remember a profile for commands that name none. An --environment and an
--account that are given with it are used whenever this profile is. Environment
variables and the command line still come first. --none forgets the choice.`,
		Example: `  authctl profile use zumrails --environment production
  authctl profile use --none`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(_ *cobra.Command, args []string) error {
			if none == (len(args) == 1) {
				return fault.New(fault.Usage, "authctl profile use --help", "name a profile, or --none")
			}
			if err := a.settings.load(); err != nil {
				return err
			}
			if none {
				return a.settings.remember(map[string]string{setProfile: "", setEnvironment: "", setAccount: ""})
			}
			return a.useProfile(args[0])
		},
	}
	cmd.Flags().BoolVar(&none, "none", false, "forget the choice")
	return exitCodes(cmd, 8)
}

func (a *app) useProfile(name string) error {
	p, err := a.profile(name)
	if err != nil {
		return err
	}
	if a.selected.environment != "" {
		if _, err := a.chooseEnvironment(p); err != nil {
			return err
		}
	}
	err = a.settings.remember(map[string]string{
		setProfile: p.Name, setEnvironment: a.selected.environment, setAccount: a.selected.account,
	})
	if err != nil {
		return err
	}
	a.done("authctl uses " + strings.Join(append([]string{name}, nonEmpty(a.selected.environment, a.selected.account)...), ", ") + " when none is named")
	return nil
}

func nonEmpty(texts ...string) []string {
	var kept []string
	for _, text := range texts {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}
