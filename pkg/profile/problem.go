package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
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
	Pos  Pos
	Text string
	Hint string
}

// Problems are all mistakes found in one look. It is an error.
type Problems []Problem

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
// like it.
func nearest(word string, known []string) string {
	best, distance := "", max(1, len(word)/3)+1
	for _, candidate := range known {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(candidate))
		if d < distance {
			best, distance = candidate, d
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
