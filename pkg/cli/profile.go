package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
)

func (a *app) profileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "profile",
		Short:   "List, show, choose and check profiles",
		Long:    "Work with the profiles: the YAML entries that describe how an API hands out and\ntakes tokens.",
		Example: "  authctl profile list\n  authctl profile validate",
	}
	cmd.AddCommand(a.profileListCommand(), a.profileShowCommand(), a.profileUseCommand(), a.profileValidateCommand(), a.profileTestCommand(), a.profileExampleCommand(), a.profileGalleryCommand(), a.profileSchemaCommand())
	return exitCodes(group(cmd))
}

func (a *app) profileListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the profiles",
		Long:    "List all profiles with their base URLs; * marks the one that is used when none\nis named. One that cannot be read does not hide the others.",
		Example: "  authctl profile list --output json",
		Args:    between(0, 0, "no arguments"),
		RunE:    func(*cobra.Command, []string) error { return a.listProfiles() },
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 8)
}

// shown is the JSON form of a profile.
type shown struct {
	Name         string            `json:"name"`
	File         string            `json:"file"`
	Line         int               `json:"line"`
	Description  string            `json:"description,omitempty"`
	Docs         string            `json:"docs,omitempty"`
	BaseURL      string            `json:"base_url,omitempty"`
	Environments []shownURL        `json:"environments,omitempty"`
	Logins       []string          `json:"other_logins,omitempty"`
	Calls        map[string]string `json:"calls"`
	Send         string            `json:"send"`
	Lifetime     string            `json:"lifetime,omitempty"`
}

type shownURL struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

func showProfile(p *profile.Profile) shown {
	s := shown{
		Name: p.Name, File: p.Pos.File, Line: p.Pos.Line, Description: p.Description, Docs: p.Docs,
		Logins: p.OtherLogins.Names(), Calls: map[string]string{}, Send: p.Send.String(),
	}
	s.BaseURL = p.BaseURL.String()
	for _, env := range p.Environments {
		s.Environments = append(s.Environments, shownURL{env.Name, env.Value.String()})
	}
	s.Lifetime = p.Lifetime.Text
	for _, phase := range p.Phases() {
		var requests []string
		for _, c := range phase.Value {
			requests = append(requests, c.Request.Text())
		}
		s.Calls[phase.Name] = strings.Join(requests, ", ")
	}
	return s
}

func (a *app) listProfiles() error {
	if err := a.settings.load(); err != nil {
		return err
	}
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	list := []shown{}
	broken := errors.Join(catalog.Broken()...)
	for _, name := range catalog.Names() {
		if p, err := catalog.Profile(name); err == nil {
			list = append(list, showProfile(p))
		} else {
			broken = cmp.Or(broken, err)
		}
	}
	if a.output == outputJSON {
		err = console.WriteJSON(a.out, list)
	} else {
		err = a.printProfiles(list)
	}
	return cmp.Or(err, fault.Wrap(broken, "not all profiles can be used"))
}

// printProfiles lists one base URL a line, so that a narrow terminal does not
// cut it. The chosen profile is marked.
func (a *app) printProfiles(list []shown) error {
	table := console.NewTable("", "PROFILE", "ENVIRONMENT", "BASE URL")
	chosen := a.settings.GetString(setProfile)
	for _, s := range list {
		mark := ""
		if s.Name == chosen {
			mark = "*"
		}
		for _, env := range append(s.Environments, shownURL{URL: s.BaseURL}) {
			if env.URL != "" {
				table.Row(console.Cell{Text: mark, Role: console.Good}, console.Cell{Text: s.Name, Role: console.Key}, console.Cell{Text: env.Name}, console.Cell{Text: env.URL})
			}
		}
	}
	return table.Print(a.out)
}

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
completes keys, shows what they mean and marks mistakes while you type: the first
line of the example profiles names it for the YAML language server.`,
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

func (a *app) profileShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show [PROFILE]",
		Short:             "Show a profile with its defaults",
		Long:              "Show what a profile says: where it stands, its base URLs, its calls, how the\ntoken is sent and how long it lasts.",
		Example:           "  authctl profile show zumrails",
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.namedProfile(args)
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return console.WriteJSON(a.out, showProfile(p))
			}
			return a.printProfile(p)
		},
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 8)
}

// namedProfile is the profile that is named or chosen.
func (a *app) namedProfile(args []string) (*profile.Profile, error) {
	if err := a.settings.load(); err != nil {
		return nil, err
	}
	p, _, err := a.chooseProfile(args)
	return p, err
}

func (a *app) printProfile(p *profile.Profile) error {
	s := showProfile(p)
	table := console.NewTable()
	add := func(name, value string) {
		if value != "" {
			table.Row(console.Cell{Text: name, Role: console.Faint}, console.Cell{Text: value})
		}
	}
	add("profile", s.Name)
	add("written in", p.Pos.String())
	add("about", s.Description)
	add("docs", s.Docs)
	add("base URL", s.BaseURL)
	for _, env := range s.Environments {
		add("environment", env.Name+"  "+env.URL)
	}
	for _, phase := range p.Phases() {
		add(phase.Name, s.Calls[phase.Name])
	}
	add("token sent as", s.Send)
	add("lifetime", firstNonEmpty(s.Lifetime, "as the token or the answer says"))
	return table.Print(a.out)
}

func (a *app) profileUseCommand() *cobra.Command {
	var none bool
	cmd := &cobra.Command{
		Use:   "use PROFILE | --none",
		Short: "Choose the profile that is used when none is named",
		Long: `Remember a profile for commands that name none. An --environment and an
--account that are given with it are used whenever this profile is. Environment
variables and the command line still come first. --none forgets the choice.`,
		Example: `  authctl profile use zumrails --environment production
  authctl profile use --none`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(_ *cobra.Command, args []string) error {
			if none == (len(args) == 1) {
				return fault.New(fault.Usage, "authctl profile use --help", "name a profile, or --none")
			}
			if err := a.settings.load(); err != nil {
				return err
			}
			if none {
				return a.settings.remember(map[string]string{setProfile: "", setEnvironment: "", setAccount: ""})
			}
			return a.useProfile(args[0])
		},
	}
	cmd.Flags().BoolVar(&none, "none", false, "forget the choice")
	return exitCodes(cmd, 8)
}

func (a *app) useProfile(name string) error {
	p, err := a.profile(name)
	if err != nil {
		return err
	}
	if a.selected.environment != "" {
		if _, err := a.chooseEnvironment(p); err != nil {
			return err
		}
	}
	err = a.settings.remember(map[string]string{
		setProfile: p.Name, setEnvironment: a.selected.environment, setAccount: a.selected.account,
	})
	if err != nil {
		return err
	}
	a.done("authctl uses " + strings.Join(append([]string{name}, nonEmpty(a.selected.environment, a.selected.account)...), ", ") + " when none is named")
	return nil
}

func nonEmpty(texts ...string) []string {
	var kept []string
	for _, text := range texts {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

func (a *app) profileValidateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate [PROFILE...]",
		Short: "Check profiles and tell every mistake with its place",
		Long: `Check all profiles, or those that are named: keys, types, expressions, names.
Every mistake is told with file, line and column and what to write instead.
Nothing is sent. Use --config FILE for a file that is not in use yet.`,
		Example: `  authctl profile validate
  authctl profile validate --config new.yaml`,
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(_ *cobra.Command, args []string) error { return a.validateProfiles(args) },
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 8)
}

// finding is the JSON form of a mistake.
type finding struct {
	Profile string `json:"profile"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (a *app) validateProfiles(names []string) error {
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	if broken := errors.Join(catalog.Broken()...); broken != nil {
		return broken
	}
	if len(names) == 0 {
		names = catalog.Names()
	}
	findings := []finding{}
	for _, name := range names {
		_, problems, err := catalog.Check(name)
		if err != nil {
			return err
		}
		for _, p := range problems {
			findings = append(findings, finding{name, p.Pos.File, p.Pos.Line, p.Pos.Column, p.Text, p.Hint})
		}
	}
	if a.output == outputJSON {
		if err := console.WriteJSON(a.out, findings); err != nil {
			return err
		}
	} else {
		a.printFindings(findings)
	}
	if len(findings) > 0 {
		return fault.New(fault.Profile, "", "%s found", count(len(findings), "mistake"))
	}
	a.done(count(len(names), "profile") + " checked, no mistakes")
	return nil
}

// printFindings tells mistakes as compilers do, so that editors find the place.
func (a *app) printFindings(findings []finding) {
	for _, f := range findings {
		pos := profile.Pos{File: f.File, Line: f.Line, Column: f.Column}
		text := fmt.Sprintf("%s: %s", pos, f.Message)
		if f.Hint != "" {
			text += " (" + f.Hint + ")"
		}
		// Nobody may be reading standard output; the exit code tells.
		_, _ = fmt.Fprintln(a.out, console.Sanitize(text))
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
