package token_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/token"
)

// opal is what must not be seen.
const opal = "opal-7Q"

// holder keeps a secret where fmt cannot call its methods.
type holder struct {
	Name   string
	hidden token.Secret
}

// TestThreat07_SecretDoesNotPrintItself formats a secret in every way that
// logs and error texts know.
func TestThreat07_SecretDoesNotPrintItself(t *testing.T) {
	t.Parallel()
	secret := token.NewSecret(opal)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%5.2s", "%-9v", "%t", "% x"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			if got := fmt.Sprintf(verb, secret); got != "[redacted]" {
				t.Errorf("the secret shows as %q", got)
			}
		})
	}
	values := map[string]any{
		"pointer":            &secret,
		"list":               []token.Secret{secret},
		"map":                map[string]token.Secret{"password": secret},
		"key":                map[token.Secret]int{secret: 1},
		"unexported field":   holder{Name: "x", hidden: secret},
		"pointer to holder":  &holder{Name: "x", hidden: secret},
		"session":            token.Session{Access: token.Access{AccessToken: secret}, RefreshToken: secret},
		"pointer to session": &token.Session{Credentials: map[string]token.Secret{"password": secret}},
		"error":              fmt.Errorf("no: %w", errors.Join(fmt.Errorf("%v", secret))),
	}
	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
				got := fmt.Sprintf(verb, value)
				if strings.Contains(got, opal) || strings.Contains(got, fmt.Sprintf("%x", opal)) {
					t.Errorf("%s shows the secret: %s", verb, got)
				}
			}
		})
	}
}

// TestThreat07_SecretDoesNotEncodeItself gives a secret to the encoders.
func TestThreat07_SecretDoesNotEncodeItself(t *testing.T) {
	t.Parallel()
	type document struct {
		XMLName xml.Name `json:"-" xml:"d"`
		Secret  token.Secret
		Known   map[string]token.Secret `xml:"-"`
	}
	value := document{Secret: token.NewSecret(opal), Known: map[string]token.Secret{"p": token.NewSecret(opal)}}
	encoded, err := json.Marshal(value)
	if want := `{"Secret":"[redacted]","Known":{"p":"[redacted]"}}`; err != nil || string(encoded) != want {
		t.Errorf("JSON: %s, %v; want %s", encoded, err, want)
	}
	encoded, err = xml.Marshal(value)
	if want := `<d><Secret>[redacted]</Secret></d>`; err != nil || string(encoded) != want {
		t.Errorf("XML: %s, %v; want %s", encoded, err, want)
	}
	var gobbed bytes.Buffer
	if err := gob.NewEncoder(&gobbed).Encode(value.Secret); err == nil && strings.Contains(gobbed.String(), opal) {
		t.Errorf("gob holds the secret: %q", gobbed.String())
	}
	var logged bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	logger.Info("login", "password", value.Secret)
	if want := "level=INFO msg=login password=[redacted]\n"; logged.String() != want {
		t.Errorf("the log says %q; want %q", logged.String(), want)
	}
}

// TestSecretIsNotReadFromRedactedText makes sure that what was written with
// "[redacted]" in it cannot come back as a secret.
func TestSecretIsNotReadFromRedactedText(t *testing.T) {
	t.Parallel()
	var secret token.Secret
	//lint:ignore SA9005 that it cannot be read is what is tested
	if err := json.Unmarshal([]byte(`"[redacted]"`), &secret); err == nil {
		t.Errorf("a secret was read: %q", secret.Reveal())
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	type facts struct {
		Text  string
		Zero  bool
		Equal bool // to opal
	}
	tests := map[string]struct {
		secret token.Secret
		want   facts
	}{
		"zero value": {token.Secret{}, facts{Zero: true}},
		"empty":      {token.NewSecret(""), facts{Zero: true}},
		"same":       {token.NewSecret(opal), facts{Text: opal, Equal: true}},
		"longer":     {token.NewSecret(opal + "x"), facts{Text: opal + "x"}},
		"any bytes":  {token.NewSecret("\x00\xff\n"), facts{Text: "\x00\xff\n"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := facts{test.secret.Reveal(), test.secret.IsZero(), test.secret.Equal(token.NewSecret(opal))}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
