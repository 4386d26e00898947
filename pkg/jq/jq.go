// Package jq runs the expressions of the profile language: what is read from
// an answer or decided about it. It is gojq with a few functions of our own,
// without files, environment, network or clock, and with bounds: an expression
// that takes too long, too much memory or makes too large a value ends with an
// error.
package jq

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/itchyny/gojq"
)

// Input is what an expression sees.
type Input struct {
	Value   any            // the answer, decoded; "." in the expression
	Header  http.Header    // of the answer, for header and link; may be nil
	Cookies []*http.Cookie // the whole jar after the answer, for cookie and cookies; names are unique
	Vars    map[string]any // name → value; $name in the expression
	Now     time.Time      // for now and totp; if it is zero, they fail
}

// Check reports whether text is an expression that uses no variable but names.
// The error is a *SyntaxError.
func Check(text string, names []string) error {
	query, err := parse(text)
	if err != nil {
		return err
	}
	// The names are asked for before the bounds are put in, so that the error
	// speaks of what was written.
	if _, err := gojq.Compile(query, options(names, nil)...); err != nil {
		return &SyntaxError{Offset: offset(text, names, err), Err: err}
	}
	if err := bound(query); err != nil {
		return &SyntaxError{Offset: max(0, strings.Index(text, err.name)), Err: err}
	}
	return nil
}

// Names returns the names that text reads as $name and does not bind itself.
func Names(text string) []string {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil
	}
	candidates := mentioned(text)
	var names []string
	for i, name := range candidates {
		others := slices.Delete(slices.Clone(candidates), i, i+1)
		if _, err := gojq.Compile(query, options(others, nil)...); err != nil && err.Error() == "variable not defined: $"+name {
			names = append(names, name)
		}
	}
	return names
}

// mentioned returns all names that stand as $name in text: those that are read,
// bound there, or only part of a string.
func mentioned(text string) []string {
	if !strings.Contains(text, "$") {
		return nil
	}
	var names []string
	for _, found := range regexp.MustCompile(`\$([a-z][a-z0-9_]*)`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, found[1]) {
			names = append(names, found[1])
		}
	}
	return names
}

// First returns the first result of text over in. No result, and null, give
// nil. A name without a value in Vars is null: Check is there to find the
// misspelt ones. What goes wrong while it runs is an *EvalError, which tells no
// value.
func First(ctx context.Context, text string, in Input) (any, error) {
	ctx, stop := limited(ctx)
	defer stop()
	return run(ctx, text, in)
}

// run is First without the limits of time and memory.
func run(ctx context.Context, text string, in Input) (any, error) {
	names := mentioned(text)
	code, err := compile(text, names, &functions{ctx, in})
	if err != nil {
		return nil, err
	}
	values := make([]any, len(names))
	for i, name := range names {
		values[i] = in.Vars[name]
	}
	if weigh(in.Value, maxWeight) < 0 || weigh(values, maxWeight) < 0 {
		return nil, failf("the answer is too large, or a text or number in it too long")
	}
	result, ok := code.RunWithContext(ctx, in.Value, values...).Next()
	if !ok {
		return nil, nil
	}
	if err, failed := result.(error); failed {
		return nil, evalError(ctx, err)
	}
	return result, nil
}

// compile makes code with bounds; Check has found the errors if there are any.
func compile(text string, names []string, f *functions) (*gojq.Code, error) {
	query, err := parse(text)
	if err != nil {
		return nil, err
	}
	if err := bound(query); err != nil {
		return nil, &SyntaxError{Err: err}
	}
	code, err := gojq.Compile(query, options(names, f)...)
	if err != nil {
		return nil, &SyntaxError{Err: err}
	}
	return code, nil
}

func parse(text string) (*gojq.Query, error) {
	if len(text) > maxText {
		return nil, &SyntaxError{Offset: maxText, Err: errors.New("the expression is too long")}
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, syntaxError(err)
	}
	return query, nil
}

// options declares the variables and our functions.
func options(names []string, f *functions) []gojq.CompilerOption {
	vars := make([]string, len(names))
	for i, name := range names {
		vars[i] = "$" + name
	}
	return append(f.options(), gojq.WithVariables(vars))
}
