package jwt

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/authctl/authctl/pkg/fault"
)

const (
	hs256   = `{"alg":"HS256"}`
	someday = `"exp":1700003600,"iat":1700000000`
)

// now is within the life of tokens with someday.
func now() time.Time { return time.Unix(1700000100, 0) }

// compact writes a token from the text of its parts.
func compact(header, payload, signature string) string {
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(payload)) + "." + signature
}

func inspect(t *testing.T, text string) *Token {
	t.Helper()
	tok, err := Inspect(text)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// warn returns the warnings as text: "code: text".
func warn(tok *Token, at time.Time) []string {
	var list []string
	for _, w := range tok.Warnings(at) {
		list = append(list, w.Code+": "+w.Text)
	}
	return list
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// compare compares all that can be seen of a token.
func compare(t *testing.T, want, got *Token) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Token{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestInspectLogware(t *testing.T) {
	tok := inspect(t, logware)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(logware, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var parts struct {
		Data string `json:"http://schemas.microsoft.com/ws/2008/06/identity/claims/userdata"`
	}
	if err := json.Unmarshal(payload, &parts); err != nil || !strings.ContainsRune(parts.Data, '\u0088') {
		t.Fatalf("the example has lost its control character: %v", err)
	}
	compare(t, &Token{
		Kind: KindJWT, Length: len(logware), Algorithm: "HS25*", HasSignature: true,
		Header: []Claim{
			{Name: "alg", Meaning: "algorithm", JSON: json.RawMessage(`"HS25*"`)},
			{Name: "typ", Meaning: "type of the token", JSON: json.RawMessage(`"JWT"`)},
		},
		HeaderJSON: json.RawMessage(`{"alg":"HS25*","typ":"JWT"}`),
		ClaimsJSON: payload,
		Claims: []Claim{
			{Name: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/sid", JSON: json.RawMessage(`"97ccc52d-c5a5-ce12-2c92-601982ab623f"`)},
			{Name: "unique_name", JSON: json.RawMessage(`"Aegis-Staging"`)},
			{Name: "http://schemas.microsoft.com/ws/2008/06/identity/claims/userdata", JSON: json.RawMessage(`"` + parts.Data + `"`)},
			{Name: "nbf", Meaning: "not valid before", JSON: json.RawMessage(`1633655743`), Time: at(1633655743)},
			{Name: "exp", Meaning: "expires", JSON: json.RawMessage(`1633698943`), Time: at(1633698943)},
			{Name: "iat", Meaning: "issued", JSON: json.RawMessage(`1633655743`), Time: at(1633655743)},
		},
	}, tok)
	want := []string{`alg-unknown: unknown algorithm "HS25*"`, "expired: it has expired"}
	if diff := cmp.Diff(want, warn(tok, now())); diff != "" {
		t.Error(diff)
	}
}

func TestInspectDatarhei(t *testing.T) {
	want := &Token{
		Kind: KindJWT, Length: len(datarheiAccess), Algorithm: "HS256", AlgorithmKnown: true, HasSignature: true,
		Header: []Claim{
			{Name: "alg", Meaning: "algorithm", JSON: json.RawMessage(`"HS256"`)},
			{Name: "typ", Meaning: "type of the token", JSON: json.RawMessage(`"JWT"`)},
		},
		HeaderJSON: json.RawMessage(`{"alg":"HS256","typ":"JWT"}`),
		ClaimsJSON: json.RawMessage(`{"exi":600,"exp":1670441825,"iat":1670441225,"iss":"datarhei-core",` +
			`"jti":"aee896a5-9e8a-4e0d-b98f-5507550706c5","sub":"admin","usefor":"access"}`),
		Claims: []Claim{
			{Name: "exi", Meaning: "seconds until it expires, counted from iat (datarhei Core)", JSON: json.RawMessage(`600`)},
			{Name: "exp", Meaning: "expires", JSON: json.RawMessage(`1670441825`), Time: at(1670441825)},
			{Name: "iat", Meaning: "issued", JSON: json.RawMessage(`1670441225`), Time: at(1670441225)},
			{Name: "iss", Meaning: "issuer", JSON: json.RawMessage(`"datarhei-core"`)},
			{Name: "jti", Meaning: "id of the token", JSON: json.RawMessage(`"aee896a5-9e8a-4e0d-b98f-5507550706c5"`)},
			{Name: "sub", Meaning: "subject: who it is about", JSON: json.RawMessage(`"admin"`)},
			{Name: "usefor", Meaning: "what it can be used for (datarhei Core)", JSON: json.RawMessage(`"access"`)},
		},
	}
	compare(t, want, inspect(t, datarheiAccess))
	if got := warn(inspect(t, datarheiAccess), at(1670441300)); got != nil {
		t.Errorf("warnings: %q", got)
	}
	refresh := inspect(t, datarheiRefresh)
	if got := string(lastValue(refresh.Claims, "exi")); got != "86400" {
		t.Errorf("exi is %s", got)
	}
}

func TestInspectEncrypted(t *testing.T) {
	tok := inspect(t, encrypted)
	compare(t, &Token{
		Kind: KindJWE, Length: len(encrypted), Algorithm: "RSA-OAEP", AlgorithmKnown: true, Encryption: "A256GCM",
		Header: []Claim{
			{Name: "alg", Meaning: "algorithm", JSON: json.RawMessage(`"RSA-OAEP"`)},
			{Name: "enc", Meaning: "content encryption", JSON: json.RawMessage(`"A256GCM"`)},
		},
		HeaderJSON: json.RawMessage(`{"alg":"RSA-OAEP","enc":"A256GCM"}`),
	}, tok)
	if got := warn(tok, now()); got != nil {
		t.Errorf("warnings: %q", got)
	}
}

func TestInspectKeepsEverythingExact(t *testing.T) {
	header := `{ "typ":"JWT", "alg":"HS256" }`
	payload := `{"z":9007199254740993,"a":1e300,"m":-0.10,"big":123456789012345678901234567890,` +
		`"s":"\u00e9é\/","list":[ 1, {"b" : null} ],"":true,"a":2}`
	tok := inspect(t, compact(header, payload, "c2ln"))
	compare(t, &Token{
		Kind: KindJWT, Length: tok.Length, Algorithm: "HS256", AlgorithmKnown: true, HasSignature: true,
		Header: []Claim{
			{Name: "typ", Meaning: "type of the token", JSON: json.RawMessage(`"JWT"`)},
			{Name: "alg", Meaning: "algorithm", JSON: json.RawMessage(`"HS256"`)},
		},
		HeaderJSON: json.RawMessage(header),
		ClaimsJSON: json.RawMessage(payload),
		Claims: []Claim{
			{Name: "z", JSON: json.RawMessage(`9007199254740993`)},
			{Name: "a", JSON: json.RawMessage(`1e300`)},
			{Name: "m", JSON: json.RawMessage(`-0.10`)},
			{Name: "big", JSON: json.RawMessage(`123456789012345678901234567890`)},
			{Name: "s", JSON: json.RawMessage(`"\u00e9é\/"`)},
			{Name: "list", JSON: json.RawMessage(`[1,{"b":null}]`)},
			{Name: "", JSON: json.RawMessage(`true`)},
			{Name: "a", JSON: json.RawMessage(`2`)},
		},
	}, tok)
}

func TestThreat16_Warnings(t *testing.T) {
	claims := `{` + someday + `}`
	for _, tt := range []struct {
		name, token string
		want        []string
	}{
		{"nothing", compact(hs256, claims, "c2ln"), nil},
		{"none", compact(`{"alg":"none"}`, claims, ""),
			[]string{`alg-none: it is not signed (alg is "none"): anybody can have written it`}},
		{"none in disguise, signed", compact(`{"alg":"nOnE"}`, claims, "c2ln"), []string{
			`alg-none: it is not signed (alg is "nOnE"): anybody can have written it`,
			`signature-unexpected: there is a signature although alg is none`}},
		{"no signature", compact(hs256, claims, ""), []string{"signature-missing: the signature is empty"}},
		{"no alg", compact(`{}`, claims, "c2ln"), []string{"alg-missing: the header names no algorithm (alg)"}},
		{"alg is a number", compact(`{"alg":1}`, claims, "c2ln"), []string{"alg-unknown: alg is not a string"}},
		{"alg is hostile", compact(`{"alg":"\u001b[2J\u0088`+strings.Repeat("x", 99)+`"}`, claims, "c2ln"),
			[]string{`alg-unknown: unknown algorithm "\x1b[2J\u0088` + strings.Repeat("x", 55) + `"…`}},
		{"keys in the header", compact(`{"alg":"RS256","jku":"https://evil","jwk":{},"x5u":"u","x5c":[]}`, claims, "c2ln"), []string{
			"key-in-token: the header brings its own key (jku): a key named inside the token is never used",
			"key-in-token: the header brings its own key (jwk): a key named inside the token is never used",
			"key-in-token: the header brings its own key (x5u): a key named inside the token is never used",
			"key-in-token: the header brings its own key (x5c): a key named inside the token is never used"}},
		{"crit", compact(`{"alg":"HS256","crit":["exp","x\u202e"]}`, claims, "c2ln"),
			[]string{`crit: the header demands extensions (crit): "exp", "x\u202e"`}},
		{"crit is odd", compact(`{"alg":"HS256","crit":true}`, claims, "c2ln"),
			[]string{"crit: crit is not a list of names"}},
		{"duplicates", compact(`{"alg":"none","alg":"HS256"}`, `{"sub":"a",`+someday+`,"sub":"b","x":[{"y":1,"y":2,"y":3}],"sub":"c"}`, "c2ln"), []string{
			`duplicate-name: the header: more than one "alg", and programs differ in which they take`,
			`duplicate-name: the claims: more than one "sub", "x.y", and programs differ in which they take`}},
		{"the same name in different objects", compact(hs256, `{"a":{"a":1,"b":["a","a"]},"b":{"a":"b"},`+someday+`}`, "c2ln"), nil},
		{"invalid UTF-8", compact(hs256, "{\"a\":\"\xff\","+someday+"}", "c2ln"),
			[]string{"invalid-utf8: the claims: bytes that are not UTF-8"}},
		{"padding", strings.Replace(compact(hs256, claims+" ", "c2ln"), ".", "==.", 1),
			[]string{"odd-base64: the header is written with padding (=), which a strict reader refuses"}},
		{"standard alphabet and padding in the signature", compact(hs256, claims, "+/8="),
			[]string{"odd-base64: the signature is written with padding (=) and the standard alphabet (+ and /), which a strict reader refuses"}},
		{"bits left over", compact(hs256, claims, "YWJ"),
			[]string{"odd-base64: the signature is written with bits left over at its end, which a strict reader refuses"}},
		{"line break in the signature", compact(hs256, claims, "c2\nln"), []string{"bad-base64: the signature is not base64url"}},
		{"no expiry", compact(hs256, `{}`, "c2ln"), []string{"no-exp: it has no expiry (exp)"}},
		{"expires now", compact(hs256, `{"exp":1700000100}`, "c2ln"), []string{"expired: it has expired"}},
		{"not yet valid", compact(hs256, `{"exp":1700003600,"nbf":1700000101}`, "c2ln"), []string{"not-yet-valid: it is not valid yet (nbf)"}},
		{"clocks differ by a minute", compact(hs256, `{"exp":1700003600,"iat":1700000160}`, "c2ln"), nil},
		{"issued in the future", compact(hs256, `{"exp":1700003600,"iat":1700000161}`, "c2ln"),
			[]string{"issued-in-future: it was issued in the future (iat): one of the clocks is wrong"}},
		{"a leap year", compact(hs256, `{"exp":1731622400,"iat":1700000000}`, "c2ln"), nil},
		{"more than a year", compact(hs256, `{"exp":1731622401,"iat":1700000000}`, "c2ln"), []string{"long-lived: it lasts for more than a year"}},
		{"more than a year from nbf", compact(hs256, `{"exp":1731622401,"nbf":1700000000}`, "c2ln"), []string{"long-lived: it lasts for more than a year"}},
		{"to the end of time", compact(hs256, `{"exp":253402300799}`, "c2ln"), []string{"long-lived: it lasts for more than a year"}},
		{"times that are none", compact(hs256, `{"exp":"1700003600","nbf":null,"iat":1e300}`, "c2ln"), []string{
			"not-a-time: exp is not a number", "not-a-time: nbf is not a number",
			"time-out-of-range: iat is no time between the years 1 and 9999"}},
		{"unencoded payload", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","b64":false,"crit":["b64"]}`)) + ".{}.c2ln", []string{
			`crit: the header demands extensions (crit): "b64"`,
			"b64: the payload is not encoded (b64 is false, RFC 7797)"}},
		{"JWE of unknown making", compact(`{"alg":"x","enc":"y"}`, "", ".!.c2ln"), []string{
			`alg-unknown: unknown algorithm "x"`, `enc-unknown: unknown content encryption "y"`,
			"bad-base64: the ciphertext is not base64url"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, warn(inspect(t, tt.token), now())); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestInspectOtherKinds(t *testing.T) {
	const damaged = "three parts and a header like a JWT, but the payload is not base64url: cut off or damaged"
	for _, tt := range []struct {
		name, token  string
		kind         Kind
		reason, data string
	}{
		{"JWS with text", compact(hs256, "It's a dangerous business", "c2ln"), KindJWS, "", "It's a dangerous business"},
		{"JWS with a list", compact(hs256, "[1]", "c2ln"), KindJWS, "", "[1]"},
		{"JWS with two objects", compact(hs256, "{}{}", "c2ln"), KindJWS, "", "{}{}"},
		{"detached", compact(hs256, "", "c2ln"), KindJWS, "", ""},
		{"damaged", strings.Replace(compact(hs256, "", "c2ln"), "..", ".e.", 1), KindOpaque, damaged, ""},
		{"one word", "d41d8cd98f00b204e9800998ecf8427e", KindOpaque, "not a JWT: it has no dots, a JWT has three parts divided by dots", ""},
		{"GitHub", "ghp_000000000000", KindOpaque, "not a JWT; it starts like a GitHub personal access token", ""},
		{"PASETO", "v4.public.AAAA", KindOpaque, "not a JWT; it starts like a PASETO", ""},
		{"the Zūm Rails page's ellipsis", "eyJhbG...tOTuvNvJc", KindOpaque, "not a JWT: it has 4 parts, a JWT has three", ""},
		{"the datarhei page's ellipsis", "eyJz93a...k4laUWw", KindOpaque, "not a JWT: it has 4 parts, a JWT has three", ""},
		{"the Analogue page's", "eyjhafdsf****", KindOpaque, "not a JWT: it has no dots, a JWT has three parts divided by dots", ""},
		{"dots", ".....", KindOpaque, "not a JWT: it has more than five parts, a JWT has three", ""},
		{"two dots", "..", KindOpaque, "not a JWT: the first part is not a JSON object in base64url", ""},
		{"garbage", "\x00\xff.\x1b.\u202e", KindOpaque, "not a JWT: the first part is not a JSON object in base64url", ""},
		{"header is a list", compact("[]", "{}", "c2ln"), KindOpaque, "not a JWT: the first part is not a JSON object in base64url", ""},
		{"JSON", `{"token": "x"}`, KindOpaque, "this is JSON, not a token by itself", ""},
		{"text", "two words", KindOpaque, "there are blanks or line breaks inside, which no token has", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tok := inspect(t, tt.token)
			if tok.Kind != tt.kind || tok.Reason != tt.reason || string(tok.Payload) != tt.data || tok.Claims != nil || tok.ClaimsJSON != nil {
				t.Errorf("got %+v", tok)
			}
		})
	}
}

func TestInspectRefuses(t *testing.T) {
	for _, text := range []string{"", " \n\t", `""`, strings.Repeat("x", maxInput+1)} {
		if tok, err := Inspect(text); tok != nil || fault.KindOf(err) != fault.Usage {
			t.Errorf("%.10q: got %v, %v", text, tok, err)
		}
	}
	if _, err := Inspect(strings.Repeat("x", maxInput)); err != nil {
		t.Error(err)
	}
}

// Bombs: depth, many names, many findings. Each takes well under a second and
// its warnings stay short.
func TestThreat16_InspectBombs(t *testing.T) {
	var names strings.Builder
	for i := range 60000 {
		fmt.Fprintf(&names, `"%d":1,`, i%30000)
	}
	for name, payload := range map[string]string{
		"deep lists":          strings.Repeat("[", 700000),
		"deep objects":        strings.Repeat(`{"a":`, 150000) + "1" + strings.Repeat("}", 10),
		"deep but allowed":    `{"a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}",
		"duplicates far down": strings.Repeat(`{"a":`, 9000) + "{" + names.String() + `"x":1}` + strings.Repeat("}", 9000),
		"many times":          "{" + strings.Repeat(`"exp":"x",`, 70000) + `"exp":1}`,
		"long number":         `{"exp":` + strings.Repeat("9", 700000) + "}",
		"tiny number":         `{"exp":1e-99999999}`,
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			tok := inspect(t, compact(hs256, payload, "c2ln"))
			text := strings.Join(warn(tok, now()), "\n")
			if took := time.Since(start); took > 30*time.Second || len(text) > 1000 { // far from what a busy machine takes
				t.Errorf("took %v, %d bytes of warnings", took, len(text))
			}
		})
	}
}

func TestClean(t *testing.T) {
	for _, text := range []string{
		"a.b.c", " \ta.b.c\r\n", `"a.b.c"`, "'a.b.c'", "`a.b.c`", "\ufeffa.b.c", "Bearer a.b.c", "bearer\ta.b.c", "TOKEN  a.b.c",
		"Authorization: Bearer a.b.c\r\n", "authorization:token a.b.c", `'Authorization: Bearer "a.b.c"'`, "AUTHORIZATION : a.b.c",
		`" Bearer a.b.c "`,
	} {
		if got := Clean(text); got != "a.b.c" {
			t.Errorf("%q: got %q", text, got)
		}
	}
	for _, text := range []string{"Bearer", "token", `"a`, "x: a.b.c", "Basic abc", "Bearer1 a"} {
		if got := Clean(text); got != text {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestExpiry(t *testing.T) {
	good := compact(hs256, `{"exp":1700003600}`, "c2ln")
	for _, tt := range []struct {
		name, token string
		want        time.Time // zero: none
	}{
		{"plain", good, at(1700003600)},
		{"Logware", logware, at(1633698943)},
		{"fraction", compact(hs256, `{"exp":1700003600.5}`, "c2ln"), at(1700003600).Add(500 * time.Millisecond)},
		{"exponent", compact(hs256, `{"exp":1.7000036e9}`, "c2ln"), at(1700003600)},
		{"the last second of 9999", compact(hs256, `{"exp":253402300799}`, "c2ln"), at(253402300799)},
		{"the year 10000", compact(hs256, `{"exp":253402300800}`, "c2ln"), time.Time{}},
		{"milliseconds", compact(hs256, `{"exp":1700003600000}`, "c2ln"), time.Time{}},
		{"zero", compact(hs256, `{"exp":0}`, "c2ln"), time.Time{}},
		{"negative", compact(hs256, `{"exp":-5}`, "c2ln"), time.Time{}},
		{"huge", compact(hs256, `{"exp":1e300}`, "c2ln"), time.Time{}},
		{"beyond a float64", compact(hs256, `{"exp":1e999}`, "c2ln"), time.Time{}},
		{"beyond an int64", compact(hs256, `{"exp":99999999999999999999}`, "c2ln"), time.Time{}},
		{"string", compact(hs256, `{"exp":"1700003600"}`, "c2ln"), time.Time{}},
		{"null", compact(hs256, `{"exp":null}`, "c2ln"), time.Time{}},
		{"twice", compact(hs256, `{"exp":1700003600,"exp":1700003600}`, "c2ln"), time.Time{}},
		{"other case", compact(hs256, `{"Exp":1700003600}`, "c2ln"), time.Time{}},
		{"absent", compact(hs256, `{}`, "c2ln"), time.Time{}},
		{"inside", compact(hs256, `{"a":{"exp":1700003600}}`, "c2ln"), time.Time{}},
		{"with scheme", "Bearer " + good, time.Time{}},
		{"with line break", good + "\n", time.Time{}},
		{"with padding", good + "=", time.Time{}},
		{"with a line break inside", good[:len(good)-2] + "\n" + good[len(good)-2:], time.Time{}},
		{"encrypted", encrypted, time.Time{}},
		{"opaque", "abc", time.Time{}},
		{"empty", "", time.Time{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Expiry(tt.token)
			if !got.Equal(tt.want) || ok == tt.want.IsZero() {
				t.Errorf("got %v, %v; want %v", got, ok, tt.want)
			}
		})
	}
}

// golang-jwt is the library that servers use; what it signs must read the same
// here.
func TestAgreesWithGolangJWT(t *testing.T) {
	text, err := golangjwt.NewWithClaims(golangjwt.SigningMethodHS256, golangjwt.RegisteredClaims{
		Issuer: "https://issuer.example", Subject: "me", Audience: golangjwt.ClaimStrings{"a", "b"},
		ExpiresAt: golangjwt.NewNumericDate(at(1700003600)), IssuedAt: golangjwt.NewNumericDate(at(1700000000)),
	}).SignedString([]byte("a key of at least thirty-two bytes"))
	if err != nil {
		t.Fatal(err)
	}
	tok := inspect(t, text)
	want := map[string]string{"iss": `"https://issuer.example"`, "sub": `"me"`, "aud": `["a","b"]`, "exp": "1700003600", "iat": "1700000000"}
	got := map[string]string{}
	for _, c := range tok.Claims {
		got[c.Name] = string(c.JSON)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if exp, ok := Expiry(text); !ok || !exp.Equal(at(1700003600)) || warn(tok, now()) != nil {
		t.Errorf("got %v, %v, %q", exp, ok, warn(tok, now()))
	}
}

func FuzzInspect(f *testing.F) {
	for _, text := range []string{logware, datarheiAccess, encrypted, compact(hs256, `{"exp":1e300,"a":{"b":1,"b":2}}`, ""), "Bearer ..", "{"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// A payload that the fuzzer writes itself reaches further than a token.
		for _, input := range []string{text, compact(hs256, text, "c2ln"), compact(text, "{}", "")} {
			tok, err := Inspect(input)
			if err != nil {
				continue
			}
			tok.Warnings(now())
			if tok.Kind == KindJWT && !json.Valid(tok.ClaimsJSON) {
				t.Errorf("claims are not JSON: %q", tok.ClaimsJSON)
			}
			for _, c := range append(tok.Claims, tok.Header...) {
				if y := c.Time.Year(); !json.Valid(c.JSON) || y < 1 || y > 9999 {
					t.Errorf("claim %q: %q, %v", c.Name, c.JSON, c.Time)
				}
			}
			if exp, ok := Expiry(input); ok && (exp.Unix() < 0 || exp.Year() > 9999) {
				t.Errorf("expiry %v", exp)
			}
		}
	})
}
