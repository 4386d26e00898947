package console

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/fatih/color"
	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

// environment returns a stand-in for os.Getenv: "NAME=value NAME=value".
func environment(text string) func(string) string {
	return func(name string) string {
		for pair := range strings.FieldsSeq(text) {
			if n, v, _ := strings.Cut(pair, "="); n == name {
				return v
			}
		}
		return ""
	}
}

// newTerminal returns a stream that takes out for a coloured terminal.
func newTerminal(out *bytes.Buffer, width int) *Stream {
	s := NewStream(out, Options{Color: ColorAlways, Getenv: environment("")})
	s.terminal = true
	s.width = func() int { return width }
	return s
}

func newPipe(out *bytes.Buffer) *Stream { return NewStream(out, Options{Getenv: environment("")}) }

func TestUseColor(t *testing.T) {
	for _, tt := range []struct {
		mode     ColorMode
		env      string
		terminal bool
		want     bool
	}{
		{ColorAuto, "", true, true},
		{"", "", true, true},
		{ColorAuto, "", false, false},
		{ColorAlways, "NO_COLOR=1 TERM=dumb CLICOLOR=0", false, true},
		{ColorNever, "CLICOLOR_FORCE=1", true, false},
		{ColorAuto, "NO_COLOR=1 CLICOLOR_FORCE=1", true, false},
		{ColorAuto, "NO_COLOR=", true, true},
		{ColorAuto, "CLICOLOR_FORCE=1 CLICOLOR=0 TERM=dumb", false, true},
		{ColorAuto, "CLICOLOR_FORCE=0", false, false},
		{ColorAuto, "CLICOLOR_FORCE=0", true, true},
		{ColorAuto, "CLICOLOR=0", true, false},
		{ColorAuto, "CLICOLOR=1", true, true},
		{ColorAuto, "CLICOLOR=1", false, false},
		{ColorAuto, "TERM=dumb", true, false},
	} {
		if got := UseColor(tt.mode, environment(tt.env), tt.terminal); got != tt.want {
			t.Errorf("%s, %q, terminal %v: got %v", tt.mode, tt.env, tt.terminal, got)
		}
	}
}

func TestColorModeSet(t *testing.T) {
	var m ColorMode
	if err := m.Set("never"); err != nil || m != ColorNever || m.String() != "never" {
		t.Errorf("got %q, %v", m, err)
	}
	if err := m.Set("Never"); err == nil || m != ColorNever {
		t.Errorf("got %q, %v", m, err)
	}
}

func TestColorIsDecidedPerStream(t *testing.T) {
	t.Setenv("NO_COLOR", "1") // what fatih/color itself would obey
	before := color.NoColor
	var colored, plain bytes.Buffer
	on := NewStream(&colored, Options{Color: ColorAlways, Getenv: environment("")})
	off := newPipe(&plain)
	if got := on.Paint(Good, "x"); !strings.HasPrefix(got, "\x1b[38;5;28mx\x1b[0") {
		t.Errorf("got %q", got)
	}
	if got := off.Paint(Good, "x") + on.Paint(Plain, "y") + on.Paint(Bad, ""); got != "xy" {
		t.Errorf("got %q", got)
	}
	if color.NoColor != before {
		t.Error("the package's switch was touched")
	}
}

// luminance is that of WCAG 2.1 for a colour of the palette's fixed part.
func luminance(index int) float64 {
	var rgb [3]int
	if index >= 232 {
		grey := 8 + 10*(index-232)
		rgb = [3]int{grey, grey, grey}
	} else {
		levels := []int{0, 95, 135, 175, 215, 255}
		n := index - 16
		rgb = [3]int{levels[n/36], levels[n/6%6], levels[n%6]}
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(rgb[i]) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestColorsAreReadableOnDarkAndLight(t *testing.T) {
	for _, role := range []Role{Faint, Good, Warn, Bad, Key} {
		attributes := role.attributes()
		l := luminance(int(attributes[len(attributes)-1]))
		if onWhite, onBlack := 1.05/(l+0.05), (l+0.05)/0.05; onWhite < 3.5 || onBlack < 3.5 {
			t.Errorf("role %d: contrast %.1f on white, %.1f on black", role, onWhite, onBlack)
		}
	}
}

func TestStream(t *testing.T) {
	var out bytes.Buffer
	r := new(Redactor)
	s := NewStream(&out, Options{Getenv: environment(""), Redactor: r})
	r.Add(token.NewSecret("hunter22"))
	_, _ = fmt.Fprintln(s, "password hunter22")
	_, _ = fmt.Fprintln(s.Raw(), "hunter22")
	s.Note("nobody sees this")
	if want := "password [redacted]\nhunter22\n"; out.String() != want || s.Width() != 80 || s.Terminal() {
		t.Errorf("got %q, width %d, terminal %v", out.String(), s.Width(), s.Terminal())
	}
}

func TestNote(t *testing.T) {
	var out bytes.Buffer
	newTerminal(&out, 80).Note("waiting for %s", "a\nb\x1b")
	if want := `waiting for a\nb\x1b` + "\n"; out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

func exampleTable() *Table {
	table := NewTable("NAME", "STATE", "NOTE")
	table.Row(Cell{Text: "logware"}, Cell{"live", Good}, Cell{Text: "a note that is rather long, and has words"})
	table.Row(Cell{Text: "日本"}, Cell{"over\x1b[2J", Bad})
	table.Row(Cell{Text: "::set-env name=A"}, Cell{Text: "x::y"}, Cell{Text: "e\u0301"})
	return table
}

func TestTableInPipe(t *testing.T) {
	var out bytes.Buffer
	if err := exampleTable().Print(newPipe(&out)); err != nil {
		t.Fatal(err)
	}
	want := `NAME              STATE        NOTE
logware           live         a note that is rather long, and has words
日本              over\x1b[2J
\x3a:set-env name=A  x::y         e` + "\u0301\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTableOnTerminal(t *testing.T) {
	var out bytes.Buffer
	s := newTerminal(&out, 47)
	table := NewTable("NAME", "STATE", "NOTE")
	table.Row(Cell{Text: "logware"}, Cell{"live", Good}, Cell{Text: "a note that is rather long, and has words"})
	table.Row(Cell{Text: "datarhei-core"}, Cell{"over", Bad}, Cell{Text: strings.Repeat("日本", 10)})
	if err := table.Print(s); err != nil {
		t.Fatal(err)
	}
	bold := func(text string) string { return s.Paint(Bold, text) }
	want := bold("NAME") + "           " + bold("STATE") + "  " + bold("NOTE") + `
logware        ` + s.Paint(Good, "live") + `   a note that is rather
                      long, and has words
datarhei-core  ` + s.Paint(Bad, "over") + `   日本日本日本日本日本日本
                      日本日本日本日本
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTableTooNarrow(t *testing.T) {
	var out bytes.Buffer
	table := NewTable("A")
	table.Row(Cell{Text: "ab ::cd::e   ::fg::h"})
	if err := table.Print(newTerminal(&out, 3)); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a line starts a command: %q", line)
		}
	}
}

func TestWrap(t *testing.T) {
	meter := &runewidth.Condition{StrictEmojiNeutral: true}
	for _, tt := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 8, []string{""}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one two  three", 7, []string{"one two", "three"}},
		{"abcdefghijk", 4, []string{"abcd", "efgh", "ijk"}},
		{"abcd    ", 4, []string{"abcd"}},
		{"日本語", 5, []string{"日本", "語"}},
		{"日本", 1, []string{"日", "本"}},
	} {
		if diff := cmp.Diff(tt.want, wrap(meter, tt.text, tt.width)); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
	}
}

func TestPrintError(t *testing.T) {
	cause := errors.New("server said \x1b[2J\n::add-mask::x\r\n\n  more\u202e")
	err := fault.Wrap(fault.New(fault.Refused, "authctl login\nnow", "%w", cause), "log in to logware")
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, ""},
		{"plain", errors.New("read file"), "authctl: read file\n"},
		{"everything", err, `authctl: log in to logware: server said \x1b[2J
  | \x3a:add-mask::x
  |   more\u202e
hint: authctl login
  | now
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			PrintError(newPipe(&out), tt.err)
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPrintErrorJSON(t *testing.T) {
	names := map[fault.Kind]string{
		fault.Other: "other", fault.Usage: "usage", fault.LoginNeeded: "login_needed", fault.Refused: "refused",
		fault.RateLimited: "rate_limited", fault.Store: "store", fault.Unreachable: "unreachable",
		fault.BadAnswer: "bad_answer", fault.Profile: "profile", fault.NotValid: "not_valid", fault.Interrupted: "interrupted",
	}
	for kind, name := range names {
		var out bytes.Buffer
		if err := PrintErrorJSON(&out, fault.New(kind, "authctl doctor", "a\u0088b"), 5); err != nil {
			t.Fatal(err)
		}
		want := `{
  "error": {
    "kind": "` + name + `",
    "message": "a\u0088b",
    "hint": "authctl doctor",
    "exit_code": 5
  }
}
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
	}
}
