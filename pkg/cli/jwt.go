package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jwt"
	"github.com/authctl/authctl/pkg/token"
)

func (a *app) jwtCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jwt",
		Short: "Make keys and sign tokens, for tests",
		Long: `Make keys and sign JSON Web Tokens with them, to test what takes tokens. An
issuer that others rely on needs more than this. "authctl decode" shows and
verifies tokens.`,
		Example: `  authctl jwt keygen --alg ES256 --output pem > key.pem
  authctl jwt sign --key key.pem --claim sub=me --expires-in 1h`,
	}
	cmd.AddCommand(a.jwtSignCommand(), a.jwtKeygenCommand())
	return exitCodes(group(cmd))
}

// signOptions are the flags of jwt sign.
type signOptions struct {
	key, keyType, algorithm string
	file                    string
	claims, header          []string
	expiresIn               string
}

func (a *app) jwtSignCommand() *cobra.Command {
	var o signOptions
	cmd := &cobra.Command{
		Use:   "sign --key FILE",
		Short: "Sign a token for a test",
		Long: `Sign claims as a JSON Web Token, for tests, and print it. The claims come from a
JSON file (--claims FILE, or - for standard input) and from --claim NAME=VALUE,
which wins; a value that is JSON is taken as that, all else as text. iat is the
time of now, unless it is given.`,
		Example: `  authctl jwt sign --key key.pem --claim 'aud=["a"]' --expires-in 1h
  authctl jwt sign --key secret.txt --key-type hmac --claims claims.json
  authctl jwt sign --key key.pem --header typ=at+jwt --claims - < claims.json`,
		Args: between(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.signToken(cmd.Context(), o) },
	}
	addKeyFlags(a, cmd, &o.key, &o.keyType)
	flags := cmd.Flags()
	flags.StringVar(&o.algorithm, "alg", "", "`algorithm`, if not the usual one of the key")
	flags.StringVar(&o.file, "claims", "", "JSON `file` with claims, or -")
	flags.StringArrayVar(&o.claims, "claim", nil, "a claim: `NAME=VALUE` (may be repeated)")
	flags.StringArrayVar(&o.header, "header", nil, "a header parameter: `NAME=VALUE` (may be repeated)")
	flags.StringVar(&o.expiresIn, "expires-in", "", "set exp this `time` from now, such as 90s, 1h, 30d; -1h for one that is over")
	return exitCodes(cmd, 1)
}

func (a *app) signToken(ctx context.Context, o signOptions) error {
	if o.key == "" {
		return fault.New(fault.Usage, "authctl jwt keygen makes one", "no --key is given")
	}
	if o.key == "-" && o.file == "-" {
		return fault.New(fault.Usage, "give one of them as a file", "standard input can give one thing only")
	}
	keys, err := a.keyFile(ctx, o.key, jwt.KeyType(o.keyType))
	if err != nil {
		return err
	}
	if len(keys) != 1 {
		return fault.New(fault.Usage, "give one key", "the key file holds %s", count(len(keys), "key"))
	}
	claims, err := a.claimsToSign(ctx, o)
	if err != nil {
		return err
	}
	header, err := assignments("--header", o.header)
	if err != nil {
		return err
	}
	signed, err := jwt.SignWith(claims, header, o.algorithm, keys[0])
	if err != nil {
		return fault.New(fault.Usage, "", "sign: %w", err)
	}
	return a.reveal(token.NewSecret(signed))
}

// claimsToSign joins the file, the flags and the times.
func (a *app) claimsToSign(ctx context.Context, o signOptions) (map[string]any, error) {
	claims := map[string]any{}
	if o.file != "" {
		data, err := patiently(ctx, func() ([]byte, error) {
			if o.file == "-" {
				return readSome(a.env.Stdin, maxInput)
			}
			return readFile(o.file, maxInput)
		})
		if err != nil {
			return nil, fault.New(fault.Usage, "", "read the claims: %w", err)
		}
		if err := readJSON(data, &claims); err != nil || claims == nil {
			return nil, fault.New(fault.Usage, `write {"sub": "me"}`, "the claims are not one JSON object")
		}
	}
	given, err := assignments("--claim", o.claims)
	if err != nil {
		return nil, err
	}
	now := a.env.Now()
	if _, has := claims["iat"]; !has {
		claims["iat"] = now.Unix()
	}
	if o.expiresIn != "" {
		text, past := strings.CutPrefix(o.expiresIn, "-")
		span, err := parseTTL(text)
		if err != nil {
			return nil, fault.New(fault.Usage, "write --expires-in 1h", "--expires-in: %w", err)
		}
		if past {
			span = -span
		}
		claims["exp"] = now.Add(span).Unix()
	}
	for name, value := range given {
		claims[name] = value
	}
	return claims, nil
}

// assignments reads NAME=VALUE; a value that is JSON is taken as that.
func assignments(flag string, list []string) (map[string]any, error) {
	all := map[string]any{}
	for _, text := range list {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" {
			return nil, fault.New(fault.Usage, "write "+flag+" name=value", "%s %s: no value is given", flag, strconv.Quote(text))
		}
		var parsed any
		if readJSON([]byte(value), &parsed) != nil {
			parsed = value
		}
		all[name] = parsed
	}
	return all, nil
}

// readJSON reads one JSON value and keeps the digits of its numbers.
func readJSON(data []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fault.New(fault.Usage, "", "there is more than one JSON value")
	}
	return nil
}

// The values of jwt keygen --output beside json.
const (
	outputPEM = "pem"
	outputJWK = "jwk"
)

func (a *app) jwtKeygenCommand() *cobra.Command {
	algorithm := "ES256"
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make a key for tests",
		Long: `Make a key for tests and print it: with --output json both halves as JWK and
PEM, with pem the private and the public key, with jwk the private key, which
holds the public one. The name of the key (kid) is its thumbprint (RFC 7638).
RSA keys have 3072 bits.`,
		Example: `  authctl jwt keygen --output json
  (umask 077; authctl jwt keygen --alg RS256 --output pem > key.pem)
  authctl jwt keygen --alg HS256 --output jwk`,
		Args: between(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error { return a.generateKey(algorithm) },
	}
	algorithms := []string{"ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "HS256", "HS384", "HS512"}
	cmd.Flags().Var(&choice{value: &algorithm, of: algorithms}, "alg", "algorithm that the key is for")
	a.complete(cmd, "alg", algorithms)
	a.addOutput(cmd, outputJSON, outputPEM, outputJWK)
	return exitCodes(cmd, 1)
}

// keyHalf is one half of a key in its two forms.
type keyHalf struct {
	JWK *jwt.JWK `json:"jwk"`
	PEM string   `json:"pem,omitempty"`
}

func (a *app) generateKey(algorithm string) error {
	key, err := jwt.Generate(algorithm)
	if err != nil {
		return err
	}
	private, err := key.Private()
	if err != nil {
		return err
	}
	switch shared := strings.HasPrefix(algorithm, "HS"); {
	case a.output == outputJWK:
		return console.WriteJSON(a.out.Raw(), private)
	case shared && a.output == outputPEM:
		return fault.New(fault.Usage, "write --output jwk", "a shared secret has no form in PEM")
	case shared:
		return console.WriteJSON(a.out.Raw(), map[string]any{"private": keyHalf{JWK: &private}})
	}
	return a.printPair(key, private)
}

// printPair prints both halves.
func (a *app) printPair(key jwt.Key, private jwt.JWK) error {
	privatePEM, publicPEM, err := key.PEM()
	if err != nil {
		return err
	}
	if a.output == outputPEM {
		_, err := io.WriteString(a.out.Raw(), privatePEM+publicPEM)
		return err
	}
	public, err := key.Public()
	if err != nil {
		return err
	}
	return console.WriteJSON(a.out.Raw(), map[string]any{"private": keyHalf{&private, privatePEM}, "public": keyHalf{&public, publicPEM}})
}
