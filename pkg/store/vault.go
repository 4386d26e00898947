package store

import (
	"bytes"
	"context"
	"errors"

	"github.com/authctl/authctl/pkg/fault"
)

// Vault is a place that keeps items, each a few bytes under a name. It knows
// nothing of sessions. Names consist of lower-case letters, digits and dots,
// so that every system takes them as they are.
//
// An error of a method is one of three things: ErrNoItem; the context's error
// if the caller stopped waiting; or a fault.Store error, which says that the
// vault could not be asked or cannot read the item (errors.Is ErrDamaged). A
// vault that could not be asked never answers ErrNoItem.
type Vault interface {
	// Get returns the item of that name.
	Get(ctx context.Context, name string) ([]byte, error)
	// Set writes the item of that name, over an older one.
	Set(ctx context.Context, name string, value []byte) error
	// Delete removes the item of that name; ErrNoItem if there was none.
	Delete(ctx context.Context, name string) error
}

// ErrNoItem says that a vault was asked and has no item of that name.
var ErrNoItem = errors.New("no such item")

// ErrDamaged marks errors which say that an item or an index entry is there
// and cannot be read: cut off, changed, swapped, or encrypted for another
// identity. Writing the item anew mends it.
var ErrDamaged = errors.New("damaged")

const (
	hintLoginAgain = "log in again: authctl login"
	hintOtherStore = "without a keyring: authctl login --store file (encrypted), or --store none"
	hintTryAgain   = "try again, and answer the dialog of the keyring"
)

// unreadable is an error with its own words that is ErrDamaged.
type unreadable struct{ cause string }

func (e *unreadable) Error() string        { return e.cause }
func (e *unreadable) Is(target error) bool { return target == ErrDamaged }

// damaged returns the fault for an item or entry that cannot be read.
func damaged(hint, cause string) error {
	return &fault.Error{Kind: fault.Store, Err: &unreadable{cause}, Hint: hint}
}

// checked reads back what its vault was told to write or delete: a dismissed
// dialog of a keyring reports success and changes nothing.
type checked struct{ Vault }

func (c checked) Set(ctx context.Context, name string, value []byte) error {
	if err := c.Vault.Set(ctx, name, value); err != nil {
		return err
	}
	kept, err := c.Get(ctx, name)
	switch {
	case err == nil && bytes.Equal(kept, value):
		return nil
	case err == nil, errors.Is(err, ErrNoItem), errors.Is(err, ErrDamaged):
		return fault.New(fault.Store, hintTryAgain, "the store did not keep what was written")
	default:
		return fault.Wrap(err, "written, but not read back")
	}
}

func (c checked) Delete(ctx context.Context, name string) error {
	if err := c.Vault.Delete(ctx, name); err != nil {
		return err
	}
	_, err := c.Get(ctx, name)
	switch {
	case errors.Is(err, ErrNoItem):
		return nil
	case err == nil, errors.Is(err, ErrDamaged):
		return fault.New(fault.Store, hintTryAgain, "the store did not delete what it was told to")
	default:
		return fault.Wrap(err, "deleted, but not looked up again")
	}
}
