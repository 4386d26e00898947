package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

// freshFile is a file in memory that programs of the same user can open by its
// path, for as long as this process lives. Whoever opens it sees one whole value.
type freshFile struct{ fd int }

func newFreshFile(secret token.Secret) (*freshFile, error) {
	fd, err := sealed(secret)
	return &freshFile{fd}, err
}

// sealed returns the descriptor of a file in memory that nobody can change.
func sealed(secret token.Secret) (int, error) {
	fd, err := unix.MemfdCreate("authctl", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	text := []byte(secret.Reveal())
	if n, err := unix.Write(fd, text); err != nil || n < len(text) {
		return -1, errors.Join(fmt.Errorf("%d of %d bytes were written: %w", n, len(text), err), unix.Close(fd))
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
	return fd, err
}

func (f *freshFile) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.fd) }

// set puts another file in the place of the old one, in one step.
func (f *freshFile) set(secret token.Secret) error {
	fd, err := sealed(secret)
	if err != nil {
		return err
	}
	return errors.Join(unix.Dup3(fd, f.fd, unix.O_CLOEXEC), unix.Close(fd))
}

// execFresh runs a program and keeps files with its tokens fresh until it ends.
func (a *app) execFresh(ctx context.Context, program string, args, env []string, all []*grant) error {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // a signal is for the program
	defer stop()
	var watches sync.WaitGroup
	defer watches.Wait()
	defer stop()
	for _, w := range all {
		files := map[string]*freshFile{}
		for _, v := range w.variables() {
			if v.Plain {
				continue
			}
			file, err := newFreshFile(v.Value)
			if err != nil {
				return fault.Wrap(err, "make a file in memory")
			}
			files[v.Name], env = file, append(env, v.Name+"_FILE="+file.path())
		}
		watches.Go(func() { a.keepFresh(ctx, w, files) })
	}
	cmd := &exec.Cmd{Path: program, Args: args, Env: env, Stdin: a.env.Stdin, Stdout: a.env.Stdout, Stderr: a.env.Stderr}
	return fault.Wrap(a.runWithSignals(cmd), "run %s", args[0])
}

// runWithSignals passes on what is sent to authctl. What a person types at the
// terminal reaches the program by itself.
func (a *app) runWithSignals(cmd *exec.Cmd) error {
	passed := []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT, os.Interrupt, syscall.SIGQUIT}
	signals := make(chan os.Signal, len(passed))
	signal.Notify(signals, passed...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	typed := console.IsTerminal(a.env.Stdin)
	for {
		select {
		case err := <-done:
			return ended(err)
		case s := <-signals:
			if typed && (s == os.Interrupt || s == syscall.SIGQUIT) {
				continue
			}
			// It may have ended just now.
			_ = cmd.Process.Signal(s)
		}
	}
}

// keepFresh renews a token before it ends, for as long as the program runs.
func (a *app) keepFresh(ctx context.Context, w *grant, files map[string]*freshFile) {
	for {
		margin := min(defaultMinTTL, w.pass.At.Sub(w.pass.ObtainedAt)/4)
		pause := time.Minute // somebody else may renew it, or log in anew
		if !w.pass.At.IsZero() {
			pause = max(100*time.Millisecond, min(pause, w.pass.At.Sub(a.env.Now())-margin))
		}
		if wait(ctx, pause) != nil {
			return
		}
		pass, err := w.manager.Pass(ctx, w.target, session.TokenOptions{MinTTL: margin})
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			w.pass, err = pass, pass.Warning
		}
		for name, file := range files {
			err = errors.Join(err, file.set(w.tokenOf(name)))
		}
		if err != nil {
			a.warn(fault.Wrap(err, "keep the token fresh"))
			if wait(ctx, 10*time.Second) != nil {
				return
			}
		}
	}
}
