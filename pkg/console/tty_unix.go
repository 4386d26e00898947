//go:build unix

package console

import (
	"os"

	"golang.org/x/sys/unix"
)

func openTTY() (*TTY, error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &TTY{in: f, out: f}, nil
}

// hide stops a terminal from showing and from editing what is typed. Ctrl-C
// stays a signal (ISIG). Ctrl-Z and Ctrl-\ do nothing: a program that is stopped
// and continued would find the terminal showing again what is typed. It returns
// what undoes it.
func hide(fd int) (restore func(fd int) error, err error) {
	old, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	hidden := *old
	hidden.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN
	hidden.Lflag |= unix.ISIG
	hidden.Iflag |= unix.ICRNL
	hidden.Cc[unix.VMIN], hidden.Cc[unix.VTIME] = 1, 0
	hidden.Cc[unix.VSUSP], hidden.Cc[unix.VQUIT] = noKey, noKey
	restore = func(fd int) error { return unix.IoctlSetTermios(fd, setTermios, old) }
	return restore, unix.IoctlSetTermios(fd, setTermios, &hidden)
}
