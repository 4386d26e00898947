// Package place knows where authctl keeps its things on a machine, by the rules
// of the system, so that every program finds the same profiles and sessions.
package place

import (
	"path/filepath"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/store"
)

// Folders are the folders of authctl. One is empty where no home is known.
type Folders struct {
	Config string // profiles.yaml, profiles.d, settings.yaml
	State  string // the index and the locks; no secret
	Data   string // the encrypted sessions of the file store
}

// FoldersOf follows the XDG Base Directory Specification on Linux and macOS, and
// %AppData% on Windows.
func FoldersOf(goos string, getenv func(string) string) Folders {
	if goos == "windows" {
		local := Under(getenv("LocalAppData"), "authctl")
		return Folders{
			Config: Under(getenv("AppData"), "authctl"),
			State:  Under(local, "state"), Data: Under(local, "sessions"),
		}
	}
	folder := func(variable, fallback string) string {
		if dir := getenv(variable); filepath.IsAbs(dir) {
			return filepath.Join(dir, "authctl")
		}
		return Under(getenv("HOME"), filepath.Join(fallback, "authctl"))
	}
	return Folders{
		Config: folder("XDG_CONFIG_HOME", ".config"),
		State:  folder("XDG_STATE_HOME", ".local/state"),
		Data:   folder("XDG_DATA_HOME", ".local/share"),
	}
}

// Under joins, but leaves nothing where the folder is unknown: a relative path
// would read configuration from the working folder.
func Under(dir, name string) string {
	if !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, name)
}

// Library is where profiles are read from: the file that is named, else
// profiles.yaml and profiles.d/*.yaml in the configuration folder. Never a file
// of the working folder (threat 1).
func (f Folders) Library(named string) (profile.Library, error) {
	state := Under(f.State, "profiles")
	if named != "" {
		return profile.Library{Sources: profile.Sources{File: named}, State: state}, nil
	}
	if f.Config == "" {
		return profile.Library{}, fault.New(fault.Profile, "set HOME or XDG_CONFIG_HOME", "there is no configuration folder")
	}
	sources := profile.Sources{File: filepath.Join(f.Config, "profiles.yaml"), Folder: filepath.Join(f.Config, "profiles.d")}
	return profile.Library{Sources: sources, State: state}, nil
}

// Open opens a store in the folders.
func (f Folders) Open(o store.Options) (*store.Store, error) {
	if f.State == "" || f.Data == "" {
		return nil, fault.New(fault.Store, "set HOME or XDG_STATE_HOME and XDG_DATA_HOME", "there is no folder for the state of authctl")
	}
	o.StateDir, o.LockDir, o.DataDir = f.State, filepath.Join(f.State, "locks"), filepath.Join(f.Data, "sessions")
	return store.Open(o)
}

// Identity is where the key of the file store lies unless another place is named.
func (f Folders) Identity() string { return Under(f.Config, "identity.txt") }

// IdentityVariable holds the key of the file store, or the path of its file.
const IdentityVariable = "AUTHCTL_AGE_IDENTITY"
