package profile_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
)

// shelf is a configuration folder and a state folder.
type shelf struct {
	t *testing.T
	profile.Library
}

const (
	mainFile = "profiles.yaml"
	filler   = "profiles.d/filler.yaml"
)

// newShelf writes files, by path in the configuration folder, and one that is
// large enough for an index. All are an hour old.
func newShelf(t *testing.T, files map[string]string) shelf {
	t.Helper()
	folder := t.TempDir()
	s := shelf{t, profile.Library{
		Sources: profile.Sources{File: filepath.Join(folder, mainFile), Folder: filepath.Join(folder, "profiles.d")},
		State:   filepath.Join(folder, "state", "profiles"),
	}}
	s.write(filler, "version: 1\n# "+strings.Repeat("x", 4<<10)+"\nprofiles:\n"+simple("other"))
	for name, text := range files {
		s.write(name, text)
	}
	s.age()
	return s
}

// simple is a profile without a mistake.
func simple(name string) string {
	return "  " + name + ":\n    base_url: https://" + name + ".example\n    login: {request: POST /l, token: .t}\n"
}

func document(profiles ...string) string {
	return "version: 1\nprofiles:\n" + strings.Join(profiles, "")
}

func (s shelf) path(name string) string {
	return filepath.Join(filepath.Dir(s.Sources.File), filepath.FromSlash(name))
}

// write writes in place: the folder does not change if the file is there.
func (s shelf) write(name, text string) {
	s.t.Helper()
	s.must(os.MkdirAll(filepath.Dir(s.path(name)), 0o700))
	s.must(os.WriteFile(s.path(name), []byte(text), 0o600))
}

func (s shelf) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// age makes all files and folders an hour old, so that a change shows.
func (s shelf) age() {
	s.t.Helper()
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	s.must(filepath.WalkDir(filepath.Dir(s.Sources.File), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, past, past)
	}))
}

// index returns the path of the only index, or "".
func (s shelf) index() string {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.State, "*"))
	s.must(err)
	if len(files) > 1 {
		s.t.Fatalf("more than one index: %v", files)
	}
	return strings.Join(files, "")
}

// read returns the content of the index.
func (s shelf) read() string {
	s.t.Helper()
	data, err := os.ReadFile(s.index())
	s.must(err)
	return string(data)
}

// answer is what a library says of a profile.
type answer struct {
	URL, Err, Hint string
	Kind           fault.Kind
}

func answerOf(p *profile.Profile, err error) answer {
	if err != nil {
		return answer{Err: err.Error(), Hint: fault.HintOf(err), Kind: fault.KindOf(err)}
	}
	if p.BaseURL.URL == nil { // it has environments
		return answer{}
	}
	return answer{URL: p.BaseURL.String()}
}

// ask returns the answer, and whether the index was written anew.
func (s shelf) ask(name string) (answer, bool) {
	s.t.Helper()
	before, err := os.Stat(s.index())
	got := answerOf(s.Profile(name))
	after, afterErr := os.Stat(s.index())
	return got, (err == nil) != (afterErr == nil) || err == nil && !os.SameFile(before, after)
}

// TestIndexFollows makes an index of x, changes something, and asks for x.
func TestIndexFollows(t *testing.T) {
	t.Parallel()
	const file = "profiles.d/x.yaml"
	moved := strings.ReplaceAll(document(simple("x")), "x.example", "z.example") // of the same length
	found := answer{URL: "https://x.example"}
	rewrite := func(change func(string) string) func(shelf) {
		return func(s shelf) { s.must(os.WriteFile(s.index(), []byte(change(s.read())), 0o600)) }
	}
	tests := map[string]struct {
		change func(shelf)
		want   answer
		anew   bool
	}{
		"nothing": {func(shelf) {}, found, false},
		"another file, in place: the one that is not noticed": {func(s shelf) { s.write(filler, document(simple("x"))) }, found, false},
		"the file, in place": {func(s shelf) { s.write(file, "# new\n"+moved) }, answer{URL: "https://z.example"}, true},
		"the file, in place, its time too": {func(s shelf) {
			s.write(file, moved)
			s.age()
		}, answer{URL: "https://z.example"}, true},
		"a twin before it in the file": {func(s shelf) { s.write(file, document(simple("x"), simple("x"))) }, found, true},
		"a file that is added":         {func(s shelf) { s.write("profiles.d/y.yaml", document(simple("y"))) }, found, true},
		"a twin that is added": {func(s shelf) { s.write("profiles.d/a.yaml", document(simple("x"))) },
			answer{Err: "%x.yaml:3:3: profile x: also in %a.yaml:3:3", Hint: "rename or remove one of them", Kind: fault.Profile}, false},
		"a twin in the main file": {func(s shelf) { s.write(mainFile, document(simple("x"))) },
			answer{Err: "%x.yaml:3:3: profile x: also in %../profiles.yaml:3:3", Hint: "rename or remove one of them", Kind: fault.Profile}, false},
		"the file is renamed": {func(s shelf) { s.must(os.Rename(s.path(file), s.path("profiles.d/z.yaml"))) }, found, true},
		"the file is removed": {func(s shelf) { s.must(os.Remove(s.path(file))) },
			answer{Err: `no profile is called "x"`, Hint: "known are: main, other, third", Kind: fault.Profile}, false},
		"a mistake": {func(s shelf) { s.write(file, document(simple("x"))+"    logn: 1\n") },
			answer{Err: "%x.yaml:6:5: logn: unknown key in profile x", Hint: "did you mean login?", Kind: fault.Profile}, false},
		"no YAML": {func(s shelf) { s.write(file, "{") },
			answer{Err: "%x.yaml:1:1: not YAML: did not find expected node content", Hint: "keys of one mapping begin in the same column; look at this line and those around it", Kind: fault.Profile}, false},
		"the index is deleted":   {func(s shelf) { s.must(os.Remove(s.index())) }, found, true},
		"the index is empty":     {rewrite(func(string) string { return "" }), found, true},
		"the index is cut":       {rewrite(func(text string) string { return text[:len(text)-10] }), found, true},
		"the index lacks a row":  {rewrite(func(text string) string { return text[:strings.LastIndex(text[:len(text)-1], "\n")+1] }), found, true},
		"the index has its head": {rewrite(func(text string) string { return text[:strings.Index(text, "\n")+1] }), found, true},
		"the index is noise":     {rewrite(func(text string) string { return strings.Repeat("\x00{", len(text)) }), found, true},
		"another version":        {rewrite(func(text string) string { return strings.Replace(text, "profiles 1", "profiles 2", 1) }), found, true},
		"another line":           {rewrite(func(text string) string { return strings.ReplaceAll(text, `"Line":3`, `"Line":2`) }), found, true},
		"another file of rows":   {rewrite(func(text string) string { return strings.ReplaceAll(text, `"File":"x.yaml"`, `"File":"o.yaml"`) }), found, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, map[string]string{file: document(simple("x")), mainFile: document(simple("main")), "profiles.d/o.yaml": document(simple("third"))})
			if got, anew := s.ask("x"); got != found || !anew {
				t.Fatalf("at first: %+v, index written: %t", got, anew)
			}
			s.age() // what has been changed is as old
			test.change(s)
			got, anew := s.ask("x")
			test.want.Err = strings.NewReplacer("%../", s.path("")+string(filepath.Separator), "%", s.path("profiles.d")+string(filepath.Separator)).Replace(test.want.Err)
			if diff := cmp.Diff(test.want, got); diff != "" || anew != test.anew {
				t.Errorf("index written: %t, want %t; %s", anew, test.anew, diff)
			}
			if again, _ := s.ask("x"); again != got {
				t.Errorf("again: %+v", again)
			}
		})
	}
}

// awkward are files in which lines are not what they seem.
func awkward() map[string]string {
	plain := document(simple("x"), simple("y"))
	return map[string]string{
		"plain":                plain,
		"CR LF":                strings.ReplaceAll(plain, "\n", "\r\n"),
		"CR":                   strings.ReplaceAll(plain, "\n", "\r"),
		"other line breaks":    strings.Replace(plain, "version: 1\n", "version: 1\n# a\u2028# b\u0085# c\n", 1),
		"byte order mark":      "\ufeff" + plain,
		"no line break":        strings.TrimSuffix(plain, "\n"),
		"keys after profiles":  strings.TrimPrefix(plain, "version: 1\n") + "version: 1\n",
		"comments":             "# a\nversion: 1\nprofiles: # b\n# c\n\n" + simple("x") + "\n  # d\n" + simple("y") + "# e\n",
		"a document's ends":    "%YAML 1.1\n---\n" + plain + "...\n",
		"JSON":                 `{"version": 1, "profiles": {"x": {"base_url": "https://x.example", "login": {"request": "POST /l", "token": ".t"}},` + "\n" + `"y": {"base_url": "https://y.example", "login": {"request": "POST /l", "token": ".t"}}}}`,
		"JSON in lines":        "{version: 1, profiles: {\n  x: {base_url: https://x.example, login: {request: POST /l, token: .t}},\n  y: {base_url: https://y.example, login: {request: POST /l, token: .t}}\n}}",
		"explicit keys":        "version: 1\nprofiles:\n  ? x\n  : base_url: https://x.example\n    login: {request: POST /l, token: .t}\n",
		"a quoted key":         document(strings.Replace(simple("x"), "x:", `"x":`, 1), simple("y")),
		"a block of text":      document(simple("x")+"    description: |\n      a\n\n        y:\n          base_url: https://z.example\n\n\n", simple("y")),
		"text kept to its end": document(simple("x")+"    description: |+\n      a\n\n\n", simple("y")),
		"text over lines":      document(simple("x")+"    description: a\n      b\n\n      c\n", simple("y")),
		"an anchor elsewhere":  document(simple("y")+"    docs: &a https://d.example\n", simple("x")+"    description: *a\n"),
		"a mistake":            document(simple("y"), simple("x")+"    success: |\n      .a &&\n"),
		"a mistake in a leaf":  document(simple("y"), simple("x")+"    lifetime: 3600\n    heders: {}\n"),
		"null":                 document("  x:\n", simple("y")),
		"twice":                document(simple("x"), simple("y"), simple("x")),
		"no version":           strings.TrimPrefix(plain, "version: 1\n"),
		"two documents":        plain + "---\n" + plain,
		"another schema":       "%TAG ! tag:example.com,2000:\n---\n" + document(simple("x")+"    docs: !d d\n", simple("y")),
		"nothing":              "",
	}
}

// TestIndexGivesTheSame compares profiles that came through the index with
// those of the catalog: all that is in them, places and messages too.
func TestIndexGivesTheSame(t *testing.T) {
	t.Parallel()
	files := awkward()
	mistakes, err := filepath.Glob(filepath.Join("testdata", "mistakes", "*.yaml"))
	if err != nil || len(mistakes) == 0 {
		t.Fatal(mistakes, err)
	}
	for _, path := range append(mistakes, filepath.Join("..", "..", "profiles.example.yaml")) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(data)
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, map[string]string{"profiles.d/a.yaml": text})
			catalog, err := s.Load()
			s.must(err)
			for _, name := range append(catalog.Names(), "absent") {
				want, wantErr := catalog.Profile(name)
				for round := range 3 {
					got, gotErr := s.Profile(name)
					if diff := cmp.Diff(answerOf(want, wantErr), answerOf(got, gotErr)); diff != "" {
						t.Errorf("%s, round %d: %s", name, round, diff)
					}
					if !reflect.DeepEqual(want, got) {
						t.Errorf("%s, round %d: got %+v\nwant %+v", name, round, got, want)
					}
				}
			}
		})
	}
}

// TestIndexHolds says which of the awkward profiles are found by the index.
func TestIndexHolds(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for name := range awkward() {
		want[name] = "x y"
	}
	maps.Copy(want, map[string]string{
		"CR": "", "other line breaks": "", "JSON": "", "JSON in lines": "y", "explicit keys": "x",
		"an anchor elsewhere": "", "a mistake in a leaf": "y", "null": "y",
		"twice": "", "no version": "", "two documents": "", "another schema": "y", "nothing": "",
	})
	got := map[string]string{}
	for name, text := range awkward() {
		s := newShelf(t, map[string]string{"profiles.d/a.yaml": text})
		var held []string
		for _, name := range []string{"x", "y"} {
			s.ask("other")
			s.ask(name)
			if answer, anew := s.ask(name); answer.Err == "" && !anew {
				held = append(held, name)
			}
		}
		got[name] = strings.Join(held, " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestIndexOfOneFile is for --config: there is no folder.
func TestIndexOfOneFile(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{mainFile: document(simple("x"), simple("y"), "# "+strings.Repeat("x", 4<<10)+"\n")})
	s.Sources.Folder = ""
	var got []bool
	for _, name := range []string{"x", "x", "y"} {
		answer, anew := s.ask(name)
		if want := (answer.URL == "https://"+name+".example"); !want {
			t.Errorf("%s: %+v", name, answer)
		}
		got = append(got, anew)
	}
	if want := []bool{true, false, false}; !slices.Equal(want, got) {
		t.Errorf("index written: %v, want %v", got, want)
	}
	s.must(os.Remove(s.Sources.File))
	if got, _ := s.ask("x"); got.Err != "read profiles: open "+s.Sources.File+": no such file or directory" {
		t.Errorf("without the file: %+v", got)
	}
}

// TestTwoConfigurations share a state folder and do not disturb each other.
func TestTwoConfigurations(t *testing.T) {
	t.Parallel()
	a, b := newShelf(t, map[string]string{mainFile: document(simple("x"))}), newShelf(t, map[string]string{mainFile: document(strings.Replace(simple("x"), "x.example", "b.example", 1))})
	b.State = a.State
	times := map[string]time.Time{}
	for round := range 3 {
		for library, want := range map[*shelf]string{&a: "https://x.example", &b: "https://b.example"} {
			if got := answerOf(library.Profile("x")); got.URL != want {
				t.Errorf("round %d: %+v, want %s", round, got, want)
			}
		}
		files, err := filepath.Glob(filepath.Join(a.State, "*"))
		a.must(err)
		if len(files) != 2 {
			t.Fatalf("indexes: %v", files)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			a.must(err)
			if before, known := times[file]; known && before != info.ModTime() {
				t.Errorf("round %d: %s was written again", round, file)
			}
			times[file] = info.ModTime()
		}
	}
}

// TestTwinIsNotIndexed: what another profile has written to the index does not
// help a name that stands in two files.
func TestTwinIsNotIndexed(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{mainFile: document(simple("x")), "profiles.d/twin.yaml": document(simple("x"))})
	s.ask("other")
	if got, _ := s.ask("x"); !strings.Contains(got.Err, "also in") {
		t.Errorf("got %+v", got)
	}
}

// TestFileAloneAndWithFolder: --config may name the file that is read anyway.
func TestFileAloneAndWithFolder(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{mainFile: document(simple("x"), "# "+strings.Repeat("x", 4<<10)+"\n")})
	alone := s
	alone.Sources.Folder = ""
	for _, library := range []shelf{s, alone} {
		if got := answerOf(library.Profile("x")); got.URL != "https://x.example" {
			t.Errorf("got %+v", got)
		}
	}
	if files, err := os.ReadDir(s.State); err != nil || len(files) != 2 {
		t.Errorf("indexes: %v %v", files, err)
	}
}

// TestTwoFilesAlone have an index each, too.
func TestTwoFilesAlone(t *testing.T) {
	t.Parallel()
	long := document(simple("x"), "# "+strings.Repeat("x", 4<<10)+"\n")
	s := newShelf(t, map[string]string{mainFile: long, "second.yaml": long})
	for _, file := range []string{mainFile, "second.yaml"} {
		library := profile.Library{Sources: profile.Sources{File: s.path(file)}, State: s.State}
		if _, err := library.Profile("x"); err != nil {
			t.Error(err)
		}
	}
	if files, err := os.ReadDir(s.State); err != nil || len(files) != 2 {
		t.Errorf("indexes: %v %v", files, err)
	}
}

// TestReplacedFolder puts another folder of the same age in the place of
// profiles.d, in which x stands twice.
func TestReplacedFolder(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no inode there")
	}
	s := newShelf(t, map[string]string{mainFile: document(simple("x")), "new/twin.yaml": document(simple("x"))})
	s.ask("x")
	s.must(os.Rename(s.path("profiles.d"), s.path("old")))
	s.must(os.Rename(s.path("new"), s.path("profiles.d")))
	s.age()
	if got, _ := s.ask("x"); !strings.Contains(got.Err, "also in") {
		t.Errorf("got %+v", got)
	}
}

// TestIndexIsPrivate looks at what is left in the state folder.
func TestIndexIsPrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing there")
	}
	s := newShelf(t, map[string]string{mainFile: document(simple("x"))})
	s.ask("x")
	index := s.index()
	left := filepath.Join(s.State, "."+filepath.Base(index)+"123") // by a writer that was killed
	s.must(os.WriteFile(left, nil, 0o600))
	s.write(mainFile, "# new\n"+document(simple("x")))
	if got := answerOf(s.Profile("x")); got.URL != "https://x.example" {
		t.Errorf("got %+v", got)
	}
	got := map[string]os.FileMode{}
	s.must(filepath.WalkDir(filepath.Dir(s.State), func(path string, entry os.DirEntry, err error) error {
		info, infoErr := entry.Info()
		s.must(infoErr)
		got[path] = info.Mode()
		return err
	}))
	want := map[string]os.FileMode{filepath.Dir(s.State): 0o700 | os.ModeDir, s.State: 0o700 | os.ModeDir, index: 0o600}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSmallFilesHaveNoIndex, and lose the one that they had.
func TestSmallFilesHaveNoIndex(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{mainFile: document(simple("x"))})
	s.ask("x")
	if s.index() == "" {
		t.Fatal("no index of the large file")
	}
	s.must(os.Remove(s.path(filler)))
	for range 2 {
		if got, _ := s.ask("x"); got.URL != "https://x.example" || s.index() != "" {
			t.Errorf("got %+v, index %q", got, s.index())
		}
	}
}

// TestNoPlaceForAnIndex makes nothing slower than it was without one.
func TestNoPlaceForAnIndex(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{mainFile: document(simple("x"))})
	for _, state := range []string{"", filepath.Join(s.Sources.File, "state")} {
		s.State = state
		for range 2 {
			if got := answerOf(s.Profile("x")); got.URL != "https://x.example" {
				t.Errorf("state in %q: %+v", state, got)
			}
		}
	}
	if left, err := filepath.Glob("*.index"); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

// TestManyProfiles: the index leads to each of some hundred.
func TestManyProfiles(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 300 {
		all = append(all, simple(fmt.Sprintf("p%d", i)))
	}
	s := newShelf(t, map[string]string{mainFile: document(all...)})
	s.ask("p0")
	for i := range 300 {
		name := fmt.Sprintf("p%d", i)
		if got, anew := s.ask(name); got.URL != "https://"+name+".example" || anew {
			t.Fatalf("%s: %+v, index written: %t", name, got, anew)
		}
	}
}

// FuzzIndex puts any bytes in the place of the index: whatever it says, each
// profile is the one that the catalog has.
func FuzzIndex(f *testing.F) {
	files := map[string]string{
		mainFile:            document(simple("x"), simple("y")+"    description: |\n      a\n        x:\n          base_url: https://z.example\n"),
		"profiles.d/z.yaml": document(simple("z")),
	}
	seeds := func(s shelf) []string {
		text := s.read()
		return []string{
			text, "", "\n", text[:len(text)/2], text + text, strings.ReplaceAll(text, `"Name":"x"`, `"Name":"y"`),
			strings.ReplaceAll(text, `"Length":`, `"Length":-`), strings.ReplaceAll(text, `"Offset":`, `"Offset":9999999`),
			strings.ReplaceAll(text, `"Line":`, `"Line":99999999`), strings.ReplaceAll(text, `"File":"`, `"File":"../`),
			strings.ReplaceAll(text, `"Stamp":"`, `"Stamp":"1`),
		}
	}
	prepare := func(t *testing.T) shelf {
		s := newShelf(t, files)
		s.ask("x")
		return s
	}
	f.Add([]byte("seed"), 0)
	for i := range 11 {
		f.Add([]byte("%"), i)
	}
	f.Fuzz(func(t *testing.T, noise []byte, pick int) {
		s := prepare(t)
		all := seeds(s)
		seed := []byte(all[uint(pick)%uint(len(all))])
		damaged := slices.Clone(noise)
		if !bytes.HasPrefix(noise, []byte("seed")) { // else it stands alone
			copy(seed[min(len(seed), int(uint(pick)%8192)):], noise)
			damaged = seed
		}
		s.must(os.WriteFile(s.index(), damaged, 0o600))
		for _, name := range []string{"x", "y", "z"} {
			if got := answerOf(s.Profile(name)); got.URL != "https://"+name+".example" {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
}
