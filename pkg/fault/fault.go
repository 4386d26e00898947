// Package fault names the ways in which authctl can fail. Every package
// returns these errors, and one table in pkg/cli turns their kind into an exit
// code, so that "absent", "locked", "unreachable" and "refused" stay different
// things from bottom to top.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind is what sort of failure an error is; it decides the exit code.
type Kind int

// The kinds, in the order of their exit codes.
const (
	Other       Kind = iota // anything that has no kind of its own
	Usage                   // the command line is wrong
	LoginNeeded             // no session, or it is over and needs a person
	Refused                 // the server refused: wrong credentials, token rejected
	RateLimited             // the server refused for now: too many requests
	Store                   // the store is unavailable, locked, full or damaged
	Unreachable             // no connection, TLS failure, timeout
	BadAnswer               // the server answered something unusable
	Profile                 // a profile or the configuration is wrong
	NotValid                // a token does not pass a check
	Interrupted             // the person pressed Ctrl-C
)

// Error is a failure with its kind and, where there is one, the next thing to
// type.
type Error struct {
	Kind Kind
	Err  error  // what happened, in one line
	Hint string // the next command to type; may be empty
}

// New returns an Error of a kind. hint may be empty; format and args are those
// of fmt.Errorf, %w included.
func New(kind Kind, hint, format string, args ...any) *Error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...), Hint: hint}
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// Wrap puts text before the message of err and keeps its kind and its hint. It
// returns nil for a nil error.
func Wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{
		Kind: KindOf(err),
		Err:  fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err),
		Hint: HintOf(err),
	}
}

// KindOf returns the kind of err: that of the first Error in its chain,
// Interrupted for a cancelled context, Unreachable for an exceeded deadline,
// else Other.
func KindOf(err error) Kind {
	var f *Error
	switch {
	case errors.As(err, &f):
		return f.Kind
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.Is(err, context.DeadlineExceeded):
		return Unreachable
	default:
		return Other
	}
}

// HintOf returns the hint of the first Error in err's chain that has one.
func HintOf(err error) string {
	var f *Error
	for errors.As(err, &f) {
		if f.Hint != "" {
			return f.Hint
		}
		err = f.Err
	}
	return ""
}
