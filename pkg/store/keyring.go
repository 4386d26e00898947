package store

import (
	"context"
	"errors"
	"os/exec"
	"sync"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/authctl/authctl/pkg/fault"
)

// service is the name under which all items of authctl lie in the keyring. It
// and the names of items hold no text of the user.
const service = "authctl"

const (
	unattended = 5 * time.Second  // how long a keyring may take when nobody is there
	attended   = 60 * time.Second // and when a person may be typing a password
	tellAfter  = time.Second      // when that person is told what is waited for
)

// backend is what go-keyring does. Its errors are ErrNotFound, ErrSetDataTooBig
// and, for everything else, those of the system.
type backend interface {
	Get(service, user string) (string, error)
	Set(service, user, password string) error
	Delete(service, user string) error
}

type goKeyring struct{}

func (goKeyring) Get(service, user string) (string, error) {
	if value, found := quickGet(service, user); found {
		return value, nil
	}
	return keyring.Get(service, user)
}

func (goKeyring) Set(service, user, password string) error {
	return keyring.Set(service, user, password)
}
func (goKeyring) Delete(service, user string) error { return keyring.Delete(service, user) }

// Names returns the names of all items of a service.
func (goKeyring) Names(service string) ([]string, error) { return listItems(service) }

// keyringVault keeps items in the keyring of the desktop. Its calls cannot be
// stopped, only left behind, so they take turns: one that was left behind and
// still runs must not write after a later one.
type keyringVault struct {
	backend backend
	ready   func() error  // says why the keyring must not be called, if so
	absent  func() error  // asked after 'not found': an error if that may be wrong
	limit   time.Duration // for one call, without the wait for its turn
	waiting func()        // called once if a call takes long; nil where nobody is there

	mu      sync.Mutex
	running *keyringCall // nil if none is
}

// keyringCall has two channels that are closed when the call has ended, and
// when its caller has left it behind.
type keyringCall struct{ ended, left chan struct{} }

func newKeyring(b backend, ready, absent func() error, limit time.Duration) *keyringVault {
	return &keyringVault{backend: b, ready: ready, absent: absent, limit: limit}
}

// Get implements Vault.
func (k *keyringVault) Get(ctx context.Context, name string) ([]byte, error) {
	var value string
	err := k.call(ctx, func() (err error) {
		value, err = k.backend.Get(service, name)
		return k.confirm(err)
	})
	if err != nil {
		return nil, err
	}
	return []byte(value), nil
}

// Set implements Vault.
func (k *keyringVault) Set(ctx context.Context, name string, value []byte) error {
	text := string(value)
	return k.call(ctx, func() error { return k.backend.Set(service, name, text) })
}

// Delete implements Vault.
func (k *keyringVault) Delete(ctx context.Context, name string) error {
	return k.call(ctx, func() error { return k.confirm(k.backend.Delete(service, name)) })
}

// confirm asks again when the backend found nothing: a keyring that was locked
// a moment ago finds nothing either.
func (k *keyringVault) confirm(err error) error {
	if !errors.Is(err, keyring.ErrNotFound) {
		return err
	}
	if err := k.absent(); err != nil {
		return err
	}
	return ErrNoItem
}

// call runs do until it ends, the caller gives up, or the limit is reached.
func (k *keyringVault) call(ctx context.Context, do func() error) error {
	if ctx.Err() != nil {
		return late(ctx)
	}
	if err := k.ready(); err != nil {
		return err
	}
	c, err := k.begin(ctx)
	if err != nil {
		return err
	}
	limited, cancel := k.limited(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		err := guard(func() error { return explain(do()) }) // explaining may ask the keyring
		k.end(c)
		done <- err
	}()
	tell := time.NewTimer(tellAfter)
	defer tell.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tell.C:
			k.tell()
		case <-limited.Done():
			close(c.left)
			return late(limited)
		}
	}
}

// tell tells the person, once, that the keyring is waited for: its dialog may
// lie behind a window.
func (k *keyringVault) tell() {
	k.mu.Lock()
	waiting := k.waiting
	k.waiting = nil
	k.mu.Unlock()
	if waiting != nil {
		waiting()
	}
}

// begin waits until no call runs. It does not wait for one that was left
// behind: that may take for ever.
func (k *keyringVault) begin(ctx context.Context) (*keyringCall, error) {
	for {
		k.mu.Lock()
		c := k.running
		if c == nil {
			c = &keyringCall{ended: make(chan struct{}), left: make(chan struct{})}
			k.running = c
			k.mu.Unlock()
			return c, nil
		}
		k.mu.Unlock()
		select {
		case <-c.ended:
		case <-c.left:
			if !isClosed(c.ended) {
				return nil, fault.New(fault.Store, hintOtherStore, "the keyring has not answered an earlier call")
			}
		case <-ctx.Done():
			return nil, late(ctx)
		}
	}
}

func (k *keyringVault) end(c *keyringCall) {
	k.mu.Lock()
	k.running = nil
	k.mu.Unlock()
	close(c.ended)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// late tells why a call was not waited for any longer.
func late(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return fault.New(fault.Store, hintOtherStore, "the keyring does not answer in time")
}

// budget is what an operation of several calls has spent on them, without the
// wait for its turns.
type budget struct{ spent time.Duration }

type budgetKey struct{}

// withBudget begins an operation: a keyring that takes nearly its limit for each
// call must not take it ten times.
func withBudget(ctx context.Context) context.Context {
	return context.WithValue(ctx, budgetKey{}, new(budget))
}

// limited bounds a call by the limit, and by what is left for its operation,
// which has twice the limit.
func (k *keyringVault) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	limit, cause := k.limit, fault.New(fault.Store, hintOtherStore, "the keyring does not answer (%s)", k.limit)
	b, ok := ctx.Value(budgetKey{}).(*budget)
	if !ok {
		return context.WithTimeoutCause(ctx, limit, cause)
	}
	if left := 2*k.limit - b.spent; left < limit {
		limit, cause = left, fault.New(fault.Store, hintOtherStore, "the keyring is too slow (%s)", 2*k.limit)
	}
	start := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, limit, cause)
	return limited, func() {
		cancel()
		b.spent += time.Since(start)
	}
}

// guard turns a panic of do into an error: go-keyring panics on a malformed
// answer. The value of the panic is dropped; it may quote the answer.
func guard(do func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = fault.New(fault.Store, hintOtherStore, "the keyring gave a malformed answer")
		}
	}()
	return do()
}

// explain puts an error of the backend into plain words.
func explain(err error) error {
	var f *fault.Error
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, ErrNoItem), errors.As(err, &f):
		return err
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return fault.New(fault.Store, hintOtherStore, "the item is too large for the keyring")
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return fault.New(fault.Store, hintOtherStore, "there is no keyring on this system")
	case errors.As(err, &exit):
		return explainSecurity(exit.ExitCode())
	default:
		return explainSystem(err)
	}
}

// explainSecurity explains an exit code of macOS's security(1): the last byte
// of an OSStatus, such as errSecInteractionNotAllowed (-25308).
func explainSecurity(code int) error {
	const unlock = "security unlock-keychain, or " + hintOtherStore
	switch code {
	case 36, 51, 128: // not allowed to ask, wrong password, dialog dismissed
		return fault.New(fault.Store, unlock, "the keyring is locked")
	default:
		return fault.New(fault.Store, hintOtherStore, "the keyring failed (security: exit %d)", code)
	}
}

// locked is the error for a keyring that is there and does not open.
func locked() error {
	return fault.New(fault.Store, "unlock the keyring and try again, or "+hintOtherStore, "the keyring is locked")
}
