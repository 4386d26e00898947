package jq

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"
)

const (
	// drawnKeys and drawnDepth bound the picture, except where a mark is.
	drawnKeys  = 20
	drawnDepth = 5
)

// Mark is an expression and what is read with it.
type Mark struct{ Name, Expr string }

// Marked draws the shape of the answer, a line for each key, with a mark at the
// line that each expression reads. What reads no place of the answer, like a
// header, is listed beneath it; what finds nothing is in missed. It shows keys,
// types and lengths and never a value.
func Marked(ctx context.Context, in Input, marks []Mark) (shape string, missed []Mark) {
	p := &picture{names: map[string][]string{}}
	var beneath []string
	for _, mark := range marks {
		value, err := First(ctx, mark.Expr, in)
		if err != nil || value == nil {
			missed = append(missed, mark)
			continue
		}
		if at, ok := place(ctx, mark.Expr, in); ok {
			p.names[at] = append(p.names[at], mark.Name)
			continue
		}
		beneath = append(beneath, fmt.Sprintf("%s ← %s: %s", mark.Name, strings.Join(strings.Fields(mark.Expr), " "), kind(value)))
	}
	p.draw("", in.Value, "", 0)
	return strings.Join(append(p.text(), beneath...), "\n"), missed
}

// place returns where in the answer an expression reads, as keys and indices
// after NUL; ok is false if that is no place, or one that is not drawn.
func place(ctx context.Context, text string, in Input) (at string, ok bool) {
	found, err := First(ctx, "first(path("+text+"\n))", in)
	path, isPath := found.([]any)
	if err != nil || !isPath {
		return "", false
	}
	var b strings.Builder
	for _, key := range path {
		switch key := key.(type) {
		case string:
			b.WriteString(below("", key))
		case int:
			if key != 0 {
				return "", false // of an array only the first is drawn
			}
			b.WriteString(below("", "0"))
		default:
			return "", false
		}
	}
	return b.String(), true
}

func below(at, key string) string { return at + "\x00" + key }

// picture is a shape that is being drawn.
type picture struct {
	names map[string][]string // place → names of the marks there
	lines []line
}

type line struct {
	text  string
	names []string
}

func (p *picture) draw(label string, value any, at string, depth int) {
	indent := strings.Repeat("  ", depth)
	add := func(text string) { p.lines = append(p.lines, line{indent + label + text, p.names[at]}) }
	end := func(text string) { p.lines = append(p.lines, line{text: indent + text}) }
	deep := depth >= drawnDepth && !p.markedBelow(at)
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 || deep {
			add(brief(v))
			return
		}
		add("{")
		p.members(v, at, depth+1)
		end("}")
	case []any:
		if len(v) == 0 {
			add("[]")
			return
		}
		count := fmt.Sprintf("[%d of ", len(v))
		if !p.markedBelow(at) {
			add(count + brief(v[0]) + "]")
			return
		}
		add(strings.TrimSpace(count))
		p.draw("", v[0], below(at, "0"), depth+1)
		end("]")
	default:
		add(kind(v))
	}
}

func (p *picture) members(object map[string]any, at string, depth int) {
	indent := strings.Repeat("  ", depth)
	left := false
	for i, key := range slices.Sorted(maps.Keys(object)) {
		inner := below(at, key)
		if i >= drawnKeys && p.names[inner] == nil && !p.markedBelow(inner) {
			left = true
			continue
		}
		p.draw(shownKey(key)+": ", object[key], inner, depth)
	}
	if left {
		p.lines = append(p.lines, line{text: indent + "…"})
	}
}

// markedBelow says whether a mark is inside of what stands at a place.
func (p *picture) markedBelow(at string) bool {
	for marked := range p.names {
		if strings.HasPrefix(marked, below(at, "")) {
			return true
		}
	}
	return false
}

// text writes the lines, with the marks below each other.
func (p *picture) text() []string {
	width := 0
	for _, line := range p.lines {
		if line.names != nil {
			width = max(width, utf8.RuneCountInString(line.text))
		}
	}
	list := make([]string, len(p.lines))
	for i, line := range p.lines {
		list[i] = line.text
		if line.names != nil {
			gap := strings.Repeat(" ", width-utf8.RuneCountInString(line.text)+3)
			list[i] += gap + "← " + strings.Join(line.names, ", ")
		}
	}
	return list
}

// kind tells the type of a value, and the length of a text.
func kind(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("string (%d)", len(v))
	case map[string]any, []any:
		return brief(v)
	default:
		return gojq.TypeOf(v)
	}
}

// brief tells a value in a word.
func brief(value any) string {
	switch v := value.(type) {
	case map[string]any:
		if len(v) > 0 {
			return "{…}"
		}
		return "{}"
	case []any:
		if len(v) > 0 {
			return "[…]"
		}
		return "[]"
	default:
		return gojq.TypeOf(v)
	}
}

// shownKey shortens a key, which can be a token itself, and quotes one that
// would be mistaken for something else.
func shownKey(key string) string {
	switch {
	case len(key) > maxShownKey:
		return "…"
	case key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == ':' || r == '"' || !strconv.IsPrint(r) }):
		return strconv.Quote(key)
	}
	return key
}
