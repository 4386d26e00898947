package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jwks"
	"github.com/authctl/authctl/pkg/jwt"
	"github.com/authctl/authctl/pkg/place"
	"github.com/authctl/authctl/pkg/profile"
)

// verifyFlags are the flags of decode --verify.
type verifyFlags struct {
	on                         bool
	key, keyType               string
	jwksURL, issuerURL         string
	algorithms                 []string
	issuer, audience, typeName string
	leeway                     time.Duration
	given                      func(name string) bool // whether a flag was given
}

// usualLeeway is how far clocks may differ.
const usualLeeway = time.Minute

func (f *verifyFlags) add(a *app, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "verify", false, "check signature, times, issuer and audience")
	addKeyFlags(a, cmd, &f.key, &f.keyType)
	flags.StringVar(&f.jwksURL, "jwks-url", "", "`URL` of the key set")
	flags.StringVar(&f.issuerURL, "issuer-url", "", "`URL` of the issuer, which tells where its keys are; the token must be from it")
	flags.StringSliceVar(&f.algorithms, "alg", nil, "`algorithms` to accept, of those that the key allows, such as ES256,PS256")
	flags.StringVar(&f.issuer, "issuer", "", "`name` of the issuer (iss), or any")
	flags.StringVar(&f.audience, "audience", "", "`name` of one audience (aud), or any")
	flags.StringVar(&f.typeName, "typ", "", "`type` that the header must name, such as at+jwt")
	flags.DurationVar(&f.leeway, "leeway", usualLeeway, "how far clocks may differ")
}

// addKeyFlags adds the flags for a key from a file.
func addKeyFlags(a *app, cmd *cobra.Command, key, keyType *string) {
	cmd.Flags().StringVar(key, "key", "", "`file` with the key, or -: PEM, DER, certificate, JWK or JWKS")
	cmd.Flags().Var(&choice{value: keyType, of: []string{string(jwt.KeyHMAC), string(jwt.KeyHMACBase64)}}, "key-type",
		"the key is a shared secret: its bytes, or these in base64")
	a.complete(cmd, "key-type", []string{string(jwt.KeyHMAC), string(jwt.KeyHMACBase64)})
}

// check finds what makes no sense before anything is read.
func (f *verifyFlags) check() error {
	var keys []string
	for _, name := range []string{"key", "jwks-url", "issuer-url", "key-type", "alg", "issuer", "audience", "typ", "leeway"} {
		if f.given(name) && !f.on {
			return fault.New(fault.Usage, "add --verify", "--%s is for --verify", name)
		}
		if strings.HasSuffix(name, "-url") || name == "key" {
			if f.given(name) {
				keys = append(keys, "--"+name)
			}
		}
	}
	for name, value := range map[string]string{
		"key": f.key, "jwks-url": f.jwksURL, "issuer-url": f.issuerURL, "issuer": f.issuer, "audience": f.audience, "typ": f.typeName,
	} {
		if f.given(name) && value == "" {
			return fault.New(fault.Usage, "leave it out or give a value", "--%s is empty", name)
		}
	}
	switch {
	case len(keys) > 1:
		return fault.New(fault.Usage, "give one of them", "%s exclude each other", strings.Join(keys, " and "))
	case f.given("key-type") && f.key == "":
		return fault.New(fault.Usage, "add --key FILE", "--key-type is for --key")
	case f.leeway < 0:
		return fault.New(fault.Usage, "write --leeway 30s", "--leeway %s: less than nothing", f.leeway)
	}
	return checkAlgorithms(f.given("alg"), f.algorithms)
}

func checkAlgorithms(given bool, names []string) error {
	if given && len(names) == 0 {
		return fault.New(fault.Usage, "write --alg ES256", "--alg is empty")
	}
	known := jwt.Algorithms()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fault.New(fault.Usage, "known are "+strings.Join(known, ", "), "--alg: %q signs no token here", name)
		}
	}
	return nil
}

// keySource gives the keys, and once more those that are new.
type keySource interface {
	Keys(context.Context) ([]jwt.Key, error)
	Reload(context.Context) ([]jwt.Key, error)
}

// fixedKeys are keys from a file.
type fixedKeys []jwt.Key

func (k fixedKeys) Keys(context.Context) ([]jwt.Key, error)   { return k, nil }
func (k fixedKeys) Reload(context.Context) ([]jwt.Key, error) { return k, nil }

// verifier checks tokens by one set of rules.
type verifier struct {
	keys  keySource
	rules jwt.Rules
}

// verify checks a token. If it names a key that is not there, the keys are
// fetched once more: the issuer may have a new one.
func (v *verifier) verify(ctx context.Context, t *jwt.Token) (*jwt.Verdict, error) {
	verdict := t.Verify(v.rules)
	if !verdict.UnknownKey {
		return &verdict, nil
	}
	keys, err := v.keys.Reload(ctx)
	if err != nil {
		return nil, err
	}
	v.rules.Keys = keys
	verdict = t.Verify(v.rules)
	return &verdict, nil
}

// verifier makes the rules: from the flags, then from the profile. It is nil
// where nothing is to be verified.
func (a *app) verifier(ctx context.Context, args []string, stored bool, f verifyFlags, at time.Time) (*verifier, error) {
	if err := f.check(); err != nil || !f.on {
		return nil, err
	}
	declared, err := a.declaredRules(args, stored)
	if err != nil {
		return nil, err
	}
	v := &verifier{rules: jwt.Rules{
		Issuer: cmp.Or(f.issuer, declared.Issuer), Audience: cmp.Or(f.audience, declared.Audience),
		Algorithms: f.algorithms, Type: f.typeName, At: at, Leeway: f.leeway,
	}}
	if len(f.algorithms) == 0 {
		v.rules.Algorithms = declared.Algorithms
	}
	if f.issuerURL != "" && f.issuer == "" {
		v.rules.Issuer = f.issuerURL
	}
	if err := demandRules(v.rules); err != nil {
		return nil, err
	}
	if v.keys, err = a.keySource(ctx, f, declared); err != nil {
		return nil, err
	}
	v.rules.Keys, err = v.keys.Keys(ctx)
	return v, err
}

// demandRules refuses to verify half: without issuer and audience a token that
// was made for somebody else would pass (RFC 8725 §3.8, §3.9).
func demandRules(r jwt.Rules) error {
	switch {
	case r.Issuer == "":
		return fault.New(fault.Usage, "add --issuer NAME, or --issuer any to take all", "no issuer is demanded")
	case r.Audience == "":
		return fault.New(fault.Usage, "add --audience NAME, or --audience any to take all", "no audience is demanded")
	}
	return nil
}

// declared is verify: of a profile; empty without one.
type declared struct {
	profile.Verify
	owner *profile.Profile
}

// declaredRules reads what the named profile demands of its tokens.
func (a *app) declaredRules(args []string, stored bool) (declared, error) {
	name := a.selected.profile
	if stored && len(args) > 0 {
		name = args[0]
	}
	if name == "" {
		return declared{}, nil
	}
	p, err := a.profile(name)
	if err != nil {
		return declared{}, err
	}
	if err := checkAlgorithms(false, p.Verify.Algorithms); err != nil {
		return declared{}, fault.New(fault.Profile, fault.HintOf(err), "profile %s: verify: algorithms: %w", name, err)
	}
	return declared{p.Verify, p}, nil
}

// keySource is what the flags name, else what the profile declares.
func (a *app) keySource(ctx context.Context, f verifyFlags, d declared) (keySource, error) {
	client := a.keyClient()
	switch {
	case f.key != "":
		return a.keyFile(ctx, f.key, jwt.KeyType(f.keyType))
	case f.jwksURL != "":
		return client.Set(f.jwksURL)
	case f.issuerURL != "":
		return client.Discover(ctx, f.issuerURL)
	case strings.Contains(d.Keys, "://"):
		set, err := client.Set(d.Keys)
		if err != nil {
			return nil, fault.New(fault.Profile, fault.HintOf(err), "profile %s: verify: keys: %w", d.owner.Name, err)
		}
		return set, nil
	case d.Keys != "":
		path := (&call.Client{Home: a.env.Getenv("HOME")}).File(d.owner, d.Keys)
		return a.keyFile(ctx, path, jwt.KeyByContent)
	}
	return nil, fault.New(fault.Usage, "add --key FILE, --jwks-url URL or --issuer-url URL", "no key to verify with is given")
}

// keyClient fetches published keys.
func (a *app) keyClient() *jwks.Client {
	client := &jwks.Client{
		HTTP: call.NewHTTP(a.env.Getenv), Now: a.env.Now, Timeout: a.timeout, UserAgent: "authctl/" + a.env.Version,
		Folder: place.Under(a.settings.paths.State, "jwks"),
	}
	if a.verbose {
		client.Trace = a.trace
	}
	return client
}

// keyFile reads keys from a file, or from standard input for "-".
func (a *app) keyFile(ctx context.Context, path string, kind jwt.KeyType) (fixedKeys, error) {
	data, err := patiently(ctx, func() ([]byte, error) {
		if path == "-" {
			return readSome(a.env.Stdin, maxInput)
		}
		return readFile(path, maxInput)
	})
	if err != nil {
		return nil, fault.New(fault.Usage, "", "read the key: %w", err)
	}
	if len(data) > maxInput {
		return nil, fault.New(fault.Usage, "", "the key is longer than 1 MiB")
	}
	keys, err := jwt.ReadKeys(data, kind)
	if err != nil {
		hint := ""
		if kind == jwt.KeyByContent {
			hint = "for a shared secret add --key-type hmac or hmac-base64"
		}
		return nil, fault.New(fault.Usage, hint, "the key: %w", err)
	}
	return keys, nil
}
