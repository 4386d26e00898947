package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// completeProfiles offers the names of the profiles.
func (a *app) completeProfiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.profileNames(), cobra.ShellCompDirectiveNoFileComp
}

// profileNames is empty where the profiles cannot be read: a person who presses
// Tab is told by the command itself.
func (a *app) profileNames() []string {
	catalog, err := a.catalog()
	if err != nil {
		return nil
	}
	return catalog.Names()
}

// environmentNames are those of the profile that is named so far.
func (a *app) environmentNames(args []string) []string {
	p, err := a.namedProfile(args)
	if err != nil {
		return nil
	}
	return p.Environments.Names()
}

// otherLogins are those of the profile that is named so far.
func (a *app) otherLogins(args []string) []string {
	p, err := a.namedProfile(args)
	if err != nil {
		return nil
	}
	return p.OtherLogins.Names()
}

// complete offers fixed words for a flag.
func (a *app) complete(cmd *cobra.Command, flag string, words []string) {
	a.completeWith(cmd, flag, func([]string) []string { return words })
}

// completeWith offers the words that a function finds, given the arguments.
func (a *app) completeWith(cmd *cobra.Command, flag string, words func(args []string) []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return words(args), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(fmt.Sprintf("cli: completion of --%s: %v", flag, err))
	}
}
