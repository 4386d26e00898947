package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxItem is the size in bytes above which an item is split. The smallest
// limit is that of Windows, 2,560 bytes; macOS takes about 2,976.
const maxItem = 2400

// splitMark begins every header of a split item.
const splitMark = "authctl-split "

// split keeps large items in a vault with a limit, in pieces. A small item is
// one plain item and one read.
//
// The pieces of an item lie in one of two slots, a and b. A write fills the
// slot that is not in use, then replaces the header, then clears the slot that
// was in use: the header points to a complete set at every moment. The names
// of the pieces can be told without a header, because keyrings cannot list:
// what a killed writer left behind is found again and deleted.
type split struct {
	inner Vault
	max   int // bytes in one item
}

// NewSplit returns a vault that keeps items of any size in one that takes at
// most max bytes an item. Writers of one item must not run at the same time;
// readers may.
func NewSplit(inner Vault, max int) Vault { return split{inner: checked{inner}, max: max} }

// header describes the pieces of a split item.
type header struct {
	slot   string // "a" or "b"
	id     string // random, so that two writes never have equal headers
	count  int    // of pieces
	length int    // of all pieces together, bytes
	sum    string // SHA-256 of all pieces together, hexadecimal
}

func (h header) String() string {
	return fmt.Sprintf("%s1 %s %s %d %d %s", splitMark, h.slot, h.id, h.count, h.length, h.sum)
}

// parseHeader returns nil for an item that is none.
func parseHeader(item []byte) (*header, error) {
	text, found := strings.CutPrefix(string(item), splitMark)
	if !found {
		return nil, nil
	}
	wrong := damaged(hintLoginAgain, "the session is damaged: the header of its pieces")
	part := strings.Split(text, " ")
	if len(part) != 6 || part[0] != "1" || (part[1] != "a" && part[1] != "b") {
		return nil, wrong
	}
	count, err := strconv.ParseUint(part[3], 10, 16)
	if err != nil {
		return nil, wrong
	}
	length, err := strconv.ParseUint(part[4], 10, 31)
	if err != nil {
		return nil, wrong
	}
	return &header{slot: part[1], id: part[2], count: int(count), length: int(length), sum: part[5]}, nil
}

func pieceName(name, slot string, i int) string {
	return name + "." + slot + "." + strconv.Itoa(i)
}

// Get implements Vault. A writer may replace the pieces while they are read;
// the header tells, and they are read again.
func (s split) Get(ctx context.Context, name string) ([]byte, error) {
	item, err := s.inner.Get(ctx, name)
	for err == nil {
		var h *header
		if h, err = parseHeader(item); err != nil || h == nil {
			return item, err
		}
		value, broken := s.join(ctx, name, h)
		if broken == nil || !errors.Is(broken, ErrDamaged) {
			return value, broken
		}
		var again []byte
		if again, err = s.inner.Get(ctx, name); err == nil && bytes.Equal(again, item) {
			return nil, broken
		}
		item = again
	}
	return nil, err
}

// join reads the pieces that h describes.
func (s split) join(ctx context.Context, name string, h *header) ([]byte, error) {
	var value []byte
	for i := range h.count {
		piece, err := s.inner.Get(ctx, pieceName(name, h.slot, i))
		if errors.Is(err, ErrNoItem) {
			return nil, damaged(hintLoginAgain, "the session is damaged: a piece is missing")
		}
		if err != nil {
			return nil, err
		}
		value = append(value, piece...)
	}
	if len(value) != h.length || sumOf(value) != h.sum {
		return nil, damaged(hintLoginAgain, "the session is damaged: its pieces do not fit together")
	}
	return value, nil
}

// Set implements Vault.
func (s split) Set(ctx context.Context, name string, value []byte) error {
	old, err := s.header(ctx, name)
	if err != nil {
		return err
	}
	if len(value) <= s.max && !bytes.HasPrefix(value, []byte(splitMark)) {
		if err := s.inner.Set(ctx, name, value); err != nil || old == nil {
			return err
		}
		_, _ = s.clearAll(ctx, name, old) // see setPieces
		return nil
	}
	if old == nil { // then no slot is in use
		old = &header{slot: "b"}
	}
	return s.setPieces(ctx, name, value, old)
}

// header returns that of the item as it is, or nil if there is none to keep.
func (s split) header(ctx context.Context, name string) (*header, error) {
	item, err := s.inner.Get(ctx, name)
	if errors.Is(err, ErrNoItem) || errors.Is(err, ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(item)
	if err != nil { // a broken header points to nothing that could be kept
		return &header{slot: "b"}, nil
	}
	return h, nil
}

// setPieces writes value into the slot that old does not use, then the header,
// then clears what is left of older writes: in the old slot, and behind the
// last piece of the new one.
func (s split) setPieces(ctx context.Context, name string, value []byte, old *header) error {
	slot := "a"
	if old.slot == "a" {
		slot = "b"
	}
	h := header{slot: slot, id: rand.Text(), length: len(value), sum: sumOf(value)}
	for rest := value; len(rest) > 0; h.count++ {
		piece := rest[:min(s.max, len(rest))]
		rest = rest[len(piece):]
		if err := s.inner.Set(ctx, pieceName(name, slot, h.count), piece); err != nil {
			return err
		}
	}
	if err := s.inner.Set(ctx, name, []byte(h.String())); err != nil {
		return err
	}
	// The item is written, whatever becomes of the old pieces: an error would say
	// that it is not. Delete finds what stays behind, and reports it if it cannot.
	_, _ = s.clear(ctx, name, old.slot, 0, old.count)
	_, _ = s.clear(ctx, name, slot, h.count, h.count)
	return nil
}

// Delete implements Vault: the header first, because without it there is no
// item, then all pieces, those of interrupted writes included.
func (s split) Delete(ctx context.Context, name string) error {
	old, err := s.header(ctx, name)
	if err != nil {
		return err
	}
	err = s.inner.Delete(ctx, name)
	if err != nil && !errors.Is(err, ErrNoItem) {
		return err
	}
	pieces, clearErr := s.clearAll(ctx, name, old)
	if clearErr != nil {
		return clearErr
	}
	if pieces > 0 {
		return nil
	}
	return err
}

// clearAll clears both slots of an item that had the header old, or none, and
// says how many pieces there were.
func (s split) clearAll(ctx context.Context, name string, old *header) (int, error) {
	pieces := 0
	for _, slot := range []string{"a", "b"} {
		known := 0
		if old != nil && old.slot == slot {
			known = old.count
		}
		n, err := s.clear(ctx, name, slot, 0, known)
		pieces += n
		if err != nil {
			return pieces, err
		}
	}
	return pieces, nil
}

// clear deletes the pieces of a slot from number first on and says how many
// there were. Pieces are written upwards and deleted downwards, so that they
// have no gap and the first absent one is the end; below the number known it
// looks on even so, for a set that somebody else has damaged.
func (s split) clear(ctx context.Context, name, slot string, first, known int) (int, error) {
	var found []string
	for i := first; ; i++ {
		piece := pieceName(name, slot, i)
		_, err := s.inner.Get(ctx, piece)
		if errors.Is(err, ErrNoItem) {
			if i < known {
				continue
			}
			break
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			return 0, err
		}
		found = append(found, piece)
	}
	for _, piece := range slices.Backward(found) {
		if err := s.inner.Delete(ctx, piece); err != nil && !errors.Is(err, ErrNoItem) {
			return 0, err
		}
	}
	return len(found), nil
}

func sumOf(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}
