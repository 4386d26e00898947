package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"github.com/authctl/authctl/pkg/fault"
)

// paths are the folders of authctl, by the rules of the system.
type paths struct {
	config string // profiles.yaml, profiles.d, settings.yaml
	state  string // the index and the locks; no secret
	data   string // the encrypted sessions of the file store
}

// pathsOf follows the XDG Base Directory Specification on Linux and macOS, and
// %AppData% on Windows. It is empty where no home is known.
func pathsOf(env Env) paths {
	if env.GOOS == "windows" {
		local := under(env.Getenv("LocalAppData"), "authctl")
		return paths{
			config: under(env.Getenv("AppData"), "authctl"),
			state:  under(local, "state"), data: under(local, "sessions"),
		}
	}
	folder := func(variable, fallback string) string {
		if dir := env.Getenv(variable); filepath.IsAbs(dir) {
			return filepath.Join(dir, "authctl")
		}
		return under(env.Getenv("HOME"), filepath.Join(fallback, "authctl"))
	}
	return paths{
		config: folder("XDG_CONFIG_HOME", ".config"),
		state:  folder("XDG_STATE_HOME", ".local/state"),
		data:   folder("XDG_DATA_HOME", ".local/share"),
	}
}

// under joins, but leaves nothing where the folder is unknown: a relative path
// would read configuration from the working folder.
func under(dir, name string) string {
	if !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, name)
}

// The settings that viper carries: flag > environment > file > default.
const (
	setProfile     = "profile"
	setEnvironment = "environment"
	setAccount     = "account"
	setStore       = "store"
	setIdentity    = "age_identity"
)

// settings are the choices of the user that are no profile.
type settings struct {
	*viper.Viper
	paths  paths
	file   string       // settings.yaml
	stored *viper.Viper // what the file alone says
	loaded bool
}

func newSettings(env Env) *settings {
	s := &settings{Viper: viper.New(), paths: pathsOf(env)}
	s.SetEnvPrefix("AUTHCTL")
	for _, name := range []string{setProfile, setEnvironment, setAccount, setStore} {
		_ = s.BindEnv(name) // fails only without a name
	}
	s.file = under(s.paths.config, "settings.yaml")
	s.stored = viper.New()
	s.stored.SetConfigFile(s.file)
	return s
}

// load reads settings.yaml, which may be absent, once.
func (s *settings) load() error {
	if s.file == "" || s.loaded {
		return nil
	}
	err := s.stored.ReadInConfig()
	if errors.Is(err, fs.ErrNotExist) {
		s.loaded = true
		return nil
	}
	if err != nil {
		return fault.New(fault.Profile, "mend or remove the file", "%s: %w", s.file, err)
	}
	known := []string{setProfile, setEnvironment, setAccount, setStore, setIdentity}
	for name, value := range s.stored.AllSettings() {
		if !slices.Contains(known, name) {
			return fault.New(fault.Profile, "known are: "+strings.Join(known, ", "), "%s: unknown setting %q", s.file, name)
		}
		if _, isText := value.(string); !isText {
			return fault.New(fault.Profile, "write "+name+": and a name", "%s: %s is not text", s.file, name)
		}
	}
	s.loaded = true
	return s.MergeConfigMap(s.stored.AllSettings())
}

// remember writes choices to settings.yaml. An empty value removes a choice.
func (s *settings) remember(choices map[string]string) error {
	if s.file == "" {
		return fault.New(fault.Profile, "set HOME or XDG_CONFIG_HOME", "there is no configuration folder")
	}
	kept := viper.New()
	kept.SetConfigFile(s.file)
	if err := kept.ReadInConfig(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Profile, "mend or remove the file", "%s: %w", s.file, err)
	}
	all := kept.AllSettings()
	for name, value := range choices {
		if value == "" {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	written := viper.New()
	if err := written.MergeConfigMap(all); err != nil {
		return err
	}
	if err := os.MkdirAll(s.paths.config, 0o700); err != nil {
		return fault.New(fault.Profile, "", "%w", err)
	}
	written.SetConfigPermissions(0o600)
	if err := written.WriteConfigAs(s.file); err != nil {
		return fault.New(fault.Profile, "", "%s cannot be written: %w", s.file, err)
	}
	return nil
}
