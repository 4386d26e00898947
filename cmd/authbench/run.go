package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// Exit codes, as authctl has them.
const (
	exitDone        = 0
	exitOther       = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// target is what "authctl token" may take, as a part of secret-tool's time.
const target = 0.60

// run measures and prints, and returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("authbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	program := flags.String("authctl", "bin/authctl", "`path` of the program to measure")
	profiles := flags.String("profiles", "profiles.example.yaml", "`path` of the example profiles")
	rounds := flags.Int("rounds", 100, "how many times each program is run")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitDone
	} else if err != nil || flags.NArg() > 0 || *rounds < 1 {
		return exitUsage
	}
	err := compare(ctx, plan{*program, *profiles, *rounds, environ}, stdout)
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, "authbench: interrupted")
		return exitInterrupted
	default:
		_, _ = fmt.Fprintf(stderr, "authbench: %v\n", err)
		return exitOther
	}
}

// plan is what the command line says.
type plan struct {
	program, profiles string
	rounds            int
	environ           []string
}

// compare sets up the scene, measures, prints, and clears up in every case.
func compare(ctx context.Context, p plan, stdout io.Writer) (err error) {
	sc, err := newScene(p.program, p.profiles, p.environ)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sc.close()) }()
	contestants, err := sc.contestants(ctx)
	if err != nil {
		return err
	}
	const warmUp = 5
	if _, err := measure(ctx, contestants, warmUp); err != nil {
		return err
	}
	times, err := measure(ctx, contestants, p.rounds)
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, report(contestants, times))
	return err
}

// contestant is a program to measure.
type contestant struct {
	name string
	run  func(context.Context) *exec.Cmd
}

// measure runs all programs in each round, in turn forwards and backwards, and
// returns the wall time of each run, by program and round.
func measure(ctx context.Context, contestants []contestant, rounds int) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(contestants))
	for round := range rounds {
		for i := range contestants {
			if round%2 == 1 {
				i = len(contestants) - 1 - i
			}
			cmd := contestants[i].run(ctx) // its output goes nowhere
			start := time.Now()
			if err := cmd.Run(); err != nil {
				return nil, errors.Join(ctx.Err(), fmt.Errorf("%s: %w", contestants[i].name, err))
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	return times, nil
}
