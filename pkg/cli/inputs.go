package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/place"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// maxInput is the largest input, in bytes.
const maxInput = 1 << 20

// commandLimit bounds how long a program that gives an input may run; a person
// may have to unlock something for it.
const commandLimit = time.Minute

// inputFlags are the flags that give inputs without a prompt.
type inputFlags struct {
	username      string
	passwordStdin bool
	inputs        []string // NAME=VALUE, NAME=@file, NAME=@-
}

func (f *inputFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&f.username, "username", "u", "", "user name or e-mail address")
	flags.BoolVar(&f.passwordStdin, "password-stdin", false, "read the password from standard input")
	flags.StringArrayVar(&f.inputs, "input", nil, "give an input: `NAME=@file`, NAME=@- for standard input, or NAME=value if it is no secret (may be repeated)")
}

// given are inputs that are at hand, by name.
type given struct {
	value string
	plain bool // it stood on the command line
}

// inputs implements session.Inputs for a command line: flags, then the
// profile's env: or command:, then its default, then a prompt.
type inputs struct {
	app   *app
	given map[string]given
	env   []string // variables that hold secrets, kept from programs we start
	quiet bool     // nobody is asked
}

// read takes the flags; standard input is read here, once.
func (f *inputFlags) read(ctx context.Context, a *app, p *profile.Profile) (*inputs, error) {
	in := &inputs{app: a, given: map[string]given{}, env: []string{place.IdentityVariable}}
	for _, entry := range p.Inputs {
		if entry.Value.Env != "" && entry.Value.Secret.Value {
			in.env = append(in.env, entry.Value.Env)
		}
	}
	stdin := f.passwordStdin
	if f.passwordStdin {
		if err := in.fromFile(ctx, "password", "-"); err != nil {
			return nil, err
		}
	}
	for _, text := range f.inputs {
		name, value, found := strings.Cut(text, "=")
		declared, known := p.Input(name)
		file, isFile := strings.CutPrefix(value, "@")
		switch {
		case !found:
			return nil, fault.New(fault.Usage, "write --input "+name+"=@file", "--input %s: no value is given", name)
		case !known:
			return nil, fault.New(fault.Usage, profile.DidYouMean(name, p.InputNames()), "--input %s: %s has no input of this name", name, p.Name)
		case in.twice(name):
			return nil, fault.New(fault.Usage, "give it once", "the input %s is given twice", name)
		case isFile && file == "-" && stdin:
			return nil, fault.New(fault.Usage, "give one of them as a file", "standard input can give one input only")
		case isFile:
			stdin = stdin || file == "-"
			if err := in.fromFile(ctx, name, file); err != nil {
				return nil, err
			}
		case declared.Secret.Value:
			return nil, fault.New(fault.Usage, "write --input "+name+"=@file, or @- for standard input",
				"--input %s: a secret on the command line is seen by every user of this machine", name)
		default:
			in.given[name] = given{value, true}
		}
	}
	if f.username != "" {
		in.given["username"], in.given["email"] = given{f.username, true}, given{f.username, true}
	}
	return in, nil
}

func (in *inputs) twice(name string) bool {
	_, known := in.given[name]
	return known
}

// fromFile reads an input from a file, or from standard input for "-". One
// line break at the end is not part of it.
func (in *inputs) fromFile(ctx context.Context, name, path string) error {
	data, err := patiently(ctx, func() ([]byte, error) {
		if path == "-" {
			return readSome(in.app.env.Stdin, maxInput)
		}
		return readFile(path, maxInput)
	})
	if err != nil {
		return fault.New(fault.Usage, "", "input %s: %w", name, err)
	}
	value, err := oneInput(data)
	if err != nil {
		return fault.New(fault.Usage, "", "input %s: %w", name, err)
	}
	if value == "" {
		return fault.New(fault.LoginNeeded, "", "input %s: nothing came from %s", name, map[bool]string{true: "standard input", false: path}[path == "-"])
	}
	in.given[name] = given{value: value}
	return nil
}

// oneInput takes the line break at the end away; everything else is kept byte
// for byte.
func oneInput(data []byte) (string, error) {
	if len(data) > maxInput {
		return "", errors.New("it is larger than 1 MiB")
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}

// Input returns the value of an input. Where a person would have to be asked
// and cannot be, the error is of kind fault.LoginNeeded and names the input.
func (in *inputs) Input(ctx context.Context, want profile.Input) (string, error) {
	value, found, err := in.Known(ctx, want)
	if err != nil || found {
		return value, err
	}
	if value, err = in.ask(ctx, want); err != nil {
		return "", err
	}
	return value, among(want, value)
}

// Known returns the value of an input if nobody has to be asked for it.
func (in *inputs) Known(ctx context.Context, want profile.Input) (string, bool, error) {
	value, found, err := in.quietly(ctx, want)
	if err == nil && found {
		err = among(want, value)
	}
	return value, found && err == nil, err
}

// among refuses a value that is none of the choices.
func among(want profile.Input, value string) error {
	if value == "" || len(want.Choices.List) == 0 || slices.Contains(want.Choices.List, value) {
		return nil
	}
	return fault.New(fault.Usage, "choose one of "+strings.Join(want.Choices.List, ", "), "input %s: the value is none of the choices", want.Name)
}

// quietly looks at every source but the person.
func (in *inputs) quietly(ctx context.Context, want profile.Input) (string, bool, error) {
	if g, ok := in.given[want.Name]; ok {
		return g.value, true, nil
	}
	if want.Env != "" {
		if value := in.app.env.Getenv(want.Env); value != "" {
			return value, true, nil
		}
	}
	if len(want.Command) > 0 {
		value, err := in.run(ctx, want)
		return value, err == nil, err
	}
	return want.Default.Text, want.Default.Set, nil
}

// run starts the program of an input, without a shell and without the secrets
// in our own environment (threat 6).
func (in *inputs) run(ctx context.Context, want profile.Input) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, want.Command[0], want.Command[1:]...)
	cmd.Env = slices.DeleteFunc(in.app.env.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(in.env, name)
	})
	cmd.WaitDelay = time.Second
	var out, complaint limited
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	value, tooLong := oneInput(out.Bytes())
	switch {
	case err != nil:
		text := strings.TrimSpace(complaint.String())
		if text != "" {
			text = ": " + text
		}
		return "", fault.New(fault.LoginNeeded, "run it by hand: "+commandLine(want.Command), "input %s: %s: %w%s", want.Name, want.Command[0], err, text)
	case tooLong != nil || value == "":
		return "", fault.New(fault.LoginNeeded, "run it by hand: "+commandLine(want.Command), "input %s: %s printed nothing, or more than 1 MiB", want.Name, want.Command[0])
	}
	return value, nil
}

// commandLine writes a program and its arguments as a shell reads them.
func commandLine(words []string) string {
	line := make([]string, len(words))
	for i, word := range words {
		line[i] = quoted(word)
	}
	return strings.Join(line, " ")
}

// limited keeps the first part of what a program prints.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := maxInput + 2 - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// ask prompts on the terminal itself, so that it works while standard input
// and output are pipes.
func (in *inputs) ask(ctx context.Context, want profile.Input) (string, error) {
	if in.app.noInput {
		return in.unanswered(want, "--no-input forbids to ask for it")
	}
	if in.quiet {
		return in.unanswered(want, "this command never asks")
	}
	tty, err := in.app.env.OpenTTY()
	if errors.Is(err, console.ErrNoTerminal) {
		return in.unanswered(want, "there is no terminal to ask for it")
	}
	if err != nil {
		return "", err
	}
	defer tty.Close()
	label := cmp.Or(want.Label, want.Name)
	if want.TOTP {
		label += " (the secret of the authenticator, or a code)"
	}
	if len(want.Choices.List) > 0 {
		label += " (" + strings.Join(want.Choices.List, ", ") + ")"
	}
	var value string
	if want.Secret.Value {
		var secret token.Secret
		secret, err = tty.PromptSecret(ctx, label)
		value = secret.Reveal()
	} else {
		value, err = tty.Prompt(ctx, label)
	}
	switch {
	case errors.Is(err, console.ErrInputEnded), err == nil && value == "" && !want.Optional:
		return "", fault.New(fault.LoginNeeded, "", "the input %s was left empty", want.Name)
	}
	return value, err
}

// unanswered is the end for an input that nobody can give: an optional one is
// empty, any other is an error that says how to give it.
func (in *inputs) unanswered(want profile.Input, why string) (string, error) {
	if want.Optional {
		return "", nil
	}
	hint := "give it with --input " + want.Name + "=@file"
	switch {
	case want.Name == "username" || want.Name == "email":
		hint = "give it with --username"
	case want.Name == "password":
		hint = "give it with --password-stdin"
	case want.Env != "":
		hint = "set " + want.Env + ", or give it with --input " + want.Name + "=@file"
	}
	return "", &fault.Error{Kind: fault.LoginNeeded, Err: fmt.Errorf("the input %s is missing, and %s", want.Name, why), Hint: hint}
}
