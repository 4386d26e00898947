package draft_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/draft"
	"github.com/authctl/authctl/pkg/profile"
)

// update writes the profiles that come out into testdata, to be read by eye.
func update() bool {
	return flag.Lookup("update") != nil && flag.Lookup("update").Value.String() == "true"
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the profiles in testdata anew")
	flag.Parse()
	os.Exit(m.Run())
}

// valid demands that a profile loads and has no mistake.
func valid(t *testing.T, text string) {
	t.Helper()
	catalog, err := profile.Parse("draft.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, name := range catalog.Names() {
		_, problems, err := catalog.Check(name)
		if err != nil {
			t.Fatal(err)
		}
		if problems.Err() != nil {
			t.Errorf("%v\n%s", problems, text)
		}
	}
}

// compare compares a profile with the one in a file after the line ---.
func compare(t *testing.T, file, input, got string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(data), "\n---\n")
	if update() {
		if err := os.WriteFile(file, []byte(input+"\n---\n"+got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// golden makes a profile of the source in each file and compares the whole of it
// with the rest of the file. There are at least so many files.
func golden(t *testing.T, pattern string, least int, profileOf func(t *testing.T, source string) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < least {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source, _, _ := strings.Cut(string(data), "\n---\n")
			source = strings.TrimRight(source, "\n")
			text := profileOf(t, source)
			valid(t, text)
			compare(t, file, source, text)
		})
	}
}

// Commands as vendors' pages show them, and the whole profile that each gives.
func TestFromCurl(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/curl/*.txt", 30, func(t *testing.T, command string) string {
		d, err := draft.FromCurl(command)
		if err != nil {
			t.Fatal(err)
		}
		d.Name = draft.SuggestName(d.Host())
		d.Expect()
		text := d.Text()
		if strings.Contains(text, "s3cr3t") {
			t.Errorf("a secret stays in the profile:\n%s", text)
		}
		return text
	})
}
