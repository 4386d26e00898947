package cli

import (
	"os"
	"os/exec"
)

// replace runs a program and ends as it ends: Windows cannot replace one.
// Ctrl-C reaches the program by itself.
func (a *app) replace(program string, args, env []string) error {
	a.flush()
	cmd := &exec.Cmd{Path: program, Args: args, Env: env, Stdin: a.env.Stdin, Stdout: a.env.Stdout, Stderr: a.env.Stderr}
	return ended(cmd.Run())
}

func exitCodeOf(state *os.ProcessState) int { return state.ExitCode() }
