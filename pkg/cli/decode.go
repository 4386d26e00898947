package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jwt"
)

func (a *app) decodeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "decode [TOKEN]",
		Short: "Show what is in a token",
		Long: `Show header and claims of a JSON Web Token with its times in words. The token is
the argument, comes from a file (@file) or from standard input ("-" or nothing);
"Bearer x" and a whole header line will do. No profile, store or network is
used, and the signature is not checked.

An argument can be seen by other users of this machine: for a live token use
standard input.`,
		Example: `  authctl token zumrails | authctl decode
  authctl decode --output json < token.txt`,
		Args: between(0, 1, "one token at most"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.tokenText(cmd.Context(), args)
			if err != nil {
				return err
			}
			t, err := jwt.Inspect(text)
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return console.WriteJSON(a.out, a.decodedJSON(t))
			}
			_, err = io.WriteString(a.out, a.decodedText(t))
			return err
		},
	}
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd)
}

// tokenText is the argument, a file (@file), or standard input.
func (a *app) tokenText(ctx context.Context, args []string) (string, error) {
	if len(args) == 1 && args[0] != "-" && !strings.HasPrefix(args[0], "@") {
		return args[0], nil
	}
	if len(args) == 0 && console.IsTerminal(a.env.Stdin) {
		return "", fault.New(fault.Usage, "authctl token PROFILE | authctl decode", "no token is given")
	}
	data, err := patiently(ctx, func() ([]byte, error) {
		if len(args) == 1 && args[0] != "-" {
			return readFile(args[0][1:], maxInput)
		}
		return readSome(a.env.Stdin, maxInput)
	})
	if err != nil {
		return "", fault.New(fault.Usage, "", "read the token: %w", err)
	}
	return string(data), nil
}

// decodedText is what a person sees of a token.
func (a *app) decodedText(t *jwt.Token) string {
	var b strings.Builder
	heading := func(text string) { fmt.Fprintf(&b, "%s\n", a.out.Paint(console.Bold, text)) }
	heading(kindText(t))
	if t.Reason != "" {
		fmt.Fprintf(&b, "  %s\n", console.Sanitize(t.Reason))
	}
	if len(t.Header) > 0 {
		heading("header")
		a.writeClaims(&b, t.Header)
	}
	if len(t.Claims) > 0 {
		heading("claims")
		a.writeClaims(&b, t.Claims)
	}
	if t.Kind == jwt.KindJWS {
		heading("payload")
		fmt.Fprintf(&b, "  %s\n", console.Sanitize(string(t.Payload)))
	}
	if t.Kind == jwt.KindJWT || t.Kind == jwt.KindJWS {
		heading("signature")
		fmt.Fprintf(&b, "  %s\n", signatureText(t))
	}
	for _, w := range t.Warnings(a.env.Now()) {
		fmt.Fprintf(&b, "%s %s\n", a.out.Paint(console.Warn, "warning:"), console.Sanitize(w.Text))
	}
	return b.String()
}

func kindText(t *jwt.Token) string {
	switch t.Kind {
	case jwt.KindJWT:
		return fmt.Sprintf("JSON Web Token, %d bytes", t.Length)
	case jwt.KindJWS:
		return fmt.Sprintf("signed content that is no JSON Web Token, %d bytes", t.Length)
	case jwt.KindJWE:
		return fmt.Sprintf("encrypted token (JWE), %d bytes: only its header can be read", t.Length)
	default:
		return fmt.Sprintf("opaque token, %d bytes", t.Length)
	}
}

func signatureText(t *jwt.Token) string {
	if !t.HasSignature {
		return "none"
	}
	return "present, not verified"
}

// maxClaimName is the longest name that the others are aligned with, in bytes.
const maxClaimName = 16

// writeClaims writes one claim a line: name, value as in the token, then what
// it means. A long name has a line of its own. A time is given in local form,
// in UTC and in words.
func (a *app) writeClaims(b *strings.Builder, claims []jwt.Claim) {
	width := 0
	for _, c := range claims {
		if n := len(console.Sanitize(c.Name)); n <= maxClaimName {
			width = max(width, n)
		}
	}
	indent := "\n  " + strings.Repeat(" ", width) + "  "
	for _, c := range claims {
		name := console.Sanitize(c.Name)
		b.WriteString("  " + a.out.Paint(console.Key, name))
		if len(name) > width {
			b.WriteString(indent)
		} else {
			b.WriteString(strings.Repeat(" ", width-len(name)) + "  ")
		}
		b.WriteString(console.Sanitize(string(c.JSON)))
		if c.Meaning != "" {
			b.WriteString("  " + a.out.Paint(console.Faint, c.Meaning))
		}
		if !c.Time.IsZero() {
			b.WriteString(indent + a.timeText(c.Time))
		}
		b.WriteByte('\n')
	}
}

// timeText gives a time in local form, in UTC, and in words.
func (a *app) timeText(t time.Time) string {
	now := a.env.Now()
	return fmt.Sprintf("%s, %s (%s)", console.Absolute(t.In(now.Location())), t.UTC().Format(time.RFC3339), console.Until(now, t))
}

// decoded is the JSON form of a token.
type decoded struct {
	Kind              jwt.Kind             `json:"kind"`
	Reason            string               `json:"reason,omitempty"`
	Length            int                  `json:"length"`
	Header            json.RawMessage      `json:"header,omitempty"`
	Claims            json.RawMessage      `json:"claims,omitempty"`
	Payload           string               `json:"payload,omitempty"`
	Times             map[string]time.Time `json:"times,omitempty"`
	SignaturePresent  bool                 `json:"signature_present"`
	SignatureVerified bool                 `json:"signature_verified"` // always false: nothing was verified
	Warnings          []jwt.Warning        `json:"warnings"`
}

func (a *app) decodedJSON(t *jwt.Token) decoded {
	d := decoded{
		Kind: t.Kind, Reason: t.Reason, Length: t.Length, Header: t.HeaderJSON, Claims: t.ClaimsJSON,
		Payload: string(t.Payload), SignaturePresent: t.HasSignature, Warnings: t.Warnings(a.env.Now()),
		Times: map[string]time.Time{},
	}
	if d.Warnings == nil {
		d.Warnings = []jwt.Warning{}
	}
	for _, c := range t.Claims {
		if !c.Time.IsZero() {
			d.Times[c.Name] = c.Time
		}
	}
	return d
}
