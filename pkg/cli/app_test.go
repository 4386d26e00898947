package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// A run that names a command makes that one alone, and it is the same.
func TestOneCommandIsMade(t *testing.T) {
	t.Parallel()
	helps := func(root *cobra.Command) map[string]string {
		texts := map[string]string{}
		for _, cmd := range root.Commands() {
			everyCommand(cmd, func(cmd *cobra.Command) { texts[cmd.CommandPath()] = cmd.UsageString() })
		}
		return texts
	}
	env, _, _ := offline()
	whole := newApp(env).root()
	got := map[string]string{}
	for _, cmd := range whole.Commands() {
		env, _, _ := offline(cmd.Name(), "--help")
		root := newApp(env).root()
		if n := len(root.Commands()); n != 1 {
			t.Errorf("%s: %d commands are made", cmd.Name(), n)
		}
		for path, text := range helps(root) {
			got[path] = text
		}
	}
	if diff := cmp.Diff(helps(whole), got); diff != "" {
		t.Error(diff)
	}
}

// Whatever is no name of a command can be the way to any.
func TestAllCommandsAreMade(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"help", "token"}, {"--verbose", "token"}, {"__complete", "to"}, {"tokn"}} {
		env, _, _ := offline(args...)
		a := newApp(env)
		if got, want := len(a.root().Commands()), len(a.makers()); got != want {
			t.Errorf("%q: %d commands, want %d", args, got, want)
		}
	}
}
