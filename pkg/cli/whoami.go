package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
)

func (a *app) whoamiCommand() *cobra.Command {
	var flags inputFlags
	cmd := &cobra.Command{
		Use:   "whoami [PROFILE]",
		Short: "Ask the server whose token it is, and whether it works",
		Long: `Send the token to the server and say whether it was accepted, and whose it is
where the profile knows how to read that (whoami: with name:). A token that is
over is renewed first.`,
		Example: `  authctl whoami pi-hole
  authctl whoami keystone --output json`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.whoami(cmd.Context(), args, flags) },
	}
	flags.add(cmd)
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 1, 3, 4, 5, 6, 7, 8)
}

func (a *app) whoami(ctx context.Context, args []string, flags inputFlags) error {
	s, m, err := a.withSession(ctx, args, "whoami", &flags)
	if err != nil {
		return err
	}
	name, err := m.Whoami(ctx, s.Target)
	if err != nil {
		return err
	}
	if a.output == outputJSON {
		return console.WriteJSON(a.out, struct {
			Profile  string `json:"profile"`
			Accepted bool   `json:"accepted"`
			Name     string `json:"name,omitempty"`
		}{s.Profile.Name, true, name})
	}
	text := "the server takes the token of " + s.Target.String()
	if name != "" {
		text += "; it belongs to " + name
	}
	_, err = a.out.Write([]byte(console.Sanitize(text) + "\n"))
	return fault.Wrap(err, "print the answer")
}
