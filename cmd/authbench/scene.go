package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/authctl/authctl/pkg/demo"
	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// scene is a private keyring that holds the same token twice: as a session of
// authctl, and as an item of secret-tool.
type scene struct {
	program string // authctl
	folder  string // for the Go program that is the scale
	keyring *storetest.Keyring
	stage   *demo.Stage
	env     []string
}

// errNoPrograms says what to install.
var errNoPrograms = errors.New("it needs Linux with dbus-daemon, gnome-keyring-daemon and secret-tool " +
	"(Debian: apt-get install dbus-daemon gnome-keyring libsecret-tools)")

func newScene(program, profiles string, environ []string) (*scene, error) {
	if _, err := exec.LookPath(program); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	if _, err := exec.LookPath("secret-tool"); err != nil {
		return nil, errNoPrograms
	}
	keyring, err := storetest.LaunchKeyring()
	if errors.Is(err, storetest.ErrNoPrograms) {
		return nil, errNoPrograms
	}
	if err != nil {
		return nil, err
	}
	sc := &scene{program: program, keyring: keyring}
	sc.stage, err = demo.New(profiles)
	if err == nil {
		sc.folder, err = os.MkdirTemp("", "authbench")
	}
	if err != nil {
		return nil, errors.Join(err, sc.close())
	}
	// The stage comes last: authctl's data is not the keyring's.
	sc.env = sc.stage.Env(append(environ, keyring.Env()...))
	return sc, nil
}

// close ends the keyring and the APIs, and removes what was made.
func (sc *scene) close() error {
	err := sc.keyring.Close()
	if sc.stage != nil {
		err = errors.Join(err, sc.stage.Close())
	}
	if sc.folder != "" {
		err = errors.Join(err, os.RemoveAll(sc.folder))
	}
	return err
}

func (sc *scene) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = sc.env
	return cmd
}

// output runs a program with an input and returns what it printed.
func (sc *scene) output(ctx context.Context, input, program string, args ...string) (string, error) {
	cmd := sc.command(ctx, program, args...)
	cmd.Stdin = strings.NewReader(input)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", filepath.Base(program), args[0], err, strings.TrimSpace(complaint.String()))
	}
	return string(out), err
}

// attributes name the item of secret-tool.
func attributes() []string { return []string{"service", "authbench", "account", "token"} }

// contestants logs in, stores the same token with secret-tool, sees that both
// give it back, and returns the programs to compare.
func (sc *scene) contestants(ctx context.Context) ([]contestant, error) {
	user, password := sc.stage.Sim.Credentials(sim.Zumrails)
	if _, err := sc.output(ctx, password, sc.program, "login", sim.Zumrails, "--username", user, "--password-stdin", "--store", "keyring"); err != nil {
		return nil, err
	}
	token, err := sc.output(ctx, "", sc.program, "token", sim.Zumrails)
	if err != nil {
		return nil, err
	}
	token = strings.TrimSuffix(token, "\n")
	if _, err := sc.output(ctx, token, "secret-tool", append([]string{"store", "--label=authbench"}, attributes()...)...); err != nil {
		return nil, err
	}
	lookup := append([]string{"lookup"}, attributes()...)
	if same, err := sc.output(ctx, "", "secret-tool", lookup...); err != nil || same != token {
		return nil, errors.Join(errors.New("secret-tool does not give the token back"), err)
	}
	hello, err := sc.buildHello(ctx)
	if err != nil {
		return nil, err
	}
	entry := func(name, program string, args ...string) contestant {
		return contestant{name, func(ctx context.Context) *exec.Cmd { return sc.command(ctx, program, args...) }}
	}
	return []contestant{
		entry("secret-tool lookup", "secret-tool", lookup...),
		entry("authctl token zumrails", sc.program, "token", sim.Zumrails),
		entry("authctl version", sc.program, "version"),
		entry("hello world in Go", hello),
	}, nil
}

// buildHello builds the smallest Go program that prints something.
func (sc *scene) buildHello(ctx context.Context) (string, error) {
	source, program := filepath.Join(sc.folder, "hello.go"), filepath.Join(sc.folder, "hello")
	const text = "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"hello, world\\n\") }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return program, nil
}
