package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
)

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
	Explained    []session.Fact    `json:"explained,omitempty"` // with --explain
}

type shownURL struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

func summary(p *profile.Profile) shown {
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

func (a *app) profileShowCommand() *cobra.Command {
	var explain bool
	cmd := &cobra.Command{
		Use:   "show [PROFILE]",
		Short: "Show a profile with all defaults written out",
		Long: `Show a profile as YAML in which every default is written out: what is sent and
read, and by which inputs. It is valid as a profile itself.

--explain tells in words what the rules came to: which call sends the token and
why, what decides success, what is asked for and what is kept, where secrets may
go, when the token ends and how it is renewed.`,
		Example: `  authctl profile show zumrails
  authctl profile show datarhei-core --explain`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.namedProfile(args)
			if err != nil {
				return err
			}
			if err := p.Validate(); err != nil {
				return err
			}
			return a.showProfile(p, explain)
		},
	}
	cmd.Flags().BoolVar(&explain, "explain", false, "tell in words what the rules came to")
	a.addOutput(cmd, outputYAML, outputJSON)
	return exitCodes(cmd, 8)
}

func (a *app) showProfile(p *profile.Profile, explain bool) error {
	var facts []session.Fact
	if explain {
		facts = session.Explain(p)
	}
	switch {
	case a.output == outputJSON:
		s := summary(p)
		s.Explained = facts
		return console.WriteJSON(a.out, s)
	case explain:
		return a.printFacts(facts)
	}
	text, err := p.YAML()
	if err != nil {
		return err
	}
	return a.printYAML(string(text))
}

// printYAML makes text harmless where a person looks; elsewhere it is data.
func (a *app) printYAML(text string) error {
	if a.out.Terminal() {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = console.Sanitize(lines[i])
		}
		text = strings.Join(lines, "\n")
	}
	_, err := io.WriteString(a.out, text)
	return err
}

// printFacts names each call or topic once.
func (a *app) printFacts(facts []session.Fact) error {
	table := console.NewTable()
	last := ""
	for _, fact := range facts {
		about := fact.About
		if about == last {
			about = ""
		}
		last = fact.About
		table.Row(console.Cell{Text: about, Role: console.Key}, console.Cell{Text: fact.Text})
	}
	return table.Print(a.out)
}
