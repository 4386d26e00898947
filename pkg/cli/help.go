package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodes notes which exit codes a command can have; its help lists them.
func exitCodes(cmd *cobra.Command, codes ...int) *cobra.Command {
	var text strings.Builder
	for _, row := range exitTable() {
		if row.code == 0 || row.code == 2 || slices.Contains(codes, row.code) {
			fmt.Fprintf(&text, "  %-4d %s\n", row.code, row.meaning)
		}
	}
	cmd.Annotations = map[string]string{"exit": strings.TrimRight(text.String(), "\n")}
	return cmd
}

// usageTemplate is cobra's with our headings and the exit codes.
func usageTemplate() string {
	return `Usage:
  {{if .Runnable}}{{.UseLine}}{{end}}{{if and .Runnable .HasAvailableSubCommands}}
  {{end}}{{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Flags of every command:
{{.InheritedFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{with .Annotations.exit}}

Exit codes:
{{.}}{{end}}
`
}

// helpCommand is cobra's "help COMMAND" with errors that are usage errors.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usageError(fmt.Errorf("there is no command %q", strings.Join(args, " ")), nil)
			}
			return cmd.Help()
		},
	}
}

// group refuses to run a command that only holds others.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s needs a command", cmd.CommandPath())
		}
		return fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0])
	}
	cmd.RunE = func(*cobra.Command, []string) error { return nil }
	return cmd
}
