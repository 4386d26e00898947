package cli_test

import "testing"

// TestProgramOnKeyrings runs the program, built once as people have it, where
// it must neither hang nor lose anything: on keyrings that misbehave, killed in
// the middle, and two hundred times at once. Some of it is done on the file
// store as well.
func TestProgramOnKeyrings(t *testing.T) {
	t.Parallel()
	program := buildProgram(t)
	for name, run := range map[string]func(*testing.T, string){
		"Bad":                     testBadKeyrings,
		"RotationOnBad":           testRotationOnBadKeyrings,
		"InTheMiddle":             testKeyringInTheMiddle,
		"OneRenewal":              testOneRenewal,
		"LockIsLetGo":             testLockIsLetGo,
		"KilledAtTheKeyring":      testKilledAtTheKeyring,
		"KilledAtTheServer":       testKilledAtTheServer,
		"KilledAtTheFiles":        testKilledAtTheFiles,
		"ThousandSessions":        testThousandSessions,
		"InterruptedAtTheKeyring": testInterruptedAtTheKeyring,
		"Threat06_NoProcessShows": testThreat06NoProcessShows,
		"FreshFileEnds":           testFreshFileEnds,
		"Proxy":                   testProxy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, program)
		})
	}
}
