package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/profile"
)

func (a *app) profileExampleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "example",
		Short: "Print example profiles that explain the language",
		Long: `Print the file profiles.example.yaml: five real APIs, commented so that they
teach how to write a profile. Keep what you need of it.`,
		Example: "  authctl profile example > ~/.config/authctl/profiles.yaml",
		Args:    between(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(a.out, profile.Example())
			return err
		},
	}
	return exitCodes(cmd)
}

func (a *app) profileSchemaCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of profile files, for editors",
		Long: `Print the JSON Schema (2020-12) of profile files. An editor that knows it
completes keys, says what they mean and marks mistakes while you type. The first
line of the example profiles names it for them.`,
		Example: "  authctl profile schema > ~/.config/authctl/profile.schema.json",
		Args:    between(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			schema, err := profile.Schema()
			if err != nil {
				return err
			}
			_, err = a.out.Write(schema)
			return err
		},
	}
	return exitCodes(cmd)
}
