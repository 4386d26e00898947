package jwt

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
)

// The flags of the comparison: go test -run SecondOpinion -tokens 100000.
var (
	tokens = flag.Int("tokens", 2000, "how many tokens the comparison with go-jose makes")
	seed   = flag.Uint64("seed", 1, "where its random numbers start")
)

// signer is one key that the comparison signs with. Signing takes most of the
// time, so the good token of each algorithm is signed once.
type signer struct {
	key  Key
	algs []string
	good map[string]string
}

func newSigner(key Key, algs ...string) signer { return signer{key, algs, map[string]string{}} }

func (s signer) sealed(alg, header, payload string) string {
	text := header + payload
	if s.good[text] == "" {
		s.good[text] = sealed(s.key.private, alg, header, payload)
	}
	return s.good[text]
}

// What verifies here verifies with a second library. What that one takes and we
// refuse is refused by one of the rules in which we are stricter.
func TestSecondOpinion(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(*seed, 2))
	signers := []signer{
		newSigner(hmacKey(strings.Repeat(secret48, 2)), "HS256", "HS384", "HS512"),
		newSigner(pairKey(t, "RSA"), "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
		newSigner(pairKey(t, "P-256"), "ES256"), newSigner(pairKey(t, "Ed25519"), "EdDSA"),
		newSigner(pairKey(t, "P-384"), "ES384"), newSigner(pairKey(t, "P-521"), "ES512"),
	}
	both, neither, stricter := 0, 0, map[string]int{}
	for i := range *tokens {
		s := signers[random.IntN(4)]
		if i%50 == 0 { // the large curves take long, with the race detector above all
			s = signers[4+i/50%2]
		}
		token := randomToken(random, s)
		verdict := inspect(t, token).Verify(goodRules(s.key))
		second := secondOpinion(token, s)
		switch {
		case verdict.Valid() && second == nil:
			both++
		case verdict.Valid():
			t.Fatalf("token %d: only we take %s: %v", i, token, second)
		case second == nil:
			why := stricterRule(verdict, token)
			if why == "" {
				t.Fatalf("token %d: only go-jose takes %s: %q", i, token, failures(verdict))
			}
			stricter[why]++
		default:
			neither++
		}
	}
	if both < *tokens/10 || neither < *tokens/10 {
		t.Errorf("the tokens are too much alike: %d good, %d bad", both, neither)
	}
	t.Logf("%d tokens: both take %d, neither takes %d, we are stricter with %v", *tokens, both, neither, stricter)
}

// stricterRule says which rule of ours go-jose does not have; empty if none
// explains the difference.
func stricterRule(v Verdict, token string) string {
	failed := v.Failed()
	switch first := failed[0]; {
	case first == checkContent:
		return "duplicate names or invalid UTF-8"
	case first == checkCritical:
		return "crit may not be empty, and none is understood"
	case first == checkForm && strings.ContainsAny(token, "\r\n"):
		return "line breaks inside"
	case first == checkForm:
		return "bits left over in base64"
	case first == checkExpiry && strings.Contains(failures(v)[0], "no expiry"):
		return "exp is required"
	case first == checkExpiry && strings.Contains(failures(v)[0], "it expired at"):
		return "the very second of exp is too late"
	case (first == checkNotBefore || first == checkIssued) && strings.Contains(failures(v)[0], "2023-11-14T22:15:00Z"):
		return "half a second ahead is ahead"
	case strings.Contains(failures(v)[0], "is no time"):
		return "times that are null or beyond the year 9999"
	case first == checkClaims:
		return "iss, sub and jti are strings, not null"
	}
	return ""
}

// secondOpinion is what go-jose says, used as its documentation tells.
func secondOpinion(token string, s signer) error {
	var algs []jose.SignatureAlgorithm
	for _, alg := range s.algs {
		algs = append(algs, jose.SignatureAlgorithm(alg))
	}
	parsed, err := josejwt.ParseSigned(token, algs)
	if err != nil {
		return err
	}
	var claims josejwt.Claims
	if err := parsed.Claims(s.key.public, &claims); err != nil {
		return err
	}
	return claims.ValidateWithLeeway(josejwt.Expected{Issuer: "https://issuer.example", AnyAudience: []string{"api"}, Time: now()}, 0)
}

func pick(random *rand.Rand, list ...string) string { return list[random.IntN(len(list))] }

// randomToken makes a token that is good, or has one or two things changed.
func randomToken(random *rand.Rand, s signer) string {
	alg := pick(random, s.algs...)
	header, payload := `{"alg":"`+alg+`"}`, goodClaims
	change := random.IntN(8)
	if change == 0 {
		header = oddHeader(random, alg)
	}
	if change == 1 || change == 2 {
		payload = oddPayload(random)
	}
	token := s.sealed(alg, header, payload)
	if change == 3 || change == 4 {
		token = oddText(random, token)
	}
	if change == 5 {
		token = oddText(random, s.sealed(alg, header, oddPayload(random)))
	}
	return token
}

func oddHeader(random *rand.Rand, alg string) string {
	return pick(random,
		`{"alg":"none"}`, `{"alg":"HS256"}`, `{"alg":"RS256"}`, `{"alg":"ES256"}`, `{"alg":"EdDSA"}`, `{"alg":"ES512"}`, `{"alg":1}`, `{}`, `[]`, `{`,
		`{"alg":"`+alg+`","crit":["exp"],"exp":1}`, `{"alg":"`+alg+`","crit":[]}`, `{"alg":"`+alg+`","typ":"x"}`, `{"typ":"JWT","alg":"`+alg+`"}`,
		`{"alg":"`+alg+`","kid":"x"}`, `{"alg":"`+alg+`","alg":"none"}`, `{"alg":"none","alg":"`+alg+`"}`, `{"Alg":"none","alg":"`+alg+`"}`,
		`{"alg":"`+alg+`","b64":false,"crit":["b64"]}`, `{"alg":"`+alg+`","jku":"https://evil.example","x5u":"https://evil.example"}`,
		` {"alg" : "`+alg+`"} `, `{"alg":"`+alg+`"}{}`, `{"\u0061lg":"`+alg+`"}`, "{\"alg\":\""+alg+"\",\"x\":\"\xff\"}")
}

func oddPayload(random *rand.Rand) string {
	name := pick(random, "iss", "aud", "sub", "exp", "nbf", "iat", "jti", "x", "\\u0069ss", "ISS", "Exp")
	value := pick(random, "1", "0", "-1", "1e3", "1e300", "1e999", "1700000099.5", "1700000101", "1700000100", "1700000100.5", "1.7e9", "9007199254740993", "253402300800",
		"null", "true", `""`, `"api"`, `"https://issuer.example"`, "[]", `["api"]`, `[1]`, `["api",null]`, "{}", `{"a":1,"a":2}`, "\"\xff\"", `"\ud800"`,
		fmt.Sprint(random.Int64()), fmt.Sprint(random.IntN(2000000000)))
	switch random.IntN(5) {
	case 0: // beside the good ones
		return `{"` + name + `":` + value + "," + goodClaims[1:]
	case 1:
		return goodClaims[:len(goodClaims)-1] + `,"` + name + `":` + value + "}"
	case 2: // without the good one
		return strings.Replace(goodClaims, `"`+name+`"`, `"`+name+name+`"`, 1)
	case 3: // instead of it
		return `{"` + name + `":` + value + "," + strings.Replace(goodClaims, `"`+name+`"`, `"`+name+name+`"`, 1)[1:]
	default:
		return pick(random, "", "{}", "[]", "null", "text", goodClaims+" ", goodClaims+goodClaims, "\ufeff"+goodClaims, goodClaims[:len(goodClaims)-1])
	}
}

// oddText changes the finished text.
func oddText(random *rand.Rand, token string) string {
	at := 1 + random.IntN(len(token)-1)
	switch random.IntN(7) {
	case 0: // another character
		return token[:at] + pick(random, "A", "_", "=", "+", ".", "\n", " ", "é", "\x00") + token[at+1:]
	case 1: // one more
		return token[:at] + pick(random, "A", "=", ".", "\n", "\r\n", " ") + token[at:]
	case 2: // one less
		return token[:at] + token[at+1:]
	case 3:
		return token[:at]
	case 4:
		return token + pick(random, "=", "A", ".", "..", "\x00")
	case 5: // other bits after the last byte
		return token[:len(token)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[random.IntN(64)])
	default:
		parts := strings.Split(token, ".")
		return strings.Join([]string{parts[random.IntN(3)], parts[random.IntN(3)], parts[random.IntN(3)]}, ".")
	}
}

// No token makes verification panic, hang or take what the second library
// refuses.
func FuzzVerify(f *testing.F) {
	for _, tt := range examples() {
		f.Add(tt.token, rfc7517Set)
	}
	f.Add(compact(`{"alg":"HS256","kid":"a"}`, goodClaims, "c2ln"), rfc7515Secret)
	shared := newSigner(hmacKey(strings.Repeat(secret48, 2)), "HS256", "HS384", "HS512")
	f.Fuzz(func(t *testing.T, text, keys string) {
		start := time.Now()
		read, _ := ReadKeys([]byte(keys), KeyByContent)
		published, _ := ReadKeySet([]byte(keys))
		for _, input := range []string{text, compact(hs256, text, "c2ln"), sealed(shared.key.private, "HS256", hs256, text), sealed(shared.key.private, "HS256", text, goodClaims)} {
			tok, err := Inspect(input)
			if err != nil {
				continue
			}
			tok.Verify(goodRules(append(read, published...)...))
			if tok.Length == len(input) && tok.Verify(goodRules(shared.key)).Valid() {
				if err := secondOpinion(input, shared); err != nil {
					t.Errorf("only we take %q: %v", input, err)
				}
			}
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
