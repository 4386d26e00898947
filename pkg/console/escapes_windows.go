package console

import (
	"io"

	"golang.org/x/sys/windows"
)

// understandsEscapes switches the escape codes of a console on; old ones have
// none. fatih/color does so for standard output only.
func understandsEscapes(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok {
		return false
	}
	console := windows.Handle(f.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return false
	}
	mode |= windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	return windows.SetConsoleMode(console, mode) == nil
}
