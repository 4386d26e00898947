// Command authdemo shows what authctl does: it starts the five simulated APIs on
// this machine and runs the real program against them, command by command. An
// exit code that is not the expected one makes the demo fail.
package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	// A reader that went away shows as a write error, so that there is still
	// time to log out.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	curl, _ := exec.LookPath("curl")
	os.Exit(run(ctx, os.Args[1:], world{environ: os.Environ(), curl: curl, stdout: os.Stdout, stderr: os.Stderr}))
}
