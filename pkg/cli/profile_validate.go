package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
)

func (a *app) profileValidateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate [PROFILE...]",
		Short: "Check profiles and tell every mistake with its place",
		Long: `Check all profiles, or those that are named: keys, types, expressions, names.
Every mistake is told with file, line and column and what to write instead; one
does not hide the others. A warning is about something that works and is seldom
what was meant; it is no failure. Nothing is sent. Use --config FILE for a file
that is not in use yet.`,
		Example: `  authctl profile validate
  authctl profile validate --config new.yaml`,
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(_ *cobra.Command, args []string) error { return a.validateProfiles(args) },
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 8)
}

// finding is the JSON form of a mistake or a warning.
type finding struct {
	Severity string `json:"severity"` // error or warning, as editors say
	Profile  string `json:"profile,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`

	source string // the line, if it may be shown
}

// The severities of findings.
const (
	severityError   = "error"
	severityWarning = "warning"
)

func (a *app) validateProfiles(names []string) error {
	library, err := a.library()
	if err != nil {
		return err
	}
	files, err := library.Sources.Files()
	if err != nil {
		return explainNoFiles(library, fault.New(fault.Profile, "", "%w", err))
	}
	catalog := profile.Read(files)
	findings := []finding{}
	if len(names) == 0 {
		names = catalog.Names()
		for _, broken := range catalog.Broken() {
			findings = append(findings, ofFile(catalog, broken)...)
		}
	}
	for _, name := range names {
		_, problems, err := catalog.Check(name)
		if err != nil {
			return err
		}
		findings = append(findings, ofProblems(catalog, name, problems)...)
	}
	slices.SortStableFunc(findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if err := a.printFindings(findings); err != nil {
		return err
	}
	return a.sumUp(findings, len(names))
}

// ofFile are the findings in a file that cannot be used.
func ofFile(catalog *profile.Catalog, broken error) []finding {
	var problems profile.Problems
	if errors.As(broken, &problems) {
		return ofProblems(catalog, "", problems)
	}
	return []finding{{Severity: severityError, Message: broken.Error(), Hint: fault.HintOf(broken)}}
}

// ofProblems leaves out the source where a line may hold a secret.
func ofProblems(catalog *profile.Catalog, name string, problems profile.Problems) []finding {
	secret := map[int]bool{}
	for _, p := range problems {
		secret[p.Pos.Line] = secret[p.Pos.Line] || p.Secret
	}
	var findings []finding
	for _, p := range problems {
		f := finding{Severity: severityError, Profile: name, File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Column, Message: p.Text, Hint: p.Hint}
		if p.Warning {
			f.Severity = severityWarning
		}
		if !secret[p.Pos.Line] {
			f.source = catalog.Line(p.Pos)
		}
		findings = append(findings, f)
	}
	return findings
}

// printFindings tells mistakes as compilers do, so that editors find the place.
// A person at a terminal sees the line as well.
func (a *app) printFindings(findings []finding) error {
	if a.output == outputJSON {
		return console.WriteJSON(a.out, findings)
	}
	for i, f := range findings {
		text := a.inOneLine(f)
		if a.out.Terminal() {
			text = a.withSource(f)
			if i > 0 {
				text = "\n" + text
			}
		}
		if _, err := io.WriteString(a.out, text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// place is where a finding is, as editors read it.
func (f finding) place() string {
	if f.File == "" {
		return ""
	}
	return profile.Pos{File: f.File, Line: f.Line, Column: f.Column}.String() + ": "
}

func (a *app) inOneLine(f finding) string {
	text := f.place()
	if f.Severity == severityWarning {
		text += severityWarning + ": "
	}
	text += f.Message
	if f.Hint != "" {
		text += " (" + f.Hint + ")"
	}
	return console.Sanitize(text)
}

func (a *app) withSource(f finding) string {
	role := console.Bad
	if f.Severity == severityWarning {
		role = console.Warn
	}
	text := a.out.Paint(console.Bold, console.Sanitize(f.place())) + a.out.Paint(role, f.Severity+":") + " " + console.Sanitize(f.Message)
	if f.source != "" {
		line, caret := console.Excerpt(f.source, f.Column, a.out.Width()-len("  | "))
		text += "\n  | " + line + "\n  | " + a.out.Paint(role, caret)
	}
	if f.Hint != "" {
		text += "\n" + a.out.Paint(console.Key, "  = "+console.Sanitize(f.Hint))
	}
	return text
}

// sumUp says how many there were. Warnings are no failure.
func (a *app) sumUp(findings []finding, profiles int) error {
	mistakes, warnings := 0, 0
	for _, f := range findings {
		if f.Severity == severityWarning {
			warnings++
		} else {
			mistakes++
		}
	}
	warned := ""
	if warnings > 0 {
		warned = " and " + count(warnings, "warning")
	}
	if mistakes > 0 {
		return fault.New(fault.Profile, "", "%s%s found", count(mistakes, "mistake"), warned)
	}
	if warnings > 0 {
		warned = ", " + count(warnings, "warning")
	}
	a.done(count(profiles, "profile") + " checked, no mistakes" + warned)
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
