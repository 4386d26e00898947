package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
)

// offline is a system without a terminal, a home or an environment.
func offline(args ...string) (Env, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err,
		Getenv: func(string) string { return "" }, Environ: func() []string { return nil },
		Now:     func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
		OpenTTY: func() (*console.TTY, error) { return nil, console.ErrNoTerminal },
		GOOS:    "linux", Version: "v0.0.0-test",
	}, &out, &err
}

// everyCommand calls visit for all commands of the program.
func everyCommand(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		everyCommand(sub, visit)
	}
}

// A person who reads the help of a command needs nothing else.
func TestHelpIsWhole(t *testing.T) {
	t.Parallel()
	env, _, _ := offline()
	everyCommand(newApp(env).root(), func(cmd *cobra.Command) {
		if cmd.Name() == "help" || cmd.Name() == "authctl" {
			return
		}
		if cmd.Long == "" || cmd.Example == "" || cmd.Annotations["exit"] == "" {
			t.Errorf("%s: the help lacks a text, an example or exit codes", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Long + "\n" + cmd.Example) {
			if len([]rune(strings.TrimRight(line, "\n"))) > 80 {
				t.Errorf("%s: a line of the help is longer than 80 columns: %s", cmd.CommandPath(), line)
			}
		}
	})
}

// Every example in help is a command line that the program accepts.
func TestHelpExamplesParse(t *testing.T) {
	t.Parallel()
	env, _, _ := offline()
	everyCommand(newApp(env).root(), func(cmd *cobra.Command) {
		for _, line := range authctlLines(cmd.Example) {
			if err := parses(line); err != nil {
				t.Errorf("%s: %s: %v", cmd.CommandPath(), line, err)
			}
		}
	})
}

// authctlLines finds the calls of authctl in a text of shell commands.
func authctlLines(text string) []string {
	var calls []string
	for _, m := range regexp.MustCompile(`authctl ([a-z][^|)<>;#\n]*)`).FindAllStringSubmatch(text, -1) {
		calls = append(calls, strings.TrimSpace(m[1]))
	}
	return calls
}

// parses finds the command of a line and reads its flags and arguments.
func parses(line string) error {
	env, _, _ := offline()
	a := newApp(env)
	cmd, rest, err := a.root().Find(strings.Fields(line))
	if err != nil {
		return err
	}
	if !cmd.HasParent() {
		return fmt.Errorf("no such command")
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return err
	}
	if cmd.Args == nil {
		return nil
	}
	return cmd.Args(cmd, cmd.Flags().Args())
}

func readme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The README's commands are ones that the program accepts.
func TestReadmeCommandsParse(t *testing.T) {
	t.Parallel()
	lines := 0
	for _, block := range regexp.MustCompile("(?s)```(?:console|sh|yaml)\n(.*?)```").FindAllStringSubmatch(readme(t), -1) {
		for _, line := range authctlLines(block[1]) {
			lines++
			if err := parses(line); err != nil {
				t.Errorf("README: authctl %s: %v", line, err)
			}
		}
	}
	if lines < 10 {
		t.Errorf("only %d commands were found in the README", lines)
	}
}

// The exit codes in the README are those of the table.
func TestReadmeExitCodes(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	for _, row := range exitTable() {
		fmt.Fprintf(&want, "| %d | %s |\n", row.code, row.meaning)
	}
	if !strings.Contains(readme(t), want.String()) {
		t.Errorf("the README does not hold this table:\n%s", want.String())
	}
}

// The completions in the repository are those of the program.
func TestCompletionsAreCurrent(t *testing.T) {
	t.Parallel()
	for shell, file := range map[string]string{"bash": "authctl.bash", "zsh": "_authctl", "fish": "authctl.fish", "powershell": "authctl.ps1"} {
		env, out, complaint := offline("completion", shell)
		if code := run(context.Background(), env); code != 0 {
			t.Fatalf("completion %s: exit %d: %s", shell, code, complaint)
		}
		kept, err := os.ReadFile(filepath.Join("../../completions", file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(out.String(), string(kept)); diff != "" {
			t.Errorf("completions/%s is old: run make completions\n%s", file, diff)
		}
	}
}

// The real program, built as "make build" builds it, knows its version: a wrong
// path in -ldflags -X is silently ignored by the linker.
func TestVersionIsStamped(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "authctl")
	build := command(t, "go", "build", "-ldflags", "-X main.version=v9.8.7-test", "-o", program, "../../cmd/authctl")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := command(t, program, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "authctl v9.8.7-test (go") {
		t.Errorf("authctl version printed %q, %v", out, err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil || !strings.Contains(string(makefile), "-X main.version=") {
		t.Errorf("the Makefile does not stamp main.version: %v", err)
	}
}
