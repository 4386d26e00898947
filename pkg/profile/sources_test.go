package profile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/profile"
)

// TestSourcesFiles: what an editor or a package manager leaves beside a file is
// no file of profiles.
func TestSourcesFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := profile.Sources{File: filepath.Join(folder, "profiles.yaml"), Folder: filepath.Join(folder, "profiles.d")}
	files := func() []string {
		list, err := s.Files()
		if err != nil {
			return []string{err.Error()}
		}
		for i, path := range list {
			if list[i], err = filepath.Rel(folder, path); err != nil {
				t.Fatal(err)
			}
		}
		return list
	}
	var got [][]string
	got = append(got, files())
	for _, name := range []string{"b.yml", "a.yaml", ".c.yaml", "d.yaml~", "e.txt", "../profiles.yaml"} {
		if err := os.MkdirAll(s.Folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.Folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got = append(got, files())
	want := [][]string{{"no profiles"}, {"profiles.yaml", filepath.Join("profiles.d", "a.yaml"), filepath.Join("profiles.d", "b.yml")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
