package console

import (
	"os"

	"golang.org/x/sys/windows"
)

func openTTY() (*TTY, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	return &TTY{in: in, out: out}, nil
}

// hide stops a console from showing and from editing what is typed. Ctrl-C
// stays a signal. It returns what undoes it.
func hide(fd int) (restore func(fd int) error, err error) {
	var old uint32
	if err := windows.GetConsoleMode(windows.Handle(fd), &old); err != nil {
		return nil, err
	}
	hidden := old&^(windows.ENABLE_ECHO_INPUT|windows.ENABLE_LINE_INPUT) | windows.ENABLE_PROCESSED_INPUT
	restore = func(fd int) error { return windows.SetConsoleMode(windows.Handle(fd), old) }
	return restore, windows.SetConsoleMode(windows.Handle(fd), hidden)
}
