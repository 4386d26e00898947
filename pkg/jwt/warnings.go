package jwt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// longLife is a lifetime that is told as long: more than a year, leap or
	// not.
	longLife = 366 * 24 * time.Hour
	// clockSkew is how far in the future a token may be issued before it is
	// told: clocks differ by seconds.
	clockSkew = time.Minute
	// maxHeader is the longest line of a header that many servers take: Apache's
	// limit, and a little less than nginx's.
	maxHeader = 8190
	// maxQuoted is how much of a value from a token is repeated in a warning.
	maxQuoted = 60
	// maxNamed is how many names a warning lists.
	maxNamed = 5
)

// Warning is something to know about a token.
type Warning struct {
	Code string `json:"code"` // stable, for programs
	Text string `json:"text"` // plain English, with what is from the token quoted
}

// Warnings returns what there is to know about the token at a point in time:
// first what is always so, in the order of the token.
func (t *Token) Warnings(now time.Time) []Warning {
	return append(slices.Clone(t.findings), t.timeWarnings(now)...)
}

// find enters a finding that does not depend on the time, once.
func (t *Token) find(code, format string, args ...any) {
	w := Warning{code, fmt.Sprintf(format, args...)}
	if !slices.Contains(t.findings, w) {
		t.findings = append(t.findings, w)
	}
}

// has says whether there is a finding of a code.
func (t *Token) has(code string) bool {
	return slices.ContainsFunc(t.findings, func(w Warning) bool { return w.Code == code })
}

// timeWarnings compares the registered times of a JWT with now. Claims that
// are no time have been told already.
func (t *Token) timeWarnings(now time.Time) []Warning {
	if t.Kind != KindJWT {
		return nil
	}
	var list []Warning
	tell := func(code, text string) { list = append(list, Warning{code, text}) }
	exp, nbf, iat := t.time("exp"), t.time("nbf"), t.time("iat")
	start := iat
	if start.IsZero() {
		start = nbf
	}
	if start.IsZero() {
		start = now
	}
	switch {
	case lastValue(t.Claims, "exp") == nil:
		tell("no-exp", "it has no expiry (exp)")
	case !exp.IsZero() && !now.Before(exp):
		tell("expired", "it has expired")
	}
	if now.Before(nbf) {
		tell("not-yet-valid", "it is not valid yet (nbf)")
	}
	if iat.After(now.Add(clockSkew)) {
		tell("issued-in-future", "it was issued in the future (iat): one of the clocks is wrong")
	}
	if exp.Unix()-start.Unix() > int64(longLife/time.Second) {
		tell("long-lived", "it lasts for more than a year")
	}
	return list
}

// time returns a registered time of the token, zero if it has none.
func (t *Token) time(name string) time.Time {
	for i := len(t.Claims) - 1; i >= 0; i-- {
		if t.Claims[i].Name == name {
			return t.Claims[i].Time
		}
	}
	return time.Time{}
}

// readTimes reads the registered times and tells those that are none.
func (t *Token) readTimes() {
	for i := range t.Claims {
		c := &t.Claims[i]
		if !isTime(c.Name) {
			continue
		}
		at, isNumber, ok := numericDate(c.JSON)
		switch {
		case ok:
			c.Time = at
		case isNumber:
			t.find("time-out-of-range", "%s is no time between the years 1 and 9999", c.Name)
		default:
			t.find("not-a-time", "%s is not a number", c.Name)
		}
	}
}

// noteHeader tells what in a header is to be known (RFC 8725 §3).
func (t *Token) noteHeader() {
	switch alg := t.headerValue("alg"); {
	case alg == nil:
		t.find("alg-missing", "the header names no algorithm (alg)")
	case t.Algorithm == "" && string(alg) != `""`:
		t.find("alg-unknown", "alg is not a string")
	case strings.EqualFold(t.Algorithm, "none"):
		t.find("alg-none", "it is not signed (alg is %s): anybody can have written it", quote(t.Algorithm))
	case !t.AlgorithmKnown:
		t.find("alg-unknown", "unknown algorithm %s", quote(t.Algorithm))
	}
	for _, name := range []string{"jku", "jwk", "x5u", "x5c"} {
		if t.headerValue(name) != nil {
			t.find("key-in-token", "the header brings its own key (%s): a key named inside the token is never used", name)
		}
	}
	if crit := t.headerValue("crit"); crit != nil {
		var names []string
		if json.Unmarshal(crit, &names) != nil || len(names) == 0 {
			t.find("crit", "crit is not a list of names")
			return
		}
		t.find("crit", "the header demands extensions (crit): %s", quoteList(names))
	}
}

// noteLength tells a token that many servers will not take.
func (t *Token) noteLength() {
	if line := len("Authorization: Bearer ") + t.Length; line > maxHeader {
		t.find("too-long", "as a header line it has %d bytes: many servers take no more than 8 KiB", line)
	}
}

// noteSensitive tells claims whose name says that they should not stand where
// everybody who has the token can read them.
func (t *Token) noteSensitive(obj *object) {
	var names []string
	for _, m := range obj.members {
		if sensitiveName(m.name) && !slices.Contains(names, m.name) {
			names = append(names, m.name)
		}
	}
	if len(names) > 0 {
		t.find("sensitive", "claims are not encrypted, and this looks sensitive: %s", quoteList(names))
	}
}

// sensitiveName compares without case and divisions: "clientSecret" is
// "client_secret".
func sensitiveName(name string) bool {
	plain := strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(name))
	return slices.Contains([]string{
		"password", "passwd", "pwd", "passphrase", "pin", "otp", "secret", "clientsecret", "apikey", "privatekey", "secretkey",
		"accesstoken", "refreshtoken", "ssn", "socialsecuritynumber", "creditcard", "creditcardnumber", "cardnumber", "cvv", "cvc", "iban",
	}, plain)
}

// noteSignature tells a signature part that does not fit the algorithm or is
// not what it should be.
func (t *Token) noteSignature(part string) {
	none := strings.EqualFold(t.Algorithm, "none")
	switch {
	case part == "" && !none:
		t.find("signature-missing", "the signature is empty")
	case part != "" && none:
		t.find("signature-unexpected", "there is a signature although alg is none")
	}
	t.notePart("signature", part)
}

// notePart tells a part that is not strict base64url.
func (t *Token) notePart(name, part string) {
	_, odd, ok := decodePart(part)
	if !ok {
		t.find("bad-base64", "the %s is not base64url", name)
		return
	}
	t.noteOdd(name, odd)
}

// noteOdd tells a part that a strict reader would refuse.
func (t *Token) noteOdd(name, odd string) {
	if odd != "" {
		t.find("odd-base64", "the %s is written with %s, which a strict reader refuses", name, odd)
	}
}

// noteObject tells what is wrong with JSON that could be read.
func (t *Token) noteObject(name string, raw []byte, obj *object) {
	if !utf8.Valid(raw) {
		t.find("invalid-utf8", "the %s: bytes that are not UTF-8", name)
	}
	if len(obj.duplicates) > 0 {
		t.find("duplicate-name", "the %s: more than one %s, and programs differ in which they take",
			name, quoteList(obj.duplicates))
	}
}

// quoteList lists a few names.
func quoteList(names []string) string {
	var quoted []string
	for _, name := range names[:min(len(names), maxNamed)] {
		quoted = append(quoted, quote(name))
	}
	list := strings.Join(quoted, ", ")
	if more := len(names) - maxNamed; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// quote puts a value from a token into a message, shortened and with every
// control character escaped.
func quote(text string) string {
	if runes := []rune(text); len(runes) > maxQuoted {
		return strconv.Quote(string(runes[:maxQuoted])) + "…"
	}
	return strconv.Quote(text)
}

// knownSignature says whether an algorithm signs (RFC 7518 §3.1, RFC 8037,
// RFC 8812, RFC 9864).
func knownSignature(alg string) bool {
	return slices.Contains([]string{
		"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
		"ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "Ed448", "none",
	}, alg)
}

// knownKeyAlgorithm says whether an algorithm encrypts the key of a JWE
// (RFC 7518 §4.1, IANA registry).
func knownKeyAlgorithm(alg string) bool {
	return slices.Contains([]string{
		"dir", "RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512",
		"A128KW", "A192KW", "A256KW", "A128GCMKW", "A192GCMKW", "A256GCMKW",
		"ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW",
		"PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW",
	}, alg)
}

// knownEncryption says whether an algorithm encrypts the content of a JWE
// (RFC 7518 §5.1).
func knownEncryption(enc string) bool {
	return slices.Contains([]string{
		"A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM",
	}, enc)
}
