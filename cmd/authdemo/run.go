package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/demo"
)

// Exit codes, as authctl has them.
const (
	exitDone        = 0
	exitOther       = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// cleanupLimit is how long logging out may take after a failure or Ctrl-C.
const cleanupLimit = 15 * time.Second

// world is the system as the demo sees it.
type world struct {
	environ        []string
	curl           string // path of curl; empty if there is none
	stdout, stderr io.Writer
}

// run plays the demo and returns its exit code.
func run(ctx context.Context, args []string, w world) int {
	flags := flag.NewFlagSet("authdemo", flag.ContinueOnError)
	flags.SetOutput(w.stderr)
	program := flags.String("authctl", "bin/authctl", "`path` of the program to show")
	profiles := flags.String("profiles", "profiles.example.yaml", "`path` of the example profiles")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitDone
	} else if err != nil || flags.NArg() > 0 {
		return exitUsage
	}
	err := play(ctx, w, *program, *profiles)
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		text := "interrupted; nothing is left behind"
		if left := new(leftover); errors.As(err, &left) {
			text = "interrupted, and " + left.Error()
		}
		_, _ = fmt.Fprintln(w.stderr, "authdemo: "+text)
		return exitInterrupted
	default:
		_, _ = fmt.Fprintf(w.stderr, "authdemo: the demo failed: %v\n", err)
		return exitOther
	}
}

// leftover is the error of a clean-up that did not succeed.
type leftover struct{ err error }

func (l *leftover) Error() string { return "left behind: " + l.err.Error() }
func (l *leftover) Unwrap() error { return l.err }

// show is one run of the demo.
type show struct {
	*screen
	stage   *demo.Stage
	program string // path of authctl
	curl    string
	env     []string
	store   string // "keyring" or "file", once that is known
	logins  bool   // there may be sessions to log out of
}

// play sets the stage, plays all chapters, and cleans up in every case.
func play(ctx context.Context, w world, program, profiles string) (err error) {
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	stage, err := demo.New(profiles)
	if err != nil {
		return err
	}
	s := &show{screen: newScreen(w.stdout, w.environ), stage: stage, program: program, curl: w.curl}
	s.env = stage.Env(w.environ)
	if s.stream.Paint(console.Bold, "x") != "x" { // colours go here: also those of authctl, through a pipe
		s.env = append(s.env, "CLICOLOR_FORCE=1")
	}
	defer func() { err = errors.Join(err, s.cleanUp(context.WithoutCancel(ctx))) }()
	if err := s.chapters(ctx); err != nil {
		return err
	}
	s.farewell(w.environ)
	return s.failed
}

// cleanUp forgets the sessions that are left and removes the stage.
func (s *show) cleanUp(ctx context.Context) error {
	var errs []error
	if s.logins {
		ctx, cancel := context.WithTimeout(ctx, cleanupLimit)
		defer cancel()
		out, err := s.command(ctx, words("authctl", "logout", "--all")).CombinedOutput()
		if err != nil {
			errs = append(errs, fmt.Errorf("logout --all: %w: %s", err, s.mask(string(out))))
		}
	}
	if err := errors.Join(append(errs, s.stage.Close())...); err != nil {
		return &leftover{err}
	}
	return nil
}
