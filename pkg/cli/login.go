package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

// loginOptions are the flags of login.
type loginOptions struct {
	inputFlags
	form   formFlags
	via    string
	save   bool
	dryRun bool
}

func (a *app) loginCommand() *cobra.Command {
	var o loginOptions
	cmd := &cobra.Command{
		Use:   "login [PROFILE]",
		Short: "Log in to an API and keep the session",
		Long: `Log in to the API that PROFILE describes and keep the session in the store.

What the login needs (user name, password, …) is taken from the flags, from
what the profile names (env: or command:), else asked for on the terminal.
A password is never a flag: use --password-stdin, --input NAME=@file or the
prompt. With --store none the token is printed and nothing is kept; --output
then takes the forms of "authctl token".`,
		Example: `  authctl login zumrails
  authctl login zumrails --environment production --account billing
  pass show zumrails | authctl login zumrails --username ada --password-stdin
  authctl login datarhei-core --via auth0 --input auth0_token=@token.txt
  authctl login logware --dry-run`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.login(cmd.Context(), args, o) },
	}
	o.add(cmd)
	cmd.Flags().StringVar(&o.via, "via", "", "another `login` of the profile, from its other_logins")
	cmd.Flags().BoolVar(&o.save, "save-credentials", false, "keep user name and password in the store, to log in again without a person")
	cmd.Flags().BoolVarP(&o.dryRun, "dry-run", "n", false, "print the request without secrets and send nothing")
	a.completeWith(cmd, "via", a.otherLogins)
	o.form.add(a, cmd)
	a.addOutput(cmd, append([]string{outputTable, outputRaw}, forms()...)...)
	return exitCodes(cmd, 3, 4, 5, 6, 7, 8)
}

// fits refuses to print a token that is kept, or to write for another system
// than this.
func (o *loginOptions) fits(a *app, s *selection) error {
	if !s.none && a.output != outputTable && a.output != outputJSON {
		return fault.New(fault.Usage, "log in, then authctl token --output "+a.output, "login --output %s prints the token, for --store none only", a.output)
	}
	return o.form.check(a)
}

func (a *app) login(ctx context.Context, args []string, o loginOptions) error {
	s, err := a.target(args, true)
	if err != nil {
		return err
	}
	if err := o.fits(a, s); err != nil {
		return err
	}
	in, err := o.read(ctx, a, s.Profile)
	if err != nil {
		return err
	}
	if o.dryRun {
		return a.previewLogin(ctx, s, in, o.via)
	}
	a.announce(s)
	options := session.LoginOptions{Via: o.via, SaveCredentials: o.save}
	if s.none {
		return a.loginOnce(ctx, s, in, options, o.form)
	}
	result, err := a.manager(s.store, in).Login(ctx, s.Target, options)
	if err != nil {
		return err
	}
	if err := a.leaveOldStore(ctx, s, result.Key); err != nil {
		return err
	}
	a.rememberStore(s.store.Name())
	if a.output == outputJSON {
		return console.WriteJSON(a.out, a.row(result.Info, s.store.Name()))
	}
	a.loggedIn(s, result)
	return nil
}

// leaveOldStore removes the session from the store that it was kept in before,
// where nobody would find it again.
func (a *app) leaveOldStore(ctx context.Context, s *selection, key token.Key) error {
	if s.kept == "" || s.kept == s.store.Name() {
		return nil
	}
	old, err := a.openStore(s.kept)
	if err == nil {
		err = a.manager(old, nil).Forget(ctx, key)
	}
	if err != nil && !errors.Is(err, token.ErrNoSession) {
		return fault.Wrap(err, "logged in, but an older session is still in the store %s", s.kept)
	}
	return nil
}

// loginOnce logs in without a store: the token goes to standard output.
func (a *app) loginOnce(ctx context.Context, s *selection, in *inputs, o session.LoginOptions, f formFlags) error {
	if o.SaveCredentials {
		return fault.New(fault.Usage, "leave out one of them", "--save-credentials needs a store, and the store none keeps nothing")
	}
	m := a.manager(nil, in)
	result, err := m.Authenticate(ctx, s.Target, o)
	if err != nil {
		return fault.Wrap(err, "log in to %s", s.Target)
	}
	if a.output == outputTable || a.output == outputRaw {
		return a.reveal(result.AccessToken)
	}
	pass, err := m.PassFor(ctx, s.Target, result)
	if err != nil {
		return err
	}
	return a.printForm(s, pass, f)
}

// rememberStore keeps the choice that --store has made, and says so.
func (a *app) rememberStore(name string) {
	if a.selected.store == "" || a.settings.stored.GetString(setStore) == name {
		return
	}
	if err := a.settings.remember(map[string]string{setStore: name}); err != nil {
		a.warn(fault.Wrap(err, "the choice of the store is not remembered"))
		return
	}
	a.say("later logins are kept in the store %s as well; --store chooses another one", name)
}

// loggedIn says who, where, until when and where stored.
func (a *app) loggedIn(s *selection, result token.Session) {
	text := "logged in to " + s.Target.String()
	if result.User != "" {
		text += " as " + result.User
	}
	// Nobody may be reading standard error.
	_, _ = fmt.Fprintln(a.err, a.err.Paint(console.Good, console.Sanitize(text)))
	lines := []string{"at       " + string(result.Base()), "until    " + a.expiryText(result.Info), "kept in  " + s.store.Name()}
	switch result.Renewable {
	case "refresh":
		lines = append(lines, "renewed  by itself, by the refresh call")
	case "keepalive":
		lines = append(lines, "renewed  by itself, kept alive")
	case "login":
		lines = append(lines, "renewed  by itself, by logging in again")
	}
	for _, line := range lines {
		_, _ = fmt.Fprintln(a.err, "  "+console.Sanitize(line))
	}
	a.notYetValid(result.Info)
}

// notYetValid says from when on a token can be used, if that is still to come.
func (a *app) notYetValid(info token.Info) {
	if now := a.env.Now(); info.NotBefore.After(now) {
		a.say("the token is not valid before %s, %s (JWT nbf)",
			console.Absolute(info.NotBefore.In(now.Location())), console.UntilFine(now, info.NotBefore))
	}
}

// expiryText says when a token is over, and who said so.
func (a *app) expiryText(info token.Info) string {
	if info.At.IsZero() {
		return "no end is known (" + string(info.Source) + ")"
	}
	now := a.env.Now()
	return fmt.Sprintf("%s, %s (%s)", console.Absolute(info.At.In(now.Location())), console.UntilFine(now, info.At), info.Source)
}

// previewLogin prints the requests of a login as they would be sent.
func (a *app) previewLogin(ctx context.Context, s *selection, in *inputs, via string) error {
	requests, err := session.Preview(s.Target, via, func(want profile.Input) (string, bool) {
		g, ok := in.given[want.Name]
		return cmp.Or(g.value, want.Default.Text), ok || want.Default.Set
	})
	if err != nil {
		return fault.Wrap(err, "log in to %s", s.Target)
	}
	if a.output == outputJSON {
		return console.WriteJSON(a.out, previewsOf(requests))
	}
	for i, r := range requests {
		if i > 0 {
			_, _ = fmt.Fprintln(a.out)
		}
		if err := a.printRequest(r); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// preview is the JSON form of a request that was not sent.
type preview struct {
	Method  string              `json:"method"`
	URL     string              `json:"url"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body,omitempty"`
	LeftOut []string            `json:"left_out,omitempty"`
}

func previewsOf(requests []*call.Request) []preview {
	list := make([]preview, 0, len(requests))
	for _, r := range requests {
		list = append(list, preview{r.Method, r.URL.String(), hideBasic(r.Header), string(r.Body), r.LeftOut})
	}
	return list
}

// hideBasic replaces the value of Basic: encoded, even "[redacted]" looks like
// a secret.
func hideBasic(header http.Header) http.Header {
	shown := header.Clone()
	if strings.HasPrefix(shown.Get("Authorization"), "Basic ") {
		shown.Set("Authorization", "Basic [redacted]")
	}
	return shown
}

// readable shows what stands for a value in a URL or a form as it stands
// elsewhere.
func readable(text string) string {
	return strings.NewReplacer("%5Bredacted%5D", "[redacted]", "%3C", "<", "%3E", ">").Replace(text)
}

func (a *app) printRequest(r *call.Request) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", a.out.Paint(console.Bold, r.Method), console.Sanitize(readable(r.URL.String())))
	header := hideBasic(r.Header)
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, console.Sanitize(header.Get(name)))
	}
	if len(r.Body) > 0 {
		fmt.Fprintf(&b, "\n%s\n", console.Sanitize(readable(string(r.Body))))
	}
	for _, left := range r.LeftOut {
		fmt.Fprintf(&b, "left out: %s\n", console.Sanitize(left))
	}
	_, err := a.out.Write([]byte(b.String()))
	return err
}

// row is the JSON form of a session without its secrets.
type row struct {
	token.Info
	Store string `json:"store"`
	Live  bool   `json:"live"`
}

func (a *app) row(info token.Info, store string) row {
	return row{Info: info, Store: store, Live: info.Live(a.env.Now(), 0)}
}
