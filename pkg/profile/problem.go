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
}

// Problems are all mistakes found in one look. It is an error.
type Problems []Problem

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
