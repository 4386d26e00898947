package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// childVariable tells the test binary to act as a child process: go-keyring
// takes the bus from the environment, once.
const childVariable = "AUTHCTL_TEST_CHILD"

// foreignVariable tells the test binary to use the bus in its environment.
const foreignVariable = "AUTHCTL_TEST_FOREIGN_BUS"

// shared is the keyring of all tests that do not need another state of it.
// It cannot be a parameter: the environment of the process is as global.
var (
	shared    *storetest.Keyring
	sharedErr error
)

func TestMain(m *testing.M) {
	if work := os.Getenv(childVariable); work != "" {
		os.Exit(child(work))
	}
	if os.Getenv(foreignVariable) != "" {
		os.Exit(m.Run()) // on the bus of the caller
	}
	os.Exit(withKeyring(m))
}

func withKeyring(m *testing.M) (code int) {
	shared, sharedErr = storetest.LaunchKeyring()
	if sharedErr == nil {
		for _, pair := range shared.Env() {
			name, value, _ := strings.Cut(pair, "=")
			if err := os.Setenv(name, value); err != nil {
				panic(err)
			}
		}
		defer func() {
			if err := shared.Close(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}()
	}
	return m.Run()
}

// report is what a child says of one operation.
type report struct {
	Operation string
	Kind      fault.Kind
	NoSession bool
	Error     string
	Hint      string
	Took      time.Duration
}

var childKey = token.Key{Origin: "https://api.example.com:443", Profile: "child", Account: "a"}

// child does the operations named in work, separated by commas, on the keyring
// store, and prints a report for each.
func child(work string) int {
	if os.Getenv("CHILD_DIES") != "" {
		if err := dieIn(work); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return childFailed
		}
		return 0
	}
	s, err := store.Open(store.Options{
		Name: store.Keyring, StateDir: os.Getenv("CHILD_STATE"), LockDir: os.Getenv("CHILD_LOCKS"), Getenv: os.Getenv,
	})
	if err != nil {
		return 1
	}
	if run := os.Getenv("CHILD_RUN"); run != "" {
		s = inRunFolder(run)
	}
	for _, operation := range strings.Split(work, ",") {
		start := time.Now()
		err := operate(s, operation)
		r := report{Operation: operation, Took: time.Since(start)}
		if err != nil {
			r.Kind, r.NoSession = fault.KindOf(err), errors.Is(err, token.ErrNoSession)
			r.Error, r.Hint = err.Error(), fault.HintOf(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
			return 1
		}
	}
	return 0
}

func operate(s *store.Store, operation string) (err error) {
	ctx := neverDone()
	switch operation {
	case "access":
		_, err = s.Access(ctx, childKey)
	case "session":
		_, err = s.Session(ctx, childKey)
	case "save":
		err = s.Save(ctx, childSession())
	case "delete":
		err = s.Delete(ctx, childKey)
	case "lock":
		var release func() error
		if release, err = s.Lock(ctx, childKey); err != nil {
			return err
		}
		fmt.Println("locked")
		time.Sleep(time.Minute) // to be killed while it holds the lock
		err = release()
	default:
		err = errors.New("no such operation")
	}
	return err
}

func childSession() token.Session {
	return token.Session{
		Access:       token.Access{Info: token.Info{Key: childKey}, AccessToken: token.NewSecret("child-access")},
		RefreshToken: token.NewSecret("child-refresh"),
	}
}

// command returns the test binary as a child with an environment of its own.
func command(t *testing.T, work string, env ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append([]string{
		childVariable + "=" + work, "GORACE=atexit_sleep_ms=0", "CHILD_STATE=" + t.TempDir(), "CHILD_LOCKS=" + t.TempDir(), "PATH=" + os.Getenv("PATH"),
	}, env...)
	c.Stderr = os.Stderr
	return c
}

// runChild runs a child to its end.
func runChild(t *testing.T, work string, env ...string) []report {
	t.Helper()
	out, err := command(t, work, env...).Output()
	if err != nil {
		t.Fatalf("child: %v: %s", err, out)
	}
	var reports []report
	for line := range strings.Lines(string(out)) {
		var r report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("child said %q", line)
		}
		reports = append(reports, r)
	}
	return reports
}
