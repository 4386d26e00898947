package jwt

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/authctl/authctl/pkg/fault"
)

// Found is a token as it stood in some text.
type Found struct {
	Name string // where: a path as in jq, or empty if it stood alone
	Text string
}

// Reader finds tokens in text, one after another, and keeps no more of it than
// one token or one JSON document. It takes one token a line, a token that a
// terminal has wrapped, header lines, JSON with tokens in it, and text around a
// token.
type Reader struct {
	lines *bufio.Scanner
	ahead string // a line that was read too early
	queue []Found
}

// NewReader reads from r.
func NewReader(r io.Reader) *Reader {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxInput+1)
	return &Reader{lines: lines}
}

// Next returns the next token, and io.EOF after the last. Text in which there
// is none is returned as it is, so that something can be said of it.
func (r *Reader) Next() (Found, error) {
	if len(r.queue) > 0 {
		found := r.queue[0]
		r.queue = r.queue[1:]
		return found, nil
	}
	line, err := r.line()
	if err != nil {
		return Found{}, err
	}
	if line[0] == '{' || line[0] == '[' {
		return r.json(line)
	}
	text, err := r.unwrap(line)
	if err != nil {
		return Found{}, err
	}
	return Found{Text: withinText(text)}, nil
}

// line returns the next line that is not blank, without blanks around it.
func (r *Reader) line() (string, error) {
	if line := r.ahead; line != "" {
		r.ahead = ""
		return line, nil
	}
	for r.lines.Scan() {
		if line := strings.Trim(r.lines.Text(), " \t\r\f\v\ufeff"); line != "" {
			return line, nil
		}
	}
	if err := r.lines.Err(); err != nil {
		return "", readError(err)
	}
	return "", io.EOF
}

func readError(err error) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return errTooLong()
	}
	return fault.New(fault.Usage, "", "read the token: %w", err)
}

// errTooLong says that no server takes a header anywhere near as long.
func errTooLong() error {
	return fault.New(fault.Usage, "", "the input is longer than 1 MiB, which no token is")
}

// Each line of a wrapped token is looked at together with all before it, so that
// their number and the length of what stands before a token have a limit.
const (
	maxLines  = 1000
	maxBefore = 64
)

// unwrap puts the lines of a wrapped token together again.
func (r *Reader) unwrap(text string) (string, error) {
	start, last := tokenStart(text), text
	for range maxLines {
		next, err := r.line()
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err != nil {
			return "", err
		}
		before := isBefore(text)
		if !before && !continues(text[start:], last, next) {
			r.ahead = next
			return text, nil
		}
		if before {
			text += " "
		}
		if text += next; len(text) > maxInput {
			return "", errTooLong()
		}
		if before {
			start = tokenStart(text)
		}
		last = next
	}
	return text, nil
}

// tokenStart is where the last word of a text begins.
func tokenStart(text string) int { return strings.LastIndexAny(text, " \t\"'`") + 1 }

// isBefore says whether text is what stands before a token, and no token.
func isBefore(text string) bool {
	if len(text) > maxBefore {
		return false
	}
	name, rest, _ := strings.Cut(strings.ToLower(strings.Trim(text, "\"'`")), ":")
	return isScheme(name) || strings.TrimSpace(name) == "authorization" && (strings.TrimSpace(rest) == "" || isScheme(strings.TrimSpace(rest)))
}

// continues says whether a line is the rest of what came before: a part of a
// token that lacks some, and not a token itself. A signature is whole at the
// length of its algorithm; before that, all lines are as long as the last one.
func continues(token, last, next string) bool {
	rest := strings.TrimRight(next, "\"'`")
	if !strings.HasPrefix(token, "ey") || strings.ContainsFunc(rest, notOfToken) || startsToken(rest) {
		return false
	}
	wanted := 2
	header, _, hasHeader := strings.Cut(token, ".")
	alg, enc := "", false
	if hasHeader {
		alg, enc = headerOf(header)
	}
	if enc {
		wanted = 4
	}
	dots, more := strings.Count(token, "."), strings.Count(rest, ".")
	if dots < wanted {
		return dots+more <= wanted
	}
	length := len(token) - strings.LastIndexByte(token, '.') - 1 + len(rest)
	return more == 0 && slices.ContainsFunc(signatureLengths(alg, enc), func(whole int) bool {
		return length == whole || length < whole && len(next) == len(last)
	})
}

// notOfToken says whether a character cannot stand in a token.
func notOfToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.+/=", r))
}

// startsToken says whether a whole token begins here, by its header.
func startsToken(text string) bool {
	header, rest, _ := strings.Cut(text, ".")
	if !strings.Contains(rest, ".") || !strings.HasPrefix(header, "ey") {
		return false
	}
	raw, _, ok := decodePart(header)
	return ok && json.Valid(raw)
}

// headerOf reads the little of a header that tells how long a token is.
func headerOf(part string) (alg string, encrypted bool) {
	raw, _, _ := decodePart(part)
	var header struct {
		Alg string          `json:"alg"`
		Enc json.RawMessage `json:"enc"`
	}
	if json.Unmarshal(raw, &header) != nil {
		return "", false
	}
	return header.Alg, header.Enc != nil
}

// signatureLengths are how long the last part can be, in characters.
func signatureLengths(alg string, encrypted bool) []int {
	switch {
	case encrypted:
		return []int{22, 43} // an authentication tag of 16 or 32 bytes
	case alg == "none":
		return nil
	case strings.HasPrefix(alg, "RS"), strings.HasPrefix(alg, "PS"):
		return []int{342, 512, 683, 1366}
	}
	if length, known := map[string]int{"HS256": 43, "HS384": 64, "HS512": 86, "ES256": 86, "ES256K": 86, "ES384": 128, "ES512": 176, "EdDSA": 86, "Ed25519": 86}[alg]; known {
		return []int{length}
	}
	return []int{43} // where the algorithm is unknown: the shortest there is
}

// withinText takes the token out of a line with text around it, such as a
// cookie or an assignment.
func withinText(text string) string {
	clean := Clean(text)
	if !strings.ContainsFunc(clean, notOfToken) {
		return text
	}
	pattern := regexp.MustCompile(`\bey[\w-]{5,}\.[\w-]*\.[\w-]*(\.[\w-]*\.[\w-]*)?`)
	if tokens := pattern.FindAllString(clean, 2); len(tokens) == 1 && startsToken(tokens[0]) {
		return tokens[0]
	}
	return text
}

// json finds the tokens in a JSON document that begins with a line.
func (r *Reader) json(text string) (Found, error) {
	var b brackets
	doc := []byte(text)
	for b.read(text); b.depth > 0; b.read(text) {
		var err error
		if text, err = r.line(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Found{}, err
		}
		if doc = append(append(doc, '\n'), text...); len(doc) > maxInput {
			return Found{}, errTooLong()
		}
	}
	r.queue = tokensIn(doc)
	if len(r.queue) == 0 {
		return Found{Text: string(doc)}, nil
	}
	return r.Next()
}

// brackets counts how deep in a JSON document the reading is.
type brackets struct {
	depth           int
	quoted, escaped bool
}

func (b *brackets) read(line string) {
	for _, c := range []byte(line) {
		switch {
		case b.escaped:
			b.escaped = false
		case b.quoted:
			b.escaped, b.quoted = c == '\\', c != '"'
		case c == '"':
			b.quoted = true
		case c == '{' || c == '[':
			b.depth++
		case c == '}' || c == ']':
			b.depth--
		}
	}
}

// tokensIn returns the texts in a JSON document that are tokens by their form,
// or by their name.
func tokensIn(doc []byte) []Found {
	if !json.Valid(doc) {
		return nil
	}
	var list []Found
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	walkTexts(dec, "", "", func(path, name, text string) {
		if clean := Clean(text); clean != "" && (look(clean).Kind != KindOpaque || isTokenName(name) && !strings.ContainsAny(clean, " \n")) {
			list = append(list, Found{path, clean})
		}
	})
	return list
}

// isTokenName says whether a member of this name is a token, whatever it looks
// like.
func isTokenName(name string) bool {
	plain := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	return slices.Contains([]string{
		"token", "accesstoken", "refreshtoken", "idtoken", "authtoken", "apitoken", "sessiontoken", "bearertoken", "jwt",
	}, plain)
}

// walkTexts visits every text of a valid JSON value with its path.
func walkTexts(dec *json.Decoder, path, name string, visit func(path, name, text string)) {
	next, err := dec.Token()
	if err != nil {
		return // it is valid: only the end
	}
	switch value := next.(type) {
	case string:
		visit(path, name, value)
	case json.Delim:
		for i := 0; dec.More(); i++ {
			if value == '[' {
				walkTexts(dec, path+fmt.Sprintf("%s[%d]", dotIfEmpty(path), i), name, visit)
				continue
			}
			key, _ := dec.Token()
			member, _ := key.(string)
			walkTexts(dec, path+pathStep(member), member, visit)
		}
		_, _ = dec.Token() // the closing bracket
	}
}

// pathStep writes the name of a member as jq does.
func pathStep(name string) string {
	if regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) {
		return "." + name
	}
	return fmt.Sprintf(".[%q]", name)
}

// dotIfEmpty is what jq wants before the first bracket.
func dotIfEmpty(path string) string {
	if path == "" {
		return "."
	}
	return ""
}
