package storetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

// Keyring is a real gnome-keyring on a bus of its own. Its data is kept over
// Stop, Lock and Restart.
type Keyring struct {
	folder  string
	conn    *dbus.Conn // to see when the daemon is ready
	bus     *process
	daemon  *process // nil while it is stopped
	cleaned bool
}

// process is a running program in a process group of its own.
type process struct {
	*exec.Cmd
	ended chan struct{}
}

const (
	keyringPassword = "pw"
	readyTimeout    = 10 * time.Second
	pollInterval    = 2 * time.Millisecond
)

// busConfig has no folder of services: what is stopped stays stopped, and the
// bus starts nothing that nobody would end.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`

// LaunchKeyring starts a private, unlocked gnome-keyring on a private bus; the
// caller closes it. It is for TestMain and for programs; tests call
// StartKeyring. It is ErrNoPrograms where the programs are not installed.
func LaunchKeyring() (*Keyring, error) {
	for _, program := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, ErrNoPrograms
		}
	}
	folder, err := os.MkdirTemp("", "ak") // short: a socket's path has less than 108 bytes
	if err != nil {
		return nil, err
	}
	k := &Keyring{folder: folder}
	if err := errors.Join(k.startBus(), k.Restart()); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// Env returns the environment of a process that is to use this keyring, as
// NAME=value.
func (k *Keyring) Env() []string {
	return []string{
		"DBUS_SESSION_BUS_ADDRESS=" + k.address(),
		"XDG_DATA_HOME=" + filepath.Join(k.folder, "data"),
		"XDG_RUNTIME_DIR=" + filepath.Join(k.folder, "run"),
	}
}

func (k *Keyring) address() string { return "unix:path=" + filepath.Join(k.folder, "run", "bus") }

// Stop stops the keyring's daemon; the bus goes on.
func (k *Keyring) Stop() error {
	if k.daemon == nil {
		return nil
	}
	err := k.daemon.end()
	k.daemon = nil
	return errors.Join(err, k.poll("the keyring's daemon is still on the bus", func() (bool, error) {
		owned, err := k.owned()
		return !owned, err
	}))
}

// Lock stops the daemon and starts it again with a locked collection.
func (k *Keyring) Lock() error { return k.restart(false) }

// Restart stops the daemon, if it runs, and starts it again, unlocked.
func (k *Keyring) Restart() error { return k.restart(true) }

// Close ends all processes and removes the data.
func (k *Keyring) Close() error {
	if k.cleaned {
		return nil
	}
	k.cleaned = true
	var errs []error
	if k.daemon != nil {
		errs = append(errs, k.daemon.end())
	}
	if k.conn != nil {
		errs = append(errs, k.conn.Close())
	}
	if k.bus != nil {
		errs = append(errs, k.bus.end())
	}
	return errors.Join(append(errs, os.RemoveAll(k.folder))...)
}

func (k *Keyring) startBus() error {
	run := filepath.Join(k.folder, "run")
	config := filepath.Join(k.folder, "bus.conf")
	if err := errors.Join(os.Mkdir(run, 0o700), os.Mkdir(filepath.Join(k.folder, "data"), 0o700),
		os.WriteFile(config, fmt.Appendf(nil, busConfig, filepath.Join(run, "bus")), 0o600)); err != nil {
		return err
	}
	var err error
	if k.bus, err = k.start("", "dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile"); err != nil {
		return err
	}
	return k.poll("the bus does not come up", func() (bool, error) {
		var err error
		k.conn, err = dbus.Connect(k.address())
		return err == nil, nil
	})
}

func (k *Keyring) restart(unlocked bool) error {
	if err := k.Stop(); err != nil {
		return err
	}
	args, input := []string{"--foreground", "--components=secrets"}, ""
	if unlocked {
		args, input = append(args, "--unlock"), keyringPassword
	}
	var err error
	if k.daemon, err = k.start(input, "gnome-keyring-daemon", args...); err != nil {
		return err
	}
	return k.poll("the keyring does not get ready", func() (bool, error) {
		// A daemon that is not there yet must not be asked: that would be an error.
		if owned, err := k.owned(); err != nil || !owned {
			return false, err
		}
		locked, err := k.conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets/collection/login").
			GetProperty("org.freedesktop.Secret.Collection.Locked")
		return err == nil && locked.Value() == !unlocked, nil
	})
}

func (k *Keyring) owned() (bool, error) {
	var owned bool
	err := k.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, "org.freedesktop.secrets").Store(&owned)
	return owned, err
}

// poll calls done until it says yes.
func (k *Keyring) poll(failure string, done func() (bool, error)) error {
	for end := time.Now().Add(readyTimeout); time.Now().Before(end); time.Sleep(pollInterval) {
		if ok, err := done(); ok || err != nil {
			return err
		}
	}
	output, err := os.ReadFile(filepath.Join(k.folder, "log"))
	return fmt.Errorf("%s; what it wrote: %s", failure, errors.Join(err, errors.New(string(output))))
}

// start runs a program with an environment that leads to no other keyring and
// no display. The system kills it when the test's process dies.
func (k *Keyring) start(input, program string, args ...string) (*process, error) {
	p := &process{Cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + k.folder, "LANG=C.UTF-8"}, k.Env()...)
	p.Stdin, p.Dir = strings.NewReader(input), k.folder
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := os.OpenFile(filepath.Join(k.folder, "log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the program has its own
	p.Stdout, p.Stderr = out, out
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.Wait() // ended by a signal, as it should
		close(p.ended)
	}()
	return p, nil
}

// end terminates the process and then its whole group.
func (p *process) end() error {
	err := p.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
	}
	if killErr := syscall.Kill(-p.Process.Pid, syscall.SIGKILL); killErr != nil && !errors.Is(killErr, syscall.ESRCH) {
		err = errors.Join(err, killErr)
	}
	<-p.ended
	return err
}
