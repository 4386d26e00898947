package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/token"
)

// The values of --output that several commands have.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputYAML  = "yaml"
)

// app is one run of the program: the system, the global flags, and what is
// made from them when a command needs it.
type app struct {
	env      Env
	redactor *console.Redactor
	out, err *console.Stream
	settings *settings
	started  bool         // a command has begun: its errors are not usage errors
	output   string       // of the command that runs
	silent   []fault.Kind // errors of the command that are told by the exit code alone

	color    console.ColorMode
	config   string
	noInput  bool
	verbose  bool
	timeout  time.Duration
	selected selectFlags
}

func newApp(env Env) *app {
	a := &app{env: env, redactor: new(console.Redactor)}
	a.settings = newSettings(env)
	a.openStreams()
	return a
}

// openStreams is called again once the flag --color is known.
func (a *app) openStreams() {
	options := console.Options{Color: a.color, Getenv: a.env.Getenv, Redactor: a.redactor}
	a.out = console.NewStream(a.env.Stdout, options)
	a.err = console.NewStream(a.env.Stderr, options)
}

func (a *app) flush() {
	// The exit code has been decided; a stream that is gone changes nothing.
	_ = a.out.Flush()
	_ = a.err.Flush()
}

// root returns the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "authctl",
		Short: "Log in to token APIs and keep the tokens alive",
		Long: `authctl logs in to token APIs, stores the tokens, keeps them alive and
inspects them. A profile, a few lines of YAML, describes how an API hands out
and takes tokens. They are read from ~/.config/authctl/profiles.yaml and
~/.config/authctl/profiles.d/*.yaml (%AppData%\authctl on Windows).

These environment variables stand in for flags: AUTHCTL_CONFIG, AUTHCTL_PROFILE,
AUTHCTL_ENVIRONMENT, AUTHCTL_ACCOUNT, AUTHCTL_STORE. AUTHCTL_AGE_IDENTITY holds
the key of the file store, or names its file.`,
		Example: `  authctl profile example > ~/.config/authctl/profiles.yaml
  authctl login zumrails
  curl -H "Authorization: Bearer $(authctl token zumrails)" https://…
  authctl status`,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			a.openStreams()
			if a.timeout <= 0 {
				return fmt.Errorf("--timeout %s: no time at all", a.timeout)
			}
			return nil
		},
		Version: a.env.Version, DisableSuggestions: true, SuggestionsMinimumDistance: 2,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	a.addGlobalFlags(root)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetHelpCommand(helpCommand(root))
	root.SetUsageTemplate(usageTemplate())
	root.SetVersionTemplate("authctl {{.Version}}\n")
	for _, m := range a.wanted() {
		root.AddCommand(m.make())
	}
	a.markStart(root)
	return root
}

// maker makes a command; it knows the name before.
type maker struct {
	name string
	make func() *cobra.Command
}

func (a *app) makers() []maker {
	return []maker{
		{"login", a.loginCommand},
		{"logout", a.logoutCommand},
		{"refresh", a.refreshCommand},
		{"cancel", a.cancelCommand},
		{"status", a.statusCommand},
		{"whoami", a.whoamiCommand},
		{"token", a.tokenCommand},
		{"exec", a.execCommand},
		{"curl", a.curlCommand},
		{"proxy", a.proxyCommand},
		{"decode", a.decodeCommand},
		{"jwt", a.jwtCommand},
		{"profile", a.profileCommand},
		{"store", a.storeCommand},
		{"doctor", a.doctorCommand},
		{"completion", a.completionCommand},
		{"version", a.versionCommand},
	}
}

// wanted is the one command that the first argument names, since a run needs no
// other and making all takes longer than the rest of a short one; else all.
func (a *app) wanted() []maker {
	all := a.makers()
	if i := slices.IndexFunc(all, func(m maker) bool { return len(a.env.Args) > 0 && m.name == a.env.Args[0] }); i >= 0 {
		return all[i : i+1]
	}
	return all
}

// below are those of a command's own commands that a run needs: "authctl token"
// needs none, "authctl token create" one, help and completion all.
func (a *app) below(command string, all []maker) []maker {
	args := a.env.Args
	if len(args) == 0 || args[0] != command || slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		return all
	}
	return slices.DeleteFunc(all, func(m maker) bool { return !slices.Contains(args, m.name) })
}

// addGlobalFlags adds the flags of every command, and what Tab offers for them.
func (a *app) addGlobalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", "", "profile `file` to use instead of the configuration folder")
	flags.StringVarP(&a.selected.profile, "profile", "p", "", "`name` of the profile")
	flags.StringVarP(&a.selected.environment, "environment", "e", "", "`name` of the profile's environment")
	flags.StringVarP(&a.selected.account, "account", "a", "", "`name` of the account, where a profile has several")
	flags.StringVar(&a.selected.store, "store", "", "where sessions are kept: keyring, file or none")
	flags.Var(&a.color, "color", "colour the output")
	flags.BoolVar(&a.noInput, "no-input", false, "never ask; fail with exit code 3 instead")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "tell each request on standard error, without secrets")
	flags.DurationVar(&a.timeout, "timeout", 30*time.Second, "how long the requests of a command may take")
	a.complete(root, "store", store.Names())
	a.complete(root, "color", []string{"auto", "always", "never"})
	a.completeWith(root, "profile", func([]string) []string { return a.profileNames() })
	a.completeWith(root, "environment", a.environmentNames)
}

// markStart notes when a command begins: whatever cobra finds wrong before
// that is a usage error.
func (a *app) markStart(cmd *cobra.Command) {
	if begin := cmd.RunE; begin != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.started = true
			return begin(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		a.markStart(sub)
	}
}

// addOutput gives a command the flag --output with these values, the first
// being the default.
func (a *app) addOutput(cmd *cobra.Command, values ...string) {
	cmd.Flags().VarP(&choice{value: &a.output, of: values}, "output", "o", "form of the output")
	cmd.Flags().Lookup("output").DefValue = values[0]
	a.complete(cmd, "output", values)
	previous := cmd.PreRun
	cmd.PreRun = func(cmd *cobra.Command, args []string) {
		if a.output == "" {
			a.output = values[0]
		}
		if previous != nil {
			previous(cmd, args)
		}
	}
}

// choice is a flag that takes one of a few words.
type choice struct {
	value *string
	of    []string
}

func (c *choice) Set(text string) error {
	for _, word := range c.of {
		if word == text {
			*c.value = text
			return nil
		}
	}
	return fmt.Errorf("%q is none of %s", text, strings.Join(c.of, ", "))
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return strings.Join(c.of, "|") }

// manager makes the session manager over a store.
func (a *app) manager(sessions session.Store, inputs session.Inputs) *session.Manager {
	client := &call.Client{
		HTTP: call.NewHTTP(a.env.Getenv), Now: a.env.Now, UserAgent: "authctl/" + a.env.Version, Home: a.env.Getenv("HOME"),
	}
	if a.verbose {
		client.Trace = a.trace
	}
	return &session.Manager{
		Store: sessions, Calls: client, Inputs: inputs, Now: a.env.Now, Timeout: a.timeout,
		Learn: a.redactor.Add, Note: a.say, Show: a.show, Wait: wait,
	}
}

// show gives a person something to do.
func (a *app) show(text string) {
	// Nobody may be reading standard error.
	_, _ = fmt.Fprintln(a.err, "→ "+console.Sanitize(text))
}

// wait sleeps, or until the program is interrupted.
func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return fault.New(fault.Interrupted, "", "interrupted")
	}
}

// trace tells a request: never a body, never a value of a header or a query.
func (a *app) trace(e call.Event) {
	status := "no answer"
	if e.Status != 0 {
		status = fmt.Sprint(e.Status)
	}
	a.say("%s %s: %s, %s, headers %s", e.Method, e.URL, status, e.Took.Round(time.Millisecond), strings.Join(e.Headers, " "))
}

// say prints one line for people on standard error, wherever that leads.
func (a *app) say(format string, args ...any) {
	// A note that cannot be written is no reason to stop.
	_, _ = fmt.Fprintln(a.err, "note: "+console.Sanitize(fmt.Sprintf(format, args...)))
}

// warn tells a failure that did not keep the command from its end.
func (a *app) warn(err error) {
	a.say("%v", err)
	if hint := fault.HintOf(err); hint != "" {
		_, _ = fmt.Fprintln(a.err, "hint: "+console.Sanitize(hint))
	}
}

// reveal prints a secret on standard output, because it was asked for, with a
// line break after it. A secret that would not be one line is refused.
func (a *app) reveal(secret token.Secret) error {
	text := secret.Reveal()
	if strings.ContainsAny(text, "\r\n\x00") {
		return fault.New(fault.BadAnswer, "", "the token holds a line break and cannot be printed as one line")
	}
	_, err := io.WriteString(a.out.Raw(), text+"\n")
	return err
}
