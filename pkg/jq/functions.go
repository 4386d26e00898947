package jq

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"net/http"
	"strings"
	"unicode/utf16"

	"github.com/google/uuid"
	"github.com/itchyny/gojq"

	"github.com/authctl/authctl/pkg/jwt"
)

const (
	// maxIterations and maxKey bound pbkdf2. The iterations of all blocks count.
	maxIterations = 10_000_000
	maxKey        = 1024
)

// functions are those of the language that jq lacks. Bytes are texts that need
// not be UTF-8.
type functions struct {
	ctx context.Context
	in  Input
}

// options registers the functions. f is nil where nothing will run.
func (f *functions) options() []gojq.CompilerOption {
	var list []gojq.CompilerOption
	add := func(name string, least, most int, function func(any, []any) any) {
		list = append(list, gojq.WithFunction(name, least, most, function))
	}
	add("__bounded", 0, 0, passLight)
	add("__key", 0, 0, passKey)
	add("__fits", 2, 2, passFitting)
	add("__clock", 0, 0, f.clock)
	add("header", 1, 1, f.header)
	add("cookie", 1, 1, f.cookie)
	add("cookies", 0, 0, f.cookies)
	add("link", 1, 1, f.link)
	add("hash", 1, 1, orNull(digest))
	add("hmac", 2, 2, orNull(mac))
	add("pbkdf2", 4, 4, orNull(f.pbkdf2))
	add("base64", 0, 0, orNull(convert("base64", base64.StdEncoding.EncodeToString)))
	add("base64url", 0, 0, orNull(convert("base64url", base64.RawURLEncoding.EncodeToString)))
	add("hex", 0, 0, orNull(convert("hex", hex.EncodeToString)))
	add("unhex", 0, 0, orNull(unhex))
	add("utf16le", 0, 0, orNull(convert("utf16le", utf16le)))
	add("jwt", 2, 3, orNull(sign))
	add("jwt_claims", 0, 0, orNull(claims))
	add("totp", 0, 0, orNull(f.totp))
	add("nonce", 0, 0, func(any, []any) any { return nonce() })
	add("uuid", 0, 0, func(any, []any) any { return uuid.NewString() })
	return list
}

// orNull lets null pass: what is computed of a value that is missing is missing
// itself, so that the leaf which names it is left out.
func orNull(function func(any, []any) any) func(any, []any) any {
	return func(value any, args []any) any {
		if value == nil {
			return nil
		}
		return function(value, args)
	}
}

// texts takes the input and the arguments of a function as texts. The error
// names the function and the type.
func texts(function string, values ...any) ([]string, error) {
	list := make([]string, len(values))
	for i, value := range values {
		text, ok := value.(string)
		if !ok {
			return nil, failf("%s takes text, not %s", function, gojq.TypeOf(value))
		}
		list[i] = text
	}
	return list, nil
}

// convert makes a function of bytes to text.
func convert(name string, function func([]byte) string) func(any, []any) any {
	return func(value any, _ []any) any {
		text, err := texts(name, value)
		if err != nil {
			return err
		}
		return function([]byte(text[0]))
	}
}

// clock is jq's now.
func (f *functions) clock(any, []any) any {
	if f.in.Now.IsZero() {
		return failf("now is not known here")
	}
	return float64(f.in.Now.UnixNano()) / 1e9
}

// header gives the first value of a response header, or null.
func (f *functions) header(_ any, args []any) any {
	name, err := texts("header", args[0])
	if err != nil {
		return err
	}
	if values := f.in.Header.Values(name[0]); len(values) > 0 {
		return values[0]
	}
	return nil
}

// cookie gives the value of a cookie in the jar, or null.
func (f *functions) cookie(_ any, args []any) any {
	name, err := texts("cookie", args[0])
	if err != nil {
		return err
	}
	for _, cookie := range f.in.Cookies {
		if cookie.Name == name[0] {
			return cookie.Value
		}
	}
	return nil
}

// cookies gives the whole jar as it is sent (RFC 6265 §4.2.1), or null.
func (f *functions) cookies(any, []any) any {
	if len(f.in.Cookies) == 0 {
		return nil
	}
	pairs := make([]string, len(f.in.Cookies))
	for i, cookie := range f.in.Cookies {
		pairs[i] = (&http.Cookie{Name: cookie.Name, Value: cookie.Value, Quoted: cookie.Quoted}).String()
	}
	return strings.Join(pairs, "; ")
}

// link gives the address of the link with a relation, or null.
func (f *functions) link(_ any, args []any) any {
	rel, err := texts("link", args[0])
	if err != nil {
		return err
	}
	if target, ok := findLink(f.in.Header.Values("Link"), rel[0]); ok {
		return target
	}
	return nil
}

// algorithm names a hash. MD5 and SHA-1 are old, but it is the server that
// chooses.
func algorithm(function, name string) (func() hash.Hash, error) {
	switch name {
	case "md5":
		return md5.New, nil
	case "sha1":
		return sha1.New, nil
	case "sha256":
		return sha256.New, nil
	case "sha384":
		return sha512.New384, nil
	case "sha512":
		return sha512.New, nil
	}
	return nil, failf("%s takes md5, sha1, sha256, sha384 or sha512", function)
}

func digest(value any, args []any) any {
	return sum("hash", []any{value, args[0]}, func(newHash func() hash.Hash, _ []string) hash.Hash { return newHash() })
}

func mac(value any, args []any) any {
	return sum("hmac", []any{value, args[0], args[1]}, func(newHash func() hash.Hash, text []string) hash.Hash {
		return hmac.New(newHash, []byte(text[2]))
	})
}

// sum hashes the first of values with the algorithm that the second names.
func sum(function string, values []any, start func(func() hash.Hash, []string) hash.Hash) any {
	text, err := texts(function, values...)
	if err != nil {
		return err
	}
	newHash, err := algorithm(function, text[1])
	if err != nil {
		return err
	}
	h := start(newHash, text)
	h.Write([]byte(text[0]))
	return string(h.Sum(nil))
}

// pbkdf2 derives a key from the input (RFC 8018 §5.2).
func (f *functions) pbkdf2(value any, args []any) any {
	text, err := texts("pbkdf2", value, args[0], args[1])
	if err != nil {
		return err
	}
	newHash, err := algorithm("pbkdf2", text[1])
	if err != nil {
		return err
	}
	iterations, isNumber := gojq.ToInt(args[2])
	length, isLength := gojq.ToInt(args[3])
	switch {
	case !isNumber || !isLength:
		return failf("pbkdf2 takes numbers of iterations and bytes")
	case length < 1 || length > maxKey:
		return failf("pbkdf2 makes 1 to %d bytes", maxKey)
	case iterations < 1 || iterations > maxIterations/(1+(length-1)/newHash().Size()):
		return failf("pbkdf2 takes at most %d iterations, for each block of bytes", maxIterations)
	}
	return f.wait(func() (string, error) {
		key, err := pbkdf2.Key(newHash, text[0], []byte(text[2]), iterations, length)
		return string(key), err
	})
}

// wait returns what slow work comes to, or an error when the time is over.
// Nothing can stop the work, but it is bounded: some seconds at most.
func (f *functions) wait(work func() (string, error)) any {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := work()
		done <- result{text, err}
	}()
	select {
	case <-f.ctx.Done():
		return f.ctx.Err()
	case r := <-done:
		if r.err != nil {
			return failf("pbkdf2 failed")
		}
		return r.text
	}
}

func unhex(value any, _ []any) any {
	text, err := texts("unhex", value)
	if err != nil {
		return err
	}
	raw, err := hex.DecodeString(text[0])
	if err != nil {
		return failf("unhex takes an even number of hexadecimal digits")
	}
	return string(raw)
}

// utf16le encodes as some servers want what they hash (FRITZ!Box).
func utf16le(text []byte) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(string(text))) {
		b.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	return b.String()
}

// sign makes a signed JWT of the input.
func sign(value any, args []any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return failf("jwt takes an object of claims, not %s", gojq.TypeOf(value))
	}
	text, err := texts("jwt", args[0], args[1])
	if err != nil {
		return err
	}
	var header map[string]any
	if len(args) == 3 {
		if header, ok = args[2].(map[string]any); !ok {
			return failf("jwt takes an object as header, not %s", gojq.TypeOf(args[2]))
		}
	}
	token, err := jwt.Sign(object, header, text[1], text[0])
	if err != nil {
		return failf("jwt: %v", err)
	}
	return token
}

// claims gives the claims of a JWT, not verified; null if it is none.
func claims(value any, _ []any) any {
	text, ok := value.(string)
	if !ok {
		return nil
	}
	token, err := jwt.Inspect(text)
	if err != nil || token.Kind != jwt.KindJWT {
		return nil
	}
	var object map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(token.ClaimsJSON)))
	decoder.UseNumber()
	if decoder.Decode(&object) != nil {
		return nil
	}
	return object
}

func (f *functions) totp(value any, _ []any) any {
	secret, err := texts("totp", value)
	if err != nil {
		return err
	}
	if f.in.Now.IsZero() {
		return failf("totp needs the time, which is not known here")
	}
	code, err := TOTP(secret[0], f.in.Now)
	if err != nil {
		return err
	}
	return code
}

// nonce gives 16 random bytes in hexadecimal.
func nonce() string {
	raw := make([]byte, 16)
	rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}
