package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jq"
	"github.com/authctl/authctl/pkg/jwt"
	"github.com/authctl/authctl/pkg/profile"
)

// decodeOptions are the flags of decode.
type decodeOptions struct {
	refresh  bool
	claim    string
	checkExp bool
	at       string
	verify   verifyFlags
}

func (a *app) decodeCommand() *cobra.Command {
	var o decodeOptions
	cmd := &cobra.Command{
		Use:   "decode [TOKEN|PROFILE]",
		Short: "Show what is in a token, and verify it",
		Long: `Show header and claims of a JSON Web Token with its times in words. The token is
the argument, comes from a file (@file) or from standard input ("-" or nothing);
"Bearer x", a whole header line, a wrapped token or JSON with tokens in it will
do, and so will many tokens, one a line (with --output json as JSON lines).
The name of a profile shows its stored token. No network is used, and the
signature is not checked, unless --verify is given.

--verify demands a key (--key, --jwks-url, --issuer-url), an issuer and an
audience; what is not given comes from verify: in the profile. The kind of key
decides the algorithm; nothing that is named in a token is fetched. All checks
that fail are told, with exit code 9. Of a certificate only the key counts.

An argument can be seen by other users of this machine: for a live token use
standard input.`,
		Example: `  authctl token zumrails | authctl decode
  authctl decode zumrails --refresh-token
  authctl decode --output json < tokens.txt
  authctl decode --claim .sub < token.txt
  authctl decode --verify --key key.pem --issuer any --audience api < token.txt
  authctl decode --verify --issuer-url https://id.example --audience api @token`,
		Args:              between(0, 1, "one token at most"),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.verify.given = cmd.Flags().Changed
			return a.decode(cmd.Context(), args, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.refresh, "refresh-token", false, "show the refresh token of the profile's session")
	flags.StringVar(&o.claim, "claim", "", "print one claim only: a jq `path` such as .sub")
	flags.BoolVar(&o.checkExp, "check-exp", false, "exit 9 if the token is over, has no expiry, or is not valid yet")
	flags.StringVar(&o.at, "at", "", "look at the token as if it were this `time`: RFC 3339, or seconds since 1970")
	o.verify.add(a, cmd)
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 1, 3, 5, 6, 7, 8, 9)
}

// decoder is one run of decode.
type decoder struct {
	*app
	now    time.Time
	o      decodeOptions
	rules  *verifier // nil: nothing is verified
	tokens int
	bad    []error // the tokens that are not valid
}

func (a *app) decode(ctx context.Context, args []string, o decodeOptions) error {
	d := &decoder{app: a, o: o, now: a.env.Now()}
	if err := d.prepare(); err != nil {
		return err
	}
	stored, err := a.wantsStored(args)
	if err != nil {
		return err
	}
	if o.refresh && !stored {
		return fault.New(fault.Usage, "authctl decode PROFILE --refresh-token", "--refresh-token shows a stored token: name a profile")
	}
	if d.rules, err = a.verifier(ctx, args, stored, o.verify, d.now); err != nil {
		return err
	}
	in, closeInput, err := a.tokenSource(ctx, args, stored, o)
	if err != nil {
		return err
	}
	defer closeInput()
	if err := d.all(ctx, in); err != nil {
		return err
	}
	return d.verdict()
}

// prepare checks the flags that need nothing else.
func (d *decoder) prepare() error {
	if d.o.at != "" {
		at, err := parseTime(d.o.at)
		if err != nil {
			return err
		}
		d.now = at.In(d.now.Location())
	}
	if d.o.claim != "" {
		if err := jq.Check(d.o.claim, nil); err != nil {
			return fault.New(fault.Usage, "write --claim .sub", "--claim: %w", err)
		}
	}
	return nil
}

// wantsStored says whether the argument, or --profile without one, means the
// token that is stored for a profile.
func (a *app) wantsStored(args []string) (bool, error) {
	if len(args) == 0 {
		return a.selected.profile != "", nil
	}
	if !couldBeProfile(args[0]) {
		return false, nil
	}
	library, err := a.library()
	if err != nil {
		return false, nil // without a folder there are no profiles
	}
	catalog, err := library.Load()
	if errors.Is(err, profile.ErrNoFiles) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.Contains(catalog.Names(), args[0]), nil
}

// maxProfileName is the longest argument that is looked for among the profiles.
const maxProfileName = 64

func couldBeProfile(arg string) bool {
	return len(arg) <= maxProfileName && strings.Count(arg, ".") < 2 && arg != "-" && !strings.ContainsAny(arg, "@:{\"' \t\r\n")
}

// tokenSource finds the tokens: stored, the argument, a file, standard input.
func (a *app) tokenSource(ctx context.Context, args []string, stored bool, o decodeOptions) (*jwt.Reader, func(), error) {
	nothing := func() {}
	switch {
	case stored:
		text, err := a.storedToken(ctx, args, o.refresh)
		return jwt.NewReader(strings.NewReader(text)), nothing, err
	case len(args) == 1 && strings.HasPrefix(args[0], "@"):
		file, err := os.Open(args[0][1:])
		if err != nil {
			return nil, nothing, fault.New(fault.Usage, "", "read the token: %w", err)
		}
		return jwt.NewReader(file), func() { _ = file.Close() }, nil
	case len(args) == 1 && args[0] != "-":
		return jwt.NewReader(strings.NewReader(args[0])), nothing, nil
	case o.verify.key == "-":
		return nil, nothing, fault.New(fault.Usage, "give the token as @file", "standard input gives the key already")
	case len(args) == 0 && console.IsTerminal(a.env.Stdin):
		return nil, nothing, fault.New(fault.Usage, "authctl token PROFILE | authctl decode", "no token is given")
	}
	return jwt.NewReader(a.env.Stdin), nothing, nil
}

// storedToken reads a session as it is: nothing is renewed.
func (a *app) storedToken(ctx context.Context, args []string, refresh bool) (string, error) {
	s, m, err := a.withSession(ctx, args, "decode", nil)
	if err != nil {
		return "", err
	}
	session, err := m.Session(ctx, s.Target)
	if err != nil {
		return "", err
	}
	if !refresh {
		return session.AccessToken.Reveal(), nil
	}
	if session.RefreshToken.IsZero() {
		return "", fault.New(fault.Other, "", "the session of %s has no refresh token", s.Target)
	}
	return session.RefreshToken.Reveal(), nil
}

// all shows one token after another. Whether there is a second one decides the
// form of JSON.
func (d *decoder) all(ctx context.Context, in *jwt.Reader) error {
	found, err := next(ctx, in)
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Usage, "", "there is no token in the input")
	}
	for err == nil {
		following, nextErr := next(ctx, in)
		more := !errors.Is(nextErr, io.EOF)
		if err := d.one(ctx, found, more || d.tokens > 0); err != nil {
			return err
		}
		found, err = following, nextErr
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func next(ctx context.Context, in *jwt.Reader) (jwt.Found, error) { return patiently(ctx, in.Next) }

// one shows a token, one of many or the only one.
func (d *decoder) one(ctx context.Context, found jwt.Found, many bool) error {
	t, err := jwt.Inspect(found.Text)
	if err != nil {
		return err
	}
	d.tokens++
	var verdict *jwt.Verdict
	if d.rules != nil {
		if verdict, err = d.rules.verify(ctx, t); err != nil {
			return err
		}
	}
	if err := d.judge(t, verdict); err != nil {
		d.bad = append(d.bad, err)
		if d.o.claim != "" {
			return nil // a claim of a token that is not valid is no answer
		}
	}
	if d.o.claim != "" {
		return d.printClaim(ctx, t)
	}
	if d.output == outputJSON {
		return d.printJSON(found, t, verdict, many)
	}
	return d.printText(found, t, verdict)
}

// judge says what is wrong with a token for those who only want to know that.
func (d *decoder) judge(t *jwt.Token, verdict *jwt.Verdict) error {
	if verdict != nil && !verdict.Valid() {
		return fault.New(fault.NotValid, "", "the token is not valid: %s", strings.Join(verdict.Failed(), ", "))
	}
	if d.o.checkExp {
		return checkExpiry(t, d.now)
	}
	return nil
}

// checkExpiry looks at the times alone, without any leeway.
func checkExpiry(t *jwt.Token, now time.Time) error {
	life := lifeOf(t)
	switch {
	case life.end.IsZero():
		return fault.New(fault.NotValid, "", "the token has no expiry that can be read")
	case !now.Before(life.end):
		return fault.New(fault.NotValid, "", "the token expired %s", console.UntilFine(now, life.end))
	case now.Before(life.notBefore):
		return fault.New(fault.NotValid, "", "the token becomes valid %s", console.UntilFine(now, life.notBefore))
	}
	return nil
}

// verdict is the error of the whole run.
func (d *decoder) verdict() error {
	switch {
	case len(d.bad) == 0:
		return nil
	case d.tokens == 1:
		return d.bad[0]
	}
	return fault.New(fault.NotValid, "", "%d of %d tokens are not valid", len(d.bad), d.tokens)
}

// parseTime reads a point in time as people and programs write it.
func parseTime(text string) (time.Time, error) {
	if at, ok := jwt.NumericDate(text); ok {
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fault.New(fault.Usage, "write 2026-11-22T12:00:00Z or 1795348800", "%q is no time", text)
	}
	return at, nil
}
