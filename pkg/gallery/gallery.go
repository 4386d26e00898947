// Package gallery holds ready profiles of real products, each in the file of
// its name. Its tests play every one against the requests and answers that the
// product documents.
package gallery

import (
	"embed"
	"strings"

	"github.com/authctl/authctl/pkg/profile"
)

//go:embed profiles/*.yaml
var files embed.FS

const (
	folder = "profiles/"
	suffix = ".yaml"
)

// Entry tells what a profile is for, as the profile itself says.
type Entry struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Docs        string `json:"docs"`
}

// Names returns the names of the profiles in alphabetical order.
func Names() []string {
	entries, err := files.ReadDir(strings.TrimSuffix(folder, "/"))
	if err != nil {
		panic("gallery: the folder is embedded: " + err.Error())
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), suffix)
	}
	return names
}

// Get returns the file that holds the profile called name and nothing else.
func Get(name string) (text string, ok bool) {
	data, err := files.ReadFile(folder + name + suffix)
	return string(data), err == nil
}

// Entries returns what all profiles are for, in the order of Names.
func Entries() ([]Entry, error) {
	names := Names()
	entries := make([]Entry, len(names))
	for i, name := range names {
		p, err := load(name)
		if err != nil {
			return nil, err
		}
		entries[i] = Entry{Name: name, Description: p.Description, Docs: p.Docs}
	}
	return entries, nil
}

func load(name string) (*profile.Profile, error) {
	text, _ := Get(name) // one that is not there holds no profile of that name
	catalog, err := profile.Parse("gallery:"+name, []byte(text))
	if err != nil {
		return nil, err
	}
	return catalog.Profile(name)
}
