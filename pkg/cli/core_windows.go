package cli

// noCoreDumps does nothing: Windows writes no core files by itself.
func noCoreDumps() {}
