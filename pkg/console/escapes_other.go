//go:build !windows

package console

import "io"

// understandsEscapes says whether a terminal obeys colour codes.
func understandsEscapes(io.Writer) bool { return true }
