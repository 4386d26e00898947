package cli

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/place"
)

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
	paths  place.Folders
	file   string       // settings.yaml
	stored *viper.Viper // what the file alone says
	loaded bool
}

func newSettings(env Env) *settings {
	s := &settings{Viper: viper.New(), paths: place.FoldersOf(env.GOOS, env.Getenv)}
	s.SetEnvPrefix("AUTHCTL")
	for _, name := range []string{setProfile, setEnvironment, setAccount, setStore} {
		_ = s.BindEnv(name) // fails only without a name
	}
	s.file = place.Under(s.paths.Config, "settings.yaml")
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
	if err := os.MkdirAll(s.paths.Config, 0o700); err != nil {
		return fault.New(fault.Profile, "", "%w", err)
	}
	written.SetConfigPermissions(0o600)
	if err := written.WriteConfigAs(s.file); err != nil {
		return fault.New(fault.Profile, "", "%s cannot be written: %w", s.file, err)
	}
	return nil
}
