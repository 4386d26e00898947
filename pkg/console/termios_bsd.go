//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package console

import "golang.org/x/sys/unix"

// What a terminal's settings are read and written with (termios, POSIX).
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)

// noKey is what switches a special key off (_POSIX_VDISABLE).
const noKey = 0xff
