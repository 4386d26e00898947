package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestForgedRows gives rows the right checksum, so that it is not that which
// refuses them.
func TestForgedRows(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text := "version: 1\nprofiles:\n  x:\n    docs: d\n  y:\n    docs: d\n"
	for _, name := range []string{"config/profiles.yaml", "config/profiles.d/a.yaml", "config/a.yaml"} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := index{from: Sources{File: filepath.Join(folder, "config", "profiles.yaml"), Folder: filepath.Join(folder, "config", "profiles.d")}}
	good := row{Name: "x", File: "a.yaml", Offset: 21, Length: 17, Line: 3}
	tests := map[string]struct {
		change func(*row)
		want   bool
	}{
		"as it is":          {func(*row) {}, true},
		"another name":      {func(r *row) { r.Name = "y" }, false},
		"another profile":   {func(r *row) { r.Offset, r.Line = r.Offset+17, r.Line+2 }, false},
		"two profiles":      {func(r *row) { r.Length *= 2 }, false},
		"no whole line":     {func(r *row) { r.Length -= 12 }, true}, // what is left is a profile, with a mistake
		"no length":         {func(r *row) { r.Length = 0 }, false},
		"a negative length": {func(r *row) { r.Length = -1 }, false},
		"a huge length":     {func(r *row) { r.Length = 1 << 40 }, false},
		"beyond the end":    {func(r *row) { r.Offset = 60 }, false},
		"a negative offset": {func(r *row) { r.Offset = -1 }, false},
		"line 0":            {func(r *row) { r.Line = 0 }, false},
		"a huge line":       {func(r *row) { r.Line = 1 << 40 }, false},
		"no stamp":          {func(r *row) { r.Stamp = "" }, false},
		"a folder":          {func(r *row) { r.File, r.Stamp = ".", "right" }, false},
		"another stamp":     {func(r *row) { r.Stamp = "1 2 3" }, false},
		"another folder":    {func(r *row) { r.File = "../a.yaml" }, false},
		"no such file":      {func(r *row) { r.File = "b.yaml" }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := good
			r.Stamp = "right"
			test.change(&r)
			path, _ := x.from.path(r.File)
			right, err := stampOf(path)
			if err != nil {
				t.Fatal(err)
			}
			if r.Stamp == "right" {
				r.Stamp = right
			}
			if from, to := r.Offset, r.Offset+int64(r.Length); from >= 0 && from < to && to <= int64(len(text)) {
				r.Sum = r.sum([]byte(text[from:to]))
			} else {
				r.Sum = r.sum(nil)
			}
			if e, ok := x.entry(r); ok != test.want || ok && e.name != "x" {
				t.Errorf("%t, want %t: %+v", ok, test.want, e)
			}
		})
	}
}

// TestSameNode changes each thing that the decoder looks at.
func TestSameNode(t *testing.T) {
	t.Parallel()
	node := func(change func(*yaml.Node)) *yaml.Node {
		inner := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "v", Line: 2, Column: 3}
		change(inner)
		return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: 1, Column: 1, Content: []*yaml.Node{inner}}
	}
	same := node(func(*yaml.Node) {})
	for name, change := range map[string]func(*yaml.Node){
		"kind":    func(n *yaml.Node) { n.Kind = yaml.AliasNode },
		"style":   func(n *yaml.Node) { n.Style = yaml.FlowStyle },
		"tag":     func(n *yaml.Node) { n.Tag = "!!null" },
		"value":   func(n *yaml.Node) { n.Value = "w" },
		"anchor":  func(n *yaml.Node) { n.Anchor = "a" },
		"line":    func(n *yaml.Node) { n.Line++ },
		"column":  func(n *yaml.Node) { n.Column++ },
		"content": func(n *yaml.Node) { n.Content = []*yaml.Node{{}} },
	} {
		if sameNode(node(change), same) {
			t.Errorf("%s: another one is taken for the same", name)
		}
	}
	if !sameNode(node(func(*yaml.Node) {}), same) {
		t.Error("the same is taken for another one")
	}
}

// TestWideRows: an index with a row that find would not read whole is no use.
func TestWideRows(t *testing.T) {
	t.Parallel()
	e := entry{name: "x", pos: Pos{"f", 1, 1}}
	e.file = &file{path: "f", text: "x: {}\n", root: &yaml.Node{}}
	e.node = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Tag: "!!map", Line: 1, Column: 4}
	for head, want := range map[int]bool{10: true, maxRow - 1: true, maxRow: false} {
		got := index{head: strings.Repeat("h", head), from: Sources{File: "f"}}.rows(&Catalog{entries: []entry{e}, size: minIndexed})
		if (got != nil) != want {
			t.Errorf("a head of %d bytes: %d bytes", head, len(got))
		}
	}
}
