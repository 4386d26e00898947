package console

// How authctl's messages are written, everywhere:
//
//	authctl: <operation> <object>: <cause>
//	hint: <the next command to type>
//
// Lower case, no period at the end, no exclamation mark, no "error" or
// "failed to". Names and values that are not authctl's own stand in %q. The
// hint is a command or a short sentence that leads on. A message has one line;
// where it must have more, each further line starts with "  | ", so that no
// line of output begins with text that somebody else wrote.

import (
	"io"
	"strings"

	"github.com/authctl/authctl/pkg/fault"
)

// PrintError prints an error and its hint for a person. It prints nothing for
// nil.
func PrintError(s *Stream, err error) {
	if err == nil {
		return
	}
	// Where standard error cannot be written there is nobody to tell.
	_, _ = io.WriteString(s, s.Paint(Bad, "authctl:")+" "+indented(err.Error()))
	if hint := fault.HintOf(err); hint != "" {
		_, _ = io.WriteString(s, s.Paint(Key, "hint:")+" "+indented(hint))
	}
}

// indented sanitises a message line by line and marks all but the first line.
func indented(message string) string {
	var lines []string
	for line := range strings.Lines(message) {
		if line = strings.TrimRight(line, " \r\n"); line != "" {
			lines = append(lines, Sanitize(line))
		}
	}
	return strings.Join(lines, "\n  | ") + "\n"
}

// PrintErrorJSON prints an error as JSON, for --output json:
//
//	{"error":{"kind":"store","message":"…","hint":"…","exit_code":5}}
func PrintErrorJSON(w io.Writer, err error, exitCode int) error {
	type body struct {
		Kind     string `json:"kind"`
		Message  string `json:"message"`
		Hint     string `json:"hint,omitempty"`
		ExitCode int    `json:"exit_code"`
	}
	return WriteJSON(w, map[string]body{
		"error": {kindName(fault.KindOf(err)), err.Error(), fault.HintOf(err), exitCode},
	})
}

// kindName is the stable name of a kind of failure, for programs.
func kindName(kind fault.Kind) string {
	switch kind {
	case fault.Usage:
		return "usage"
	case fault.LoginNeeded:
		return "login_needed"
	case fault.Refused:
		return "refused"
	case fault.RateLimited:
		return "rate_limited"
	case fault.Store:
		return "store"
	case fault.Unreachable:
		return "unreachable"
	case fault.BadAnswer:
		return "bad_answer"
	case fault.Profile:
		return "profile"
	case fault.NotValid:
		return "not_valid"
	case fault.Interrupted:
		return "interrupted"
	default:
		return "other"
	}
}
