package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
		return s.clear(ctx, name, "a", "b")
	}
	slot, other := "a", "b"
	if old != nil && old.slot == "a" {
		slot, other = other, slot
	}
	return s.setPieces(ctx, name, value, slot, other)
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

// setPieces writes value into slot, then the header, then clears what is left
// of older writes: in the other slot, and behind the last piece of this one.
func (s split) setPieces(ctx context.Context, name string, value []byte, slot, other string) error {
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
	if err := s.clear(ctx, name, other); err != nil {
		return err
	}
	_, err := s.clearFrom(ctx, name, slot, h.count)
	return err
}

// Delete implements Vault: the header first, because without it there is no
// item, then all pieces, those of interrupted writes included.
func (s split) Delete(ctx context.Context, name string) error {
	err := s.inner.Delete(ctx, name)
	if err != nil && !errors.Is(err, ErrNoItem) {
		return err
	}
	found := err == nil
	for _, slot := range []string{"a", "b"} {
		n, err := s.clearFrom(ctx, name, slot, 0)
		if err != nil {
			return err
		}
		found = found || n > 0
	}
	if !found {
		return ErrNoItem
	}
	return nil
}

func (s split) clear(ctx context.Context, name string, slots ...string) error {
	for _, slot := range slots {
		if _, err := s.clearFrom(ctx, name, slot, 0); err != nil {
			return err
		}
	}
	return nil
}

// clearFrom deletes the pieces of a slot from number first on and says how
// many there were. Pieces are written upwards and deleted downwards: they
// never have a gap, so the first absent one is the end.
func (s split) clearFrom(ctx context.Context, name, slot string, first int) (int, error) {
	end := first
	for {
		_, err := s.inner.Get(ctx, pieceName(name, slot, end))
		if errors.Is(err, ErrNoItem) {
			break
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			return 0, err
		}
		end++
	}
	for i := end - 1; i >= first; i-- {
		err := s.inner.Delete(ctx, pieceName(name, slot, i))
		if err != nil && !errors.Is(err, ErrNoItem) {
			return 0, err
		}
	}
	return end - first, nil
}

func sumOf(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}
