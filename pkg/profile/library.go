package profile

import "github.com/authctl/authctl/pkg/fault"

// Library is the profiles of some sources. Where they are many, an index says
// in which lines of which file each one stands, so that only the one that is
// asked for is read.
type Library struct {
	Sources Sources
	State   string // the folder for indexes; empty: there is none
}

// Load reads all profiles.
func (l Library) Load() (*Catalog, error) {
	files, err := l.Sources.Files()
	if err != nil {
		return nil, fault.New(fault.Profile, "", "%w", err)
	}
	return Load(files)
}

// Profile returns one profile, as the Profile of the catalog would. It is not
// noticed here that a file in the folder was changed in place so that it holds
// the same name once more; whoever loads the catalog is told.
func (l Library) Profile(name string) (*Profile, error) {
	index := l.index() // before anything is read: a change meanwhile makes it old
	if p, found := index.profile(name); found {
		return p, nil
	}
	catalog, err := l.Load()
	if err != nil {
		return nil, err
	}
	p, err := catalog.Profile(name)
	if err == nil {
		// Without an index everything is as it is with one, only slower.
		_ = index.write(catalog)
	}
	return p, err
}
