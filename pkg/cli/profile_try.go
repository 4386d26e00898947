package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jwt"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

func (a *app) profileTestCommand() *cobra.Command {
	var o inputFlags
	var via string
	cmd := &cobra.Command{
		Use:   "test [PROFILE]",
		Short: "Log in once and show what came, without secrets",
		Long: `Log in as PROFILE says and keep nothing. Each request is shown without secrets,
and of each answer its shape: keys and types, never values, with a mark at what
each expression of the profile reads. So a wrong path is seen at a glance.

The token that comes is not cancelled: it lives as long as the API says.`,
		Example: `  authctl profile test zumrails
  authctl profile test --config new.yaml keystone --username ada`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.tryProfile(cmd.Context(), args, o, via) },
	}
	o.add(cmd)
	cmd.Flags().StringVar(&via, "via", "", "another `login` of the profile, from its other_logins")
	a.completeWith(cmd, "via", a.otherLogins)
	return exitCodes(cmd, 3, 4, 6, 7, 8)
}

func (a *app) tryProfile(ctx context.Context, args []string, o inputFlags, via string) error {
	s, err := a.target(args, true)
	if err != nil {
		return err
	}
	in, err := o.read(ctx, a, s.Profile)
	if err != nil {
		return err
	}
	a.announce(s)
	m := a.manager(nil, in)
	var printing error
	m.Watch = func(e session.Exchange) {
		if err := a.printExchange(e); printing == nil {
			printing = err
		}
	}
	result, err := m.Authenticate(ctx, s.Target, session.LoginOptions{Via: via})
	if err != nil {
		return fault.Wrap(err, "test %s", s.Target)
	}
	if printing != nil {
		return printing
	}
	a.done("the login works; nothing was kept")
	lines := []string{"token    " + kindOfToken(result.AccessToken), "until    " + a.expiryText(result.Info)}
	if !result.RefreshToken.IsZero() {
		lines = append(lines, "refresh  a refresh token came, too")
	}
	for _, line := range lines {
		_, _ = fmt.Fprintln(a.err, "  "+console.Sanitize(line)) // nobody may be reading it
	}
	return nil
}

// kindOfToken says what can be said of a token without showing it.
func kindOfToken(secret token.Secret) string {
	text, kind := secret.Reveal(), "opaque"
	if t, err := jwt.Inspect(text); err == nil && t.Kind == jwt.KindJWT {
		kind = "a JWT"
	}
	return fmt.Sprintf("%s, %d characters", kind, len(text))
}

// printExchange shows one call: the request, the status, and the shape of the
// answer with its marks.
func (a *app) printExchange(e session.Exchange) error {
	if e.Request != nil {
		if err := a.printRequest(e.Request); err != nil {
			return err
		}
	}
	var b strings.Builder
	if e.Status == 0 {
		fmt.Fprintf(&b, "\n%s\n\n", a.out.Paint(console.Bad, "no answer"))
	} else {
		role := console.Good
		if e.Status >= 400 {
			role = console.Bad
		}
		fmt.Fprintf(&b, "\n%s after %s\n", a.out.Paint(role, fmt.Sprintf("status %d", e.Status)), e.Took.Round(time.Millisecond))
		for line := range strings.Lines(strings.TrimSuffix(e.Shape, "\n") + "\n") {
			fmt.Fprintf(&b, "  %s\n", console.Sanitize(strings.TrimSuffix(line, "\n")))
		}
		for _, missed := range e.Missed {
			fmt.Fprintf(&b, "  %s\n", a.out.Paint(console.Bad, console.Sanitize(missed.Name+": "+missed.Expr+" finds nothing")))
		}
		b.WriteString("\n")
	}
	_, err := a.out.Write([]byte(b.String()))
	return err
}
