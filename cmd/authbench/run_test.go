package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/store/storetest"
)

func TestReport(t *testing.T) {
	t.Parallel()
	list := func(ms ...int) []time.Duration {
		var times []time.Duration
		for _, n := range ms {
			times = append(times, time.Duration(n)*time.Millisecond)
		}
		return times
	}
	// The second and third program have the same times in another order: only
	// their ratios, which are paired, differ.
	got := report(group{"programs", 1, []contestant{{name: "a"}, {name: "b", target: 0.6}, {name: "c"}}},
		[][]time.Duration{list(10, 20, 40, 30), list(4, 6, 20, 18), list(18, 20, 6, 4)})
	want := `
programs (rounds: 4)                           Q1   median       Q3  ratio
  a                                         17.50    25.00    32.50   1.00
  b                                          5.50    12.00    18.50   0.45  target: at most 0.60
  c                                          5.50    12.00    18.50   0.57
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for want, args := range map[int][]string{
		exitDone: {"--help"}, exitUsage: {"--rounds", "x"}, exitOther: {"--authctl", filepath.Join(t.TempDir(), "absent")},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != want || stderr.Len() == 0 || stdout.Len() > 0 {
			t.Errorf("%v: exit code %d, want %d; %q %q", args, code, want, stdout.String(), stderr.String())
		}
	}
}

// TestWithoutPrograms is a machine with an authctl and nothing else.
func TestWithoutPrograms(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is no shell script there")
	}
	folder := t.TempDir()
	fake := filepath.Join(folder, "authctl")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--authctl", fake}, os.Environ(), &stdout, &stderr)
	if want := "authbench: " + errNoPrograms.Error() + "\n"; code != exitOther || stderr.String() != want {
		t.Errorf("exit code %d, stderr %q, want %q", code, stderr.String(), want)
	}
}

// TestOnAKeyring runs the whole benchmark, in a few rounds.
func TestOnAKeyring(t *testing.T) {
	if _, err := exec.LookPath("secret-tool"); err != nil {
		storetest.Require(t, errors.Join(storetest.ErrNoPrograms, err))
	}
	temp := t.TempDir()
	program := filepath.Join(t.TempDir(), "authctl")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", program, "../authctl")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	t.Setenv("TMPDIR", temp)
	var stdout, stderr bytes.Buffer
	args := []string{"--authctl", program, "--profiles", "../../profiles.example.yaml", "--rounds", "3", "--many", "5"}
	code := run(t.Context(), args, append(os.Environ(), storetest.NoBus()...), &stdout, &stderr)
	if strings.Contains(stderr.String(), errNoPrograms.Error()) {
		storetest.Require(t, storetest.ErrNoPrograms)
	}
	if code != exitDone || stderr.Len() > 0 {
		t.Fatalf("exit code %d, stderr %q", code, stderr.String())
	}
	number := regexp.MustCompile(`\d+\.\d\d`)
	targets := regexp.MustCompile(`target: at most (\d\.\d\d)`)
	var rows []string
	for line := range strings.Lines(strings.TrimPrefix(stdout.String(), preface)) {
		target := ""
		if m := targets.FindStringSubmatch(line); m != nil {
			target = " ≤" + m[1]
		}
		name, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		rows = append(rows, number.ReplaceAllString(name, "")+target)
	}
	want := []string{
		"", "other programs (rounds: 3)", "secret-tool lookup", "authctl token ≤0.60", "authctl version", "hello world in Go",
		"", "the least in Go (rounds: 3)", "direct D-Bus read", "authctl token ≤1.50", "the same, two at once",
		"", "sessions of one profile (rounds: 3)", "1", "2 ≤1.20", "5 ≤1.20",
		"", "profiles, a file each (rounds: 3)", "1", "5 ≤2.00", "50 ≤2.00",
		"", "profiles in one file (rounds: 3)", "1", "5 ≤2.00", "50 ≤2.00",
		"", "50 calls of authctl token (rounds: 1)", "one after the other", "at once ≤1.00",
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("%s\n%s", diff, stdout.String())
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
