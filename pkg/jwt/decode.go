package jwt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// decodePart decodes one part of a token. Strict base64url without padding
// (RFC 7515 §2) is expected; for showing, the other ways to write base64 are
// taken too and odd tells in which way. ok is false if it is none of them.
func decodePart(part string) (raw []byte, odd string, ok bool) {
	// The decoder skips line breaks, which are no part of base64url.
	if strings.ContainsAny(part, "\r\n") {
		return nil, "", false
	}
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(part); err == nil {
		return raw, "", true
	}
	var ways []string
	plain := strings.TrimRight(part, "=")
	if plain != part {
		ways = append(ways, "padding (=)")
	}
	if strings.ContainsAny(plain, "+/") {
		ways = append(ways, "the standard alphabet (+ and /)")
		plain = strings.NewReplacer("+", "-", "/", "_").Replace(plain)
	}
	raw, err := base64.RawURLEncoding.DecodeString(plain)
	if err != nil {
		return nil, "", false
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(plain); err != nil {
		ways = append(ways, "bits left over at its end")
	}
	return raw, strings.Join(ways, " and "), true
}

// object is a JSON object with its members as they were written.
type object struct {
	members    []member
	duplicates []string // names that stand more than once, at any depth, as in "address.street"
}

type member struct {
	name string
	raw  json.RawMessage
}

// errNotObject says that JSON is something else than an object.
var errNotObject = errors.New("it is JSON, but not an object")

// readObject reads a JSON object and nothing after it. Numbers keep their
// digits, because no number is read.
func readObject(raw []byte) (*object, error) {
	var whole json.RawMessage
	// Checks all of it, with a limit on the depth, so that what follows needs
	// no checks.
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if bytes.TrimLeft(whole, " \t\r\n")[0] != '{' {
		return nil, errNotObject
	}
	obj := &object{duplicates: duplicateNames(raw)}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil { // the opening brace
		return nil, err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var m member
		m.name, _ = name.(string)
		if err := dec.Decode(&m.raw); err != nil {
			return nil, err
		}
		obj.members = append(obj.members, m)
	}
	return obj, nil
}

// level is an object or array that a walk through JSON is in.
type level struct {
	names map[string]int // of an object: how often each has been seen; nil for an array
	name  string         // of the member that is being read
	key   bool           // whether a name comes next
}

// duplicateNames returns the names that stand more than once in one object, at
// any depth, each once. raw is valid JSON.
func duplicateNames(raw []byte) []string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // 1e400 is a number, though no float64
	var stack []*level
	var found []string
	for {
		tok, err := dec.Token()
		if err != nil {
			return found
		}
		var top *level
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		switch {
		case tok == json.Delim('{'):
			stack = append(stack, &level{names: map[string]int{}, key: true})
		case tok == json.Delim('['):
			stack = append(stack, &level{})
		case tok == json.Delim('}') || tok == json.Delim(']'):
			if stack = stack[:len(stack)-1]; len(stack) > 0 {
				stack[len(stack)-1].key = true
			}
		case top != nil && top.names != nil && top.key:
			top.name, _ = tok.(string)
			top.key = false
			if top.names[top.name]++; top.names[top.name] == 2 {
				name := top.name
				if len(found) < maxNamed { // more are not shown, only counted
					name = path(stack)
				}
				found = append(found, name)
			}
		case top != nil:
			top.key = true
		}
	}
}

// path names the member that is being read, from the outside in.
func path(stack []*level) string {
	var names []string
	for _, l := range stack {
		if l.names != nil {
			names = append(names, l.name)
		}
	}
	return strings.Join(names, ".")
}
