package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/authctl/authctl/pkg/console"
)

// maskedLength is how many characters of a token are shown.
const maskedLength = 10

// columns is what the demo's own lines are made for; the lines of authctl are
// as long as they are.
const columns = 80

// screen is what the demo prints on.
type screen struct {
	w      io.Writer
	stream *console.Stream
	failed error // of the first write that failed
}

func newScreen(w io.Writer, environ []string) *screen {
	getenv := func(name string) string {
		for _, pair := range environ {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value
			}
		}
		return ""
	}
	return &screen{w: w, stream: console.NewStream(w, console.Options{Getenv: getenv})}
}

func (s *screen) print(text string) {
	if s.failed == nil {
		_, s.failed = io.WriteString(s.w, text)
	}
}

// title begins a chapter.
func (s *screen) title(text string) {
	s.print("\n" + s.stream.Paint(console.Bold, text) + "\n")
}

// tell prints the demo's own words, wrapped.
func (s *screen) tell(format string, args ...any) {
	for _, line := range wrap(strings.Fields(fmt.Sprintf(format, args...)), columns, "", "") {
		s.print(s.stream.Paint(console.Faint, line) + "\n")
	}
}

// prompt prints a command as a person types it, over several lines if needed.
func (s *screen) prompt(words []string) {
	start := "\n" + s.stream.Paint(console.Good, "$") + " "
	for _, line := range wrap(words, columns-2, " \\", "  ") {
		s.print(start + s.stream.Paint(console.Bold, line) + "\n")
		start = "  "
	}
}

// wrap puts words into lines of at most width columns; a longer word has a line
// of its own. mark ends every line but the last, indent begins all but the
// first.
func wrap(words []string, width int, mark, indent string) []string {
	var lines []string
	line := ""
	for _, word := range words {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line+" "+word+mark) > width:
			lines = append(lines, line+mark)
			line = indent + word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// shorten shows the beginning of every token in a text. tokens are all that
// there are.
func shorten(text string, tokens []string) string {
	for _, token := range tokens {
		if len(token) > maskedLength {
			text = strings.ReplaceAll(text, token, token[:maskedLength]+"…")
		}
	}
	return text
}
