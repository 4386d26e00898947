package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/authctl/authctl/pkg/fault"
)

// Pos is a place in a file. Line and Column count from 1; 0 is unknown.
type Pos struct {
	File   string
	Line   int
	Column int
}

func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one mistake in a profile: where, what, and what to write instead.
type Problem struct {
	Pos     Pos
	Text    string
	Hint    string
	Warning bool // it works, but is seldom what was meant
	Secret  bool // the line may hold one: it is not shown
}

// Bounds on what is told: nobody reads more.
const (
	maxProblems = 100 // of one profile
	maxMessage  = 400 // characters
)

func newProblem(pos Pos, hint, format string, args ...any) Problem {
	return Problem{Pos: pos, Text: clip(fmt.Sprintf(format, args...), maxMessage), Hint: clip(hint, maxMessage)}
}

// clip shortens a long text.
func clip(text string, most int) string {
	if runes := []rune(text); len(text) > most && len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// Problems are all mistakes found in one look. It is an error.
type Problems []Problem

// full says whether there are as many as are told.
func (p Problems) full() bool { return len(p) >= maxProblems }

// add keeps a problem. Instead of the last one that is told it says that there
// may be more.
func (p *Problems) add(one Problem) {
	switch {
	case len(*p) == maxProblems-1:
		*p = append(*p, Problem{Pos: one.Pos, Text: "there may be more mistakes, which are not told", Hint: "mend these first"})
	case !p.full():
		*p = append(*p, one)
	}
}

// Mistakes are the problems that are not just warnings.
func (p Problems) Mistakes() Problems {
	return slices.DeleteFunc(slices.Clone(p), func(one Problem) bool { return one.Warning })
}

// Err is an error of kind fault.Profile if there are mistakes among them, with
// the hint of the first one.
func (p Problems) Err() error {
	mistakes := p.Mistakes()
	if len(mistakes) == 0 {
		return nil
	}
	return &fault.Error{Kind: fault.Profile, Err: mistakes, Hint: mistakes[0].Hint}
}

// sort puts problems in the order of the file.
func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
}

// Error tells the first mistake, and how many there are beside it.
func (p Problems) Error() string {
	first := p[0].Pos.String() + ": " + p[0].Text
	if len(p) == 1 {
		return first
	}
	return fmt.Sprintf("%s (and %d more)", first, len(p)-1)
}

// nearest returns the one of known that is most like word, or "" where none is
// like it. Of two that are as like, the one of word's length is: letters that
// changed places are the usual slip.
func nearest(word string, known []string) string {
	best, limit := "", max(1, min(2, len(word)/2), len(word)/3)
	for _, candidate := range known {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(candidate))
		if d < limit || d == limit && (best == "" || len(candidate) == len(word) && len(best) != len(word)) {
			best, limit = candidate, d
		}
	}
	return best
}

// DidYouMean returns "did you mean x?" for the one of known that is most like
// word, else the list of what is known.
func DidYouMean(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 {
		return ""
	}
	return "known are: " + strings.Join(known, ", ")
}
