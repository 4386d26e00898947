package cli

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/place"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/token"
)

// selectFlags are the global flags that say which session is meant.
type selectFlags struct{ profile, environment, account, store string }

// selection is what is meant, and by what it was chosen.
type selection struct {
	session.Target
	by    string // "the argument", "AUTHCTL_PROFILE", …
	store *store.Store
	kept  string // the store that holds the session now; empty if there is none
	none  bool   // --store none: nothing is kept
}

// library is where profiles are read from; --config or AUTHCTL_CONFIG may name it.
func (a *app) library() (profile.Library, error) {
	return a.settings.paths.Library(cmp.Or(a.config, a.env.Getenv("AUTHCTL_CONFIG")))
}

// catalog reads all profiles.
func (a *app) catalog() (*profile.Catalog, error) {
	library, err := a.library()
	if err != nil {
		return nil, err
	}
	catalog, err := library.Load()
	return catalog, explainNoFiles(library, err)
}

// profile reads one.
func (a *app) profile(name string) (*profile.Profile, error) {
	library, err := a.library()
	if err != nil {
		return nil, err
	}
	p, err := library.Profile(name)
	return p, explainNoFiles(library, err)
}

func explainNoFiles(l profile.Library, err error) error {
	if !errors.Is(err, profile.ErrNoFiles) {
		return err
	}
	return fault.New(fault.Profile, "authctl profile example > "+quoted(l.Sources.File), "no profiles: %s does not exist", l.Sources.File)
}

// chooseProfile applies the order: argument, flag, AUTHCTL_PROFILE, stored
// choice, the only one there is.
func (a *app) chooseProfile(args []string) (p *profile.Profile, by string, err error) {
	name, by, err := a.chosenName(args)
	if err != nil {
		return nil, "", err
	}
	if name == "" {
		p, err = a.onlyProfile()
		return p, "the only profile", err
	}
	p, err = a.profile(name)
	if len(args) == 0 {
		err = fault.Wrap(err, "the profile chosen by %s", by)
	}
	return p, by, err
}

// chosenName is empty if nothing names a profile.
func (a *app) chosenName(args []string) (name, by string, err error) {
	flag, stored := a.selected.profile, a.settings.GetString(setProfile)
	switch {
	case len(args) > 0 && flag != "" && flag != args[0]:
		return "", "", fault.New(fault.Usage, "name the profile once", "the argument says %q and --profile says %q", args[0], flag)
	case len(args) > 0:
		return args[0], "the argument", nil
	case flag != "":
		return flag, "--profile", nil
	case stored != "" && a.env.Getenv("AUTHCTL_PROFILE") != "":
		return stored, "AUTHCTL_PROFILE", nil
	}
	return stored, a.settings.file, nil
}

func (a *app) onlyProfile() (*profile.Profile, error) {
	catalog, err := a.catalog()
	if err != nil {
		return nil, err
	}
	names := catalog.Names()
	switch len(names) {
	case 0:
		return nil, fault.New(fault.Profile, "authctl profile example shows how to write one", "there are no profiles")
	case 1:
		return catalog.Profile(names[0])
	}
	return nil, fault.New(fault.Usage, "name one, or choose one for good: authctl profile use "+names[0],
		"which profile? there are %s", strings.Join(names, ", "))
}

// chooseEnvironment applies the same order; without a choice it is the first.
// A stored choice belongs to the stored profile.
func (a *app) chooseEnvironment(p *profile.Profile) (string, error) {
	names := p.Environments.Names()
	wanted, by := a.selected.environment, "--environment"
	if wanted == "" {
		wanted, by = a.env.Getenv("AUTHCTL_ENVIRONMENT"), "AUTHCTL_ENVIRONMENT"
	}
	if wanted == "" {
		wanted, by = a.stored(setEnvironment, p.Name), a.settings.file
	}
	switch {
	case wanted == "" && len(names) == 0:
		return "", nil
	case wanted == "":
		return names[0], nil
	case len(names) == 0:
		return "", fault.New(fault.Usage, "leave the environment out", "%s: %s has one base URL and no environments", by, p.Name)
	case !slices.Contains(names, wanted):
		return "", fault.New(fault.Usage, profile.DidYouMean(wanted, names), "%s: %s has no environment %q", by, p.Name, wanted)
	}
	return wanted, nil
}

// stored returns the choice in settings.yaml if it was made for this profile.
func (a *app) stored(name, profile string) string {
	if a.settings.stored.GetString(setProfile) != profile {
		return ""
	}
	return a.settings.stored.GetString(name)
}

// namedAccount is the account that flag, environment or stored choice name.
func (a *app) namedAccount(p *profile.Profile) (string, error) {
	name := cmp.Or(a.selected.account, a.env.Getenv("AUTHCTL_ACCOUNT"), a.stored(setAccount, p.Name))
	if len(name) > maxAccount || console.Sanitize(name) != name || strings.TrimSpace(name) != name {
		return "", fault.New(fault.Usage, "choose another name", "an account has a name of at most %d bytes, without control characters and blanks at its ends", maxAccount)
	}
	return name, nil
}

// maxAccount is the longest name of an account, in bytes.
const maxAccount = 100

// onlyAccount returns the entries of the only account that has a session with
// the API, if there is one. More than one account is an error.
func (a *app) onlyAccount(index *store.Store, key token.Key) ([]store.Entry, error) {
	entries, err := index.Find(key.Profile, key.Environment, key.Origin)
	if err != nil {
		a.warn(fault.Wrap(err, "the list of sessions"))
	}
	entries = slices.DeleteFunc(entries, func(e store.Entry) bool { return e.LongLived })
	var accounts []string
	for _, entry := range entries {
		if !slices.Contains(accounts, entry.Account) {
			accounts = append(accounts, entry.Account)
		}
	}
	if len(accounts) > 1 {
		return nil, fault.New(fault.Usage, "--account "+quoted(accounts[0]), "which account of %s? there are %s", key.Profile, strings.Join(accounts, ", "))
	}
	return entries, nil
}

// flags are what must be typed again to mean the same target: those that were.
func (f selectFlags) flags() string {
	var flags []string
	if f.environment != "" {
		flags = append(flags, "--environment "+quoted(f.environment))
	}
	if f.account != "" {
		flags = append(flags, "--account "+quoted(f.account))
	}
	return strings.Join(flags, " ")
}

// quoted writes a word as a POSIX shell reads it back.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// target decides which session is meant. forLogin is true where a new session
// is made: its account is then "default" unless one is named.
func (a *app) target(args []string, forLogin bool) (*selection, error) {
	if err := a.settings.load(); err != nil {
		return nil, err
	}
	p, by, err := a.chooseProfile(args)
	if err != nil {
		return nil, err
	}
	s := &selection{Target: session.Target{Profile: p, Flags: a.selected.flags()}, by: by}
	if s.Environment, err = a.chooseEnvironment(p); err != nil {
		return nil, err
	}
	return s, a.chooseSession(s, forLogin)
}

// chooseSession decides account and store. An account that nothing names is
// "default", or, where that has no session, the only one that has; the list of
// sessions, which may be long, is read only then.
func (a *app) chooseSession(s *selection, forLogin bool) error {
	index, err := a.openStore(store.Keyring)
	if err != nil {
		return err
	}
	named, err := a.namedAccount(s.Profile)
	if err != nil {
		return err
	}
	s.Account = cmp.Or(named, token.DefaultAccount)
	key, err := s.Key()
	if err != nil {
		return err
	}
	entries, err := index.Entries(key)
	switch {
	case err != nil:
		a.warn(fault.Wrap(err, "the list of sessions"))
	case len(entries) == 0 && named == "" && !forLogin:
		if entries, err = a.onlyAccount(index, key); err != nil {
			return err
		}
	}
	if len(entries) > 0 {
		s.Account, s.kept = entries[0].Account, entries[0].Store // of two stores, the newer session
	}
	name := a.storeName("")
	if !forLogin {
		name = a.storeName(s.kept)
	}
	s.none = name == store.None
	if !s.none {
		s.store, err = a.openStore(name)
	}
	return err
}

// storeName is the flag, else where the session is, else AUTHCTL_STORE, else
// the remembered choice, else the keyring.
func (a *app) storeName(kept string) string {
	return cmp.Or(a.selected.store, kept, a.settings.GetString(setStore), store.Keyring)
}

func (a *app) openStore(name string) (*store.Store, error) {
	return a.settings.paths.Open(store.Options{
		Name:        name,
		Identity:    store.Identity{Text: token.NewSecret(a.env.Getenv(place.IdentityVariable)), Path: a.identityPath()},
		Getenv:      a.env.Getenv,
		Interactive: !a.noInput && a.err.Terminal(),
		Waiting:     func() { a.say("waiting for the keyring; its dialog may ask for the password") },
	})
}

// identityPath is where the key of the file store lies.
func (a *app) identityPath() string {
	if path := a.settings.GetString(setIdentity); path != "" {
		return path
	}
	return a.settings.paths.Identity()
}

// announce says on standard error which target was chosen, and by what.
func (a *app) announce(s *selection) {
	a.err.Note("%s at %s (chosen by %s)", s.Target, s.Base(), s.by)
}

// needsSession refuses commands that make no sense without a store.
func (s *selection) needsSession(command string) error {
	if s.none {
		return fault.New(fault.Usage, "leave out --store none", "%s needs a session, and the store none keeps none", command)
	}
	return nil
}
