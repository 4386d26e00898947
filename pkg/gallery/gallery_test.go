package gallery_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/gallery"
	"github.com/authctl/authctl/pkg/profile"
)

// warnings are those that the products themselves make necessary: they take
// the password in the query.
func warnings() map[string][]string {
	const inQuery = "query.password carries a secret, and servers keep URLs in their logs"
	return map[string][]string{
		"pan-os":       {"other_logins.get: " + inQuery},
		"parse-server": {"login: " + inQuery},
	}
}

// Every file holds one profile of the file's name, without a mistake.
func TestProfilesAreValid(t *testing.T) {
	t.Parallel()
	for _, name := range gallery.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, _ := gallery.Get(name)
			catalog, err := profile.Parse(name, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{name}, catalog.Names()); diff != "" {
				t.Fatal(diff)
			}
			p, problems, err := catalog.Check(name)
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, problem := range problems {
				told = append(told, problem.Text)
			}
			if diff := cmp.Diff(warnings()[name], told); diff != "" {
				t.Error(diff)
			}
			if p.Description == "" || len(p.Description) > 60 || !strings.HasPrefix(p.Docs, "https://") {
				t.Errorf("about %q, docs %q", p.Description, p.Docs)
			}
		})
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "no-such", "../gallery", "keystone.yaml", "KEYSTONE"} {
		if text, ok := gallery.Get(name); ok || text != "" {
			t.Errorf("%q: %v, %s", name, ok, text)
		}
	}
	text, ok := gallery.Get("keystone")
	if !ok || !strings.HasPrefix(text, "version: 1\nprofiles:\n  keystone:\n") {
		t.Errorf("keystone: %v, %s", ok, text)
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	entries, err := gallery.Entries()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name)
	}
	if diff := cmp.Diff(gallery.Names(), names); diff != "" {
		t.Error(diff)
	}
	i := slices.Index(names, "keystone")
	want := gallery.Entry{Name: "keystone", Description: "OpenStack Identity (Keystone) v3", Docs: "https://docs.openstack.org/api-ref/identity/v3/"}
	if diff := cmp.Diff(want, entries[i]); diff != "" {
		t.Error(diff)
	}
}

// Every profile has a replay, and every replay a profile.
func TestEveryProfileIsReplayed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".txt"))
	}
	if diff := cmp.Diff(gallery.Names(), names); diff != "" {
		t.Error(diff)
	}
}
