package cli

import (
	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/profile"
)

func (a *app) profileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "profile",
		Short:   "List, show, choose, write and check profiles",
		Long:    "Work with the profiles: the YAML entries that describe how an API hands out and\ntakes tokens.",
		Example: "  authctl profile list\n  authctl profile validate",
	}
	cmd.AddCommand(
		a.profileListCommand(), a.profileShowCommand(), a.profileUseCommand(), a.profileAddCommand(), a.profileGalleryCommand(),
		a.profileValidateCommand(), a.profileTestCommand(), a.profileExampleCommand(), a.profileSchemaCommand(),
	)
	return exitCodes(group(cmd))
}

// namedProfile is the profile that is named or chosen.
func (a *app) namedProfile(args []string) (*profile.Profile, error) {
	if err := a.settings.load(); err != nil {
		return nil, err
	}
	p, _, err := a.chooseProfile(args)
	return p, err
}
