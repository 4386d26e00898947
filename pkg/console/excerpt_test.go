package console_test

import (
	"strings"
	"testing"

	"github.com/authctl/authctl/pkg/console"
)

func TestExcerpt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		line   string
		column int
		width  int
		want   string
	}{
		"first":              {"version: 3", 1, 40, "version: 3\n^"},
		"value":              {"version: 3", 10, 40, "version: 3\n         ^"},
		"indented":           {"      token: a.b", 14, 40, "token: a.b\n       ^"},
		"tab":                {"\tx: {}", 2, 40, "x: {}\n^"},
		"caret on the blank": {"    a: b", 3, 40, "a: b\n^"},
		"wide":               {"a: 漢字 b", 4, 40, "a: 漢字 b\n   ^"},
		"after wide":         {"漢字: b", 5, 40, "漢字: b\n      ^"},
		"beyond the end":     {"ab", 9, 40, "ab\n  ^"},
		"column 0":           {"ab", 0, 40, "ab\n^"},
		"cut at the end":     {"a: bcdefghijklmnopqrstuvwxyz", 4, 12, "a: bcdefghi…\n   ^"},
		"cut at both ends":   {"abcdefghijklmnopqrstuvwxyz", 20, 12, "…mnopqrstuv…\n        ^"},
		"escape":             {"a: \x1b[2Jb", 9, 40, `a: \x1b[2Jb` + "\n           ^"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, caret := console.Excerpt(test.line, test.column, test.width)
			if got := text + "\n" + caret; got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
			if strings.ContainsRune(text, '\x1b') {
				t.Error("an escape is left")
			}
		})
	}
}
