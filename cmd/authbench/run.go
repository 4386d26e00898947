package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// Exit codes, as authctl has them.
const (
	exitDone        = 0
	exitOther       = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// run measures and prints, and returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("authbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	p := plan{environ: environ}
	flags.StringVar(&p.program, "authctl", "bin/authctl", "`path` of the program to measure")
	flags.StringVar(&p.profiles, "profiles", "profiles.example.yaml", "`path` of the example profiles")
	flags.IntVar(&p.rounds, "rounds", 100, "how many times each program is run")
	flags.IntVar(&p.many, "many", 1000, "how many sessions are many; ten times as many profiles are")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitDone
	} else if err != nil || flags.NArg() > 0 || p.rounds < 1 || p.many < 1 {
		return exitUsage
	}
	err := compare(ctx, p, stdout)
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
	rounds, many      int
	environ           []string
}

// compare sets up the scene, measures, prints, and clears up in every case.
func compare(ctx context.Context, p plan, stdout io.Writer) (err error) {
	sc, err := newScene(p.program, p.profiles, p.environ)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sc.close()) }()
	groups, err := sc.groups(ctx, p.many)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(stdout, preface); err != nil {
		return err
	}
	for _, g := range groups {
		times, err := measure(ctx, g, max(1, p.rounds/g.slower))
		if err != nil {
			return err
		}
		if _, err := io.WriteString(stdout, report(g, times)); err != nil {
			return err
		}
	}
	return nil
}

// group is what is compared with each other: all with the first one.
type group struct {
	title       string
	slower      int // so many times fewer rounds than others
	contestants []contestant
}

// contestant is something to measure. Its target is the ratio to the first one
// of the group; 0 is none.
type contestant struct {
	name   string
	target float64
	run    func(context.Context) error
}

// measure runs all contestants in each round, in turn forwards and backwards,
// and returns the wall time of each run, by contestant and round. The first
// runs do not count.
func measure(ctx context.Context, g group, rounds int) ([][]time.Duration, error) {
	const warmUp = 2
	times := make([][]time.Duration, len(g.contestants))
	for round := range warmUp + rounds {
		for i := range g.contestants {
			if round%2 == 1 {
				i = len(g.contestants) - 1 - i
			}
			start := time.Now()
			if err := g.contestants[i].run(ctx); err != nil {
				return nil, errors.Join(ctx.Err(), fmt.Errorf("%s: %w", g.contestants[i].name, err))
			}
			if round >= warmUp {
				times[i] = append(times[i], time.Since(start))
			}
		}
	}
	return times, nil
}
