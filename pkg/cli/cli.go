// Package cli is the command line: one file a command, and around them the
// choice of profile and account, the inputs, the settings, and the one table
// that turns errors into exit codes. Everything it needs of the system comes
// in through System, so that nothing below it asks the system behind its back.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
)

// Env is the system as the program sees it.
type Env struct {
	Args    []string // without the program's name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) string
	Environ func() []string
	Now     func() time.Time
	OpenTTY func() (*console.TTY, error)
	GOOS    string
	Version string
}

// System returns the real system. version is what the linker stamped; empty
// stands for what the Go toolchain knows.
func System(version string) Env {
	return Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Environ: os.Environ, Now: time.Now,
		OpenTTY: console.OpenTTY, GOOS: runtime.GOOS, Version: versionOf(version),
	}
}

// versionOf falls back to the version of the module, which "go install" sets.
func versionOf(stamped string) string {
	if stamped != "" {
		return stamped
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// Main runs the program and returns its exit code. The first Ctrl-C ends what
// is going on in an orderly way, the second one kills. SIGQUIT is no exception:
// Go would print all stacks.
func Main(env Env) int {
	noCoreDumps()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go watchSignals(cancel)
	return run(ctx, env)
}

// watchSignals calls interrupt at the first signal. It runs beside the rest:
// Go's preparations for signals take as long as reading a profile.
func watchSignals(interrupt func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	<-signals
	signal.Stop(signals)
	interrupt()
}

// run runs the command line and prints its error.
func run(ctx context.Context, env Env) (code int) {
	a := newApp(env)
	defer a.flush()
	defer func() {
		if p := recover(); p != nil {
			code = a.panicked()
		}
	}()
	root := a.root()
	root.SetArgs(env.Args)
	err := root.ExecuteContext(ctx)
	if err != nil && !a.started {
		err = usageError(root, err, env.Args)
	}
	var child childExit
	if ctx.Err() != nil && err != nil && !errors.As(err, &child) {
		err = fault.New(fault.Interrupted, "", "interrupted")
	}
	if err == nil {
		return 0
	}
	a.printError(err)
	return exitCode(err)
}

// panicked reports a defect of the program by its places in the code: the
// value of a panic may be a secret (threat 15).
func (a *app) panicked() int {
	_, _ = io.WriteString(a.err, "authctl: a defect in authctl itself; please report these lines\n")
	frames := runtime.CallersFrames(callers())
	for {
		frame, more := frames.Next()
		_, _ = io.WriteString(a.err, "  "+frame.Function+"\n")
		if !more {
			return exitCode(nil)
		}
	}
}

func callers() []uintptr {
	pcs := make([]uintptr, 32)
	return pcs[:runtime.Callers(4, pcs)]
}
