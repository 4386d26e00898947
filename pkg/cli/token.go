package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

// defaultMinTTL leaves a request time to arrive before its token is over.
const defaultMinTTL = time.Minute

// tokenFlags are the flags of token.
type tokenFlags struct {
	formFlags
	minTTL  string
	noRenew bool
	check   bool
}

func (a *app) tokenCommand() *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "token [PROFILE]",
		Short: "Print a live access token",
		Long: `Print the access token of a session and nothing else. A token that is over, or
does not last for --min-ttl, is renewed first: by the API's refresh call, else
by logging in with credentials that were saved (login --save-credentials). It
never asks a person. On any failure standard output stays empty and the exit
code tells why.

--output says in which form:
  header         a header line, as the profile sends the token
  json           the token, its type, end, origin, account and store
  env            for eval, quoted for --shell
  dotenv         lines for a .env file
  curl           for curl -K -, which keeps the token off the command line
  netrc          a line for programs that send Basic
  github         masks the token, then appends to the file $GITHUB_ENV
  github-output  likewise, to the file $GITHUB_OUTPUT
  gitlab         lines for a dotenv report
What env, dotenv and CI forms call the variable is env: of the profile, or
--variable, or the name of the profile: HAUT_AI_TOKEN.

With --check nothing is printed, renewed or sent: exit 0 if the token that is
kept lasts for --min-ttl, 9 if not, 3 if there is none.`,
		Example: `  curl -H "Authorization: Bearer $(authctl token zumrails)" https://…
  authctl token analogue --output curl | curl -K - https://…
  eval "$(authctl token logware --output env)"
  authctl token logware --output env --shell fish | source
  authctl token zumrails --min-ttl 10m
  authctl token zumrails --check || authctl login zumrails`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.options(cmd.Flags().Changed("min-ttl"))
			if err == nil {
				err = f.formFlags.check(a)
			}
			if err != nil {
				return err
			}
			if f.check {
				return a.checkToken(cmd.Context(), args, o)
			}
			return a.printToken(cmd.Context(), args, o, f.formFlags)
		},
	}
	cmd.Flags().StringVar(&f.minTTL, "min-ttl", "60s", "renew the token unless it lasts for this `time`, such as 90s, 10m, 1h")
	cmd.Flags().BoolVar(&f.noRenew, "no-renew", false, "print what is kept, or fail")
	cmd.Flags().BoolVar(&f.check, "check", false, "print nothing; the exit code says whether the token lasts")
	f.add(a, cmd)
	a.addOutput(cmd, append([]string{outputRaw}, forms()...)...)
	cmd.MarkFlagsMutuallyExclusive("check", "output")
	for _, m := range a.below("token", []maker{
		{"create", a.tokenCreateCommand}, {"list", a.tokenListCommand}, {"revoke", a.tokenRevokeCommand}, {"rotate", a.tokenRotateCommand},
	}) {
		cmd.AddCommand(m.make())
	}
	return exitCodes(cmd, 3, 4, 5, 6, 7, 8, 9)
}

// options are what the session is asked for. The margin that is usual belongs
// to renewal: without it, a token that lives is good.
func (f *tokenFlags) options(chosen bool) (session.TokenOptions, error) {
	o := session.TokenOptions{MinTTL: defaultMinTTL, NoRenew: f.noRenew}
	if f.noRenew || f.check {
		o.MinTTL = 0
	}
	if !chosen {
		return o, nil
	}
	ttl, err := parseTTL(f.minTTL)
	if err != nil {
		return o, fault.New(fault.Usage, "write --min-ttl 10m", "--min-ttl: %w", err)
	}
	o.MinTTL, o.Strict = ttl, ttl > 0
	return o, nil
}

func (a *app) printToken(ctx context.Context, args []string, o session.TokenOptions, f formFlags) error {
	s, m, err := a.withSession(ctx, args, "token", nil)
	if err != nil {
		return err
	}
	var pass session.Pass
	switch a.output {
	case outputRaw: // the hot path
		pass.Renewed, err = m.Token(ctx, s.Target, o)
	case outputHeader, outputJSON:
		pass.Renewed, pass.Carrier, err = m.Credential(ctx, s.Target, o)
	default:
		pass, err = m.Pass(ctx, s.Target, o)
	}
	if err != nil {
		return err
	}
	a.tellRenewal(pass.Renewed, o)
	return a.printForm(s, pass, f)
}

// checkToken says by the exit code alone whether the token that is kept lasts.
// Only a store that cannot tell is worth a word.
func (a *app) checkToken(ctx context.Context, args []string, o session.TokenOptions) error {
	s, m, err := a.withSession(ctx, args, "token", nil)
	if err != nil {
		return err
	}
	a.silent = []fault.Kind{fault.LoginNeeded, fault.NotValid}
	access, err := m.Stored(ctx, s.Target)
	if err == nil && !access.Live(a.env.Now(), o.MinTTL) {
		err = fault.New(fault.NotValid, "", "the token of %s does not last", s.Target)
	}
	return err
}

// tellRenewal says what did not keep the token from being had.
func (a *app) tellRenewal(live session.Renewed, o session.TokenOptions) {
	if live.Warning != nil {
		a.warn(live.Warning)
	}
	if o.Strict && !live.Live(a.env.Now(), o.MinTTL) {
		a.say("the new token does not last for --min-ttl either, only until %s", a.expiryText(live.Info))
	}
	a.notYetValid(live.Info)
}

// parseTTL reads a length of time that may be nothing.
func parseTTL(text string) (time.Duration, error) {
	if text == "0" || text == "0s" {
		return 0, nil
	}
	return token.ParseLifetime(text)
}

func (a *app) refreshCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "refresh [PROFILE]",
		Short: "Renew the token now, even if it still lasts",
		Long: `Get a new access token without a person: by the API's refresh call, else by
logging in with credentials that were saved (login --save-credentials). There
is no need to do this before "authctl token", which renews by itself.`,
		Example: `  authctl refresh datarhei-core
  authctl refresh datarhei-core --output json`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, m, err := a.withSession(cmd.Context(), args, "refresh", nil)
			if err != nil {
				return err
			}
			live, err := m.Token(cmd.Context(), s.Target, session.TokenOptions{Force: true})
			if err != nil {
				return err
			}
			if live.Warning != nil {
				return live.Warning
			}
			if a.output == outputJSON {
				return console.WriteJSON(a.out, a.row(live.Info, s.store.Name()))
			}
			a.done("renewed the token of " + s.Target.String() + ", until " + a.expiryText(live.Info))
			return nil
		},
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 3, 4, 5, 6, 7, 8)
}
