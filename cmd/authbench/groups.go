package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// What "authctl token" may take at most, as a part of what it is compared with.
const (
	targetSecretTool = 0.60 // of secret-tool's time
	targetDirect     = 1.50 // of the least that a program in Go needs
	targetSessions   = 1.20 // with many sessions, of the time with one
	targetProfiles   = 2.00 // with many profiles, of the time with one
	targetAtOnce     = 1.00 // many at once, of the time one after the other
)

// groups makes everything that is compared.
func (sc *scene) groups(ctx context.Context, many int) ([]group, error) {
	alone, err := sc.newUser(ctx)
	if err != nil {
		return nil, err
	}
	others, err := sc.otherPrograms(ctx, alone)
	if err != nil {
		return nil, err
	}
	sessions, err := sc.sessions(ctx, alone, many)
	if err != nil {
		return nil, err
	}
	inFiles, err := sc.catalogs(ctx, alone, "profiles, a file each", many, sc.writeFiles)
	if err != nil {
		return nil, err
	}
	inOne, err := sc.catalogs(ctx, alone, "profiles in one file", many, sc.writeFile)
	if err != nil {
		return nil, err
	}
	return append(others, sessions, inFiles, inOne, sc.crowd(alone)), nil
}

func (sc *scene) token(u user, name string, target float64) contestant {
	return u.contestant(name, target, sc.program, "token", sim.Zumrails)
}

// otherPrograms stores the same token with secret-tool, and looks whether all
// programs read the same.
func (sc *scene) otherPrograms(ctx context.Context, u user) ([]group, error) {
	secret, err := u.output(ctx, "", sc.program, "token", sim.Zumrails)
	if err != nil {
		return nil, err
	}
	secret = strings.TrimSuffix(secret, "\n")
	attributes := []string{"service", "authbench", "account", "token"}
	if _, err := u.output(ctx, secret, "secret-tool", append([]string{"store", "--label=authbench"}, attributes...)...); err != nil {
		return nil, err
	}
	lookup := append([]string{"lookup"}, attributes...)
	if same, err := u.output(ctx, "", "secret-tool", lookup...); err != nil || same != secret {
		return nil, errors.Join(errors.New("secret-tool does not give the token back"), err)
	}
	direct, hello := filepath.Join(sc.folder, "direct"), filepath.Join(sc.folder, "hello")
	if err := errors.Join(build(ctx, direct, "github.com/authctl/authctl/cmd/authbench/direct"), sc.buildHello(ctx, hello)); err != nil {
		return nil, err
	}
	key, err := u.key()
	if err != nil {
		return nil, err
	}
	item := []string{"authctl", key.ID()}
	if same, err := u.output(ctx, "", direct, item...); err != nil || !strings.Contains(same, secret) {
		return nil, errors.Join(errors.New("the direct read does not give the token back"), err)
	}
	return []group{
		{"other programs", 1, []contestant{
			u.contestant("secret-tool lookup", 0, "secret-tool", lookup...),
			sc.token(u, "authctl token", targetSecretTool),
			u.contestant("authctl version", 0, sc.program, "version"),
			u.contestant("hello world in Go", 0, hello),
		}},
		{"the least in Go", 1, []contestant{
			u.contestant("direct D-Bus read", 0, direct, item...),
			sc.token(u, "authctl token", targetDirect),
			u.contestant("the same, two at once", 0, direct, append(item, "at-once")...),
		}},
	}, nil
}

// build compiles a package or a file as make build does.
func build(ctx context.Context, program, source string) error {
	linked := program + ".linked"
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", linked, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return install(linked, program)
}

// buildHello builds the smallest Go program that prints something.
func (sc *scene) buildHello(ctx context.Context, program string) error {
	const text = "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"hello, world\\n\") }\n"
	if err := os.WriteFile(program+".go", []byte(text), 0o600); err != nil {
		return err
	}
	return build(ctx, program, program+".go")
}

// list is the user's list of sessions, over a vault of its own.
func (u user) list(vault store.Vault) *store.Store {
	return store.New(vault, store.Options{Name: store.Keyring, StateDir: u.state})
}

// key is that of the user's session, the only one.
func (u user) key() (token.Key, error) {
	entries, err := u.list(nil).List()
	if err == nil && len(entries) != 1 {
		err = fmt.Errorf("%d sessions instead of one", len(entries))
	}
	if err != nil {
		return token.Key{}, err
	}
	return entries[0].Key, nil
}

// sessions compares users with one session, some, and many.
func (sc *scene) sessions(ctx context.Context, alone user, many int) (group, error) {
	g := group{"sessions of one profile", 1, []contestant{sc.token(alone, "1", 0)}}
	for _, count := range []int{max(2, many/10), many} {
		u, err := sc.newUser(ctx)
		if err == nil {
			err = u.addSessions(ctx, count-1)
		}
		if err != nil {
			return group{}, err
		}
		g.contestants = append(g.contestants, sc.token(u, fmt.Sprint(count), targetSessions))
	}
	return g, nil
}

// addSessions gives the user sessions of other accounts.
func (u user) addSessions(ctx context.Context, count int) error {
	key, err := u.key()
	if err != nil {
		return err
	}
	vault := &storetest.Memory{}
	list := u.list(vault)
	for i := range count {
		key.Account = fmt.Sprintf("account-%d", i)
		secret := token.NewSecret(strings.Repeat("x", 240))
		if err := list.Save(ctx, token.Session{Access: token.Access{Info: token.Info{Key: key}, AccessToken: secret}}); err != nil {
			return err
		}
	}
	items := map[string][]byte{}
	for _, name := range vault.Names() {
		if items[name], err = vault.Get(ctx, name); err != nil {
			return err
		}
	}
	return u.keyring.Add(items)
}

// catalogs compares configurations with one profile, many, and ten times as
// many. The first run of each makes its index, if it gets one.
func (sc *scene) catalogs(ctx context.Context, u user, title string, many int, write func(folder string, names []string) error) (group, error) {
	g := group{title: title, slower: 1}
	for _, count := range []int{1, many, 10 * many} {
		config := filepath.Join(sc.folder, fmt.Sprintf("%s-%d", title, count))
		folder := filepath.Join(config, "authctl")
		if err := errors.Join(os.MkdirAll(folder, 0o700), write(folder, profileNames(count))); err != nil {
			return group{}, err
		}
		here := u.with("XDG_CONFIG_HOME=" + config)
		if _, err := here.output(ctx, "", sc.program, "token", sim.Zumrails); err != nil {
			return group{}, err
		}
		target := 0.0
		if count > 1 {
			target = targetProfiles
		}
		g.contestants = append(g.contestants, sc.token(here, fmt.Sprint(count), target))
	}
	return g, nil
}

// profileNames are that of the session, in the middle of others.
func profileNames(count int) []string {
	var names []string
	for i := range count {
		names = append(names, fmt.Sprintf("profile-%d", i))
	}
	names[count/2] = sim.Zumrails
	return names
}

// profile is a profile of the usual length.
func (sc *scene) profile(name string) string {
	return `  ` + name + `:
    environments:
      sandbox: ` + sc.stage.URL + `/zumrails
      production: https://api-app.zumrails.com
    login:
      request: POST /api/authorize
      json: {Username: "{{username}}", Password: "{{password}}"}
      token: .result.Token
    cancel:
      request: PATCH /api/authorize/canceltoken
    success: $status < 500 and .isError == false
    error: .responseException.exceptionMessage // .message
    lifetime: 1h
`
}

const firstLines = "version: 1\nprofiles:\n"

// writeFiles writes one file a profile.
func (sc *scene) writeFiles(folder string, names []string) error {
	folder = filepath.Join(folder, "profiles.d")
	err := os.Mkdir(folder, 0o700)
	for _, name := range names {
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, name+".yaml"), []byte(firstLines+sc.profile(name)), 0o600))
	}
	return err
}

// writeFile writes all profiles into one file.
func (sc *scene) writeFile(folder string, names []string) error {
	var b strings.Builder
	b.WriteString(firstLines)
	for _, name := range names {
		b.WriteString(sc.profile(name))
	}
	return os.WriteFile(filepath.Join(folder, "profiles.yaml"), []byte(b.String()), 0o600)
}

// crowd compares many calls one after the other with as many at once.
func (sc *scene) crowd(u user) group {
	const size = 50
	call := func(ctx context.Context) error { return u.command(ctx, sc.program, "token", sim.Zumrails).Run() }
	serial := func(ctx context.Context) error {
		for range size {
			if err := call(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	atOnce := func(ctx context.Context) error {
		ended := make(chan error, size)
		for range size {
			go func() { ended <- call(ctx) }()
		}
		var err error
		for range size {
			err = errors.Join(err, <-ended)
		}
		return err
	}
	return group{fmt.Sprintf("%d calls of authctl token", size), 10, []contestant{
		{"one after the other", 0, serial}, {"at once", targetAtOnce, atOnce},
	}}
}
