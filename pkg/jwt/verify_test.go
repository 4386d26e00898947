package jwt

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

const goodClaims = `{"iss":"https://issuer.example","aud":["other","api"],"sub":"me",` + someday + `}`

// secret48 is a shared secret that is long enough for HS384.
var secret48 = strings.Repeat("0123456789abcdef", 3)

// goodRules are fulfilled by goodClaims, signed with a key.
func goodRules(keys ...Key) Rules {
	return Rules{Keys: keys, Issuer: "https://issuer.example", Audience: "api", At: now()}
}

func hmacKey(secret string) Key {
	return must(ReadKeys([]byte(secret), KeyHMAC))[0]
}

func pairKey(t *testing.T, name string) Key {
	t.Helper()
	return readKeys(t, signingKeys().pem[name])[0]
}

// sealed signs any text as header and payload.
func sealed(key any, alg, header, payload string) string {
	content := strings.TrimSuffix(compact(header, payload, ""), ".")
	return content + "." + encodePart(must(golangjwt.GetSigningMethod(alg).Sign(content, key)))
}

func hs256Token(payload string) string {
	return sealed([]byte(secret48), "HS256", `{"alg":"HS256","typ":"JWT"}`, payload)
}

// failures returns the checks that failed, as "name: text".
func failures(v Verdict) []string {
	var list []string
	for _, c := range v.Checks {
		if !c.OK {
			list = append(list, c.Name+": "+c.Text)
		}
	}
	return list
}

func TestVerify(t *testing.T) {
	t.Parallel()
	tok := inspect(t, hs256Token(goodClaims))
	want := Verdict{Checks: []Check{
		{"form", true, "three parts in strict base64url"},
		{"content", true, "UTF-8, and every name once"},
		{"critical", true, "no extension is demanded"},
		{"algorithm", true, "HS256 is allowed"},
		{"key", true, "given by you, not by the token"},
		{"signature", true, "HS256, made with this key (shared secret)"},
		{"expiry", true, "it expires at 2023-11-14T23:13:20Z"},
		{"issued", true, "2023-11-14T22:13:20Z"},
		{"issuer", true, `"https://issuer.example"`},
		{"audience", true, `"api"`},
	}}
	got := tok.Verify(goodRules(hmacKey(secret48)))
	if diff := cmp.Diff(want, got); diff != "" || !got.Valid() {
		t.Error(diff)
	}
}

// Each row takes one thing from a token that passes (RFC 8725 §3, RFC 7515,
// RFC 7519). All that is wrong is told.
func TestThreat16_Verify(t *testing.T) {
	t.Parallel()
	const h = `{"alg":"HS256"}`
	sign := func(header, payload string) string { return sealed([]byte(secret48), "HS256", header, payload) }
	good := hs256Token(goodClaims)
	for _, tt := range []struct {
		name, token string
		change      func(*Rules)
		want        []string
	}{
		{"none", compact(`{"alg":"none"}`, goodClaims, ""), nil, []string{
			`algorithm: "none" is not allowed: the key and --alg allow HS256, HS384`,
			"key: no key for this algorithm", "signature: not checked: no key fits"}},
		{"none in disguise", compact(`{"alg":"nOnE"}`, goodClaims, ""), func(r *Rules) { r.Algorithms = []string{"nOnE", "none"} }, []string{
			`algorithm: "nOnE" is not allowed: no key that can be used allows any`,
			"key: no key for this algorithm", "signature: not checked: no key fits"}},
		{"no alg", sign(`{}`, goodClaims), nil, []string{
			`algorithm: "" is not allowed: the key and --alg allow HS256, HS384`,
			"key: no key for this algorithm", "signature: not checked: no key fits"}},
		{"other case of alg", sign(`{"alg":"hs256"}`, goodClaims), nil, []string{
			`algorithm: "hs256" is not allowed: the key and --alg allow HS256, HS384`,
			"key: no key for this algorithm", "signature: not checked: no key fits"}},
		{"key too short for HS512", sealed([]byte(secret48), "HS512", `{"alg":"HS512"}`, goodClaims), nil, []string{
			`algorithm: "HS512" is not allowed: the key and --alg allow HS256, HS384`,
			"key: no key for this algorithm", "signature: not checked: no key fits"}},
		{"algorithm that the user does not take", good, func(r *Rules) { r.Algorithms = []string{"HS384"} }, []string{
			`algorithm: "HS256" is not allowed: the key and --alg allow HS384`,
			"key: no key for this algorithm", "signature: not checked: no key fits"}},
		{"another key", sealed([]byte(strings.Repeat("x", 32)), "HS256", h, goodClaims), nil, []string{
			"signature: it was not made with this key, or the token was changed"}},
		{"no signature", strings.Join(strings.Split(good, ".")[:2], ".") + ".", nil, []string{
			"signature: it was not made with this key, or the token was changed"}},
		{"crit", sign(`{"alg":"HS256","crit":["exp"]}`, goodClaims), nil, []string{
			"critical: the header demands extensions (crit), and none is understood here"}},
		{"empty crit", sign(`{"alg":"HS256","crit":[]}`, goodClaims), nil, []string{
			"critical: the header demands extensions (crit), and none is understood here"}},
		{"crit null", sign(`{"alg":"HS256","crit":null}`, goodClaims), nil, []string{
			"critical: the header demands extensions (crit), and none is understood here"}},
		{"b64 true with crit", sign(`{"alg":"HS256","b64":true,"crit":["b64"]}`, goodClaims), nil, []string{
			"critical: the header demands extensions (crit), and none is understood here"}},
		{"line break in the signature", good[:len(good)-8] + "\n" + good[len(good)-8:], nil, []string{
			"form: a part is not strict base64url", "signature: it was not made with this key, or the token was changed"}},
		{"padding", good + "=", nil, []string{
			"form: a part is not strict base64url", "signature: it was not made with this key, or the token was changed"}},
		{"padding in the payload", sealedText("HS256", strings.TrimSuffix(compact(h, goodClaims+" ", ""), ".")+"="), nil, []string{
			"form: a part is not strict base64url"}},
		{"duplicate claim", sign(h, `{"sub":"a",`+goodClaims[1:]), nil, []string{"content: a name stands more than once"}},
		{"duplicate far inside", sign(h, `{"x":[{"y":1,"y":2}],`+goodClaims[1:]), nil, []string{"content: a name stands more than once"}},
		{"duplicate escaped", sign(h, `{"\u0073ub":"a",`+goodClaims[1:]), nil, []string{"content: a name stands more than once"}},
		{"duplicate in the header", sign(`{"alg":"none","alg":"HS256"}`, goodClaims), nil, []string{"content: a name stands more than once"}},
		{"invalid UTF-8", sign(h, "{\"x\":\"\xff\","+goodClaims[1:]), nil, []string{"content: there are bytes that are not UTF-8"}},
		{"keys in the header are not used", sign(`{"alg":"HS256","jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/","jwk":{"kty":"oct","k":"eA"},"x5c":["x"]}`, goodClaims), nil, nil},
		{"kid as a path", sign(`{"alg":"HS256","kid":"../../../etc/passwd"}`, goodClaims), nil, nil},
		{"kid is a number", sign(`{"alg":"HS256","kid":1}`, goodClaims), nil, []string{
			"key: the name of the key (kid) is not a string", "signature: not checked: no key fits"}},
		{"no exp", sign(h, strings.Replace(goodClaims, `"exp"`, `"exq"`, 1)), nil, []string{"expiry: it has no expiry (exp)"}},
		{"exp is text", sign(h, strings.Replace(goodClaims, `1700003600`, `"1700003600"`, 1)), nil, []string{"expiry: exp is no time between the years 1 and 9999"}},
		{"exp null", sign(h, strings.Replace(goodClaims, `1700003600`, `null`, 1)), nil, []string{"expiry: exp is no time between the years 1 and 9999"}},
		{"exp 1e300", sign(h, strings.Replace(goodClaims, `1700003600`, `1e300`, 1)), nil, []string{"expiry: exp is no time between the years 1 and 9999"}},
		{"nbf 1e300", sign(h, `{"nbf":1e300,`+goodClaims[1:]), nil, []string{"not-before: nbf is no time between the years 1 and 9999"}},
		{"iat is text", sign(h, strings.Replace(goodClaims, `1700000000`, `"1700000000"`, 1)), nil, []string{"issued: iat is no time between the years 1 and 9999"}},
		{"expired", good, func(r *Rules) { r.At = at(1700003600) }, []string{"expiry: it expired at 2023-11-14T23:13:20Z"}},
		{"expired beyond the leeway", good, func(r *Rules) { r.At, r.Leeway = at(1700003660), time.Minute }, []string{"expiry: it expired at 2023-11-14T23:13:20Z"}},
		{"within the leeway", good, func(r *Rules) { r.At, r.Leeway = at(1700003659), time.Minute }, nil},
		{"not yet valid", sign(h, `{"nbf":1700000161,`+goodClaims[1:]), func(r *Rules) { r.Leeway = time.Minute }, []string{"not-before: it is not valid before 2023-11-14T22:16:01Z"}},
		{"not yet valid within the leeway", sign(h, `{"nbf":1700000160,`+goodClaims[1:]), func(r *Rules) { r.Leeway = time.Minute }, nil},
		{"issued in the future", good, func(r *Rules) { r.At = at(1699999999) }, []string{"issued: it is issued in the future, at 2023-11-14T22:13:20Z"}},
		{"other issuer", good, func(r *Rules) { r.Issuer = "https://issuer.example/" }, []string{
			`issuer: it is from "https://issuer.example", and "https://issuer.example/" is demanded`}},
		{"empty expected issuer", good, func(r *Rules) { r.Issuer = "" }, []string{`issuer: it is from "https://issuer.example", and "" is demanded`}},
		{"empty issuer in both", sign(h, strings.Replace(goodClaims, "https://issuer.example", "", 1)), func(r *Rules) { r.Issuer = "" }, []string{`issuer: it is from "", and "" is demanded`}},
		{"any issuer", good, func(r *Rules) { r.Issuer = Any }, nil},
		{"no issuer", sign(h, strings.Replace(goodClaims, `"iss"`, `"isz"`, 1)), nil, []string{`issuer: it names no issuer (iss), and "https://issuer.example" is demanded`}},
		{"issuer is a list", sign(h, strings.Replace(goodClaims, `"https://issuer.example"`, `["https://issuer.example"]`, 1)), nil, []string{
			`issuer: it names no issuer (iss), and "https://issuer.example" is demanded`, "claims: iss is not a string"}},
		{"issuer in another case of name", sign(h, strings.Replace(goodClaims, `"iss"`, `"ISS"`, 1)), nil, []string{`issuer: it names no issuer (iss), and "https://issuer.example" is demanded`}},
		{"other audience", good, func(r *Rules) { r.Audience = "ap" }, []string{`audience: it is for "other", "api", and "ap" is demanded`}},
		{"empty expected audience", good, func(r *Rules) { r.Audience = "" }, []string{`audience: it is for "other", "api", and "" is demanded`}},
		{"empty audience in both", sign(h, strings.Replace(goodClaims, `["other","api"]`, `""`, 1)), func(r *Rules) { r.Audience = "" }, []string{`audience: it is for "", and "" is demanded`}},
		{"one audience", sign(h, strings.Replace(goodClaims, `["other","api"]`, `"api"`, 1)), nil, nil},
		{"any audience", good, func(r *Rules) { r.Audience = Any }, nil},
		{"no audience", sign(h, strings.Replace(goodClaims, `"aud"`, `"auf"`, 1)), nil, []string{`audience: it is for nobody in particular (aud), and "api" is demanded`}},
		{"empty list of audiences", sign(h, strings.Replace(goodClaims, `["other","api"]`, `[]`, 1)), nil, []string{`audience: it is for nobody in particular (aud), and "api" is demanded`}},
		{"audience with null", sign(h, strings.Replace(goodClaims, `["other","api"]`, `["api",null]`, 1)), nil, []string{"audience: aud is neither a string nor a list of strings"}},
		{"audience is an object", sign(h, strings.Replace(goodClaims, `["other","api"]`, `{"api":1}`, 1)), func(r *Rules) { r.Audience = Any }, []string{"audience: aud is neither a string nor a list of strings"}},
		{"sub is a number", sign(h, strings.Replace(goodClaims, `"me"`, `1`, 1)), nil, []string{"claims: sub is not a string"}},
		{"type", sign(`{"alg":"HS256","typ":"application/AT+JWT"}`, goodClaims), func(r *Rules) { r.Type = "at+jwt" }, nil},
		{"other type", good, func(r *Rules) { r.Type = "at+jwt" }, []string{`type: it is of type "JWT", and "at+jwt" is demanded`}},
		{"encrypted", encrypted, nil, []string{"form: it is encrypted: only who has its key can verify it"}},
		{"opaque", "abc", nil, []string{"form: it is no JSON Web Token"}},
		{"unencoded payload", sealedText("HS256", encodePart([]byte(`{"alg":"HS256","b64":false}`))+"."+goodClaims[:9]), nil, []string{
			"form: the payload is not encoded (b64)", "claims: the payload holds no claims"}},
		{"no claims", sign(h, "[]"), nil, []string{"claims: the payload holds no claims"}},
		{"a token inside", sign(`{"alg":"HS256","cty":"JWT"}`, good), nil, []string{"claims: the payload holds no claims"}},
		{"everything wrong", sealed([]byte(strings.Repeat("x", 32)), "HS256", `{"alg":"HS256","crit":["x"]}`, `{"exp":1,"iss":"evil","aud":"evil","nbf":1800000000,"iat":1800000000,"jti":1}`), nil, []string{
			"critical: the header demands extensions (crit), and none is understood here",
			"signature: it was not made with this key, or the token was changed",
			"expiry: it expired at 1970-01-01T00:00:01Z",
			"not-before: it is not valid before 2027-01-15T08:00:00Z", "issued: it is issued in the future, at 2027-01-15T08:00:00Z",
			`issuer: it is from "evil", and "https://issuer.example" is demanded`,
			`audience: it is for "evil", and "api" is demanded`, "claims: jti is not a string"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rules := goodRules(hmacKey(secret48))
			if tt.change != nil {
				tt.change(&rules)
			}
			verdict := inspect(t, tt.token).Verify(rules)
			if diff := cmp.Diff(tt.want, failures(verdict)); diff != "" || verdict.Valid() != (tt.want == nil) {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// sealedText signs text that is not what a token should be.
func sealedText(alg, content string) string {
	return content + "." + encodePart(must(golangjwt.GetSigningMethod(alg).Sign(content, []byte(secret48))))
}

// The key decides: a token cannot make a public key a shared secret, nor take
// another curve, hash or padding.
func TestThreat16_KeyDecidesAlgorithm(t *testing.T) {
	t.Parallel()
	all := []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
	allowed := map[string][]string{
		"RSA": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, "P-256": {"ES256"}, "P-384": {"ES384"}, "P-521": {"ES512"},
		"Ed25519": {"EdDSA", "Ed25519"},
	}
	for name, want := range allowed {
		key := pairKey(t, name)
		public := must(x509.MarshalPKIXPublicKey(signingKeys().public[name]))
		var got []string
		for _, alg := range all {
			header := `{"alg":"` + alg + `"}`
			token := ""
			switch private := key.private; {
			case strings.HasPrefix(alg, "HS"): // with the public key as secret
				token = sealed(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), alg, header, goodClaims)
			case name == "RSA" && (alg[0] == 'R' || alg[0] == 'P'), alg[0] == 'E' && want[0] == alg:
				token = sealed(private, alg, header, goodClaims)
			default: // a right signature of the key, under a wrong name
				token = sealed(private, want[0], header, goodClaims)
			}
			if inspect(t, token).Verify(goodRules(key)).Valid() {
				got = append(got, alg)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// RFC 7518 §3.5 gives the salt the length of the hash.
func TestThreat16_SaltLength(t *testing.T) {
	t.Parallel()
	key := pairKey(t, "RSA")
	content := strings.TrimSuffix(compact(`{"alg":"PS256"}`, goodClaims, ""), ".")
	sum := sha256.Sum256([]byte(content))
	for salt, want := range map[int]bool{0: false, 20: false, 31: false, 32: true, 64: false} {
		options := &rsa.PSSOptions{SaltLength: salt, Hash: crypto.SHA256}
		if salt == 0 {
			options.SaltLength = rsa.PSSSaltLengthAuto // the longest there is
		}
		signature := must(rsa.SignPSS(rand.Reader, key.private.(*rsa.PrivateKey), crypto.SHA256, sum[:], options))
		if got := inspect(t, content+"."+encodePart(signature)).Verify(goodRules(key)).Valid(); got != want {
			t.Errorf("salt of %d bytes: %v", salt, got)
		}
	}
}

// A name only chooses among the keys that were given.
func TestThreat16_KeyNames(t *testing.T) {
	t.Parallel()
	other := hmacKey(strings.Repeat("z", 48))
	right := hmacKey(secret48)
	named := func(key Key, id string) Key { key.ID, key.only = id, false; return key }
	broken := Key{ID: "broken", Problem: "the RSA key has 1024 bits: 2048 is the least"}
	for _, tt := range []struct {
		name, kid string
		keys      []Key
		want      []string
		unknown   bool
	}{
		{"the right one", `"a"`, []Key{named(other, "b"), named(right, "a")}, nil, false},
		{"no name in the token", "", []Key{named(other, "b"), named(right, "a")}, nil, false},
		{"no name at the key", `"a"`, []Key{named(other, "b"), named(right, "")}, nil, false},
		{"the same name twice", `"a"`, []Key{named(other, "a"), named(right, "a")}, nil, false},
		{"a single key, whatever its name", `"x"`, []Key{{ID: "a", public: right.public, only: true}}, nil, false},
		{"unknown", `"x"`, []Key{named(right, "a")}, []string{`key: no key is called "x"`, "signature: not checked: no key fits"}, true},
		{"the other's name", `"b"`, []Key{named(other, "b"), named(right, "a")}, []string{"signature: it was not made with this key, or the token was changed"}, false},
		{"none of several", "", []Key{named(other, "a"), named(other, "b")}, []string{
			"signature: it was made with none of the 2 keys that fit, or the token was changed"}, false},
		{"unusable", `"broken"`, []Key{broken, named(right, "a")}, []string{
			"key: it cannot be used: the RSA key has 1024 bits: 2048 is the least", "signature: not checked: no key fits"}, false},
		{"not for this algorithm", `"p"`, []Key{named(pairKey(t, "P-256"), "p"), named(right, "a")}, []string{
			"key: the key is not for HS256", "signature: not checked: no key fits"}, false},
	} {
		header := `{"alg":"HS256"}`
		if tt.kid != "" {
			header = `{"alg":"HS256","kid":` + tt.kid + `}`
		}
		verdict := inspect(t, sealed([]byte(secret48), "HS256", header, goodClaims)).Verify(goodRules(tt.keys...))
		if diff := cmp.Diff(tt.want, failures(verdict)); diff != "" || verdict.UnknownKey != tt.unknown {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestReadKeysByContent(t *testing.T) {
	t.Parallel()
	public := func(name string) []byte { return must(x509.MarshalPKIXPublicKey(signingKeys().public[name])) }
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	rsaKey := pairKey(t, "RSA")
	certificate := must(x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)},
		rsaKey.public, rsaKey.private))
	other := must(x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(2)}, &x509.Certificate{SerialNumber: big.NewInt(1)},
		pairKey(t, "P-256").public, rsaKey.private))
	token := sealed(rsaKey.private, "RS256", `{"alg":"RS256"}`, goodClaims)
	for name, data := range map[string][]byte{
		"public PEM": block("PUBLIC KEY", public("RSA")), "public DER": public("RSA"),
		"PKCS#1 PEM":  block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsaKey.public.(*rsa.PublicKey))),
		"PKCS#1 DER":  x509.MarshalPKCS1PublicKey(rsaKey.public.(*rsa.PublicKey)),
		"certificate": block("CERTIFICATE", certificate), "certificate DER": certificate,
		"chain of certificates": append(block("CERTIFICATE", certificate), block("CERTIFICATE", other)...),
		"private key":           []byte(signingKeys().pem["RSA"]), "private key PKCS#1": x509.MarshalPKCS1PrivateKey(rsaKey.private.(*rsa.PrivateKey)),
		"both halves": append([]byte(signingKeys().pem["RSA"]), block("PUBLIC KEY", public("RSA"))...),
		"text around": append(append([]byte("my key\n"), block("PUBLIC KEY", public("RSA"))...), "\nend"...),
	} {
		keys, err := ReadKeys(data, KeyByContent)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := failures(inspect(t, token).Verify(goodRules(keys...))); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A key that is too weak, too costly or no key is refused before it is used.
func TestThreat16_ReadKeysRefuses(t *testing.T) {
	t.Parallel()
	weak := must(x509.MarshalPKIXPublicKey(signingKeys().public["RSA 1024"]))
	huge := x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 262143), big.NewInt(1)), E: 65537})
	even := x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 2047), big.NewInt(1)), E: 65536})
	p256 := signingKeys().pem["P-256"]
	jwk := func(old, with string) string { return strings.Replace(rfc7515P256, old, with, 1) }
	edited := func(key, old, with string) string { return strings.Replace(key, old, with, 1) }
	for _, tt := range []struct {
		name, data string
		kind       KeyType
		want       string
	}{
		{"RSA-1024", string(weak), "", "the RSA key has 1024 bits: 2048 is the least"},
		{"RSA-262144", string(huge), "", "the RSA key has 262144 bits: 16384 is the most"},
		{"even exponent", string(even), "", "the RSA key has an impossible number in it"},
		{"nothing", "", "", errNoKey.Error()},
		{"text", "open sesame", "", errNoKey.Error()},
		{"broken PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "", errNoPEM.Error()},
		{"PEM without an end", "-----BEGIN PUBLIC KEY-----\nAAAA\n", "", errNoPEM.Error()},
		{"two keys", p256 + signingKeys().pem["RSA"], "", "there is more than one key in this PEM text: give one, or a JWKS"},
		{"shared secret that is PEM", p256, KeyHMAC, "this is a key of a key pair, not a shared secret: leave out the key type"},
		{"shared secret that is DER", string(weak), KeyHMAC, "this is a key of a key pair, not a shared secret: leave out the key type"},
		{"shared secret that is DER in base64", encodePart(weak), KeyHMACBase64, "this is a key of a key pair, not a shared secret: leave out the key type"},
		{"shared secret that is a JWK", rfc7515Secret, KeyHMAC, "this is a JWK or JWKS, not a shared secret: leave out the key type"},
		{"empty shared secret", "\n", KeyHMAC, "the shared secret has 0 bytes: 32 is the least"},
		{"short shared secret", strings.Repeat("x", 31) + "\n", KeyHMAC, "the shared secret has 31 bytes: 32 is the least"},
		{"shared secret that is not base64", "!", KeyHMACBase64, "the shared secret is not base64"},
		{"JSON", "{", "", "the key set: it is not JSON"},
		{"no list", `{"keys":null}`, "", "the key set: keys is not a list"},
		{"list of texts", `{"keys":["x"]}`, "", "the key set: one of the keys is not an object"},
		{"keys twice", `{"keys":[],"keys":[]}`, "", "the key set: a name stands twice"},
		{"no kind", `{}`, "", `the kind of key "" is unknown here (kty)`},
		{"kind in another case", jwk(`"EC"`, `"ec"`), "", `the kind of key "ec" is unknown here (kty)`},
		{"point not on the curve", jwk("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4"), "", "x or y of the key is no point of the curve"},
		{"coordinate too short", jwk("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "f83O"), "", "x or y of the key has the wrong length"},
		{"other curve", jwk("P-256", "P-384"), "", "x or y of the key has the wrong length"},
		{"unknown curve", jwk("P-256", "secp256k1"), "", "crv of the key is unknown here"},
		{"private part of another", jwk("jpsQ", "jpsR"), "", "d of the key does not belong to x and y"},
		{"padding", jwk(`5a0"`, `5a0="`), "", "y of the key is not strict base64url"},
		{"number for text", jwk(`"P-256"`, `256`), "", "crv of the key is not a string"},
		{"for encryption", jwk("{", `{"use":"enc",`), "", "the key is not for signatures (use)"},
		{"for deriving", jwk("{", `{"key_ops":["deriveKey"],`), "", "the key is not for signatures (key_ops)"},
		{"for another algorithm", jwk("{", `{"alg":"ES384",`), "", `the key is for "ES384", which does not fit its kind or is unknown here`},
		{"for none", edited(rfc7515Secret, "{", `{"alg":"none",`), "", `the key is for "none", which does not fit its kind or is unknown here`},
		{"Ed25519 of the wrong length", edited(rfc8037Key, "11qYAYKx", "11qY"), "", "x of the key has the wrong length"},
		{"Ed25519 with another private part", edited(rfc8037Key, "nWGx", "nWGy"), "", "d of the key does not belong to x"},
		{"X25519", edited(rfc8037Key, "Ed25519", "X25519"), "", "crv of the key is unknown here"},
		{"RSA without e", edited(rfc7515RSA, `"e":"AQAB"`, `"x":""`), "", "e of the key is missing"},
		{"RSA with e 1", edited(rfc7515RSA, `AQAB`, `AQ`), "", "the RSA key has an impossible number in it"},
		{"RSA with a huge e", edited(rfc7515RSA, `AQAB`, `AQAAAAAAAAAB`), "", "e of the key is too large"},
		{"RSA with another private part", edited(rfc7520RSA, `"d":"bWUC`, `"d":"bWUD`), "", "d of the key does not belong to n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			keys, err := ReadKeys([]byte(tt.data), tt.kind)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %d keys, %v; want %s", len(keys), err, tt.want)
			}
		})
	}
}

// A shared secret that everybody can fetch is none.
func TestThreat16_PublishedSecret(t *testing.T) {
	t.Parallel()
	keys, err := ReadKeySet([]byte(rfc7517Shared))
	if err != nil || len(keys) != 2 {
		t.Fatalf("%v", err)
	}
	token := sealed(readKeys(t, rfc7515Secret)[0].public, "HS256", `{"alg":"HS256"}`, goodClaims)
	if inspect(t, token).Verify(goodRules(keys...)).Valid() {
		t.Error("it was taken")
	}
}

func TestSharedSecretForms(t *testing.T) {
	t.Parallel()
	binary := strings.Repeat("\x00\xff", 20) + "\n"
	for _, tt := range []struct {
		name, data string
		kind       KeyType
		want       string
	}{
		{"text", secret48, KeyHMAC, secret48},
		{"text and line break", secret48 + "\n", KeyHMAC, secret48},
		{"text and CRLF", secret48 + "\r\n", KeyHMAC, secret48},
		{"two line breaks", secret48 + "\n\n", KeyHMAC, secret48 + "\n\n"},
		{"bytes that end like a line", binary, KeyHMAC, binary},
		{"base64url", encodePart([]byte(binary)) + "\n", KeyHMACBase64, binary},
		{"base64 with padding", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+/8=", KeyHMACBase64, strings.Repeat("\x00", 30) + "\xfb\xff"},
	} {
		keys, err := ReadKeys([]byte(tt.data), tt.kind)
		if err != nil || string(keys[0].public.([]byte)) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Every key that is made signs what it then verifies, and can be read back in
// each of its forms.
func TestGenerate(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"HS256", "HS384", "HS512", "RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		key, err := Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		token, err := SignWith(map[string]any{"exp": 1700003600}, nil, "", key)
		if err != nil {
			t.Fatal(err)
		}
		tok := inspect(t, token)
		if tok.Algorithm != alg || tok.headerText("kid") != key.ID || len(key.ID) != 43 {
			t.Errorf("%s: %s", alg, tok.HeaderJSON)
		}
		for form, text := range forms(t, key) {
			keys := readKeys(t, text)
			if got := failures(tok.Verify(Rules{Keys: keys, Issuer: Any, Audience: Any, At: now()})); got != nil {
				t.Errorf("%s as %s: %q", alg, form, got)
			}
		}
	}
	if _, err := Generate("none"); err == nil {
		t.Error("a key for none")
	}
}

// forms writes a key in all ways there are.
func forms(t *testing.T, key Key) map[string]string {
	t.Helper()
	all := map[string]string{}
	for form, make := range map[string]func() (JWK, error){"private JWK": key.Private, "public JWK": key.Public} {
		if jwk, err := make(); err == nil {
			all[form] = string(must(json.Marshal(jwk)))
		}
	}
	if private, public, err := key.PEM(); err == nil {
		all["private PEM"], all["public PEM"], all["both"] = private, public, private+public
	}
	return all
}

func TestSignWithRefuses(t *testing.T) {
	t.Parallel()
	public := readKeys(t, rfc7515RSA)[0]
	if _, err := SignWith(nil, nil, "", public); err != errNoPrivate {
		t.Errorf("got %v", err)
	}
	for _, alg := range []string{"none", "ES256", "HS256", "Ed25519"} {
		if token, err := SignWith(nil, nil, alg, pairKey(t, "RSA")); err == nil {
			t.Errorf("%s: %s", alg, token)
		}
	}
	if _, err := SignWith(nil, map[string]any{"alg": "none"}, "", pairKey(t, "RSA")); err == nil {
		t.Error("the header named another algorithm")
	}
	if token, err := SignWith(map[string]any{}, nil, "Ed25519", pairKey(t, "Ed25519")); err != nil || inspect(t, token).Algorithm != "Ed25519" {
		t.Errorf("%s %v", token, err)
	}
}
