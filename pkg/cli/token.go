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

// The values of token --output beside json.
const (
	outputRaw    = "raw"
	outputHeader = "header"
)

// defaultMinTTL leaves a request time to arrive before its token is over.
const defaultMinTTL = time.Minute

func (a *app) tokenCommand() *cobra.Command {
	var minTTL string
	cmd := &cobra.Command{
		Use:   "token [PROFILE]",
		Short: "Print a live access token",
		Long: `Print the access token of a session and nothing else. A token that is over, or
does not last for --min-ttl, is renewed first: by the API's refresh call, else
by logging in with credentials that were saved (login --save-credentials). It
never asks a person. On any failure standard output stays empty and the exit
code tells why.`,
		Example: `  curl -H "Authorization: Bearer $(authctl token zumrails)" https://…
  curl -H "$(authctl token analogue --output header)" https://…
  TOKEN=$(authctl token logware) || exit
  authctl token zumrails --min-ttl 10m`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o := session.TokenOptions{MinTTL: defaultMinTTL}
			if cmd.Flags().Changed("min-ttl") {
				ttl, err := parseTTL(minTTL)
				if err != nil {
					return fault.New(fault.Usage, "write --min-ttl 10m", "--min-ttl: %w", err)
				}
				o.MinTTL, o.Strict = ttl, ttl > 0
			}
			return a.printToken(cmd.Context(), args, o)
		},
	}
	cmd.Flags().StringVar(&minTTL, "min-ttl", "60s", "renew the token unless it lasts for this `time`, such as 90s, 10m, 1h")
	a.addOutput(cmd, outputRaw, outputHeader, outputJSON)
	for _, m := range a.below("token", []maker{
		{"create", a.tokenCreateCommand}, {"list", a.tokenListCommand}, {"revoke", a.tokenRevokeCommand}, {"rotate", a.tokenRotateCommand},
	}) {
		cmd.AddCommand(m.make())
	}
	return exitCodes(cmd, 3, 4, 5, 6, 7, 8)
}

func (a *app) printToken(ctx context.Context, args []string, o session.TokenOptions) error {
	s, m, err := a.withSession(ctx, args, "token", nil)
	if err != nil {
		return err
	}
	if a.output == outputRaw {
		live, err := m.Token(ctx, s.Target, o)
		if err != nil {
			return err
		}
		a.tellRenewal(live, o)
		return a.reveal(live.AccessToken)
	}
	live, carrier, err := m.Credential(ctx, s.Target, o)
	if err != nil {
		return err
	}
	a.tellRenewal(live, o)
	if a.output == outputHeader {
		return a.revealHeaders(carrier)
	}
	return a.revealJSON(carrier, live.Access)
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
