package profile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/authctl/authctl/pkg/fault"
)

// Bounds on a file of profiles, far above ten thousand of them. What YAML makes
// of a file grows with its parts: it takes two hundred bytes for each.
const (
	maxFile  = 8 << 20 // bytes
	maxParts = 500_000 // lines, commas, colons and brackets
)

// Catalog holds the profiles of all files, by name. A profile is decoded when
// it is asked for, so that a mistake in one does not take the others away; nor
// does a file that cannot be read.
type Catalog struct {
	entries []entry
	index   map[string]int      // name → place in entries
	broken  []error             // files that cannot be used
	files   int                 // that were asked for
	lines   map[string][]string // of each file
	size    int                 // of all files, in bytes
}

// entry is a profile as it stands in its file.
type entry struct {
	name  string
	pos   Pos
	node  *yaml.Node
	file  *file
	twins []Pos // where the name stands once more
}

// file is one that profiles were read from.
type file struct {
	path   string
	stamp  string // before it was read
	text   string
	lines  []string
	root   *yaml.Node
	broken bool // it has a mistake outside of profiles
}

// document is the top level of a file.
type document struct {
	Version  version `yaml:"version"`
	Profiles entries `yaml:"profiles"`
}

// Load reads the files at paths, in this order. A file that is not there, or is
// not YAML, is an error of kind fault.Profile if it is the only one; else it is
// one of Broken.
func Load(paths []string) (*Catalog, error) {
	catalog := Read(paths)
	if len(catalog.broken) > 0 && len(catalog.broken) == len(paths) {
		return nil, catalog.broken[0]
	}
	return catalog, nil
}

// Read is Load for those who want to see the mistakes of all files: every file
// that cannot be used is one of Broken.
func Read(paths []string) *Catalog {
	catalog := newCatalog()
	catalog.files = len(paths)
	for _, path := range paths {
		data, stamp, err := readFile(path)
		if err != nil {
			err = fault.New(fault.Profile, "", "read profiles: %w", err)
		} else {
			err = catalog.add(&file{path: path, stamp: stamp, text: string(data)})
		}
		if err != nil {
			catalog.broken = append(catalog.broken, err)
		}
	}
	return catalog
}

func newCatalog() *Catalog {
	return &Catalog{index: map[string]int{}, lines: map[string][]string{}}
}

// Line returns the line of a file that a problem stands in; "" if it is not
// known.
func (c *Catalog) Line(pos Pos) string {
	lines := c.lines[pos.File]
	if pos.Line < 1 || pos.Line > len(lines) {
		return ""
	}
	return lines[pos.Line-1]
}

// Broken returns an error for each file that cannot be used.
func (c *Catalog) Broken() []error { return c.broken }

// Files returns how many files were asked for.
func (c *Catalog) Files() int { return c.files }

// readFile reads a regular file: a pipe in its place would be waited for. The
// stamp is that from before, so that it shows a change meanwhile.
func readFile(path string) ([]byte, string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, "", fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	if err == nil && parts(data) > maxParts {
		err = fmt.Errorf("%s holds more than %d lines, commas, colons and brackets", path, maxParts)
	}
	return data, stamp(info), err
}

func parts(data []byte) int {
	count := 0
	for _, b := range data {
		switch b {
		case '\n', '\r', ',', ':', '[', '{':
			count++
		}
	}
	return count
}

// Parse reads one file's contents; name is used in error messages.
func Parse(name string, data []byte) (*Catalog, error) {
	catalog := newCatalog()
	return catalog, catalog.add(&file{path: name, text: string(data)})
}

func (c *Catalog) add(f *file) error {
	c.size += len(f.text)
	f.lines = splitLines(strings.TrimPrefix(f.text, "\ufeff"))
	c.lines[f.path] = f.lines
	yamlDecoder := yaml.NewDecoder(strings.NewReader(f.text))
	var root, second yaml.Node
	if err := yamlDecoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return Problems{syntaxProblem(f, err)}.Err()
	}
	f.root = root.Content[0]
	d := &decoder{file: f.path, lines: f.lines}
	if err := yamlDecoder.Decode(&second); err == nil {
		d.fail(&second, "write one document to a file, or another file in profiles.d", "a second YAML document (---) in one file")
	} else if !errors.Is(err, io.EOF) {
		return Problems{syntaxProblem(f, err)}.Err()
	}
	var doc document
	d.decode(f.root, reflect.ValueOf(&doc).Elem(), "the file")
	if !doc.Version.set && len(d.problems) == 0 {
		d.fail(f.root, "write version: 1 in the first line", "version: missing")
	}
	for _, e := range doc.Profiles {
		if first, twice := c.index[e.name]; twice {
			c.entries[first].twins = append(c.entries[first].twins, e.pos)
			continue
		}
		e.file = f
		c.index[e.name] = len(c.entries)
		c.entries = append(c.entries, e)
	}
	f.broken = len(d.problems) > 0
	return d.problems.Err()
}

func (c *Catalog) find(name string) (entry, bool) {
	i, found := c.index[name]
	if !found {
		return entry{}, false
	}
	return c.entries[i], true
}

// Names returns the names of all profiles in the order of the files.
func (c *Catalog) Names() []string {
	names := make([]string, len(c.entries))
	for i, e := range c.entries {
		names[i] = e.name
	}
	return names
}

// Profile decodes one profile strictly. Its expressions and names are checked
// by Check. An unknown name and a mistake are errors of kind fault.Profile.
func (c *Catalog) Profile(name string) (*Profile, error) {
	p, problems, err := c.decode(name)
	if err != nil {
		return nil, err
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Check decodes one profile and returns every mistake in it: keys, types,
// expressions, names. A name that no profile has is an error.
func (c *Catalog) Check(name string) (*Profile, Problems, error) {
	p, problems, err := c.decode(name)
	if err != nil {
		return nil, nil, err
	}
	problems = append(problems, p.check()...)
	problems.sort()
	return p, problems, nil
}

func (c *Catalog) decode(name string) (*Profile, Problems, error) {
	e, found := c.find(name)
	if !found && len(c.broken) > 0 {
		return nil, nil, c.broken[0] // it may stand there
	}
	if !found {
		return nil, nil, fault.New(fault.Profile, DidYouMean(name, c.Names()), "no profile is called %q", name)
	}
	p := &Profile{Name: e.name, Pos: e.pos}
	d := &decoder{file: e.pos.File, lines: e.file.lines}
	d.decode(e.node, reflect.ValueOf(p).Elem(), "profile "+name)
	for _, twin := range e.twins {
		d.problems.add(newProblem(twin, "rename or remove one of them", "profile %s: also in %s", name, e.pos))
	}
	p.complete(d)
	return p, d.problems, nil
}

// entries reads the mapping under profiles: without decoding what it holds.
type entries []entry

func (es *entries) decodeYAML(d *decoder, node *yaml.Node, where string) {
	if !d.isMapping(node, where) {
		return
	}
	d.eachMember(node, where, func(key, value *yaml.Node) {
		if !validProfileName(key.Value) {
			d.fail(key, "use letters, digits, - _ and .", "%s: no name for a profile", describe(key))
			return
		}
		*es = append(*es, entry{name: key.Value, pos: d.pos(key), node: value})
	})
}

func validProfileName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("-_.", r)) {
			return false
		}
	}
	return name != "" && len(name) <= 100
}

// version is the version of the language; 1 is the only one.
type version struct{ set bool }

func (v *version) decodeYAML(d *decoder, node *yaml.Node, where string) {
	v.set = true
	if text := d.text(node, where); text != "1" && text != "" {
		d.fail(node, "write version: 1", "%s: this authctl reads version 1 only", where)
	}
}

// syntaxProblem turns an error of the YAML library into a problem with a place
// and, where the reason can be guessed, what to write.
func syntaxProblem(f *file, err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	problem := Problem{Pos: Pos{File: f.path, Line: 1, Column: 1}, Text: "not YAML: " + text}
	m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(text)
	if m == nil {
		problem.Pos.Line, problem.Pos.Column = unreadable(f.text)
		return problem
	}
	number, convErr := strconv.Atoi(m[1])
	if strings.HasPrefix(m[2], "did not find expected ") {
		number++ // the library counts these from 0
	}
	if convErr != nil {
		return problem
	}
	number = max(1, min(number, len(f.lines)))
	problem.Text, problem.Hint = "not YAML: "+m[2], generalHint(m[2])
	// The library notices some mistakes a line late or early.
	for _, n := range []int{number, number - 1, number + 1} {
		if n < 1 || n > len(f.lines) {
			continue
		}
		if hint := lineHint(f.lines[n-1]); hint != "" {
			number, problem.Hint = n, hint
			break
		}
	}
	line := f.lines[number-1]
	problem.Pos.Line, problem.Pos.Column = number, 1+len(line)-len(strings.TrimLeft(line, " \t"))
	return problem
}

// splitLines breaks text into lines where YAML does.
func splitLines(text string) []string {
	if !strings.ContainsAny(text, "\r\u0085\u2028\u2029") {
		return strings.Split(text, "\n")
	}
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return strings.Split(breaks.Replace(text), "\n")
}

// unreadable finds the first byte that YAML takes nowhere: one that is no
// UTF-8, or a control character. Without one it is the beginning.
func unreadable(text string) (line, column int) {
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n\u0085", r) {
			before := splitLines(text[:i])
			return len(before), 1 + utf8.RuneCountInString(before[len(before)-1])
		}
	}
	return 1, 1
}
