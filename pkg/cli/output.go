package cli

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

// The values of token --output beside json.
const (
	outputRaw          = "raw"
	outputHeader       = "header"
	outputEnv          = "env"
	outputDotenv       = "dotenv"
	outputCurl         = "curl"
	outputGitHub       = "github"
	outputGitHubOutput = "github-output"
	outputGitLab       = "gitlab"
	outputNetrc        = "netrc"
)

// forms are the ways to hand out a token beside raw.
func forms() []string {
	return []string{outputHeader, outputJSON, outputEnv, outputDotenv, outputCurl, outputGitHub, outputGitHubOutput, outputGitLab, outputNetrc}
}

// The shells that --output env writes for.
const (
	shellPOSIX      = "sh"
	shellFish       = "fish"
	shellPowerShell = "powershell"
	shellCmd        = "cmd"
)

// formFlags say how a token is handed out.
type formFlags struct {
	shell, variable string
	force           bool
}

func (f *formFlags) add(a *app, cmd *cobra.Command) {
	shells := []string{shellPOSIX, shellFish, shellPowerShell, shellCmd}
	cmd.Flags().Var(&choice{value: &f.shell, of: shells}, "shell", "the shell that --output env writes for (default sh; on Windows powershell)")
	cmd.Flags().StringVar(&f.variable, "variable", "", "`name` of the variable that env, dotenv, github and gitlab set, instead of the profile's env:")
	cmd.Flags().BoolVar(&f.force, "force", false, "write for a CI system outside of it")
	a.complete(cmd, "shell", shells)
}

// check refuses what cannot be meant, before a token is renewed for it.
func (f *formFlags) check(a *app) error {
	ci := map[string]string{outputGitHub: "GITHUB_ACTIONS", outputGitHubOutput: "GITHUB_ACTIONS", outputGitLab: "GITLAB_CI"}[a.output]
	switch {
	case f.shell != "" && a.output != outputEnv:
		return fault.New(fault.Usage, "add --output env", "--shell belongs to --output env")
	case f.variable != "" && !profile.ValidVariable(f.variable):
		return fault.New(fault.Usage, "use letters, digits and _, and not AUTHCTL_ at the start", "--variable: %q is no name for a variable", f.variable)
	case ci != "" && !f.force && a.env.Getenv(ci) != "true":
		return fault.New(fault.Usage, "add --force to write it all the same", "--output %s is for jobs in CI, and %s is not true here", a.output, ci)
	}
	return nil
}

// printForm hands out a token as --output says, all of it or nothing.
func (a *app) printForm(s *selection, pass session.Pass, f formFlags) error {
	variables := f.variables(pass)
	var text string
	var err error
	switch a.output {
	case outputJSON:
		return a.revealJSON(s, pass)
	case outputHeader:
		text, err = headerLines(pass.Carrier)
	case outputEnv:
		text, err = eachVariable(variables, f.shellLine(a.env.GOOS))
	case outputDotenv:
		text, err = eachVariable(variables, dotenvLine)
	case outputGitLab:
		text, err = eachVariable(variables, gitlabLine)
	case outputCurl:
		text, err = curlConfig(pass.Carrier)
	case outputNetrc:
		text, err = netrcLine(pass)
	case outputGitHub:
		return a.exportToGitHub("GITHUB_ENV", pass, variables)
	case outputGitHubOutput:
		return a.exportToGitHub("GITHUB_OUTPUT", pass, variables)
	default:
		return a.reveal(pass.AccessToken)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(a.out.Raw(), text)
	return fault.Wrap(err, "print the token")
}

// variables are those of the profile, or the one that was named.
func (f *formFlags) variables(pass session.Pass) []session.Variable {
	if f.variable != "" {
		return []session.Variable{{Name: f.variable, Value: pass.AccessToken}}
	}
	return pass.Variables
}

// revealJSON prints a token with what belongs to it, because it was asked for.
func (a *app) revealJSON(s *selection, pass session.Pass) error {
	store := "none"
	if !s.none {
		store = s.store.Name()
	}
	encoder := json.NewEncoder(a.out.Raw())
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Token   string            `json:"token"`
		Type    string            `json:"type,omitempty"`
		Headers map[string]string `json:"headers"`
		Query   map[string]string `json:"query,omitempty"`
		token.Info
		Store   string `json:"store"`
		Renewed bool   `json:"renewed"`
	}{
		pass.AccessToken.Reveal(), pass.Type(), byName(pass.Carrier.Headers), byName(pass.Carrier.Query), pass.Info,
		store, pass.Renewed.Renewed,
	})
}

func byName(fields []call.Field) map[string]string {
	named := map[string]string{}
	for _, field := range fields {
		named[field.Name] = field.Value
	}
	return named
}

// oneLine refuses what would become another line, or end one early, in a form
// that is read by lines (threat 5).
func oneLine(name, value string) error {
	if strings.ContainsFunc(value, unicode.IsControl) || strings.ContainsAny(value, "\u2028\u2029") {
		return fault.New(fault.BadAnswer, "use --output json", "%s holds a line break or a control character and cannot be written in one line", name)
	}
	return nil
}

// cannotCarry says that a form has no way to write a value.
func cannotCarry(form, name string) error {
	return fault.New(fault.BadAnswer, "use --output json", "%s holds a character that %s has no way to write", name, form)
}

func headerLines(carrier call.Carrier) (string, error) {
	if len(carrier.Query) > 0 {
		return "", fault.New(fault.Usage, "use --output json or curl", "this API takes the token in the query, not in a header")
	}
	var lines strings.Builder
	for _, field := range carrier.Headers {
		if err := oneLine(field.Name, field.Value); err != nil {
			return "", err
		}
		lines.WriteString(field.Name + ": " + field.Value + "\n")
	}
	return lines.String(), nil
}

// eachVariable writes variables with write, one a line.
func eachVariable(variables []session.Variable, write func(name, value string) (string, error)) (string, error) {
	var lines strings.Builder
	for _, v := range variables {
		if err := oneLine(v.Name, v.Value.Reveal()); err != nil {
			return "", err
		}
		line, err := write(v.Name, v.Value.Reveal())
		if err != nil {
			return "", err
		}
		lines.WriteString(line + "\n")
	}
	return lines.String(), nil
}

// shellLine returns what sets and exports a variable in the chosen shell. Values
// are quoted whatever they hold, so that none is ever read as code.
func (f *formFlags) shellLine(goos string) func(name, value string) (string, error) {
	shell := f.shell
	if shell == "" {
		shell = map[bool]string{true: shellPowerShell, false: shellPOSIX}[goos == "windows"]
	}
	return func(name, value string) (string, error) {
		switch shell {
		case shellFish:
			return "set -gx " + name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'", nil
		case shellPowerShell:
			// PowerShell takes typographic quotation marks for plain ones.
			quotes := strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛")
			return "$env:" + name + " = '" + quotes.Replace(value) + "'", nil
		case shellCmd:
			if strings.ContainsAny(value, `"%!^`) {
				return "", cannotCarry("cmd", name)
			}
			return `set "` + name + "=" + value + `"`, nil
		}
		return "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'", nil
	}
}

// dotenvLine leaves quotation marks out where they are not needed: some readers
// take them for a part of the value.
func dotenvLine(name, value string) (string, error) {
	switch {
	case quoted(value) == value:
		return name + "=" + value, nil
	case strings.ContainsAny(value, `'\`):
		return "", cannotCarry("dotenv", name)
	}
	return name + "='" + value + "'", nil
}

// gitlabLine is for a dotenv report: no quotation marks, no blanks.
func gitlabLine(name, value string) (string, error) {
	if strings.ContainsFunc(value, unicode.IsSpace) || strings.ContainsAny(value, `'"`) {
		return "", cannotCarry("a dotenv report", name)
	}
	return name + "=" + value, nil
}

// curlConfig is for curl -K. Values of the query need curl 7.87.
func curlConfig(carrier call.Carrier) (string, error) {
	var lines strings.Builder
	for _, field := range carrier.Headers {
		if err := oneLine(field.Name, field.Value); err != nil {
			return "", err
		}
		lines.WriteString(curlLine("header", field.Name+": "+field.Value))
	}
	for _, field := range carrier.Query {
		// With a plus, curl takes it as it is.
		lines.WriteString(curlLine("url-query", "+"+url.QueryEscape(field.Name)+"="+url.QueryEscape(field.Value)))
	}
	return lines.String(), nil
}

func curlLine(option, value string) string {
	return option + ` = "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + "\"\n"
}

// netrcLine is for programs that send Basic. Where the profile does so, it is
// what the profile sends; else the token is the password.
func netrcLine(pass session.Pass) (string, error) {
	user, password := pass.User, pass.AccessToken.Reveal()
	if encoded, isBasic := strings.CutPrefix(byName(pass.Carrier.Headers)["Authorization"], "Basic "); isBasic {
		if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			user, password, _ = strings.Cut(string(decoded), ":")
		}
	}
	if user == "" {
		user = "token"
	}
	for name, value := range map[string]string{"the user name": user, "the token": password} {
		if err := oneLine(name, value); err != nil {
			return "", err
		}
		if strings.ContainsFunc(value, unicode.IsSpace) || strings.ContainsAny(value, `"'\#`) || value == "" {
			return "", cannotCarry("netrc", name)
		}
	}
	return "machine " + pass.API.Hostname() + " login " + user + " password " + password + "\n", nil
}

// exportToGitHub masks what is secret, then appends variables to the file that
// the runner names.
func (a *app) exportToGitHub(file string, pass session.Pass, variables []session.Variable) error {
	path := a.env.Getenv(file)
	if path == "" {
		return fault.New(fault.Usage, "set it, or use --output dotenv", "%s names no file", file)
	}
	text, err := eachVariable(variables, heredoc(rand.Text()))
	if err != nil {
		return err
	}
	if err := a.mask(append(variables, session.Variable{Name: "the token", Value: pass.AccessToken})); err != nil {
		return err
	}
	return fault.Wrap(appendTo(path, text), "%s", file)
}

// heredoc writes a value between two lines that nobody could foresee, so that no
// value can end it and set another variable.
func heredoc(random string) func(name, value string) (string, error) {
	return func(name, value string) (string, error) {
		return name + "<<authctl_" + random + "\n" + value + "\nauthctl_" + random, nil
	}
}

// mask tells the runner what to keep out of its log.
func (a *app) mask(variables []session.Variable) error {
	var lines strings.Builder
	for _, v := range variables {
		if err := oneLine(v.Name, v.Value.Reveal()); err != nil {
			return err
		}
		if !v.Plain {
			lines.WriteString("::add-mask::" + strings.ReplaceAll(v.Value.Reveal(), "%", "%25") + "\n")
		}
	}
	_, err := io.WriteString(a.out.Raw(), lines.String())
	return fault.Wrap(err, "mask the token")
}

// appendTo writes at the end of a file that is there.
func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, text)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
