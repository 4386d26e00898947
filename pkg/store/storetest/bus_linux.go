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

// bus is a private session bus with a folder for whoever lives on it.
type bus struct {
	folder  string
	conn    *dbus.Conn // to see who is on the bus
	daemon  *process
	cleaned bool
}

// process is a running program in a process group of its own.
type process struct {
	*exec.Cmd
	ended chan struct{}
}

const (
	secretService = "org.freedesktop.secrets"
	readyTimeout  = 10 * time.Second
	pollInterval  = 2 * time.Millisecond
)

// busConfig has no folder of services: what is stopped stays stopped, and the
// bus starts nothing that nobody would end.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`

// launchBus starts a bus, if the programs are installed: dbus-daemon and those
// named.
func launchBus(programs ...string) (*bus, error) {
	for _, program := range append(programs, "dbus-daemon") {
		if _, err := exec.LookPath(program); err != nil {
			return nil, ErrNoPrograms
		}
	}
	folder, err := os.MkdirTemp("", "ak") // short: a socket's path has less than 108 bytes
	if err != nil {
		return nil, err
	}
	b := &bus{folder: folder}
	if err := b.begin(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bus) begin() error {
	run := filepath.Join(b.folder, "run")
	config := filepath.Join(b.folder, "bus.conf")
	if err := errors.Join(os.Mkdir(run, 0o700), os.Mkdir(filepath.Join(b.folder, "data"), 0o700),
		os.WriteFile(config, fmt.Appendf(nil, busConfig, filepath.Join(run, "bus")), 0o600)); err != nil {
		return err
	}
	var err error
	if b.daemon, err = b.start("", "dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile"); err != nil {
		return err
	}
	return b.poll("the bus does not come up", func() (bool, error) {
		var err error
		b.conn, err = dbus.Connect(b.address())
		return err == nil, nil
	})
}

// close ends the bus and removes the folder, once.
func (b *bus) close() error {
	if b.cleaned {
		return nil
	}
	b.cleaned = true
	var errs []error
	if b.conn != nil {
		errs = append(errs, b.conn.Close())
	}
	if b.daemon != nil {
		errs = append(errs, b.daemon.end())
	}
	return errors.Join(append(errs, os.RemoveAll(b.folder))...)
}

// Env returns the environment of a process that is to use this bus, as
// NAME=value.
func (b *bus) Env() []string {
	return []string{
		"DBUS_SESSION_BUS_ADDRESS=" + b.address(),
		"XDG_DATA_HOME=" + filepath.Join(b.folder, "data"),
		"XDG_RUNTIME_DIR=" + filepath.Join(b.folder, "run"),
	}
}

func (b *bus) address() string { return "unix:path=" + filepath.Join(b.folder, "run", "bus") }

// owned says whether anybody on the bus is the Secret Service.
func (b *bus) owned() (bool, error) {
	var owned bool
	err := b.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretService).Store(&owned)
	return owned, err
}

// poll calls done until it says yes.
func (b *bus) poll(failure string, done func() (bool, error)) error {
	for end := time.Now().Add(readyTimeout); time.Now().Before(end); time.Sleep(pollInterval) {
		if ok, err := done(); ok || err != nil {
			return err
		}
	}
	output, err := os.ReadFile(filepath.Join(b.folder, "log"))
	return fmt.Errorf("%s; what it wrote: %s", failure, errors.Join(err, errors.New(string(output))))
}

// start runs a program with an environment that leads to no other keyring and
// no display. The system kills it when the test's process dies.
func (b *bus) start(input, program string, args ...string) (*process, error) {
	p := &process{Cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.folder, "LANG=C.UTF-8"}, b.Env()...)
	p.Stdin, p.Dir = strings.NewReader(input), b.folder
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := os.OpenFile(filepath.Join(b.folder, "log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
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
