package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/profile"
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
