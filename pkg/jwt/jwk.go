package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// JWK is a key as JSON (RFC 7517, RFC 7518 §6, RFC 8037 §2). The order of the
// fields is that of the names, as a thumbprint needs it.
type JWK struct {
	Algorithm string `json:"alg,omitempty"`
	Curve     string `json:"crv,omitempty"`
	D         string `json:"d,omitempty"`
	DP        string `json:"dp,omitempty"`
	DQ        string `json:"dq,omitempty"`
	E         string `json:"e,omitempty"`
	K         string `json:"k,omitempty"`
	ID        string `json:"kid,omitempty"`
	Type      string `json:"kty"`
	N         string `json:"n,omitempty"`
	P         string `json:"p,omitempty"`
	Q         string `json:"q,omitempty"`
	QI        string `json:"qi,omitempty"`
	Use       string `json:"use,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
}

// value returns a member of an object, nil if there is none.
func (o *object) value(name string) json.RawMessage {
	for _, m := range o.members {
		if m.name == name {
			return m.raw
		}
	}
	return nil
}

// newJWK reads one key. What is wrong with it becomes its Problem.
func newJWK(obj *object, shared bool) Key {
	get := &jwkReader{obj: obj}
	id, alg, use, ops := get.text("kid"), get.text("alg"), get.text("use"), get.list("key_ops")
	key := get.material(shared)
	key.ID, key.Algorithm = id, alg
	switch {
	case len(obj.duplicates) > 0:
		key.Problem = "a name stands twice in the key"
	case get.err != nil:
		key.Problem = get.err.Error()
	case use != "" && use != "sig":
		key.Problem = "the key is not for signatures (use)"
	case ops != nil && !slices.Contains(ops, "verify") && !slices.Contains(ops, "sign"):
		key.Problem = "the key is not for signatures (key_ops)"
	case key.Problem == "" && len(key.algorithms()) == 0:
		key.Problem = fmt.Sprintf("the key is for %s, which does not fit its kind or is unknown here", quote(alg))
	}
	return key
}

// jwkReader reads members of a JWK and keeps the first error.
type jwkReader struct {
	obj *object
	err error
}

func (r *jwkReader) fail(name, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s of the key %s", name, what)
	}
}

// text is a member that is a string, empty if absent.
func (r *jwkReader) text(name string) string {
	raw := r.obj.value(name)
	if raw == nil {
		return ""
	}
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		r.fail(name, "is not a string")
	}
	return text
}

func (r *jwkReader) list(name string) []string {
	raw := r.obj.value(name)
	if raw == nil {
		return nil
	}
	list := []string{}
	if json.Unmarshal(raw, &list) != nil || list == nil {
		r.fail(name, "is not a list of names")
		return []string{}
	}
	return list
}

// bytes is a member in strict base64url.
func (r *jwkReader) bytes(name string) []byte {
	text := r.text(name)
	if text == "" {
		r.fail(name, "is missing")
		return nil
	}
	raw, odd, ok := decodePart(text)
	if !ok || odd != "" {
		r.fail(name, "is not strict base64url")
	}
	return raw
}

func (r *jwkReader) number(name string) *big.Int { return new(big.Int).SetBytes(r.bytes(name)) }

// material reads the key proper.
func (r *jwkReader) material(shared bool) Key {
	var public, private any
	switch kind := r.text("kty"); kind {
	case "RSA":
		public, private = r.rsa()
	case "EC":
		public, private = r.ec()
	case "OKP":
		public, private = r.okp()
	case "oct":
		secret := r.bytes("k")
		public, private = secret, secret
		if !shared {
			return Key{Problem: "a shared secret in a published key set is no secret"}
		}
	default:
		return Key{Problem: "the kind of key " + quote(kind) + " is unknown here (kty)"}
	}
	if r.err != nil {
		return Key{}
	}
	return newKey(public, private)
}

func (r *jwkReader) rsa() (public, private any) {
	n, e := r.number("n"), r.number("e")
	if !e.IsInt64() || e.Int64() > 1<<31-1 { // what crypto/rsa takes
		r.fail("e", "is too large")
		return nil, nil
	}
	key := rsa.PublicKey{N: n, E: int(e.Int64())}
	if r.obj.value("d") == nil || r.err != nil || rsaProblem(&key) != "" {
		return &key, nil
	}
	own := &rsa.PrivateKey{PublicKey: key, D: r.number("d"), Primes: []*big.Int{r.number("p"), r.number("q")}}
	if r.err != nil {
		return &key, nil
	}
	if own.Validate() != nil {
		r.fail("d", "does not belong to n")
		return &key, nil
	}
	own.Precompute()
	return &key, own
}

func (r *jwkReader) ec() (public, private any) {
	curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[r.text("crv")]
	x, y := r.bytes("x"), r.bytes("y")
	if curve == nil {
		r.fail("crv", "is unknown here")
		return nil, nil
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(x) != size || len(y) != size { // RFC 7518 §6.2.1.2
		r.fail("x or y", "has the wrong length")
		return nil, nil
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		r.fail("x or y", "is no point of the curve")
		return nil, nil
	}
	if r.obj.value("d") == nil {
		return key, nil
	}
	own, err := ecdsa.ParseRawPrivateKey(curve, r.bytes("d"))
	if err != nil || !own.PublicKey.Equal(key) {
		r.fail("d", "does not belong to x and y")
		return key, nil
	}
	return key, own
}

func (r *jwkReader) okp() (public, private any) {
	if r.text("crv") != "Ed25519" {
		r.fail("crv", "is unknown here")
		return nil, nil
	}
	key := ed25519.PublicKey(r.bytes("x"))
	if len(key) != ed25519.PublicKeySize {
		r.fail("x", "has the wrong length")
		return nil, nil
	}
	if r.obj.value("d") == nil {
		return key, nil
	}
	seed := r.bytes("d")
	if len(seed) != ed25519.SeedSize || !bytes.Equal(ed25519.NewKeyFromSeed(seed)[ed25519.SeedSize:], key) {
		r.fail("d", "does not belong to x")
		return key, nil
	}
	return key, ed25519.NewKeyFromSeed(seed)
}

// Public returns the public half as JWK. A shared secret has none.
func (k Key) Public() (JWK, error) {
	jwk := JWK{ID: k.ID, Algorithm: k.Algorithm}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		jwk.Type, jwk.N, jwk.E = "RSA", encodePart(public.N.Bytes()), encodePart(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			return JWK{}, err
		}
		half := len(point) / 2
		jwk.Type, jwk.Curve = "EC", public.Curve.Params().Name
		jwk.X, jwk.Y = encodePart(point[1:half+1]), encodePart(point[half+1:])
	case ed25519.PublicKey:
		jwk.Type, jwk.Curve, jwk.X = "OKP", "Ed25519", encodePart(public)
	default:
		return JWK{}, errors.New("a shared secret has no public half")
	}
	return jwk, nil
}

// Private returns the key with its private part as JWK.
func (k Key) Private() (JWK, error) {
	if secret, ok := k.private.([]byte); ok {
		return JWK{ID: k.ID, Algorithm: k.Algorithm, Type: "oct", K: encodePart(secret)}, nil
	}
	jwk, err := k.Public()
	if err != nil {
		return JWK{}, err
	}
	switch private := k.private.(type) {
	case *rsa.PrivateKey:
		jwk.D, jwk.P, jwk.Q = encodePart(private.D.Bytes()), encodePart(private.Primes[0].Bytes()), encodePart(private.Primes[1].Bytes())
		jwk.DP, jwk.DQ = encodePart(private.Precomputed.Dp.Bytes()), encodePart(private.Precomputed.Dq.Bytes())
		jwk.QI = encodePart(private.Precomputed.Qinv.Bytes())
	case *ecdsa.PrivateKey:
		raw, err := private.Bytes()
		if err != nil {
			return JWK{}, err
		}
		jwk.D = encodePart(raw)
	case ed25519.PrivateKey:
		jwk.D = encodePart(private.Seed())
	default:
		return JWK{}, errNoPrivate
	}
	return jwk, nil
}

// Thumbprint names a key by its content (RFC 7638).
func (k Key) Thumbprint() (string, error) {
	jwk := JWK{Type: "oct"}
	if secret, ok := k.public.([]byte); ok {
		jwk.K = encodePart(secret)
	} else {
		var err error
		if jwk, err = k.Public(); err != nil {
			return "", err
		}
	}
	jwk.ID, jwk.Algorithm = "", ""
	text, err := json.Marshal(jwk)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return encodePart(sum[:]), nil
}
