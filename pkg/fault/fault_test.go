package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/fault"
)

// facts is all that can be asked of an error.
type facts struct {
	Text string
	Kind fault.Kind
	Hint string
}

func factsOf(err error) facts {
	return facts{err.Error(), fault.KindOf(err), fault.HintOf(err)}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	refused := fault.New(fault.Refused, "log in again", "example.com refused")
	tests := map[string]struct {
		err  error
		want facts
	}{
		"plain error":        {errors.New("odd"), facts{"odd", fault.Other, ""}},
		"new":                {refused, facts{"example.com refused", fault.Refused, "log in again"}},
		"new with arguments": {fault.New(fault.Usage, "", "%d of %q", 2, "x"), facts{`2 of "x"`, fault.Usage, ""}},
		"wrapped": {
			fault.Wrap(refused, "log in to %s", "x"),
			facts{"log in to x: example.com refused", fault.Refused, "log in again"},
		},
		"wrapped twice": {
			fault.Wrap(fault.Wrap(refused, "renew"), "token"),
			facts{"token: renew: example.com refused", fault.Refused, "log in again"},
		},
		"wrapped by fmt": {
			fmt.Errorf("outside: %w", refused),
			facts{"outside: example.com refused", fault.Refused, "log in again"},
		},
		"the outer kind counts": {
			fault.New(fault.Store, "", "keep: %w", refused),
			facts{"keep: example.com refused", fault.Store, "log in again"},
		},
		"the outer hint counts": {
			fault.New(fault.Store, "unlock it", "keep: %w", refused),
			facts{"keep: example.com refused", fault.Store, "unlock it"},
		},
		"joined": {
			errors.Join(nil, refused),
			facts{"example.com refused", fault.Refused, "log in again"},
		},
		"cancelled": {context.Canceled, facts{"context canceled", fault.Interrupted, ""}},
		"deadline":  {context.DeadlineExceeded, facts{"context deadline exceeded", fault.Unreachable, ""}},
		"cancelled, wrapped": {
			fault.Wrap(fmt.Errorf("ask: %w", context.Canceled), "log in"),
			facts{"log in: ask: context canceled", fault.Interrupted, ""},
		},
		"deadline, wrapped": {
			fault.Wrap(context.DeadlineExceeded, "log in"),
			facts{"log in: context deadline exceeded", fault.Unreachable, ""},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, factsOf(test.err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNilStaysNil(t *testing.T) {
	t.Parallel()
	if err := fault.Wrap(nil, "log in"); err != nil {
		t.Errorf("Wrap made %v out of nothing", err)
	}
	if kind, hint := fault.KindOf(nil), fault.HintOf(nil); kind != fault.Other || hint != "" {
		t.Errorf("nil has kind %d and hint %q", kind, hint)
	}
}

func TestCauseCanBeFound(t *testing.T) {
	t.Parallel()
	err := fault.Wrap(fault.New(fault.Store, "", "read: %w", fs.ErrPermission), "status")
	if !errors.Is(err, fs.ErrPermission) {
		t.Error("errors.Is does not find the cause")
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Store {
		t.Errorf("errors.As finds %+v", f)
	}
}
