package jwt

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"
)

// Any waives the check of issuer or audience.
const Any = "any"

// Rules are what a token must fulfil. An issuer or audience that is empty fits
// no token: to waive it takes Any.
type Rules struct {
	Keys       []Key
	Algorithms []string // of those that the keys allow; empty: all of them
	Issuer     string
	Audience   string
	Type       string // typ of the header (RFC 8725 §3.11); empty: any
	At         time.Time
	Leeway     time.Duration // between clocks
}

// Check is one thing that was looked at.
type Check struct {
	Name string `json:"check"` // stable, for programs
	OK   bool   `json:"ok"`
	Text string `json:"text"` // plain English, with what is from the token quoted
}

// Verdict is the result of all checks. A check that could not be made has
// failed.
type Verdict struct {
	Checks     []Check
	UnknownKey bool // the token names a key that is not among those given
}

// Valid says whether the token passed every check.
func (v Verdict) Valid() bool { return len(v.Checks) > 0 && len(v.Failed()) == 0 }

// Failed names the checks that failed.
func (v Verdict) Failed() []string {
	var names []string
	for _, c := range v.Checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return names
}

// Passed says whether a check was made and passed.
func (v Verdict) Passed(name string) bool {
	return slices.ContainsFunc(v.Checks, func(c Check) bool { return c.Name == name && c.OK })
}

// The names of the checks.
const (
	checkForm      = "form"
	checkContent   = "content"
	checkCritical  = "critical"
	checkAlgorithm = "algorithm"
	checkKey       = "key"
	CheckSignature = "signature"
	checkType      = "type"
	checkExpiry    = "expiry"
	checkNotBefore = "not-before"
	checkIssued    = "issued"
	checkIssuer    = "issuer"
	checkAudience  = "audience"
	checkClaims    = "claims"
)

func (v *Verdict) pass(name, format string, args ...any) {
	v.Checks = append(v.Checks, Check{name, true, fmt.Sprintf(format, args...)})
}

func (v *Verdict) fail(name, format string, args ...any) {
	v.Checks = append(v.Checks, Check{name, false, fmt.Sprintf(format, args...)})
}

// Verify makes all checks (RFC 8725). The keys decide the algorithm, never the
// token, and nothing that a token names is fetched or used as a key. Only the
// signature is left to golang-jwt: its parser lets through any crit, duplicate
// names, line breaks and more (threat 16).
func (t *Token) Verify(r Rules) Verdict {
	var v Verdict
	t.verifyForm(&v)
	if t.Kind != KindJWT && t.Kind != KindJWS {
		return v
	}
	t.verifyContent(&v)
	t.verifyCritical(&v)
	t.verifySignature(&v, r)
	t.verifyType(&v, r)
	if t.Kind != KindJWT {
		v.fail(checkClaims, "the payload holds no claims")
		return v
	}
	t.verifyTimes(&v, r)
	t.verifyIssuer(&v, r)
	t.verifyAudience(&v, r)
	t.verifyTexts(&v)
	return v
}

func (t *Token) verifyForm(v *Verdict) {
	switch {
	case t.Kind == KindJWE:
		v.fail(checkForm, "it is encrypted: only who has its key can verify it")
	case t.Kind == KindOpaque:
		v.fail(checkForm, "it is no JSON Web Token")
	case t.has("b64"):
		v.fail(checkForm, "the payload is not encoded (b64)")
	case t.has("bad-base64") || t.has("odd-base64"):
		v.fail(checkForm, "a part is not strict base64url")
	default:
		v.pass(checkForm, "three parts in strict base64url")
	}
}

func (t *Token) verifyContent(v *Verdict) {
	switch {
	case t.has("invalid-utf8"):
		v.fail(checkContent, "there are bytes that are not UTF-8")
	case t.has("duplicate-name"):
		v.fail(checkContent, "a name stands more than once")
	default:
		v.pass(checkContent, "UTF-8, and every name once")
	}
}

// verifyCritical refuses every extension: none is understood (RFC 7515 §4.1.11).
func (t *Token) verifyCritical(v *Verdict) {
	if t.headerValue("crit") != nil {
		v.fail(checkCritical, "the header demands extensions (crit), and none is understood here")
		return
	}
	v.pass(checkCritical, "no extension is demanded")
}

// verifySignature finds the keys that may have signed and tries them.
func (t *Token) verifySignature(v *Verdict, r Rules) {
	allowed := r.allowed()
	if !slices.Contains(allowed, t.Algorithm) {
		v.fail(checkAlgorithm, "%s is not allowed: %s", quote(t.Algorithm), oneOf(allowed))
	} else {
		v.pass(checkAlgorithm, "%s is allowed", t.Algorithm)
	}
	keys := t.verifyKey(v, r, slices.Contains(allowed, t.Algorithm))
	for _, key := range keys {
		if t.signedWith(key) {
			v.pass(CheckSignature, "%s, made with this key (%s)", t.Algorithm, key.kind())
			return
		}
	}
	switch len(keys) {
	case 0:
		v.fail(CheckSignature, "not checked: no key fits")
	case 1:
		v.fail(CheckSignature, "it was not made with this key, or the token was changed")
	default:
		v.fail(CheckSignature, "it was made with none of the %d keys that fit, or the token was changed", len(keys))
	}
}

// oneOf lists what would be allowed.
func oneOf(allowed []string) string {
	if len(allowed) == 0 {
		return "no key that can be used allows any"
	}
	return "the key and --alg allow " + strings.Join(allowed, ", ")
}

// allowed are the algorithms of all keys, as far as the user takes them.
func (r Rules) allowed() []string {
	var list []string
	for _, key := range r.Keys {
		for _, alg := range r.usable(key) {
			if !slices.Contains(list, alg) {
				list = append(list, alg)
			}
		}
	}
	return list
}

// usable are the algorithms that are allowed with a key.
func (r Rules) usable(key Key) []string {
	if key.Problem != "" {
		return nil
	}
	return slices.DeleteFunc(key.algorithms(), func(alg string) bool {
		return len(r.Algorithms) > 0 && !slices.Contains(r.Algorithms, alg)
	})
}

// verifyKey chooses the keys that fit name and algorithm. The name (kid) only
// chooses among the given keys (RFC 8725 §3.10).
func (t *Token) verifyKey(v *Verdict, r Rules, algorithmOK bool) []Key {
	id, named := t.headerText("kid"), t.headerValue("kid") != nil
	if named && !t.isText(t.Header, "kid") {
		v.fail(checkKey, "the name of the key (kid) is not a string")
		return nil
	}
	var fitting []Key
	known, problem := false, ""
	for _, key := range r.Keys {
		if named && !key.only && key.ID != "" && key.ID != id {
			continue
		}
		known = true
		if key.Problem != "" {
			problem = key.Problem
		}
		if slices.Contains(r.usable(key), t.Algorithm) {
			fitting = append(fitting, key)
		}
	}
	switch {
	case !known:
		v.UnknownKey = true
		v.fail(checkKey, "no key is called %s", quote(id))
	case len(fitting) == 0 && problem != "":
		v.fail(checkKey, "it cannot be used: %s", problem)
	case len(fitting) == 0 && algorithmOK:
		v.fail(checkKey, "the key is not for %s", t.Algorithm)
	case len(fitting) == 0:
		v.fail(checkKey, "no key for this algorithm")
	case named && !fitting[0].only:
		v.pass(checkKey, "%s is among the keys", quote(id))
	case fitting[0].only:
		v.pass(checkKey, "given by you, not by the token")
	default:
		v.pass(checkKey, "the token names none; those given are tried")
	}
	return fitting
}

// signedWith checks the signature with one key, whose kind fits the algorithm.
func (t *Token) signedWith(key Key) bool {
	content, part, _ := cutLast(t.text)
	signature, odd, ok := decodePart(part)
	method := signingMethod(t.Algorithm)
	return ok && odd == "" && method != nil && method.Verify(content, signature, key.public) == nil
}

func cutLast(text string) (before, after string, found bool) {
	if i := strings.LastIndexByte(text, '.'); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, "", false
}

// signingMethod returns golang-jwt's method, with a PSS salt of exactly the
// length that RFC 7518 §3.5 demands, and the other name of EdDSA (RFC 9864).
func signingMethod(alg string) golangjwt.SigningMethod {
	if alg == "Ed25519" {
		return golangjwt.SigningMethodEdDSA
	}
	method := golangjwt.GetSigningMethod(alg)
	if pss, ok := method.(*golangjwt.SigningMethodRSAPSS); ok {
		strict := *pss
		strict.VerifyOptions = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: pss.Hash}
		return &strict
	}
	return method
}

// verifyType compares typ without "application/" and case (RFC 7515 §4.1.9).
func (t *Token) verifyType(v *Verdict, r Rules) {
	plain := func(text string) string { return strings.TrimPrefix(strings.ToLower(text), "application/") }
	typ := t.headerText("typ")
	switch {
	case r.Type == "":
	case plain(typ) != plain(r.Type):
		v.fail(checkType, "it is of type %s, and %s is demanded", quote(typ), quote(r.Type))
	default:
		v.pass(checkType, "%s", quote(typ))
	}
}

func (t *Token) verifyTimes(v *Verdict, r Rules) {
	exp, ok := t.when(v, checkExpiry, "exp")
	switch {
	case !ok:
	case exp.IsZero():
		v.fail(checkExpiry, "it has no expiry (exp)")
	case !r.At.Before(exp.Add(r.Leeway)):
		v.fail(checkExpiry, "it expired at %s", stamp(exp))
	case !r.At.Before(exp):
		v.pass(checkExpiry, "it expired at %s, which is within the leeway of %s", stamp(exp), r.Leeway)
	default:
		v.pass(checkExpiry, "it expires at %s", stamp(exp))
	}
	t.verifyStart(v, r, checkNotBefore, "nbf", "it is not valid before %s")
	t.verifyStart(v, r, checkIssued, "iat", "it is issued in the future, at %s")
}

// verifyStart checks a time that must not lie ahead, where the token has it.
func (t *Token) verifyStart(v *Verdict, r Rules, check, claim, text string) {
	at, ok := t.when(v, check, claim)
	switch {
	case !ok || at.IsZero():
	case at.After(r.At.Add(r.Leeway)):
		v.fail(check, text, stamp(at))
	default:
		v.pass(check, "%s", stamp(at))
	}
}

// when returns a time of the token, zero if it has none. A claim that is no
// time fails the check.
func (t *Token) when(v *Verdict, check, claim string) (at time.Time, ok bool) {
	at = t.time(claim)
	if at.IsZero() && lastValue(t.Claims, claim) != nil {
		v.fail(check, "%s is no time between the years 1 and 9999", claim)
		return at, false
	}
	return at, true
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (t *Token) verifyIssuer(v *Verdict, r Rules) {
	issuer, isText := t.claimText("iss")
	switch {
	case r.Issuer == Any:
	case !isText:
		v.fail(checkIssuer, "it names no issuer (iss), and %s is demanded", quote(r.Issuer))
	case issuer != r.Issuer || issuer == "":
		v.fail(checkIssuer, "it is from %s, and %s is demanded", quote(issuer), quote(r.Issuer))
	default:
		v.pass(checkIssuer, "%s", quote(issuer))
	}
}

func (t *Token) verifyAudience(v *Verdict, r Rules) {
	audience, ok := t.audience()
	switch {
	case !ok:
		v.fail(checkAudience, "aud is neither a string nor a list of strings")
	case r.Audience == Any:
	case len(audience) == 0:
		v.fail(checkAudience, "it is for nobody in particular (aud), and %s is demanded", quote(r.Audience))
	case r.Audience == "" || !slices.Contains(audience, r.Audience):
		v.fail(checkAudience, "it is for %s, and %s is demanded", quoteList(audience), quote(r.Audience))
	default:
		v.pass(checkAudience, "%s", quote(r.Audience))
	}
}

// audience reads aud, one string or a list (RFC 7519 §4.1.3).
func (t *Token) audience() (list []string, ok bool) {
	raw := lastValue(t.Claims, "aud")
	if raw == nil {
		return nil, true
	}
	if one, ok := t.claimText("aud"); ok {
		return []string{one}, true
	}
	var each []*string
	if json.Unmarshal(raw, &each) != nil || each == nil || slices.Contains(each, nil) {
		return nil, false
	}
	for _, one := range each {
		list = append(list, *one)
	}
	return list, true
}

// verifyTexts checks the other claims that RFC 7519 §4.1 gives a form.
func (t *Token) verifyTexts(v *Verdict) {
	for _, name := range []string{"iss", "sub", "jti"} {
		if lastValue(t.Claims, name) != nil && !t.isText(t.Claims, name) {
			v.fail(checkClaims, "%s is not a string", name)
		}
	}
}

func (t *Token) isText(claims []Claim, name string) bool {
	raw := lastValue(claims, name)
	return len(raw) > 0 && raw[0] == '"'
}

// claimText returns a claim that is a string.
func (t *Token) claimText(name string) (text string, ok bool) {
	if !t.isText(t.Claims, name) {
		return "", false
	}
	return text, json.Unmarshal(lastValue(t.Claims, name), &text) == nil
}
