package jq

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/itchyny/gojq"
)

// SyntaxError is an expression that cannot be compiled.
type SyntaxError struct {
	Offset int // bytes from the start of the expression
	Err    error
}

func (e *SyntaxError) Error() string { return e.Err.Error() }

// Unwrap gives errors.Is and errors.As the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

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

// probe is a name that is defined as variable and as function.
const probe = "__probe"

// offset finds the place of a name that compiling did not find. gojq does not
// tell it, so one occurrence after the other is asked: with those behind it
// replaced by a name that is defined, the first undefined one is the first with
// which the error is still the same.
func offset(text string, names []string, failure error) int {
	name := regexp.MustCompile(`not defined: (\$?)([A-Za-z_][A-Za-z0-9_]*)`).FindStringSubmatch(failure.Error())
	if name == nil {
		return 0
	}
	word := regexp.MustCompile(`\b` + name[2] + `\b`)
	options := append(options(slices.Concat(names, []string{probe}), nil),
		gojq.WithFunction(probe, 0, 30, func(any, []any) any { return nil }))
	for _, at := range word.FindAllStringIndex(text, -1) {
		query, err := gojq.Parse(text[:at[1]] + word.ReplaceAllString(text[at[1]:], probe))
		if err != nil {
			continue
		}
		if _, err := gojq.Compile(query, options...); err != nil && err.Error() == failure.Error() {
			return at[0] - len(name[1])
		}
	}
	return 0
}

// EvalError is an expression that failed while it ran. It tells the kind of the
// failure and the types, never a value: those of an answer can be secret.
type EvalError struct {
	Reason string
	cause  error // a context's error, or nil
}

func (e *EvalError) Error() string { return e.Reason }

// Unwrap gives errors.Is the context's error if that ended the expression.
func (e *EvalError) Unwrap() error { return e.cause }

func failf(format string, args ...any) *EvalError {
	return &EvalError{Reason: fmt.Sprintf(format, args...)}
}

func errLarge() *EvalError { return failf("a value becomes too large") }

// evalError turns an error of gojq, which repeats values, into one that can be
// shown.
func evalError(ctx context.Context, err error) *EvalError {
	var own *EvalError
	switch cause := context.Cause(ctx); {
	case errors.As(cause, &own):
		return own
	case errors.Is(cause, context.DeadlineExceeded):
		return &EvalError{"the expression takes too long", cause}
	case cause != nil:
		return &EvalError{"the expression was interrupted", cause}
	case errors.As(err, &own):
		return own
	}
	return &EvalError{Reason: safe(err.Error())}
}

// safe takes from a message of gojq what is not a value: its own words, names
// of functions and types. Each pattern begins where the message begins, so that
// nothing in a value can pose as one; what matches none is not told.
func safe(message string) string {
	const kind = `(null|boolean|number|string|array|object)`
	for pattern, format := range map[string]string{
		`^expected an? (object|array) but got: ` + kind:                              "expected an %s but got: %s",
		`^cannot (iterate over): ` + kind:                                            "cannot %s: %s",
		`^cannot (negate|plus): ` + kind:                                             "cannot %s: %s",
		`^cannot (add|subtract|multiply|divide): ` + kind + `.* and ` + kind:         "cannot %s: %s and %s",
		`^cannot (divide|modulo) ` + kind + `.* by: ` + kind:                         "cannot %s %s by this %s",
		`^(@?[a-z_0-9]+)(?:\(.*\))? cannot be applied to: ` + kind:                   "%s cannot be applied to: %s",
		`^(@?[a-z_0-9]+)(?:\(.*\))? cannot be applied to `:                           "%s cannot be applied to this value",
		`^(invalid regular expression|invalid path|array index too large)`:           "%s",
		`^(expected a string for object key|expected a number for indexing) ?`:       "%s",
		`^(flatten depth should not be negative|array index should not be negative)`: "%s",
		`^(@[a-z]+) cannot format an array including: ` + kind:                       "%s cannot format an array including: %s",
		`^(halt) error`: "it calls %s",
		`^(error): `:    "it calls %s",
		`^(expected an array of 8 numbers|number of seconds is out of range|number is out of range)$`: "%s",
	} {
		if found := regexp.MustCompile(`(?s)` + pattern).FindStringSubmatch(message); found != nil {
			words := make([]any, len(found)-1)
			for i, word := range found[1:] {
				words[i] = word
			}
			return fmt.Sprintf(format, words...)
		}
	}
	return "the expression failed"
}
