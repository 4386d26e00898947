package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/draft"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/gallery"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

// addOptions are the flags of profile add.
type addOptions struct {
	inputFlags
	curl, openapi, from string
	baseURL, path       string
	answer              string
	send, yes, print    bool
	force               bool
}

func (a *app) profileAddCommand() *cobra.Command {
	var o addOptions
	cmd := &cobra.Command{
		Use:   "add [NAME]",
		Short: "Write a profile from a curl command, an OpenAPI file or a few answers",
		Long: `Write a profile and keep it in profiles.d in the configuration folder. It is
made from the curl command that a vendor's page shows (several commands: login,
refresh, logout), from an OpenAPI document, from a ready profile of the gallery,
or, without any of these, from the answers to a few questions.

What varies (user name, password, keys) becomes an input; no secret gets into
the profile. Comments say what was guessed. With your consent, or --send, the
login is sent once to see where the token is; its values are not shown. Without
that, --answer takes a sample answer. You see the profile before it is written.`,
		Example: `  authctl profile add acme --curl @login.txt
  authctl profile add acme --curl - --answer @answer.json --yes
  authctl profile add acme --openapi https://api.acme.com/openapi.json --print
  authctl profile add lab --from argo-cd --base-url https://cd.example.com
  authctl profile add`,
		Args: between(0, 1, "one name at most"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.addProfile(cmd.Context(), args, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.curl, "curl", "", "the curl `command`, @file or - for standard input")
	flags.StringVar(&o.openapi, "openapi", "", "OpenAPI document: `file` or https URL")
	flags.StringVar(&o.from, "from", "", "`name` of a profile in the gallery")
	flags.StringVar(&o.baseURL, "base-url", "", "base `URL` to write in place of the one found")
	flags.StringVar(&o.path, "path", "", "which `path` of the OpenAPI document is the login, such as /auth/login")
	flags.StringVar(&o.answer, "answer", "", "sample answer to the login: `@file`, or - for standard input")
	flags.BoolVar(&o.send, "send", false, "send the login once to see where the token is; keep nothing of it")
	flags.BoolVarP(&o.yes, "yes", "y", false, "write the profile without asking")
	flags.BoolVar(&o.print, "print", false, "print the profile and write nothing")
	flags.BoolVar(&o.force, "force", false, "replace the file that is there")
	o.add(cmd)
	a.complete(cmd, "from", gallery.Names())
	cmd.MarkFlagsMutuallyExclusive("curl", "openapi", "from")
	cmd.MarkFlagsMutuallyExclusive("send", "answer")
	cmd.MarkFlagsMutuallyExclusive("print", "yes")
	return exitCodes(cmd, 3, 4, 6, 7, 8)
}

// adding is one run of profile add.
type adding struct {
	*app
	addOptions
	tty  *console.TTY // nil: nobody can be asked
	name string
}

func (a *app) addProfile(ctx context.Context, args []string, o addOptions) error {
	add := &adding{app: a, addOptions: o, name: strings.Join(args, "")}
	if add.name != "" && !regexp.MustCompile(`^[A-Za-z0-9][\w.-]{0,99}$`).MatchString(add.name) {
		return fault.New(fault.Usage, "use letters, digits, - _ and .", "%q is no name for a profile", add.name)
	}
	if !a.noInput {
		tty, err := a.env.OpenTTY()
		if err != nil && !errors.Is(err, console.ErrNoTerminal) {
			return err
		}
		if err == nil {
			defer tty.Close()
			add.tty = tty
		}
	}
	text, err := add.text(ctx)
	if err != nil {
		return err
	}
	mistake := fault.Wrap(validProfile(add.name, text), "the profile that came out is to be mended by hand (--print shows it)")
	if o.print {
		_, err := a.out.Write([]byte(text))
		return cmp.Or(mistake, err)
	}
	if mistake != nil {
		return mistake
	}
	return add.write(ctx, text)
}

// text makes the profile from its source.
func (a *adding) text(ctx context.Context) (string, error) {
	if a.from != "" {
		return a.fromGallery()
	}
	d, err := a.draft(ctx)
	if err != nil {
		return "", err
	}
	if a.baseURL != "" {
		d.Rebase(a.baseURL)
	}
	if a.name == "" {
		a.name = draft.SuggestName(d.Host())
	}
	d.Name = a.name
	if err := a.look(ctx, d); err != nil {
		return "", err
	}
	d.Expect()
	for _, note := range d.Notes {
		a.say("%s", note)
	}
	text := d.Text()
	for _, secret := range d.Secrets {
		if !strings.Contains(text, secret) {
			a.redactor.Add(token.NewSecret(secret))
		}
	}
	return text, nil
}

func (a *adding) fromGallery() (string, error) {
	text, found := gallery.Get(a.from)
	if !found {
		return "", fault.New(fault.Usage, profile.DidYouMean(a.from, gallery.Names()), "the gallery has no profile called %q", a.from)
	}
	a.name = cmp.Or(a.name, a.from)
	return draft.Adapt(text, a.from, a.name, a.baseURL), nil
}

// draft reads the source that the flags name, or asks.
func (a *adding) draft(ctx context.Context) (*draft.Draft, error) {
	switch {
	case a.addOptions.curl != "":
		return a.fromCurl(ctx)
	case a.openapi != "":
		return a.fromOpenAPI(ctx)
	case a.tty == nil:
		return nil, fault.New(fault.Usage, "give --curl @file, --openapi FILE or --from NAME", "nothing says what to make the profile from, and there is no terminal to ask")
	}
	return a.fromQuestions(ctx)
}

// look finds out where the token is: from an answer that is at hand, or by one
// login, if the person agrees.
func (a *adding) look(ctx context.Context, d *draft.Draft) error {
	if a.answer != "" {
		text, err := a.source(ctx, "answer", a.answer)
		if err != nil {
			return err
		}
		if !d.Look(draft.ParseAnswer(text), false) {
			return fault.New(fault.Usage, "is it the answer to the login? leave --answer out, and write token: in the profile", "the sample answer holds nothing that looks like a token")
		}
		return nil
	}
	if !d.Asks() {
		return nil
	}
	if a.send {
		return a.trial(ctx, d)
	}
	if a.tty == nil || a.print || a.yes {
		return nil
	}
	agreed, err := a.tty.Confirm(ctx, "Log in at "+d.BaseURL+" once, to see where the token is? You are asked for what it needs, and nothing is kept.")
	if err != nil || !agreed {
		return err
	}
	if err := a.trial(ctx, d); err != nil {
		if ctx.Err() != nil {
			return err
		}
		a.warn(fault.Wrap(err, "the place of the token stays a guess"))
	}
	return nil
}

// trial logs in once and looks at the shape of the answer. The session is not
// kept.
func (a *adding) trial(ctx context.Context, d *draft.Draft) error {
	catalog, err := profile.Parse("the draft", []byte(d.Probe()))
	if err != nil {
		return err
	}
	p, err := catalog.Profile(d.Name)
	if err != nil {
		return err
	}
	in, err := a.inputFlags.read(ctx, a.app, p)
	if err != nil {
		return err
	}
	result, err := a.manager(nil, in).Authenticate(ctx, session.Target{Profile: p}, session.LoginOptions{})
	if err != nil {
		return fault.Wrap(err, "try the login of %s", d.Name)
	}
	answer, err := draft.Seen(result.Saved)
	if err != nil {
		return fault.New(fault.BadAnswer, "", "the answer cannot be looked at: %w", err)
	}
	for _, secret := range answer.Secrets() {
		a.redactor.Add(token.NewSecret(secret))
	}
	if !d.Look(answer, true) {
		return fault.New(fault.BadAnswer, "write token: in the profile; 'authctl login' shows the shape of the answer", "the login worked, and nothing in the answer looks like a token")
	}
	a.say("the login worked; the token is read with %s", d.Token)
	return nil
}

// validProfile demands that a profile loads and holds no mistake.
func validProfile(name, text string) error {
	catalog, err := profile.Parse(name+".yaml", []byte(text))
	if err != nil {
		return err
	}
	_, problems, err := catalog.Check(name)
	if err != nil {
		return err
	}
	return problems.Err()
}

// write shows the profile and keeps it if the person agrees.
func (a *adding) write(ctx context.Context, text string) error {
	path, err := a.place()
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		// Nobody may be reading standard error.
		_, _ = fmt.Fprintln(a.err, "  "+console.Sanitize(strings.TrimSuffix(line, "\n")))
	}
	if !a.yes {
		if a.tty == nil {
			return fault.New(fault.Usage, "add --yes to write it, or --print to see it only", "the profile is not written: there is no terminal to ask")
		}
		agreed, err := a.tty.Confirm(ctx, "Write it to "+path+"?")
		if err != nil {
			return err
		}
		if !agreed {
			a.say("nothing was written")
			return nil
		}
	}
	if err := writeProfile(path, text, a.force); err != nil {
		return err
	}
	a.done("wrote " + path)
	a.say("next: authctl login %s", a.name)
	return nil
}

// place is the file of the profile. Its name must be free in all files.
func (a *adding) place() (string, error) {
	if cmp.Or(a.config, a.env.Getenv("AUTHCTL_CONFIG")) != "" {
		return "", fault.New(fault.Usage, "use --print, and put it where you want it", "profiles are read from the file that --config or AUTHCTL_CONFIG names, and profiles.d is not in use")
	}
	folder := a.settings.paths.Config
	if folder == "" {
		return "", fault.New(fault.Profile, "set HOME or XDG_CONFIG_HOME", "there is no configuration folder")
	}
	path := filepath.Join(folder, "profiles.d", a.name+".yaml")
	if _, err := os.Lstat(path); err == nil {
		if !a.force {
			return "", fault.New(fault.Usage, "choose another name, or add --force to replace it", "%s is there already", path)
		}
		return path, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fault.New(fault.Profile, "", "%w", err)
	}
	if catalog, err := a.catalog(); err == nil && slices.Contains(catalog.Names(), a.name) {
		return "", fault.New(fault.Usage, "choose another name", "a profile is called %s already", a.name)
	}
	return path, nil
}

// writeProfile writes a file for this user alone. One that is there is replaced
// as a whole, and only by force.
func writeProfile(path, text string, force bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fault.New(fault.Profile, "", "%w", err)
	}
	target := path
	if force {
		target = filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	}
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.New(fault.Profile, "", "%w", err)
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err == nil && force {
		err = os.Rename(target, path)
	}
	if err != nil {
		return fault.New(fault.Profile, "", "%w", errors.Join(err, os.Remove(target)))
	}
	return nil
}
