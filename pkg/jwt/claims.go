package jwt

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"strconv"
	"time"
)

// The last second of the year 9999, after which no date can be written in
// RFC 3339, and the first of the year 1.
const (
	lastSecond  = 253402300799
	firstSecond = -62135596800
)

// Claim is one claim or header parameter, ready to be shown.
type Claim struct {
	Name    string
	Meaning string          // in words; empty if the name is not a registered one
	JSON    json.RawMessage // exact: digits and escapes as in the token, blanks between them gone
	Time    time.Time       // for exp, nbf, iat, auth_time and updated_at, in UTC; else zero
}

// claims returns the members of an object with what their names mean.
func (o *object) claims(meanings map[string]string) []Claim {
	list := make([]Claim, 0, len(o.members))
	for _, m := range o.members {
		var compact bytes.Buffer
		_ = json.Compact(&compact, m.raw) // it has been read as JSON already
		list = append(list, Claim{Name: m.name, Meaning: meanings[m.name], JSON: compact.Bytes()})
	}
	return list
}

// isTime says whether a claim is a NumericDate (RFC 7519 §2) by its
// specification.
func isTime(name string) bool {
	switch name {
	case "exp", "nbf", "iat", "auth_time", "updated_at":
		return true
	}
	return false
}

// numericDate reads seconds since 1970, which may have a fraction. isNumber
// says whether it is a number at all; ok, whether it is a point in time between
// the years 1 and 9999.
func numericDate(raw json.RawMessage) (t time.Time, isNumber, ok bool) {
	text := string(raw)
	if text == "" || (text[0] != '-' && (text[0] < '0' || text[0] > '9')) {
		return time.Time{}, false, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n <= firstSecond || n > lastSecond {
			return time.Time{}, true, false
		}
		return time.Unix(n, 0).UTC(), true, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f <= firstSecond || f > lastSecond {
		return time.Time{}, true, false
	}
	// Around today a float64 is exact to a quarter of a microsecond.
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000).UTC(), true, true
}

// NumericDate reads a text as a token would write a time.
func NumericDate(text string) (t time.Time, ok bool) {
	t, _, ok = numericDate(json.RawMessage(text))
	return t, ok
}

// Time returns a registered time of a JWT: zero if it is absent, no time, or
// there more than once.
func (t *Token) Time(name string) time.Time {
	count := 0
	for _, c := range t.Claims {
		if c.Name == name {
			count++
		}
	}
	if count != 1 {
		return time.Time{}
	}
	return t.time(name)
}

// Expiry returns the expiry of an access token that is a JWT: the claim exp
// (RFC 7519 §4.1.4). ok is false if text is not exactly a JWT in strict
// base64url, or exp is absent, stands twice, is no number, is not after 1970 or
// is beyond the year 9999.
func Expiry(text string) (t time.Time, ok bool) { return pointInTime(text, "exp") }

// NotBefore returns when a JWT begins to be valid by its own claim nbf (RFC 7519
// §4.1.5); ok is as with Expiry.
func NotBefore(text string) (t time.Time, ok bool) { return pointInTime(text, "nbf") }

func pointInTime(text, claim string) (t time.Time, ok bool) {
	tok, err := Inspect(text)
	if err != nil || tok.Kind != KindJWT || tok.Length != len(text) || tok.has("odd-base64") || tok.has("bad-base64") {
		return time.Time{}, false
	}
	if t = tok.Time(claim); !t.After(time.Unix(0, 0)) {
		return time.Time{}, false
	}
	return t, true
}

// headerMeanings says in words what the registered header parameters are
// (RFC 7515 §4.1, RFC 7516 §4.1, RFC 7518 §4, RFC 7797).
func headerMeanings() map[string]string {
	return map[string]string{
		"alg":      "algorithm",
		"typ":      "type of the token",
		"cty":      "type of the content",
		"kid":      "name of the key",
		"enc":      "content encryption",
		"zip":      "compression",
		"crit":     "extensions that must be understood",
		"b64":      "whether the payload is encoded",
		"jku":      "address of a key set",
		"jwk":      "a key",
		"x5u":      "address of a certificate",
		"x5c":      "certificates",
		"x5t":      "SHA-1 of the certificate",
		"x5t#S256": "SHA-256 of the certificate",
		"epk":      "ephemeral public key",
		"apu":      "information on the sender",
		"apv":      "information on the recipient",
		"iv":       "initialization vector of the key",
		"tag":      "authentication tag of the key",
		"p2s":      "salt of the password",
		"p2c":      "rounds over the password",
	}
}

// claimMeanings says in words what the registered claims are, and the private
// ones of APIs that authctl ships a profile for.
func claimMeanings() map[string]string {
	meanings := personMeanings()
	maps.Copy(meanings, tokenMeanings())
	meanings["exi"] = "seconds until it expires, counted from iat (datarhei Core)"
	meanings["usefor"] = "what it can be used for (datarhei Core)"
	return meanings
}

// tokenMeanings are the claims about the token and the login (RFC 7519 §4.1,
// RFC 7800 §3.1, RFC 8693 §4, RFC 9068 §2.2, OpenID Connect Core §2 and §3).
func tokenMeanings() map[string]string {
	return map[string]string{
		"iss":          "issuer",
		"sub":          "subject: who it is about",
		"aud":          "audience: who it is for",
		"exp":          "expires",
		"nbf":          "not valid before",
		"iat":          "issued",
		"jti":          "id of the token",
		"azp":          "authorized party: who it was issued to",
		"client_id":    "client it was issued to",
		"scope":        "scope: what it allows",
		"roles":        "roles",
		"groups":       "groups",
		"entitlements": "entitlements",
		"act":          "who acts",
		"may_act":      "who may act",
		"cnf":          "key that the sender must prove to have",
		"sid":          "id of the session",
		"nonce":        "nonce of the login",
		"auth_time":    "time of the login",
		"acr":          "class of the login",
		"amr":          "means of the login",
		"at_hash":      "hash of the access token",
		"c_hash":       "hash of the code",
	}
}

// personMeanings are the claims about a person (OpenID Connect Core §5.1).
func personMeanings() map[string]string {
	return map[string]string{
		"email":                 "e-mail address",
		"email_verified":        "whether the e-mail address was verified",
		"phone_number":          "telephone number",
		"phone_number_verified": "whether the telephone number was verified",
		"name":                  "full name",
		"given_name":            "given name",
		"family_name":           "family name",
		"middle_name":           "middle name",
		"nickname":              "nickname",
		"preferred_username":    "user name",
		"profile":               "address of the profile page",
		"picture":               "address of a picture",
		"website":               "web site",
		"gender":                "gender",
		"birthdate":             "date of birth",
		"zoneinfo":              "time zone",
		"locale":                "language",
		"address":               "postal address",
		"updated_at":            "last change of these data",
	}
}
