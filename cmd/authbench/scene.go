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

// scene is the APIs, and private keyrings with sessions at one of them.
type scene struct {
	program  string // authctl
	folder   string // for all that is made here
	stage    *demo.Stage
	environ  []string
	keyrings []*storetest.Keyring
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
	stage, err := demo.New(profiles)
	if err != nil {
		return nil, err
	}
	sc := &scene{stage: stage, environ: environ}
	if sc.folder, err = os.MkdirTemp("", "authbench"); err != nil {
		return nil, errors.Join(err, sc.close())
	}
	sc.program = filepath.Join(sc.folder, "authctl")
	if err := install(program, sc.program); err != nil {
		return nil, errors.Join(err, sc.close())
	}
	return sc, nil
}

// install copies a program as an installation does. One that the linker has just
// written lies in the page cache in smaller pieces, and starts more slowly.
func install(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o700)
}

// close ends the keyrings and the APIs, and removes what was made.
func (sc *scene) close() error {
	var err error
	for _, keyring := range sc.keyrings {
		err = errors.Join(err, keyring.Close())
	}
	err = errors.Join(err, sc.stage.Close())
	if sc.folder != "" {
		err = errors.Join(err, os.RemoveAll(sc.folder))
	}
	return err
}

// user is what programs run as: with a keyring, folders and a session.
type user struct {
	keyring *storetest.Keyring
	state   string // the folder of authctl's list of sessions
	env     []string
}

// newUser starts a keyring and logs in.
func (sc *scene) newUser(ctx context.Context) (user, error) {
	keyring, err := storetest.LaunchKeyring()
	if errors.Is(err, storetest.ErrNoPrograms) {
		return user{}, errNoPrograms
	}
	if err != nil {
		return user{}, err
	}
	sc.keyrings = append(sc.keyrings, keyring)
	state := filepath.Join(sc.folder, fmt.Sprintf("state-%d", len(sc.keyrings)))
	// The stage comes last: authctl's data is not the keyring's.
	env := append(sc.stage.Env(append(sc.environ, keyring.Env()...)), "XDG_STATE_HOME="+state)
	u := user{keyring, filepath.Join(state, "authctl"), env}
	name, password := sc.stage.Sim.Credentials(sim.Zumrails)
	_, err = u.output(ctx, password, sc.program, "login", sim.Zumrails, "--username", name, "--password-stdin", "--store", "keyring")
	return u, err
}

// with returns the user with one more variable.
func (u user) with(variable string) user {
	u.env = append(append([]string{}, u.env...), variable)
	return u
}

func (u user) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = u.env
	return cmd
}

// contestant is a program whose output goes nowhere.
func (u user) contestant(name string, target float64, program string, args ...string) contestant {
	return contestant{name, target, func(ctx context.Context) error { return u.command(ctx, program, args...).Run() }}
}

// output runs a program with an input and returns what it printed.
func (u user) output(ctx context.Context, input, program string, args ...string) (string, error) {
	cmd := u.command(ctx, program, args...)
	cmd.Stdin = strings.NewReader(input)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", filepath.Base(program), args[0], err, strings.TrimSpace(complaint.String()))
	}
	return string(out), err
}
