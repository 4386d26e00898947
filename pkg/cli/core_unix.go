//go:build unix

package cli

import "golang.org/x/sys/unix"

// noCoreDumps keeps secrets in memory out of core files (threat 15). A system
// that does not allow it has said no to a limit, not to the program.
func noCoreDumps() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}
