package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/fault"
)

func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), name, args...)
}

// Absent, refused, locked, unreachable and the rest are different to a script.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	for name, err := range map[string]error{
		"plain":       errors.New("x"),
		"usage":       fault.New(fault.Usage, "", "x"),
		"login":       fault.New(fault.LoginNeeded, "", "x"),
		"refused":     fault.New(fault.Refused, "", "x"),
		"rate":        fault.New(fault.RateLimited, "", "x"),
		"store":       fault.New(fault.Store, "", "x"),
		"unreachable": fault.New(fault.Unreachable, "", "x"),
		"answer":      fault.New(fault.BadAnswer, "", "x"),
		"profile":     fault.New(fault.Profile, "", "x"),
		"token":       fault.New(fault.NotValid, "", "x"),
		"interrupted": fault.New(fault.Interrupted, "", "x"),
		"cancelled":   context.Canceled,
		"deadline":    context.DeadlineExceeded,
		"wrapped":     fmt.Errorf("a: %w", fault.Wrap(fault.New(fault.Store, "", "x"), "b")),
		"joined":      errors.Join(nil, fault.New(fault.BadAnswer, "", "x")),
	} {
		got[name] = exitCode(err)
	}
	want := map[string]int{
		"plain": 1, "usage": 2, "login": 3, "refused": 4, "rate": 4, "store": 5, "unreachable": 6, "answer": 7,
		"profile": 8, "token": 9, "interrupted": 130, "cancelled": 130, "deadline": 6, "wrapped": 5, "joined": 7,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Threat 15: a panic is reported by its places and not by its value.
func TestThreat15_PanicShowsNoValue(t *testing.T) {
	t.Parallel()
	env, out, complaint := offline("version")
	a := newApp(env)
	code := func() (code int) {
		defer func() {
			if recover() != nil {
				code = a.panicked()
			}
		}()
		panic("a-secret-value")
	}()
	a.flush()
	if code != 1 || strings.Contains(complaint.String()+out.String(), "a-secret-value") || !strings.Contains(complaint.String(), "TestThreat15") {
		t.Errorf("exit %d:\n%s", code, complaint)
	}
}
