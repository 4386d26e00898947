package console

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// Excerpt returns a line of a file, sanitised, as much as fits into width, and
// a second line with a caret below its column-th character, counted from 1.
func Excerpt(line string, column, width int) (text, caret string) {
	meter := &runewidth.Condition{StrictEmojiNeutral: true}
	runes := []rune(strings.ReplaceAll(line, "\t", " "))
	at := max(0, min(column-1, len(runes)))
	before, after := Sanitize(string(runes[:at])), Sanitize(string(runes[at:]))
	trimmed := strings.TrimLeft(before, " ")
	if trimmed == "" {
		after = strings.TrimLeft(after, " ")
	}
	if room := max(minColumn, width*2/3); meter.StringWidth(trimmed) > room {
		trimmed = "…" + meter.TruncateLeft(trimmed, meter.StringWidth(trimmed)-room+1, "")
	}
	text = trimmed + after
	if meter.StringWidth(text) > width {
		text = meter.Truncate(text, width, "…")
	}
	return text, strings.Repeat(" ", meter.StringWidth(trimmed)) + "^"
}
