package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/console"
)

// word is one word of a command line: as it is typed and as the program gets
// it, such as `"$header"` and what is in the variable.
type word struct{ typed, used string }

// words are those that a shell does not change.
func words(texts ...string) []word {
	var list []word
	for _, text := range texts {
		list = append(list, word{text, text})
	}
	return list
}

// authctl is the step that runs authctl with these arguments.
func authctl(args ...string) step {
	return step{pipe: [][]word{words(append([]string{"authctl"}, args...)...)}}
}

// step is a command line: one program, or several joined by pipes.
type step struct {
	pipe   [][]word
	input  string // comes on standard input
	tokens bool   // it prints tokens
	exits  []int  // the exit codes that are right; none means 0
}

// with gives a step a secret on standard input.
func (st step) with(input string) step { st.input = input; return st }

// printing marks a step that prints a token: what it prints is never given to
// the terminal directly.
func (st step) printing() step { st.tokens = true; return st }

// exit names the exit codes that are right.
func (st step) exit(codes ...int) step { st.exits = codes; return st }

// line is the command line as a person types it. A flag and its value are one
// piece, which is not torn when the line is wrapped.
func (st step) line() []string {
	var typed []string
	for i, program := range st.pipe {
		if i > 0 {
			typed = append(typed, "|")
		}
		for j, w := range program {
			if j > 0 && isFlag(program[j-1].typed) && !isFlag(w.typed) {
				typed[len(typed)-1] += " " + w.typed
			} else {
				typed = append(typed, w.typed)
			}
		}
	}
	return typed
}

func isFlag(word string) bool { return strings.HasPrefix(word, "-") }

// outcome is what a step left behind.
type outcome struct {
	code int
	out  string // what it printed, unless that went to the terminal directly
}

// do shows steps and runs them; it ends at the first surprise.
func (s *show) do(ctx context.Context, steps ...step) error {
	for _, st := range steps {
		if _, err := s.run(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

// run shows one step, runs it, and checks its exit code.
func (s *show) run(ctx context.Context, st step) (outcome, error) {
	s.prompt(st.line())
	o, err := s.execute(ctx, st)
	s.print(s.mask(o.out))
	if o.out != "" && !strings.HasSuffix(o.out, "\n") {
		s.print("\n")
	}
	if err == nil {
		err = s.check(st, o.code)
	}
	if err == nil && s.leaks(o.out) {
		err = errors.New("a password is in the output")
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(st.line(), " "), err)
	}
	return o, errors.Join(err, s.failed)
}

// check compares an exit code with what was expected, and tells one that is not
// 0.
func (s *show) check(st step, code int) error {
	expected := st.exits
	if len(expected) == 0 {
		expected = []int{exitDone}
	}
	if !slices.Contains(expected, code) {
		return fmt.Errorf("exit code %d, expected %s", code, strings.ReplaceAll(strings.Trim(fmt.Sprint(expected), "[]"), " ", " or "))
	}
	if code != exitDone {
		s.print(s.stream.Paint(console.Faint, fmt.Sprintf("[exit code %d]", code)) + "\n")
	}
	return nil
}

// execute runs the programs of a step one after the other, each with the output
// of the one before. The exit code is that of the first that failed, or of the
// last.
func (s *show) execute(ctx context.Context, st step) (o outcome, err error) {
	var shown bytes.Buffer
	input := st.input
	for i, program := range st.pipe {
		cmd := s.command(ctx, program)
		cmd.Stdin = strings.NewReader(input)
		cmd.Stdout, cmd.Stderr = &shown, &shown
		var passed bytes.Buffer
		if i < len(st.pipe)-1 {
			cmd.Stdout = &passed
		} else if terminal := s.terminal(); terminal != nil && !st.tokens {
			cmd.Stdout, cmd.Stderr = terminal, terminal
		}
		o.code, err = exitCode(cmd.Run())
		if err = errors.Join(ctx.Err(), err); err != nil || o.code != exitDone {
			break
		}
		input = passed.String()
	}
	o.out = shown.String()
	return o, err
}

// terminal is the file of the screen if it is a terminal: a program that gets it
// can use its width and its colours.
func (s *show) terminal() *os.File {
	if file, ok := s.w.(*os.File); ok && s.stream.Terminal() {
		return file
	}
	return nil
}

// quiet runs authctl and returns its standard output, without showing anything.
func (s *show) quiet(ctx context.Context, args ...string) (string, error) {
	out, err := s.command(ctx, words(append([]string{"authctl"}, args...)...)).Output()
	if err != nil {
		return "", errors.Join(ctx.Err(), fmt.Errorf("authctl %s: %w", strings.Join(args, " "), err))
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// command prepares a program on the stage. When ctx ends, it is asked to end
// and, a little later, made to.
func (s *show) command(ctx context.Context, typed []word) *exec.Cmd {
	path := typed[0].used
	if path == "authctl" {
		path = s.program
	}
	var args []string
	for _, w := range typed[1:] {
		args = append(args, w.used)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = s.env
	cmd.Cancel = func() error {
		if cmd.Process.Signal(os.Interrupt) == nil {
			return nil
		}
		return cmd.Process.Kill() // Windows has no such signal
	}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// exitCode takes the exit code out of the error of a command; any other error
// stays.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// mask shortens the tokens in a text, and takes out passwords, of which there
// should be none.
func (s *show) mask(text string) string {
	for _, user := range s.stage.Sim.Users() {
		text = strings.ReplaceAll(text, user.Password, "[password]")
	}
	return shorten(text, s.stage.Sim.Tokens())
}

// leaks says whether a text holds a password of the APIs.
func (s *show) leaks(text string) bool {
	for _, user := range s.stage.Sim.Users() {
		if strings.Contains(text, user.Password) {
			return true
		}
	}
	return false
}
