package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	golangjwt "github.com/golang-jwt/jwt/v5"
)

// newRSA is the length of an RSA key that is made here, in bits.
const newRSA = 3072

// Sign returns claims as a signed token in the compact form (RFC 7515 §3.1).
// alg is HS, RS, PS or ES with 256, 384 or 512, or EdDSA. key is the shared
// secret of HS, else a private key in PEM (PKCS#1, PKCS#8, SEC 1). header adds
// to "alg" and "typ". No error repeats a claim or a part of the key.
func Sign(claims, header map[string]any, alg, key string) (string, error) {
	method := golangjwt.GetSigningMethod(alg)
	if method == nil || method == golangjwt.SigningMethodNone {
		return "", errAlgorithm
	}
	private, err := signingKey(method, key)
	if err != nil {
		return "", err
	}
	return signed(claims, header, alg, private)
}

// errAlgorithm is an algorithm that does not sign here.
var errAlgorithm = errors.New("the algorithm must be HS, RS, PS or ES with 256, 384 or 512, or EdDSA")

// signed writes the token. The type in the header is JWT unless it says another.
func signed(claims, header map[string]any, alg string, private any) (string, error) {
	if named, ok := header["alg"]; ok && named != alg {
		return "", errors.New("the header names another algorithm")
	}
	method := signingMethod(alg)
	token := golangjwt.NewWithClaims(method, golangjwt.MapClaims(claims))
	token.Header["alg"] = alg
	maps.Copy(token.Header, header)
	content, err := token.SigningString()
	if err != nil {
		return "", errors.New("the claims or the header cannot be written as JSON")
	}
	signature, err := method.Sign(content, private)
	if err != nil {
		return "", fmt.Errorf("the key does not fit %s", alg)
	}
	return content + "." + encodePart(signature), nil
}

// signingKey returns the key in the form that the method takes.
func signingKey(method golangjwt.SigningMethod, key string) (any, error) {
	if _, shared := method.(*golangjwt.SigningMethodHMAC); shared {
		return plainSecret(key)
	}
	private, err := privateKey(method, withoutParameters(key))
	if err != nil {
		// The library's error is not repeated: it could hold a part of the key.
		return nil, fmt.Errorf("%s needs its kind of private key in PEM", method.Alg())
	}
	if long, ok := private.(*rsa.PrivateKey); ok && long.N.BitLen() < minRSA {
		return nil, fmt.Errorf("the RSA key has %d bits: %d is the least", long.N.BitLen(), minRSA)
	}
	return private, nil
}

// plainSecret refuses what is no secret: nothing, and a key pair's key, with
// which everybody who has the public one could sign.
func plainSecret(key string) (any, error) {
	if key == "" {
		return nil, errors.New("the key is empty")
	}
	if strings.HasPrefix(strings.TrimSpace(key), "-----BEGIN ") {
		return nil, errors.New("HS takes a shared secret, not a key in PEM")
	}
	return []byte(key), nil
}

func privateKey(method golangjwt.SigningMethod, key []byte) (any, error) {
	switch method.(type) {
	case *golangjwt.SigningMethodECDSA:
		return golangjwt.ParseECPrivateKeyFromPEM(key)
	case *golangjwt.SigningMethodEd25519:
		return golangjwt.ParseEdPrivateKeyFromPEM(key)
	default: // RS, and PS, which is made of it
		return golangjwt.ParseRSAPrivateKeyFromPEM(key)
	}
}

// withoutParameters drops the block that OpenSSL writes before an EC key.
func withoutParameters(key string) []byte {
	block, rest := pem.Decode([]byte(key))
	if block != nil && block.Type == "EC PARAMETERS" {
		return rest
	}
	return []byte(key)
}

var errNoPrivate = errors.New("this key has no private part, and only that can sign")

// SignWith signs as Sign does, with a key that was read. An empty alg is the
// usual one of the key; where the key has a name, the header carries it.
func SignWith(claims, header map[string]any, alg string, key Key) (string, error) {
	allowed := key.algorithms()
	if alg == "" {
		alg = allowed[0]
	}
	if !slices.Contains(allowed, alg) || signingMethod(alg) == nil {
		return "", fmt.Errorf("the key does not sign with this algorithm, but with %s", strings.Join(allowed, ", "))
	}
	if key.private == nil {
		return "", errNoPrivate
	}
	if _, named := header["kid"]; key.ID != "" && !named {
		header = maps.Clone(header)
		if header == nil {
			header = map[string]any{}
		}
		header["kid"] = key.ID
	}
	return signed(claims, header, alg, key.private)
}

// Generate makes a key for an algorithm: RS and PS of 3072 bits, HS with as many
// bytes as the hash. Its name is its thumbprint (RFC 7638).
func Generate(alg string) (Key, error) {
	private, err := newPrivate(alg)
	if err != nil {
		return Key{}, err
	}
	key := newKey(private, private)
	if pair, ok := private.(crypto.Signer); ok {
		key = newKey(pair.Public(), private)
	}
	key.Algorithm = alg
	key.ID, err = key.Thumbprint()
	return key, err
}

func newPrivate(alg string) (any, error) {
	switch alg {
	case "HS256", "HS384", "HS512":
		secret := make([]byte, signingMethod(alg).(*golangjwt.SigningMethodHMAC).Hash.Size())
		_, err := rand.Read(secret)
		return secret, err
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return rsa.GenerateKey(rand.Reader, newRSA)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, errAlgorithm
}

// PEM returns the private and the public half in PEM (PKCS#8, PKIX). A shared
// secret has no such form.
func (k Key) PEM() (private, public string, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return "", "", errors.New("this key cannot be written as PEM")
	}
	private = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if der, err = x509.MarshalPKIXPublicKey(k.public); err != nil {
		return "", "", errors.New("this key cannot be written as PEM")
	}
	return private, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}
