package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/fault"
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
				return usageError(root, fmt.Errorf("there is no command %q", strings.Join(args, " ")), args)
			}
			return cmd.Help()
		},
	}
}

// between demands a number of arguments; what says in words which ones.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return fmt.Errorf("%s takes %s, and %d were given", cmd.CommandPath(), what, len(args))
		}
		return nil
	}
}

// oneProfile is for the commands that may be told a profile.
func oneProfile() cobra.PositionalArgs { return between(0, 1, "one profile at most") }

// group refuses to run a command that only holds others.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s needs a command", cmd.CommandPath())
		}
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			return fault.New(fault.Usage, "did you mean "+cmd.CommandPath()+" "+near[0]+"?", "%s has no command %q", cmd.CommandPath(), args[0])
		}
		return fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0])
	}
	cmd.RunE = func(*cobra.Command, []string) error { return nil }
	return cmd
}
