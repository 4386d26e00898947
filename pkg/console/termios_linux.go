package console

import "golang.org/x/sys/unix"

// What a terminal's settings are read and written with (termios, POSIX).
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)

// noKey is what switches a special key off (_POSIX_VDISABLE).
const noKey = 0
