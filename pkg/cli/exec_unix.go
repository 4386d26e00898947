//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// replace puts a program in the place of this one. On success it does not return.
func (a *app) replace(program string, args, env []string) error {
	a.flush()
	signal.Reset() // what was ignored for us, as by nohup, is ignored for the program
	return syscall.Exec(program, args, env)
}

// exitCodeOf is the exit code as a shell tells it.
func exitCodeOf(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
