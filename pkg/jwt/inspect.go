// Package jwt tells what a token is: a JSON Web Token (RFC 7519) with its
// header and claims exactly as they were written, another signed or encrypted
// token (RFC 7515, RFC 7516), or opaque text. It trusts nothing in a token and
// fetches nothing; what it returns is not safe to print before it has passed
// console.Sanitize. It also signs claims.
package jwt

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/authctl/authctl/pkg/fault"
)

// maxInput is the length above which text is not looked at: no server takes a
// header anywhere near as long.
const maxInput = 1 << 20

// Kind is what a token is.
type Kind string

// The kinds of tokens.
const (
	KindJWT    Kind = "JWT"    // signed claims (RFC 7519)
	KindJWS    Kind = "JWS"    // signed content that is not claims (RFC 7515)
	KindJWE    Kind = "JWE"    // encrypted (RFC 7516)
	KindOpaque Kind = "opaque" // none of these: only its server can read it
)

// Token is what can be said of a token without a key. Its signature is never
// checked here.
type Token struct {
	Kind   Kind
	Reason string // why it is opaque, or whose it looks like; else empty
	Length int    // of the token, in bytes

	Header []Claim // in the token's order, duplicates included
	Claims []Claim // likewise; none unless it is a JWT

	HeaderJSON json.RawMessage // exactly as in the token; nil if unreadable
	ClaimsJSON json.RawMessage // exactly as in the token; nil unless it is a JWT
	Payload    []byte          // the content of a JWS that is no JWT
	Inner      *Token          // the token that this content is, if it is one (RFC 7519 §7.2)

	Algorithm      string // "alg" of the header (RFC 7515 §4.1.1); empty if absent or no string
	AlgorithmKnown bool   // whether it is a registered one (RFC 7518, RFC 8037, RFC 9864)
	Encryption     string // "enc" of a JWE's header (RFC 7516 §4.1.2)
	HasSignature   bool   // whether the signature part is there; not whether it is right

	text     string    // the token itself
	findings []Warning // what is to be told, whatever the time
}

// Clean takes a token out of the text that people paste: blanks around it,
// quotation marks, a scheme as in "Bearer x" or "Token x" (RFC 6750 §2.1), and
// the name of the header line "Authorization: Bearer x", in any case.
func Clean(text string) string {
	for {
		before := text
		text = strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
		if n := len(text); n >= 2 && text[0] == text[n-1] && strings.ContainsRune("\"'`", rune(text[0])) {
			text = text[1 : n-1]
		}
		if name, value, found := strings.Cut(text, ":"); found && strings.EqualFold(strings.TrimSpace(name), "authorization") {
			text = value
		}
		if i := strings.IndexFunc(text, unicode.IsSpace); i > 0 && isScheme(text[:i]) {
			text = text[i:]
		}
		if text == before {
			return text
		}
	}
}

func isScheme(word string) bool {
	return strings.EqualFold(word, "bearer") || strings.EqualFold(word, "token")
}

// Inspect tells what a token is. It fails only if there is no text or more than
// 1 MiB of it; a token that cannot be read is a finding, not an error.
func Inspect(text string) (*Token, error) {
	if len(text) > maxInput {
		return nil, errTooLong()
	}
	text = Clean(text)
	if text == "" {
		return nil, fault.New(fault.Usage, "", "there is no token in the input")
	}
	return look(text), nil
}

// look takes clean text. A token inside is shorter than its payload, so
// that a nest of them ends.
func look(text string) *Token {
	t := &Token{Kind: KindOpaque, Length: len(text), text: text}
	// One more than a JWE has is enough to know that there are too many.
	parts := strings.SplitN(text, ".", 6)
	if len(parts) != 3 && len(parts) != 5 {
		t.Reason = opaqueReason(text, len(parts))
		return t
	}
	if !t.readHeader(parts[0]) {
		t.Reason = opaqueReason(text, len(parts))
		return t
	}
	t.noteLength()
	if len(parts) == 5 {
		t.readJWE(parts)
	} else {
		t.readJWS(parts)
	}
	return t
}

// readHeader reads the first part; it says whether it is a JOSE header, which
// is a JSON object (RFC 7515 §4).
func (t *Token) readHeader(part string) bool {
	raw, odd, ok := decodePart(part)
	if !ok {
		return false
	}
	obj, err := readObject(raw)
	if err != nil {
		return false
	}
	t.HeaderJSON, t.Header = raw, obj.claims(headerMeanings())
	t.noteOdd("header", odd)
	t.noteObject("header", raw, obj)
	t.Algorithm = t.headerText("alg")
	return true
}

// readJWE reads what is open in an encrypted token: its header.
func (t *Token) readJWE(parts []string) {
	t.Kind = KindJWE
	t.Encryption = t.headerText("enc")
	t.AlgorithmKnown = knownKeyAlgorithm(t.Algorithm)
	t.noteHeader()
	if !knownEncryption(t.Encryption) {
		t.find("enc-unknown", "unknown content encryption %s", quote(t.Encryption))
	}
	for i, name := range []string{"encrypted key", "initialization vector", "ciphertext", "authentication tag"} {
		t.notePart(name, parts[i+1])
	}
}

// readJWS reads the payload and looks at the signature's form.
func (t *Token) readJWS(parts []string) {
	t.Kind = KindJWS
	t.AlgorithmKnown = knownSignature(t.Algorithm)
	t.HasSignature = parts[2] != ""
	t.noteHeader()
	t.noteSignature(parts[2])
	if string(t.headerValue("b64")) == "false" {
		t.Payload = []byte(parts[1])
		t.find("b64", "the payload is not encoded (b64 is false, RFC 7797)")
		return
	}
	raw, odd, ok := decodePart(parts[1])
	if !ok {
		t.Kind = KindOpaque
		t.Reason = "three parts and a header like a JWT, but the payload is not base64url: cut off or damaged"
		return
	}
	t.noteOdd("payload", odd)
	if len(raw) == 0 {
		t.find("not-claims", "the payload is empty: it is kept elsewhere (detached) or there is none")
		return
	}
	obj, err := readObject(raw)
	if err != nil {
		t.Payload = raw
		t.readInner()
		if t.Inner == nil {
			t.find("not-claims", "the payload holds no claims: %v", err)
		}
		return
	}
	t.Kind, t.ClaimsJSON, t.Claims = KindJWT, raw, obj.claims(claimMeanings())
	t.noteObject("claims", raw, obj)
	t.noteSensitive(obj)
	t.readTimes()
}

// readInner sees whether the signed content is a token itself.
func (t *Token) readInner() {
	if dots := strings.Count(string(t.Payload), "."); dots != 2 && dots != 4 {
		return
	}
	if inner := look(string(t.Payload)); inner.Kind != KindOpaque {
		t.Inner = inner
		t.find("nested", "the payload is another token, and this signature says nothing about that one's")
	}
}

// headerValue returns a header parameter as JSON; the last one counts if there
// are several, and they are told as duplicates.
func (t *Token) headerValue(name string) json.RawMessage { return lastValue(t.Header, name) }

// headerText returns a header parameter that is a string.
func (t *Token) headerText(name string) string {
	var text string
	if json.Unmarshal(t.headerValue(name), &text) != nil {
		return ""
	}
	return text
}

// lastValue returns the JSON of the last claim of a name, nil if there is none.
func lastValue(claims []Claim, name string) json.RawMessage {
	for i := len(claims) - 1; i >= 0; i-- {
		if claims[i].Name == name {
			return claims[i].JSON
		}
	}
	return nil
}

// opaqueReason says what can still be said of text that is no JWT.
func opaqueReason(text string, parts int) string {
	switch {
	case text[0] == '{' || text[0] == '[':
		return jsonReason([]byte(text))
	case strings.IndexFunc(text, unicode.IsSpace) >= 0:
		return "there are blanks or line breaks inside, which no token has"
	}
	if maker := knownPrefix(text); maker != "" {
		return "not a JWT; it starts like " + maker
	}
	switch parts {
	case 1:
		return "not a JWT: it has no dots, a JWT has three parts divided by dots"
	case 3, 5:
		return "not a JWT: the first part is not a JSON object in base64url"
	case 6:
		return "not a JWT: it has more than five parts, a JWT has three"
	default:
		return fmt.Sprintf("not a JWT: it has %d parts, a JWT has three", parts)
	}
}

// jsonReason says what JSON without a token in it is.
func jsonReason(text []byte) string {
	obj, err := readObject(text)
	if err != nil {
		return "this is JSON, not a token by itself"
	}
	has := func(name string) bool { return obj.value(name) != nil }
	switch {
	case has("payload") && (has("signatures") || has("signature")):
		return "this is a signature in JSON form (RFC 7515 §7.2); only the compact form can be read here"
	case has("ciphertext"):
		return "this is encrypted content in JSON form (RFC 7516 §7.2); only the compact form can be read here"
	case has("kty") || has("keys"):
		return "this is a key or key set (RFC 7517), not a token"
	}
	return "this is JSON, not a token by itself"
}

// knownPrefix names the makers that mark their tokens by how they start, as
// their documentation says.
func knownPrefix(text string) string {
	for _, p := range []struct{ prefix, maker string }{
		{"github_pat_", "a GitHub fine-grained personal access token"},
		{"ghp_", "a GitHub personal access token"},
		{"gho_", "a GitHub OAuth token"},
		{"ghu_", "a GitHub app's user token"},
		{"ghs_", "a GitHub app's installation token"},
		{"ghr_", "a GitHub app's refresh token"},
		{"glpat-", "a GitLab personal access token"},
		{"xoxb-", "a Slack bot token"},
		{"xoxp-", "a Slack user token"},
		{"hvs.", "a HashiCorp Vault service token"},
		{"hvb.", "a HashiCorp Vault batch token"},
		{"npm_", "an npm token"},
		{"pypi-", "a PyPI token"},
		{"dop_v1_", "a DigitalOcean personal access token"},
		{"v2.local.", "a PASETO"}, {"v2.public.", "a PASETO"},
		{"v3.local.", "a PASETO"}, {"v3.public.", "a PASETO"},
		{"v4.local.", "a PASETO"}, {"v4.public.", "a PASETO"},
	} {
		if strings.HasPrefix(text, p.prefix) {
			return p.maker
		}
	}
	return ""
}
