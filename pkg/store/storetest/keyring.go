package storetest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// ErrNoPrograms says that the programs of a real keyring are not installed, or
// that this system has none that can be started for a test.
var ErrNoPrograms = errors.New("no private keyring: it needs Linux with dbus-daemon and gnome-keyring-daemon " +
	"(Debian: apt-get install dbus-daemon gnome-keyring)")

// RequireVariable names the environment variable that, set to 1, makes tests
// fail rather than be skipped where a real keyring cannot be started.
const RequireVariable = "AUTHCTL_REQUIRE_KEYRING"

// StartKeyring starts a private, unlocked gnome-keyring on a private bus, and
// stops both at the end of the test. Where that is impossible the test is
// skipped, or fails if AUTHCTL_REQUIRE_KEYRING is 1.
func StartKeyring(tb testing.TB) *Keyring {
	tb.Helper()
	k, err := LaunchKeyring()
	Require(tb, err)
	tb.Cleanup(func() {
		if err := k.Close(); err != nil {
			tb.Error(err)
		}
	})
	return k
}

// Require ends the test if err, which LaunchKeyring returned, is not nil: it
// skips where the programs are missing and not asked for, else it fails.
func Require(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, ErrNoPrograms) && os.Getenv(RequireVariable) != "1" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// NoBus returns the environment of a process whose session bus is down, as
// NAME=value.
func NoBus() []string {
	return []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent", "XDG_RUNTIME_DIR="}
}

// SilentBus starts a socket that takes connections and never answers, and
// returns the environment of a process that has it for a session bus, as
// NAME=value.
func SilentBus(tb testing.TB) []string {
	tb.Helper()
	folder, err := os.MkdirTemp("", "ak") // short: a socket's path has less than 108 bytes
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(folder, "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := errors.Join(listener.Close(), os.RemoveAll(folder)); err != nil {
			tb.Error(err)
		}
	})
	return []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=" + path, fmt.Sprintf("XDG_RUNTIME_DIR=%s", folder)}
}
