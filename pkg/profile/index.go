package profile

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// minIndexed is the size in bytes from which on files get an index. Smaller ones
// are read in the time that it takes to use one.
const minIndexed = 4 << 10

// indexVersion changes with the form of the index.
const indexVersion = 1

// maxRow is the longest row of an index, in bytes.
const maxRow = 16 << 10

// index is a file that says where each profile of some sources stands. It is
// a hint: what it leads to is looked at, and whatever is not as expected means
// that everything is read again. It can be deleted at any time.
//
// Its rows are JSON, sorted by name and filled up with blanks to one length, so
// that a search reads a few of them. Before them stands one with the version and
// the stamps of file and folder. The stamp of a folder changes when a file is
// added, removed or replaced, but not when one is written in place: each row has
// the stamp of its own file too.
type index struct {
	path string // empty: there is none
	head string // what the first row must be now
	from Sources
}

// row says where a profile stands: in whole lines that hold nothing else.
type row struct {
	Name   string
	File   string // in the folder; empty for the file of the sources
	Stamp  string
	Offset int64
	Length int
	Line   int
	Sum    string // of the lines and their place: see sum
}

// index returns the index for the sources as they are now. Two configurations
// that share a state folder have two indexes.
func (l Library) index() index {
	path, pathErr := filepath.Abs(l.Sources.File)
	file, fileErr := stampOf(l.Sources.File)
	folder, folderErr := stampOf(l.Sources.Folder)
	if l.State == "" || errors.Join(pathErr, fileErr, folderErr) != nil {
		return index{}
	}
	head := fmt.Sprintf("authctl profiles %d %q %q", indexVersion, file, folder)
	key := sha256.Sum256([]byte(path + "\x00" + l.Sources.Folder))
	return index{path: filepath.Join(l.State, hex.EncodeToString(key[:])+".index"), head: head, from: l.Sources}
}

// stampOf returns what changes when a file does; nothing where there is none.
func stampOf(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return stamp(info), nil
}

// stamp is size, time of the last change in nanoseconds, and inode.
func stamp(info fs.FileInfo) string {
	return fmt.Sprintf("%d %d %d", info.Size(), info.ModTime().UnixNano(), inode(info))
}

// profile returns a profile if the index leads to it and it has no mistake:
// those are told by whoever reads everything.
func (x index) profile(name string) (*Profile, bool) {
	r, found := x.find(name)
	if !found {
		return nil, false
	}
	e, found := x.entry(r)
	if !found {
		return nil, false
	}
	p, err := (&Catalog{entries: []entry{e}, index: map[string]int{name: 0}}).Profile(name)
	return p, err == nil
}

// find returns the row with a name.
func (x index) find(name string) (row, bool) {
	if x.path == "" {
		return row{}, false
	}
	f, err := os.Open(x.path)
	if err != nil {
		return row{}, false
	}
	defer f.Close() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return row{}, false
	}
	buffer := make([]byte, maxRow)
	n, _ := f.ReadAt(buffer, 0) // io.EOF if there are not that many
	width := bytes.IndexByte(buffer[:n], '\n') + 1
	if width == 0 || string(bytes.TrimRight(buffer[:width], " \n")) != x.head {
		return row{}, false
	}
	read := func(i int) (r row) {
		if n, _ := f.ReadAt(buffer[:width], int64(i+1)*int64(width)); n < width || json.Unmarshal(buffer[:width], &r) != nil {
			return row{}
		}
		return r
	}
	count := int(info.Size()/int64(width)) - 1
	i := sort.Search(count, func(i int) bool { return read(i).Name >= name })
	r := read(i) // of the end, nothing
	return r, r.Name == name
}

// entry reads the lines of a row.
func (x index) entry(r row) (entry, bool) {
	path, known := x.from.path(r.File)
	if !known || r.Length < 1 || r.Length > maxFile || r.Line < 1 || int64(r.Line) > r.Offset+1 {
		return entry{}, false
	}
	now, err := stampOf(path)
	if err != nil || now != r.Stamp {
		return entry{}, false
	}
	f, err := os.Open(path)
	if err != nil {
		return entry{}, false
	}
	defer f.Close() // nothing was written
	text := make([]byte, r.Length)
	if _, err := f.ReadAt(text, r.Offset); err != nil || r.sum(text) != r.Sum {
		return entry{}, false
	}
	key, value, ok := parseAlone(text, r.Line)
	if !ok || key.Value != r.Name {
		return entry{}, false
	}
	own := splitLines(string(text))
	lines := make([]string, r.Line-1+len(own)) // those before it only count
	copy(lines[r.Line-1:], own)
	return entry{name: r.Name, pos: Pos{path, key.Line, key.Column}, node: value, file: &file{path: path, lines: lines}}, true
}

// path returns where a file named in a row is; it is one of the sources.
func (s Sources) path(name string) (string, bool) {
	if name == "" {
		return s.File, true
	}
	return filepath.Join(s.Folder, name), s.Folder != "" && filepath.Base(name) == name
}

// sum is a checksum of the profile's lines and of what the row says of them.
func (r row) sum(text []byte) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q %q %d %d\n", r.Name, r.File, r.Offset, r.Line) // a hash takes all
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// parseAlone reads lines that hold one key and its value and nothing else, and
// begin with this line of the file.
func parseAlone(text []byte, line int) (key, value *yaml.Node, ok bool) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil || len(root.Content) != 1 {
		return nil, nil, false
	}
	mapping := root.Content[0]
	if mapping.Kind != yaml.MappingNode || len(mapping.Content) != 2 {
		return nil, nil, false
	}
	moveDown(mapping, line-1)
	return mapping.Content[0], mapping.Content[1], true
}

func moveDown(node *yaml.Node, lines int) {
	node.Line += lines
	for _, child := range node.Content {
		moveDown(child, lines)
	}
}

// write makes the index anew, or removes it where it would be of no use.
func (x index) write(c *Catalog) error {
	if x.path == "" {
		return nil
	}
	rows := x.rows(c)
	if len(rows) == 0 {
		return os.Remove(x.path)
	}
	if err := os.MkdirAll(filepath.Dir(x.path), 0o700); err != nil {
		return err
	}
	return replace(x.path, rows)
}

// rows returns the content of the index; none where that is not worth it.
func (x index) rows(c *Catalog) []byte {
	if c.size < minIndexed {
		return nil
	}
	lines := [][]byte{[]byte(x.head)}
	for _, r := range c.rows(x.from) {
		if line, err := json.Marshal(r); err == nil {
			lines = append(lines, line)
		}
	}
	width := 0
	for _, line := range lines {
		width = max(width, len(line)+1)
	}
	if len(lines) == 1 || width > maxRow {
		return nil
	}
	content := bytes.Repeat([]byte(" "), width*len(lines))
	for i, line := range lines {
		copy(content[i*width:], line)
		content[(i+1)*width-1] = '\n'
	}
	return content
}

// replace writes a file for this user alone and puts it in its place. What
// killed writers left there goes with it.
func replace(path string, content []byte) error {
	folder, base := filepath.Split(path)
	f, err := os.CreateTemp(folder, "."+base)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	left, globErr := filepath.Glob(filepath.Join(folder, "."+base+"*"))
	err = errors.Join(err, globErr)
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// rows are those of all profiles that can be read alone. One whose name stands
// there twice, or whose file has mistakes, cannot.
func (c *Catalog) rows(from Sources) []row {
	var rows []row
	var m lineMap
	for i, e := range c.entries {
		if i == 0 || e.file != c.entries[i-1].file {
			m = newLineMap(e.file)
		}
		if len(e.twins) > 0 || e.file.broken {
			continue
		}
		if r, ok := e.row(m, from); ok {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// row finds the lines of an entry: from its key to the next one. They are taken
// if they give the same nodes at the same places as the whole file did.
func (e entry) row(m lineMap, from Sources) (row, bool) {
	offset, end := m.around(e.pos.Line)
	text := []byte(e.file.text[offset:end])
	if _, value, ok := parseAlone(text, e.pos.Line); !ok || !sameNode(value, e.node) {
		return row{}, false
	}
	r := row{Name: e.name, Stamp: e.file.stamp, Offset: int64(offset), Length: len(text), Line: e.pos.Line}
	if e.file.path != from.File {
		r.File = filepath.Base(e.file.path)
	}
	r.Sum = r.sum(text)
	return r, true
}

// sameNode compares all that the decoder looks at.
func sameNode(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Style == b.Style && a.Tag == b.Tag && a.Value == b.Value && a.Anchor == b.Anchor &&
		a.Line == b.Line && a.Column == b.Column && slices.EqualFunc(a.Content, b.Content, sameNode)
}

// lineMap says where the lines of a file are in its text. A file with other
// line breaks than \n and \r\n has other lines for YAML; then no profile is
// found where it should be.
type lineMap struct {
	starts []int // of each line, and the end of the text
	keys   []int // lines in which a profile or a key of the top level begins
}

func newLineMap(f *file) lineMap {
	m := lineMap{starts: []int{0}}
	for line := range strings.Lines(f.text) {
		m.starts = append(m.starts, m.starts[len(m.starts)-1]+len(line))
	}
	for i := 0; i+1 < len(f.root.Content); i += 2 {
		key, value := f.root.Content[i], f.root.Content[i+1]
		m.keys = append(m.keys, key.Line)
		for j := 0; j < len(value.Content); j += 2 {
			m.keys = append(m.keys, value.Content[j].Line)
		}
	}
	slices.Sort(m.keys)
	return m
}

// around returns where a line begins and where the next key's line does.
func (m lineMap) around(line int) (offset, end int) {
	next := sort.SearchInts(m.keys, line+1)
	last := len(m.starts) - 1
	if next == len(m.keys) {
		return m.starts[min(line-1, last)], m.starts[last]
	}
	return m.starts[min(line-1, last)], m.starts[min(m.keys[next]-1, last)]
}
