package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math"
	"strings"
	"sync"
	"testing"

	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

// keys holds one private key of each kind that the tests sign with, in PEM,
// and its public half.
type keys struct {
	pem    map[string]string
	public map[string]any
}

var signingKeys = sync.OnceValue(func() keys {
	k := keys{map[string]string{}, map[string]any{}}
	for _, bits := range []int{1024, 2048} {
		key := must(rsa.GenerateKey(rand.Reader, bits))
		name := map[int]string{1024: "RSA 1024", 2048: "RSA"}[bits]
		k.add(name, "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)), key)
		k.add(name+" PKCS#1", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), key)
	}
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		key := must(ecdsa.GenerateKey(curve, rand.Reader))
		k.add(name, "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)), key)
		k.add(name+" SEC 1", "EC PRIVATE KEY", must(x509.MarshalECPrivateKey(key)), key)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	k.add("Ed25519", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)), key)
	parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 0}})
	k.pem["P-256 of OpenSSL"] = string(parameters) + k.pem["P-256 SEC 1"]
	k.public["P-256 of OpenSSL"] = k.public["P-256 SEC 1"]
	return k
})

func (k keys) add(name, kind string, der []byte, key crypto.Signer) {
	k.pem[name] = string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	k.public[name] = key.Public()
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// What is signed here must be taken by the library that servers use.
func TestSign(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ alg, key string }{
		{"HS256", ""}, {"HS384", ""}, {"HS512", ""},
		{"RS256", "RSA"}, {"RS384", "RSA"}, {"RS512", "RSA PKCS#1"},
		{"PS256", "RSA"}, {"PS384", "RSA"}, {"PS512", "RSA PKCS#1"},
		{"ES256", "P-256"}, {"ES256", "P-256 SEC 1"}, {"ES256", "P-256 of OpenSSL"},
		{"ES384", "P-384"}, {"ES512", "P-521"}, {"ES512", "P-521 SEC 1"},
		{"EdDSA", "Ed25519"},
	} {
		t.Run(tt.alg+" "+tt.key, func(t *testing.T) {
			t.Parallel()
			key, public := signingKeys().pem[tt.key], signingKeys().public[tt.key]
			if tt.key == "" {
				key, public = "opal\xff\x00", []byte("opal\xff\x00")
			}
			claims := map[string]any{"iat": json.Number("1700000000"), "exp": 1700003600.0, "id": json.Number("9007199254740993"), "iss": "me"}
			text, err := Sign(claims, map[string]any{"kid": "k1"}, tt.alg, key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := golangjwt.Parse(text, func(*golangjwt.Token) (any, error) { return public, nil },
				golangjwt.WithValidMethods([]string{tt.alg}), golangjwt.WithoutClaimsValidation()); err != nil {
				t.Error(err)
			}
			tok := inspect(t, text)
			got := []string{string(tok.HeaderJSON), string(tok.ClaimsJSON)}
			want := []string{
				`{"alg":"` + tt.alg + `","kid":"k1","typ":"JWT"}`,
				`{"exp":1700003600,"iat":1700000000,"id":9007199254740993,"iss":"me"}`,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	const algs = "the algorithm must be HS, RS, PS or ES with 256, 384 or 512, or EdDSA"
	for name, tt := range map[string]struct {
		alg, key string
		header   map[string]any
		want     string
	}{
		"none":               {"none", "", nil, algs},
		"no algorithm":       {"", "opal", nil, algs},
		"other case":         {"hs256", "opal", nil, algs},
		"empty key":          {"HS256", "", nil, "the key is empty"},
		"shared PEM":         {"HS256", "P-256", nil, "HS takes a shared secret, not a key in PEM"},
		"no PEM":             {"RS256", "opal", nil, "RS256 needs its kind of private key in PEM"},
		"EC for RSA":         {"RS256", "P-256", nil, "RS256 needs its kind of private key in PEM"},
		"RSA for EC":         {"ES256", "RSA", nil, "ES256 needs its kind of private key in PEM"},
		"EC for Ed25519":     {"EdDSA", "P-256", nil, "EdDSA needs its kind of private key in PEM"},
		"other curve":        {"ES256", "P-384", nil, "the key does not fit ES256"},
		"short RSA":          {"RS256", "RSA 1024", nil, "the RSA key has 1024 bits: 2048 is the least"},
		"short RSA for PS":   {"PS256", "RSA 1024 PKCS#1", nil, "the RSA key has 1024 bits: 2048 is the least"},
		"header contradicts": {"HS256", "opal", map[string]any{"alg": "none"}, "the header names another algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := tt.key
			if found, ok := signingKeys().pem[key]; ok {
				key = found
			}
			text, err := Sign(map[string]any{}, tt.header, tt.alg, key)
			if err == nil || err.Error() != tt.want || text != "" {
				t.Errorf("got %q, %v; want %s", text, err, tt.want)
			}
		})
	}
}

// What JSON cannot say is told as that and without the value.
func TestSignRefusesClaims(t *testing.T) {
	t.Parallel()
	_, err := Sign(map[string]any{"exp": math.NaN()}, nil, "HS256", "opal")
	if err == nil || !strings.Contains(err.Error(), "JSON") {
		t.Errorf("got %v", err)
	}
}
