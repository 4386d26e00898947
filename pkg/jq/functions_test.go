package jq_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/jq"
)

// result is what an expression comes to.
type result struct {
	Value any
	Error string
}

func first(t *testing.T, text string, in jq.Input) result {
	t.Helper()
	value, err := jq.First(t.Context(), text, in)
	got := result{Value: value}
	if err != nil {
		var failed *jq.EvalError
		if !errors.As(err, &failed) {
			t.Errorf("%T", err)
		}
		got.Error = err.Error()
	}
	return got
}

const (
	// jwt.io's example, and one whose header is damaged.
	token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
	// seed is the secret of RFC 6238, appendix B, for SHA-1.
	seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
)

func TestFunctions(t *testing.T) {
	t.Parallel()
	in := jq.Input{
		Vars: map[string]any{"raw": "\xff\x00\xfe", "token": token, "seed": seed, "big": json.Number("9007199254740993")},
		Now:  time.Unix(1111111109, 500_000_000),
		Cookies: []*http.Cookie{
			{Name: "a", Value: "1", Path: "/", HttpOnly: true}, {Name: "b", Value: "x y", Quoted: true}, {Name: "c"},
		},
		Header: http.Header{"X-A": {"1", "2"}},
	}
	for text, want := range map[string]result{
		// bytes
		`"abc" | hash("md5") | hex`:                                     {Value: "900150983cd24fb0d6963f7d28e17f72"},
		`"abc" | hash("sha1") | hex`:                                    {Value: "a9993e364706816aba3e25717850c26c9cd0d89d"},
		`"abc" | hash("sha256") | hex`:                                  {Value: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		`"abc" | hash("sha384") | hex | .[:16]`:                         {Value: "cb00753f45a35e8b"},
		`"abc" | hash("sha512") | hex | .[:16]`:                         {Value: "ddaf35a193617aba"},
		`"abc" | hash("SHA256")`:                                        {Error: "hash takes md5, sha1, sha256, sha384 or sha512"},
		`1 | hash("md5")`:                                               {Error: "hash takes text, not number"},
		`"abc" | hash(null)`:                                            {Error: "hash takes text, not null"},
		`"what do ya want for nothing?" | hmac("sha256"; "Jefe") | hex`: {Value: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}, // RFC 4231 §4.3
		`"what do ya want for nothing?" | hmac("md5"; "Jefe") | hex`:    {Value: "750c783e6ab0b503eaa86e310a5db738"},                                 // RFC 2202 §2
		`"a" | hmac("sha3"; "b")`:                                       {Error: "hmac takes md5, sha1, sha256, sha384 or sha512"},
		`"password" | pbkdf2("sha1"; "salt"; 2; 20) | hex`:              {Value: "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"}, // RFC 6070
		`"x" | pbkdf2("sha1"; "s"; 0; 20)`:                              {Error: "pbkdf2 takes at most 10000000 iterations, for each block of bytes"},
		`"x" | pbkdf2("sha1"; "s"; 10000001; 20)`:                       {Error: "pbkdf2 takes at most 10000000 iterations, for each block of bytes"},
		`"x" | pbkdf2("sha1"; "s"; 5000001; 21)`:                        {Error: "pbkdf2 takes at most 10000000 iterations, for each block of bytes"},
		`"x" | pbkdf2("sha1"; "s"; 1; 1025)`:                            {Error: "pbkdf2 makes 1 to 1024 bytes"},
		`"x" | pbkdf2("sha1"; "s"; 1; 0)`:                               {Error: "pbkdf2 makes 1 to 1024 bytes"},
		`"x" | pbkdf2("sha1"; "s"; "1"; 1)`:                             {Error: "pbkdf2 takes numbers of iterations and bytes"},
		`"ab?>" | base64`:                                               {Value: "YWI/Pg=="},
		`"ab?>" | base64url`:                                            {Value: "YWI_Pg"},
		`"4A6f" | unhex`:                                                {Value: "Jo"},
		`"4A6" | unhex`:                                                 {Error: "unhex takes an even number of hexadecimal digits"},
		`"é\ud83d\ude00" | utf16le | hex`:                               {Value: "e9003dd800de"},
		`null | hash("md5") | hex`:                                      {},
		`1 | base64`:                                                    {Error: "base64 takes text, not number"},
		// bytes that are not UTF-8 go through
		"$raw":              {Value: "\xff\x00\xfe"},
		"$raw | base64":     {Value: "/wD+"},
		"$raw | @base64":    {Value: "/wD+"},
		`"/wD+" | @base64d`: {Value: "\xff\x00\xfe"},
		`$raw + $raw | hex`: {Value: "ff00feff00fe"},
		`"\($raw)!" | hex`:  {Value: "ff00fe21"},
		`$raw | hash("md5") | . == ("ff00fe" | unhex | hash("md5"))`: {Value: true},
		`[$raw, "x"] | join("-") | hex`:                              {Value: "ff00fe2d78"},
		`{a: $raw} | .a | @uri`:                                      {Value: "%FF%00%FE"},
		// the answer
		`header("x-a")`: {Value: "1"},
		"cookies":       {Value: `a=1; b="x y"; c=`},
		`cookie("b")`:   {Value: "x y"},
		`cookie("A")`:   {},
		`link("next")`:  {},
		"link(1)":       {Error: "link takes text, not number"},
		// tokens
		`{sub: "me", n: $big, iat: 1700000000.0} | jwt("opal"; "HS256") | split(".") | .[0, 1] | @base64d`: {Value: `{"alg":"HS256","typ":"JWT"}`},
		`{sub: "me", n: $big, iat: (1.7e9 | floor)} | jwt("opal"; "HS256") | split(".")[1] | @base64d`:     {Value: `{"iat":1700000000,"n":9007199254740993,"sub":"me"}`},
		`{iat: (now | floor), exp: (now + 300 | floor)} | jwt("opal"; "HS256") | jwt_claims`:               {Value: map[string]any{"iat": json.Number("1111111109"), "exp": json.Number("1111111409")}},
		`{} | jwt("opal"; "HS256"; {kid: "k"}) | split(".")[0] | @base64d`:                                 {Value: `{"alg":"HS256","kid":"k","typ":"JWT"}`},
		`{} | jwt("opal"; "none")`:                     {Error: "jwt: the algorithm must be HS, RS, PS or ES with 256, 384 or 512, or EdDSA"},
		`{} | jwt("opal"; "RS256")`:                    {Error: "jwt: RS256 needs its kind of private key in PEM"},
		`"x" | jwt("opal"; "HS256")`:                   {Error: "jwt takes an object of claims, not string"},
		`{} | jwt("opal"; "HS256"; "x")`:               {Error: "jwt takes an object as header, not string"},
		`{} | jwt(1; "HS256")`:                         {Error: "jwt takes text, not number"},
		"$token | jwt_claims":                          {Value: map[string]any{"sub": "1234567890", "name": "John Doe", "iat": json.Number("1516239022")}},
		`"opal" | jwt_claims`:                          {},
		`"" | jwt_claims`:                              {},
		"1 | jwt_claims":                               {},
		`{n: $big} | jwt("x"; "HS256") | jwt_claims.n`: {Value: json.Number("9007199254740993")},
		// time
		"now":                       {Value: 1111111109.5},
		"now | floor | todate":      {Value: "2005-03-18T01:58:29Z"},
		"now | strftime(\"%Y\")":    {Value: "2005"},
		"now | gmtime | mktime":     {Value: 1111111109.5},
		"[now, now] | .[0] == .[1]": {Value: true},
		"def f: now; f":             {Value: 1111111109.5},
		`"2005-03-18T01:58:29Z" | fromdate == (now | floor)`: {Value: true},
		"$seed | totp": {Value: "081804"},
		"1 | totp":     {Error: "totp takes text, not number"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, first(t, text, in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// No clock is read: without a time, now and totp fail.
func TestNoClock(t *testing.T) {
	t.Parallel()
	in := jq.Input{Vars: map[string]any{"seed": seed}}
	for text, want := range map[string]string{
		"now":          "now is not known here",
		"$seed | totp": "totp needs the time, which is not known here",
	} {
		if diff := cmp.Diff(result{Error: want}, first(t, text, in)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	for text, form := range map[string]string{
		"nonce": `^[0-9a-f]{32}$`,
		"uuid":  `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
	} {
		one, two := first(t, text, jq.Input{}).Value, first(t, text, jq.Input{}).Value
		if s, _ := one.(string); !regexp.MustCompile(form).MatchString(s) || one == two {
			t.Errorf("%s gave %v, %v", text, one, two)
		}
	}
}

func TestTOTP(t *testing.T) {
	t.Parallel()
	const seed256 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA"
	for _, tt := range []struct {
		secret string
		at     int64
		want   string
	}{
		// RFC 6238, appendix B
		{"otpauth://totp/x?secret=" + seed + "&digits=8", 59, "94287082"},
		{"otpauth://totp/x?secret=" + seed256 + "&digits=8&algorithm=SHA256", 59, "46119246"},
		{"otpauth://totp/a:b?issuer=a&digits=8&algorithm=sha1&period=30&secret=" + seed, 1111111109, "07081804"},
		{seed, 1111111109, "081804"},
		{"gezd gnbv gy3t-qojq\ngezdgnbvgy3tqojq ", 1111111109, "081804"},
		{"GEZDGNA=", 59, "336582"},
		{"GEZDGNA", 59, "336582"},
		{"otpauth://totp/x?secret=" + seed + "&period=60", 119, "287082"},
		// refused, without a part of the secret
		{"", 59, "totp needs a secret and a time after 1970"},
		{seed, -1, "totp needs a secret and a time after 1970"},
		{"opal!", 59, "the secret of totp is not base32"},
		{"otpauth://hotp/x?secret=" + seed, 59, "the secret of totp is neither base32 nor an otpauth://totp/ address"},
		{"https://totp/x?secret=" + seed, 59, "the secret of totp is neither base32 nor an otpauth://totp/ address"},
		{"otpauth://totp/%zz?secret=" + seed, 59, "the secret of totp is neither base32 nor an otpauth://totp/ address"},
		{"otpauth://totp/x?secret=%zz", 59, "the otpauth:// address is damaged"},
		{"otpauth://totp/x", 59, "totp needs a secret and a time after 1970"},
		{"otpauth://totp/x?secret=" + seed + "&digits=9", 59, "the otpauth:// address must name 6 to 8 digits"},
		{"otpauth://totp/x?secret=" + seed + "&digits=5", 59, "the otpauth:// address must name 6 to 8 digits"},
		{"otpauth://totp/x?secret=" + seed + "&period=0", 59, "the otpauth:// address names no period in seconds"},
		{"otpauth://totp/x?secret=" + seed + "&algorithm=MD5", 59, "the otpauth:// address must name SHA1, SHA256 or SHA512"},
	} {
		got, err := jq.TOTP(tt.secret, time.Unix(tt.at, 0))
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s at %d: %s, not %s", tt.secret, tt.at, got, tt.want)
		}
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header []string
		want   any
	}{
		{nil, nil},
		{[]string{`<https://a/?p=2>; rel="next", <https://a/?p=9>; rel="last"`}, "https://a/?p=2"},
		{[]string{`<https://a/?p=9>; rel="last", <https://a/?p=2>; rel="next"`}, "https://a/?p=2"},
		{[]string{`<https://a/1>; rel="last"`, `<https://a/2>; rel="next"`}, "https://a/2"},
		{[]string{`<https://a/?x=1,2;3>; title="a, b; rel=\"next\""; rel=other, </2>;REL=Next`}, "/2"},
		{[]string{`</2>; rel="prev next"`}, "/2"},
		{[]string{`</2> ; rel = "next"`}, "/2"},
		{[]string{`</2>; rel=prev; rel=next`}, nil}, // the first counts
		{[]string{`</2>; xrel=next`, `</2>; rel=nexts`, `rel=next`, `</2`, `<>; rel=next`, `,;,`, `"`}, nil},
		{[]string{`,, </2>; rel=next,`}, "/2"},
		{[]string{`</1>; title="\", </9>; rel=next", </2>; rel=next`}, "/2"},
	} {
		got := first(t, `link("next")`, jq.Input{Header: http.Header{"Link": tt.header}})
		if diff := cmp.Diff(result{Value: tt.want}, got); diff != "" {
			t.Errorf("%q\n%s", tt.header, diff)
		}
	}
}

// TestThreat07_ErrorsTellNoValue makes each kind of error with a secret in all
// places.
func TestThreat07_ErrorsTellNoValue(t *testing.T) {
	t.Parallel()
	in := jq.Input{
		Value: map[string]any{"s": "opal", "l": []any{"opal"}, "o": map[string]any{"opal": "opal"}, "n": 4711},
		Vars:  map[string]any{"pose": `cannot add: string ("x") and opal`},
	}
	for text, want := range map[string]string{
		".s.x":                       "expected an object but got: string",
		".s[0].x":                    "expected an object but got: string",
		".o[0]":                      "expected an array but got: object",
		".n[]":                       "cannot iterate over: number",
		"-.s":                        "cannot negate: string",
		".s + .n":                    "cannot add: string and number",
		".o + .l":                    "cannot add: object and array",
		".s - .s":                    "cannot subtract: string and string",
		".s * .l":                    "cannot multiply: string and array",
		".n / 0":                     "cannot divide number by this number",
		".n % 0":                     "cannot modulo number by this number",
		".s | tonumber":              "tonumber cannot be applied to this value",
		".s | fromjson":              "fromjson cannot be applied to this value",
		".s | keys":                  "keys cannot be applied to: string",
		".s | has(.)":                "has cannot be applied to: string",
		".n | startswith(\"opal\")":  "startswith cannot be applied to: number",
		".n | test(\"opal\")":        "test cannot be applied to: number",
		".s | test(\"(opal\")":       "invalid regular expression",
		".s | test(\"opal\"; \"q\")": "the expression failed",
		".s | strptime(\"%Y\")":      "strptime cannot be applied to this value",
		".s | @csv":                  "@csv cannot be applied to: string",
		"[.o] | @csv":                "@csv cannot format an array including: object",
		"\"%zz\" | @urid":            "@urid cannot be applied to this value",
		".s | @base64d | fromjson":   "fromjson cannot be applied to this value",
		"{(.n): 1}":                  "expected a string for object key",
		".l[.s]":                     "expected an object but got: array",
		".l[.o]":                     "the expression failed",
		".l[true]":                   "expected a number for indexing",
		".l | flatten(-1)":           "flatten depth should not be negative",
		"path(.o | {} | .x)":         "invalid path",
		"error(.s)":                  "it calls error",
		".s | error":                 "it calls error",
		"error($pose)":               "it calls error",
		".s | halt_error":            "it calls halt",
		".s | setpath([0]; 1)":       "setpath cannot be applied to this value",
		".l | implode":               "implode cannot be applied to: array",
		".o | mktime":                "mktime cannot be applied to: object",
		".l | mktime":                "mktime cannot be applied to this value",
		".s | ltrimstr(1)":           "ltrimstr cannot be applied to: string",
		".s | hash($pose)":           "hash takes md5, sha1, sha256, sha384 or sha512",
		".o | hmac(\"md5\"; .n)":     "hmac takes text, not object",
		".o | jwt($pose; $pose)":     "jwt: the algorithm must be HS, RS, PS or ES with 256, 384 or 512, or EdDSA",
		".s | unhex":                 "unhex takes an even number of hexadecimal digits",
		".s | totp":                  "totp needs the time, which is not known here",
		"header(.n)":                 "header takes text, not number",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got := first(t, text, in)
			if diff := cmp.Diff(result{Error: want}, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(got.Error, "opal") || strings.Contains(got.Error, "4711") {
				t.Error("a value is in the error")
			}
		})
	}
}
