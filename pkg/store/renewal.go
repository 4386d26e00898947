package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

// renewal is a note beside the lock of a session: a refresh token is under way.
// It is a file and no item of the vault, because a keyring takes long to write.
type renewal struct {
	Began    time.Time `json:"began"`
	Obtained time.Time `json:"obtained"` // when the token that is being renewed came; the note is for no other
}

// BeginRenewal notes that the refresh token of a session is about to be sent.
// Who is killed before the answer is kept leaves the note behind: then the
// server may have used the refresh token up, and interrupted is when that began.
// The caller holds the lock.
func (s *Store) BeginRenewal(of token.Info, now time.Time) (interrupted time.Time, err error) {
	path := s.renewalPath(of.Key)
	var earlier renewal
	// A note that cannot be read says nothing, and is written anew.
	if data, err := readPrivate(path, othersWrite); err == nil && strict(data, &earlier) == nil && earlier.Obtained.Equal(of.ObtainedAt) {
		return earlier.Began, nil
	}
	data, err := encode(renewal{Began: now, Obtained: of.ObtainedAt})
	if err != nil {
		return time.Time{}, err
	}
	return time.Time{}, fault.Wrap(writePrivate(path, data), "the renewal is not noted")
}

// EndRenewal removes the note: the answer is kept, or the server has refused.
// The caller holds the lock.
func (s *Store) EndRenewal(key token.Key) error {
	if err := removePrivate(s.renewalPath(key)); !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(err, "the note of a renewal is still there")
	}
	return nil
}

func (s *Store) renewalPath(key token.Key) string {
	return filepath.Join(s.locks, key.ID()+".renewal")
}
