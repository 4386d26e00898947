package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of keys. A shorter RSA key can be broken (RFC 7518 §3.3), a longer
// one only costs time: one of 262,144 bits takes seconds for a signature. A
// shared secret has as many bytes as the hash (RFC 7518 §3.2).
const (
	minRSA  = 2048
	maxRSA  = 16384
	minHMAC = 32
	minE    = 3
)

// KeyType is what the user says a key is; a token never says it.
type KeyType string

// The types of keys.
const (
	KeyByContent  KeyType = ""            // PEM, DER, JWK or JWKS, as its content shows
	KeyHMAC       KeyType = "hmac"        // the bytes of a shared secret
	KeyHMACBase64 KeyType = "hmac-base64" // the same in base64
)

// Key is what a token is verified or signed with.
type Key struct {
	ID        string // kid (RFC 7517 §4.5); empty if it has none
	Algorithm string // the only one that the key is for (alg); empty if it names none
	Problem   string // why it cannot be used; empty if it can

	public  any  // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, or []byte if shared
	private any  // *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey, or []byte; nil if unknown
	only    bool // given by itself: what a token calls its key does not matter
}

var (
	errNoKey = errors.New("it is no key that is known here: neither PEM nor DER, neither JWK nor JWKS")
	errNoPEM = errors.New("no key and no certificate is in this PEM text")
)

// ReadKeys reads what the user names as key: a public key, a certificate, a
// JWK or a key set (RFC 7517), or a shared secret if kind says so. Of a private
// key the public half verifies. A key that cannot be used has a Problem, which
// is an error where it is the only one. No error repeats a part of the key.
func ReadKeys(data []byte, kind KeyType) ([]Key, error) {
	if kind != KeyByContent {
		key, err := sharedKey(data, kind)
		return []Key{key}, err
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' {
		return readJSONKeys(trimmed, true)
	}
	public, private, err := readPlainKey(data)
	if err != nil {
		return nil, err
	}
	return alone(newKey(public, private))
}

// ReadKeySet reads a key set that a server publishes. A shared secret in it is
// known to everybody and is no key.
func ReadKeySet(data []byte) ([]Key, error) { return readJSONKeys(bytes.TrimSpace(data), false) }

// alone is for one key that the user gave by itself.
func alone(key Key) ([]Key, error) {
	key.only = true
	if key.Problem != "" {
		return nil, errors.New(key.Problem)
	}
	return []Key{key}, nil
}

// newKey checks a key (RFC 8725 §3.4 and §3.5).
func newKey(public, private any) Key {
	key := Key{public: public, private: private}
	switch public := public.(type) {
	case *rsa.PublicKey:
		key.Problem = rsaProblem(public)
	case []byte:
		if len(public) < minHMAC {
			key.Problem = fmt.Sprintf("the shared secret has %d bytes: %d is the least", len(public), minHMAC)
		}
	case *ecdsa.PublicKey, ed25519.PublicKey: // the parsers check the point
	default:
		key.Problem = "keys of this kind do not sign tokens here"
	}
	if key.Problem == "" && len(key.algorithms()) == 0 {
		key.Problem = "keys on this curve do not sign tokens here"
	}
	return key
}

func rsaProblem(public *rsa.PublicKey) string {
	switch bits := public.N.BitLen(); {
	case bits < minRSA:
		return fmt.Sprintf("the RSA key has %d bits: %d is the least", bits, minRSA)
	case bits > maxRSA:
		return fmt.Sprintf("the RSA key has %d bits: %d is the most", bits, maxRSA)
	case public.E < minE || public.E%2 == 0 || public.N.Bit(0) == 0:
		return "the RSA key has an impossible number in it"
	}
	return ""
}

// algorithms are those that the key can be used with: its kind decides, and
// what it says itself (RFC 8725 §3.1).
func (k Key) algorithms() []string {
	var list []string
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		list = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		list = map[string][]string{"P-256": {"ES256"}, "P-384": {"ES384"}, "P-521": {"ES512"}}[public.Curve.Params().Name]
	case ed25519.PublicKey:
		list = []string{"EdDSA", "Ed25519"}
	case []byte:
		for bytes, alg := range []string{32: "HS256", 48: "HS384", 64: "HS512"} {
			if alg != "" && len(public) >= bytes {
				list = append(list, alg)
			}
		}
	}
	if k.Algorithm == "" {
		return list
	}
	return slices.DeleteFunc(list, func(alg string) bool { return alg != k.Algorithm })
}

// Algorithms are those that tokens can be verified with.
func Algorithms() []string {
	return []string{
		"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
	}
}

// kind names the sort of key for people.
func (k Key) kind() string {
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA, %d bits", public.N.BitLen())
	case *ecdsa.PublicKey:
		return "EC, " + public.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	default:
		return "shared secret"
	}
}

// sharedKey reads a shared secret. A key of a key pair is refused: with it,
// everybody who has the public half could sign (RFC 8725 §2.1).
func sharedKey(data []byte, kind KeyType) (Key, error) {
	secret := withoutLineBreak(data)
	if kind == KeyHMACBase64 {
		raw, _, ok := decodePart(strings.TrimSpace(string(data)))
		if !ok {
			return Key{}, errors.New("the shared secret is not base64")
		}
		secret = raw
	}
	_, _, err := readPlainKey(secret)
	if err == nil || bytes.Contains(secret, []byte("-----BEGIN ")) {
		return Key{}, errors.New("this is a key of a key pair, not a shared secret: leave out the key type")
	}
	if _, err := readJSONKeys(bytes.TrimSpace(secret), true); err == nil {
		return Key{}, errors.New("this is a JWK or JWKS, not a shared secret: leave out the key type")
	}
	keys, err := alone(newKey(secret, secret))
	if err != nil {
		return Key{}, err
	}
	return keys[0], nil
}

// withoutLineBreak drops the line break that an editor puts after text; bytes
// that are no text stay as they are.
func withoutLineBreak(data []byte) []byte {
	text := bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if !utf8.Valid(text) || bytes.ContainsFunc(text, unicode.IsControl) {
		return data
	}
	return text
}

// readPlainKey reads PEM or DER.
func readPlainKey(data []byte) (public, private any, err error) {
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		return readDER(data)
	}
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return public, private, noKeyIn(public)
		}
		data = rest
		if block.Type == "EC PARAMETERS" { // OpenSSL writes them before the key
			continue
		}
		if block.Type == "CERTIFICATE" && public != nil {
			continue // the first one is whose; the others vouch for it
		}
		nextPublic, nextPrivate, err := readDER(block.Bytes)
		switch {
		case err != nil:
			return nil, nil, errNoPEM
		case public == nil:
			public, private = nextPublic, nextPrivate
		case !samePublic(public, nextPublic):
			return nil, nil, errors.New("there is more than one key in this PEM text: give one, or a JWKS")
		}
	}
}

func noKeyIn(public any) error {
	if public == nil {
		return errNoPEM
	}
	return nil
}

func samePublic(a, b any) bool {
	equal, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && equal.Equal(b)
}

// readDER reads the forms of keys and a certificate, whose own validity is not
// looked at: the user trusts the key.
func readDER(der []byte) (public, private any, err error) {
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		return key, nil, nil
	}
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, nil, nil
	}
	if cert, err := x509.ParseCertificate(der); err == nil {
		return cert.PublicKey, nil, nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return halves(key)
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return halves(key)
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return halves(key)
	}
	return nil, nil, errNoKey
}

func halves(key any) (public, private any, err error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, errNoKey
	}
	return signer.Public(), key, nil
}

// readJSONKeys reads a JWK or a JWKS. Keys in a set that are unknown or wrong
// are kept with their problem, to be told if a token names them (RFC 7517 §5).
func readJSONKeys(data []byte, shared bool) ([]Key, error) {
	obj, err := readObject(data)
	if err != nil {
		return nil, fmt.Errorf("the key set: %w", hideSyntax(err))
	}
	if len(obj.duplicates) > 0 {
		return nil, errors.New("the key set: a name stands twice")
	}
	list := obj.value("keys")
	if list == nil {
		return alone(newJWK(obj, shared))
	}
	var each []json.RawMessage
	if err := json.Unmarshal(list, &each); err != nil || string(list) == "null" {
		return nil, errors.New("the key set: keys is not a list")
	}
	var keys []Key
	for _, raw := range each {
		obj, err := readObject(raw)
		if err != nil {
			return nil, errors.New("the key set: one of the keys is not an object")
		}
		keys = append(keys, newJWK(obj, shared))
	}
	return keys, nil
}

// hideSyntax leaves out what a JSON error quotes: it may be from a key.
func hideSyntax(err error) error {
	if errors.Is(err, errNotObject) {
		return err
	}
	return errors.New("it is not JSON")
}

// encodePart writes bytes as JOSE does (RFC 7515 §2).
func encodePart(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
