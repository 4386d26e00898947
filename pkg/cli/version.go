package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
)

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version of authctl, the Go version it was built with, and the system.",
		Example: "  authctl version --output json",
		Args:    between(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if a.output == outputJSON {
				return console.WriteJSON(a.out, map[string]string{
					"version": a.env.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
				})
			}
			_, err := fmt.Fprintf(a.out, "authctl %s (%s, %s/%s)\n", a.env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd)
}

func (a *app) completionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script for bash, zsh, fish or powershell",
		Long: `Print a script that completes commands, flags and profile names.

Keep it where the shell looks for completions:
  bash        ~/.local/share/bash-completion/completions/authctl
  zsh         a folder of $fpath, as _authctl
  fish        ~/.config/fish/completions/authctl.fish
  powershell  authctl completion powershell | Out-String | Invoke-Expression`,
		Example:   "  source <(authctl completion bash)",
		Args:      between(1, 1, "the name of a shell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.out, true)
			case "zsh":
				return root.GenZshCompletion(a.out)
			case "fish":
				return root.GenFishCompletion(a.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.out)
			}
			return fault.New(fault.Usage, "choose bash, zsh, fish or powershell", "there is no completion for %q", args[0])
		},
	}
	return exitCodes(cmd)
}
