package jwt

import (
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"strings"

	golangjwt "github.com/golang-jwt/jwt/v5"
)

// minRSA is the shortest RSA key that may sign (RFC 7518 §3.3), in bits.
const minRSA = 2048

// Sign returns claims as a signed token in the compact form (RFC 7515 §3.1).
// alg is HS, RS, PS or ES with 256, 384 or 512, or EdDSA. key is the shared
// secret of HS, else a private key in PEM (PKCS#1, PKCS#8, SEC 1). header adds
// to "alg" and "typ". No error repeats a claim or a part of the key.
func Sign(claims, header map[string]any, alg, key string) (string, error) {
	method := golangjwt.GetSigningMethod(alg)
	if method == nil || method == golangjwt.SigningMethodNone {
		return "", errors.New("the algorithm must be HS, RS, PS or ES with 256, 384 or 512, or EdDSA")
	}
	if named, ok := header["alg"]; ok && named != alg {
		return "", errors.New("the header names another algorithm")
	}
	private, err := signingKey(method, key)
	if err != nil {
		return "", err
	}
	token := golangjwt.NewWithClaims(method, golangjwt.MapClaims(claims))
	maps.Copy(token.Header, header)
	signed, err := token.SigningString()
	if err != nil {
		return "", errors.New("the claims or the header cannot be written as JSON")
	}
	signature, err := method.Sign(signed, private)
	if err != nil {
		return "", fmt.Errorf("the key does not fit %s", alg)
	}
	return signed + "." + token.EncodeSegment(signature), nil
}

// signingKey returns the key in the form that the method takes.
func signingKey(method golangjwt.SigningMethod, key string) (any, error) {
	if _, shared := method.(*golangjwt.SigningMethodHMAC); shared {
		return sharedKey(key)
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

// sharedKey refuses what is no secret: nothing, and a key pair's key, with
// which everybody who has the public one could sign.
func sharedKey(key string) (any, error) {
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
