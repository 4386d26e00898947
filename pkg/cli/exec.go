package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/place"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

// execFlags are the flags of exec.
type execFlags struct {
	env         []string // NAME=PROFILE
	refreshFile bool
}

func (a *app) execCommand() *cobra.Command {
	var f execFlags
	cmd := &cobra.Command{
		Use:   "exec [PROFILE]... -- COMMAND [ARGUMENT]...",
		Short: "Run a program with live tokens in its environment",
		Long: `Run a program in the place of authctl, with a live token in the variable that
env: of the profile names, or else one called after the profile: HAUT_AI_TOKEN.
Signals, terminal and exit code are the program's own; it writes no core files.
What the environment holds for other profiles, and the key of the file store, is
taken out of it.

A program that runs longer than its token lives reads it anew from the file
that --refresh-file names in HAUT_AI_TOKEN_FILE. That file is memory of authctl,
which then stays until the program ends; it is on no disk and gone with authctl.
Only Linux has this.`,
		Example: `  authctl exec zumrails -- ./report.sh
  authctl exec zumrails logware -- make deploy
  authctl exec --env API_KEY=haut-ai -- python3 job.py
  authctl exec logware --refresh-file -- ./worker`,
		Args:              withCommand("profiles and, after --, a command"),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			profiles, command := splitCommand(cmd, args)
			return a.exec(cmd.Context(), profiles, command, f)
		},
	}
	cmd.Flags().StringArrayVar(&f.env, "env", nil, "put the token of a profile into a variable: `NAME=PROFILE` (may be repeated)")
	cmd.Flags().BoolVar(&f.refreshFile, "refresh-file", false, "name a file for each token that is kept fresh while the program runs")
	return exitCodes(cmd, 3, 4, 5, 6, 7, 8)
}

// withCommand demands a command after "--".
func withCommand(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if dash := cmd.ArgsLenAtDash(); dash < 0 || dash == len(args) {
			return fmt.Errorf("%s takes %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// splitCommand divides the arguments at "--".
func splitCommand(cmd *cobra.Command, args []string) (before, after []string) {
	dash := cmd.ArgsLenAtDash()
	return args[:dash], args[dash:]
}

// grant is a session whose token a program is to have.
type grant struct {
	manager  *session.Manager
	target   session.Target
	variable string // instead of those of the profile
	pass     session.Pass
}

func (a *app) exec(ctx context.Context, profiles, command []string, f execFlags) error {
	program, err := exec.LookPath(command[0])
	if err != nil {
		return fault.New(fault.Usage, "", "run %s: %w", command[0], errors.Unwrap(err))
	}
	all, err := a.grants(ctx, profiles, f.env)
	if err != nil {
		return err
	}
	env, err := a.cleanEnviron()
	if err != nil {
		return err
	}
	set, names, err := environOf(all)
	if err != nil {
		return err
	}
	env = append(without(env, names), set...)
	if f.refreshFile {
		return a.execFresh(ctx, program, command, env, all)
	}
	return fault.Wrap(a.replace(program, command, env), "run %s", command[0])
}

// grants gets the tokens of profiles and of --env.
func (a *app) grants(ctx context.Context, profiles, named []string) ([]*grant, error) {
	if len(profiles)+len(named) > 1 && a.selected.flags() != "" {
		return nil, fault.New(fault.Usage, "run authctl exec in authctl exec", "--environment and --account are for one profile, and there are several")
	}
	var all []*grant
	add := func(args []string, variable string) error {
		w, err := a.want(ctx, args, variable)
		all = append(all, w)
		return err
	}
	for _, name := range profiles {
		if err := add([]string{name}, ""); err != nil {
			return nil, err
		}
	}
	for _, text := range named {
		variable, name, found := strings.Cut(text, "=")
		if !found || name == "" || !profile.ValidVariable(variable) {
			return nil, fault.New(fault.Usage, "write --env API_KEY=zumrails", "--env %s: a variable and a profile are needed", text)
		}
		if err := add([]string{name}, variable); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return all, add(nil, "")
	}
	return all, nil
}

func (a *app) want(ctx context.Context, args []string, variable string) (*grant, error) {
	s, m, err := a.withSession(ctx, args, "exec", nil)
	if err != nil {
		return nil, err
	}
	w := &grant{manager: m, target: s.Target, variable: variable}
	o := session.TokenOptions{MinTTL: defaultMinTTL}
	if w.pass, err = m.Pass(ctx, s.Target, o); err != nil {
		return nil, err
	}
	a.tellRenewal(w.pass.Renewed, o)
	return w, nil
}

func (g *grant) variables() []session.Variable {
	f := formFlags{variable: g.variable}
	return f.variables(g.pass)
}

// environOf writes variables as a program gets them.
func environOf(all []*grant) (env, names []string, err error) {
	for _, w := range all {
		for _, v := range w.variables() {
			value := v.Value.Reveal()
			switch {
			case slices.Contains(names, v.Name):
				return nil, nil, fault.New(fault.Usage, "name one of them with --env", "two profiles set %s", v.Name)
			case strings.Contains(value, "\x00"):
				return nil, nil, fault.New(fault.BadAnswer, "", "%s holds a NUL, which no variable can carry", v.Name)
			}
			names, env = append(names, v.Name), append(env, v.Name+"="+value)
		}
	}
	return env, names, nil
}

// cleanEnviron is our environment without what belongs to authctl and to any
// profile: the secrets that inputs are read from, and tokens (threat 6).
func (a *app) cleanEnviron() ([]string, error) {
	catalog, err := a.catalog()
	if err != nil {
		return nil, err
	}
	private := []string{place.IdentityVariable}
	for _, name := range catalog.Names() {
		p, err := catalog.Profile(name)
		if err != nil {
			return nil, fault.Wrap(err, "find out what to keep from the program")
		}
		for _, entry := range p.Inputs {
			if in, _ := p.Input(entry.Name); in.Secret.Value && in.Env != "" {
				private = append(private, in.Env)
			}
		}
		for _, pair := range p.Variables() {
			private = append(private, pair.Name.Text)
		}
	}
	return without(a.env.Environ(), private), nil
}

// without leaves variables out of an environment. Windows does not tell their
// case.
func without(env, names []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.ContainsFunc(names, func(private string) bool { return strings.EqualFold(private, name) })
	})
}

// childExit is the exit code of a program that authctl has run: it becomes that
// of authctl, without a word.
type childExit int

func (c childExit) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// ended turns what became of a program into what becomes of authctl.
func ended(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return childExit(exitCodeOf(exit.ProcessState))
	}
	return err
}

// tokenOf is the value that a refreshed file holds.
func (g *grant) tokenOf(name string) token.Secret {
	for _, v := range g.variables() {
		if v.Name == name {
			return v.Value
		}
	}
	return token.Secret{}
}
