// Package jq runs the expressions of the profile language: what is read from
// an answer or decided about it. It is gojq with a few functions of our own
// and without files, environment or network.
package jq

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/itchyny/gojq"
)

// limit bounds the time that one expression may take.
const limit = time.Second

// Input is what an expression sees.
type Input struct {
	Value   any            // the answer, decoded; "." in the expression
	Header  http.Header    // for header() and cookie(); may be nil
	Vars    map[string]any // name → value; $name in the expression
	Cookies []*http.Cookie
	Now     time.Time
}

// Check reports whether text is an expression that uses no variable but names.
// Offset in the error counts bytes from the start of text.
func Check(text string, names []string) error {
	_, err := compile(text, names, nil)
	return err
}

// Names returns the names that text reads as $name and does not bind itself.
func Names(text string) []string {
	var names []string
	for strings.Contains(text, "$") {
		err := Check(text, names)
		if err == nil {
			break
		}
		missing := regexp.MustCompile(`^variable not defined: \$([a-z][a-z0-9_]*)$`).FindStringSubmatch(err.Error())
		if missing == nil {
			break
		}
		names = append(names, missing[1])
	}
	return names
}

// First returns the first result of text over in. No result, and null, give
// nil. A name without a value in Vars is null: Check is there to find the
// misspelt ones. The error says what went wrong in jq's words; it can hold parts
// of the answer, so it must not be shown where the answer may be secret.
func First(ctx context.Context, text string, in Input) (any, error) {
	names := Names(text)
	for name := range in.Vars {
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	code, err := compile(text, names, in.Header)
	if err != nil {
		return nil, err
	}
	values := make([]any, len(names))
	for i, name := range names {
		values[i] = in.Vars[name]
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	result, ok := code.RunWithContext(ctx, in.Value, values...).Next()
	if !ok {
		return nil, nil
	}
	if err, failed := result.(error); failed {
		return nil, err
	}
	return result, nil
}

// SyntaxError is an expression that cannot be compiled.
type SyntaxError struct {
	Offset int // bytes from the start of the expression; 0 where unknown
	Err    error
}

func (e *SyntaxError) Error() string { return e.Err.Error() }

// Unwrap gives errors.Is and errors.As the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

func compile(text string, names []string, header http.Header) (*gojq.Code, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, syntaxError(err)
	}
	vars := make([]string, len(names))
	for i, name := range names {
		vars[i] = "$" + name
	}
	code, err := gojq.Compile(query,
		gojq.WithVariables(vars),
		gojq.WithFunction("header", 1, 1, readHeader(header)),
		gojq.WithFunction("cookie", 1, 1, readCookie(header)),
	)
	if err != nil {
		return nil, &SyntaxError{Err: err}
	}
	return code, nil
}

func syntaxError(err error) error {
	var parse *gojq.ParseError
	if !errors.As(err, &parse) {
		return &SyntaxError{Err: err}
	}
	return &SyntaxError{
		Offset: max(0, parse.Offset-len(parse.Token)),
		Err:    fmt.Errorf("not a jq expression: %w", err),
	}
}

// readHeader implements header("X"): the first value of a response header, or
// null.
func readHeader(header http.Header) func(any, []any) any {
	return func(_ any, args []any) any {
		name, ok := args[0].(string)
		if !ok {
			return errors.New("header: the name must be a string")
		}
		if values := header.Values(name); len(values) > 0 {
			return values[0]
		}
		return nil
	}
}

// readCookie implements cookie("n"): the value of a cookie that the answer
// sets, or null (RFC 6265 §4.1).
func readCookie(header http.Header) func(any, []any) any {
	return func(_ any, args []any) any {
		name, ok := args[0].(string)
		if !ok {
			return errors.New("cookie: the name must be a string")
		}
		for _, cookie := range (&http.Response{Header: header}).Cookies() {
			if cookie.Name == name {
				return cookie.Value
			}
		}
		return nil
	}
}

// maxKey is the longest key that Shape shows, in bytes: longer ones tend to be
// tokens themselves.
const maxKey = 40

// Shape describes a value by its keys and types and never by its contents, so
// that it can be shown where the value is secret: {"user":{"id":number}}.
func Shape(value any) string {
	var b strings.Builder
	shape(&b, value, 4)
	return b.String()
}

func shape(b *strings.Builder, value any, depth int) {
	switch v := value.(type) {
	case map[string]any:
		if depth == 0 {
			b.WriteString("{…}")
			return
		}
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		b.WriteByte('{')
		for i, key := range keys {
			if i == 20 {
				b.WriteString(", …")
				break
			}
			if i > 0 {
				b.WriteString(", ")
			}
			if len(key) > maxKey {
				b.WriteString("…")
			} else {
				b.WriteString(key)
			}
			b.WriteString(": ")
			shape(b, v[key], depth-1)
		}
		b.WriteByte('}')
	case []any:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteByte('[')
		shape(b, v[0], max(0, depth-1))
		if len(v) > 1 {
			b.WriteString(", …")
		}
		b.WriteByte(']')
	default:
		b.WriteString(gojq.TypeOf(value))
	}
}
