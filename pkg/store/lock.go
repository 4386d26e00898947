package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/authctl/authctl/pkg/fault"
)

// lockFolder is where the locks of a store lie. They belong to the credential,
// so all processes of a user that share it must come to the same folder,
// whatever configuration and state folder each of them has: two renewals at
// once can cost the session. For files it is beside them. For a keyring it is
// beside the socket that leads to it, if nobody else can come there, else in the
// user's home. o.LockDir is for a process without a home, as in CI.
func lockFolder(o Options) string {
	if o.Name == File {
		return filepath.Join(o.DataDir, "locks")
	}
	base := keyringFolder(o.Getenv)
	if base == "" {
		base = homeFolder(o.Getenv)
	}
	if base == "" {
		return o.LockDir
	}
	return filepath.Join(base, "authctl", "locks")
}

// homeFolder is the user's own folder for what programs keep of their state.
// XDG_STATE_HOME has no say: two values of it share one keyring.
func homeFolder(getenv func(string) string) string {
	home := filepath.Join(getenv("HOME"), ".local", "state")
	if runtime.GOOS == "windows" {
		home = getenv("LocalAppData")
	}
	if !filepath.IsAbs(home) {
		return ""
	}
	return home
}

// lockFile takes the lock of the session with that id: flock(2) on a file of its own, which
// the system drops when its holder dies. The file stays: removing it would let
// two holders lock two files of one name.
func lockFile(ctx context.Context, folder, id string) (func() error, error) {
	if folder == "" {
		return nil, fault.New(fault.Store, "", "there is no folder for locks")
	}
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	path := filepath.Join(folder, id+".lock")
	for {
		l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDONLY|flagNoLink))
		if err := wait(ctx, l); err != nil {
			return nil, err
		}
		if stillThere(l) {
			return sync.OnceValue(l.Unlock), nil
		}
		if err := l.Unlock(); err != nil {
			return nil, fault.New(fault.Store, "", "the lock of the session: %w", err)
		}
	}
}

// stillThere says whether the locked file is the one that others would lock.
// Something that tidies up may have removed it while we waited.
func stillThere(l *flock.Flock) bool {
	locked, err := l.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(l.Path())
	return err == nil && os.SameFile(locked, now)
}

// wait takes the lock or gives up with the context. A waiting flock cannot be
// stopped; one that is left behind gives the lock back as soon as it gets it.
// It is not polled: hundreds of processes may wait, and each is to go on at
// once when the one before it is done.
func wait(ctx context.Context, l *flock.Flock) error {
	if ctx.Err() != nil {
		return givenUp(ctx)
	}
	if got, err := l.TryLock(); err != nil {
		return fault.New(fault.Store, "", "the lock of the session: %w", err)
	} else if got {
		return nil
	}
	done := make(chan error)
	go func() {
		err := l.Lock()
		for errors.Is(err, syscall.EINTR) {
			err = l.Lock()
		}
		select {
		case done <- err:
		case <-ctx.Done():
			_ = l.Unlock() // nobody is there to be told
		}
	}()
	select {
	case err := <-done:
		if err != nil {
			return fault.New(fault.Store, "", "the lock of the session: %w", err)
		}
		return nil
	case <-ctx.Done():
		return givenUp(ctx)
	}
}

func givenUp(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return fault.New(fault.Store, "try again", "another authctl is busy with this session: %w", ctx.Err())
}
