package profile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/authctl/authctl/pkg/profile"
)

// FuzzParse reads any bytes as a file of profiles: nothing panics, and every
// problem names a place that is there.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "mistakes", "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, filepath.Join("..", "..", "profiles.example.yaml")) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{"", "{", "\ufeff", "a: \xff", "---\n---", "version: 1\nprofiles: {x: {inputs: {a: {command: [&a b, *a]}}}}", "profiles: {? [a] : b}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		catalog, err := profile.Parse("p.yaml", data)
		var found profile.Problems
		if err != nil && (!errors.As(err, &found) || len(found) == 0) {
			t.Fatalf("%T: %v", err, err)
		}
		for _, name := range catalog.Names() {
			p, problems, err := catalog.Check(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := catalog.Profile(name); err == nil && len(problems) == 0 && p.Validate() != nil {
				t.Errorf("%s: Check finds nothing and Validate does", name)
			}
			found = append(found, problems...)
		}
		for _, problem := range found {
			inside(t, data, problem)
		}
	})
}

// inside complains about a problem whose place is not in the file. YAML breaks
// lines at more characters than one.
func inside(t *testing.T, data []byte, p profile.Problem) {
	t.Helper()
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(string(data))
	lines := strings.Split(text, "\n")
	if p.Text == "" || p.Pos.File != "p.yaml" || p.Pos.Line < 1 || p.Pos.Column < 1 || p.Pos.Line > len(lines) {
		t.Fatalf("the file has %d lines; the problem: %+v", len(lines), p)
	}
	if width := len(lines[p.Pos.Line-1]); p.Pos.Column > width+1 && utf8.Valid(data) && !strings.HasPrefix(text, "\ufeff") {
		t.Fatalf("line %d has %d bytes; the problem: %+v", p.Pos.Line, width, p)
	}
}

// FuzzTemplate parses any text as a template: what it is made of is the text.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"", "{{a}}", "x{{ a_1 }}y", "{{", "}}", "{{{a}}}", "{{a}}{{b}}", "{{a\x00}}", "\xff{{a}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := profile.ParseTemplate(text, profile.Pos{File: "p.yaml", Line: 1, Column: 1})
		if err != nil {
			return
		}
		rest := text
		for _, part := range parsed.Parts {
			if (part.Name == "") == (part.Literal == "") {
				t.Fatalf("a part is neither text nor a name: %+v", part)
			}
			if part.Name == "" {
				after, found := strings.CutPrefix(rest, part.Literal)
				if !found {
					t.Fatalf("%q is not the beginning of %q", part.Literal, rest)
				}
				rest = after
				continue
			}
			inner, after, found := strings.Cut(strings.TrimPrefix(rest, "{{"), "}}")
			if !found || !strings.HasPrefix(rest, "{{") || strings.TrimSpace(inner) != part.Name {
				t.Fatalf("{{%s}} is not the beginning of %q", part.Name, rest)
			}
			rest = after
		}
		if rest != "" {
			t.Fatalf("%q is lost", rest)
		}
	})
}
