package console

import (
	"fmt"
	"io"

	"github.com/fatih/color"
	"golang.org/x/term"
)

// defaultWidth is taken where a stream has no width of its own.
const defaultWidth = 80

// ColorMode is the value of the flag --color. It implements pflag.Value, so a
// wrong word is a usage error.
type ColorMode string

// The color modes. An empty ColorMode is ColorAuto.
const (
	ColorAuto   ColorMode = "auto"   // as the environment and the terminal say
	ColorAlways ColorMode = "always" // whatever they say
	ColorNever  ColorMode = "never"
)

// Set takes the text of the flag.
func (m *ColorMode) Set(text string) error {
	switch ColorMode(text) {
	case ColorAuto, ColorAlways, ColorNever:
		*m = ColorMode(text)
		return nil
	}
	return fmt.Errorf("%q is none of auto, always, never", text)
}

// String returns the mode.
func (m *ColorMode) String() string { return string(*m) }

// Type names the flag's value in help.
func (m *ColorMode) Type() string { return "auto|always|never" }

// UseColor decides whether a stream is coloured. In this order: the flag;
// NO_COLOR, not empty (no-color.org); CLICOLOR_FORCE, neither empty nor 0;
// CLICOLOR=0 (bixense.com/clicolors); TERM=dumb; whether the stream is a
// terminal. getenv is os.Getenv or a stand-in.
func UseColor(mode ColorMode, getenv func(string) string, terminal bool) bool {
	force := getenv("CLICOLOR_FORCE")
	switch {
	case mode == ColorAlways || mode == ColorNever:
		return mode == ColorAlways
	case getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	case getenv("CLICOLOR") == "0" || getenv("TERM") == "dumb":
		return false
	default:
		return terminal
	}
}

// Role is what a piece of text is to the reader; it decides the colour.
type Role int

// The roles of text.
const (
	Plain Role = iota
	Bold       // headings
	Faint      // what matters least
	Good       // in order
	Warn       // look at it
	Bad        // wrong
	Key        // names, commands to type
)

// attributes returns the colour of a role. The colours are of the fixed part
// of the 256-colour palette, which themes leave alone, and of middle
// brightness: each has a contrast of 3.5 or more on black and on white, which
// the sixteen named colours have not.
func (r Role) attributes() []color.Attribute {
	const foreground, indexed = 38, 5
	switch r {
	case Bold:
		return []color.Attribute{color.Bold}
	case Faint:
		return []color.Attribute{foreground, indexed, 243} // grey
	case Good:
		return []color.Attribute{foreground, indexed, 28} // green
	case Warn:
		return []color.Attribute{foreground, indexed, 130} // orange
	case Bad:
		return []color.Attribute{color.Bold, foreground, indexed, 160} // red
	default:
		return []color.Attribute{foreground, indexed, 30} // teal
	}
}

// Options are what streams have in common.
type Options struct {
	Color    ColorMode
	Getenv   func(string) string // os.Getenv or a stand-in
	Redactor *Redactor           // nil: nothing is redacted
}

// Stream is standard output or standard error: a writer that no known secret
// passes, and what is known of the terminal behind it.
type Stream struct {
	*RedactedWriter
	raw      io.Writer
	terminal bool
	colored  bool
	width    func() int
}

// NewStream returns a Stream that writes to w. If w has a file descriptor, as
// *os.File has, it is asked whether it is a terminal.
func NewStream(w io.Writer, opts Options) *Stream {
	redactor := opts.Redactor
	if redactor == nil {
		redactor = new(Redactor)
	}
	s := &Stream{RedactedWriter: redactor.Writer(w), raw: w, width: func() int { return defaultWidth }}
	if f, ok := w.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		s.terminal = true
		s.width = func() int { return terminalWidth(int(f.Fd())) }
	}
	s.colored = UseColor(opts.Color, opts.Getenv, s.terminal && understandsEscapes(w))
	return s
}

// terminalWidth asks a terminal for its columns.
func terminalWidth(fd int) int {
	width, _, err := term.GetSize(fd)
	if err != nil || width <= 0 {
		return defaultWidth
	}
	return width
}

// Raw returns the writer without the redactor. It is for the commands that
// print a token because they were asked to, and for nothing else.
func (s *Stream) Raw() io.Writer { return s.raw }

// Terminal says whether a person is likely to read along.
func (s *Stream) Terminal() bool { return s.terminal }

// Width returns the columns of the terminal, as it is now: 80 if unknown.
func (s *Stream) Width() int { return s.width() }

// Paint colours text for its role if the stream is coloured. Text that is not
// authctl's own must be sanitised before.
func (s *Stream) Paint(role Role, text string) string {
	if !s.colored || role == Plain || text == "" {
		return text
	}
	// An instance decides for itself; the package's own switch looks at
	// standard output only.
	c := color.New(role.attributes()...)
	c.EnableColor()
	return c.Sprint(text)
}

// Note prints one line about what is going on, sanitised, for a person who
// waits: nothing is printed where the stream is no terminal.
func (s *Stream) Note(format string, args ...any) {
	if s.terminal {
		// A note that cannot be written is no reason to stop.
		_, _ = fmt.Fprintln(s, startOfLine(Sanitize(fmt.Sprintf(format, args...))))
	}
}

// IsTerminal says whether a reader is a terminal, so that nobody waits for
// input that a person was never asked for.
func IsTerminal(r io.Reader) bool {
	f, ok := r.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}
