package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

// ErrNoTerminal says that there is no terminal to ask on.
var ErrNoTerminal = errors.New("there is no terminal to ask on")

// ErrInputEnded says that Ctrl-D was typed, or the terminal went away, before
// there was an answer.
var ErrInputEnded = errors.New("the input ended before there was an answer")

const (
	// maxVisible is how long an answer at a visible prompt can be. The system
	// reads that line, and silently drops what is beyond 1,023 (macOS) or 4,095
	// (Linux) bytes.
	maxVisible = 1022
	// maxHidden is how long a secret at a prompt can be; authctl reads it
	// itself, so it is only a guard against a wrong paste.
	maxHidden = 1 << 20
)

// What the keys of a terminal send (ASCII).
const (
	ctrlD     = 0x04
	backspace = 0x08
	ctrlU     = 0x15
	ctrlW     = 0x17
	rubout    = 0x7f
)

// TTY is the terminal that the program was started from. It answers while
// standard input and output are pipes. Its prompts return ctx.Err() as soon as
// ctx is done, with the terminal as it was before.
type TTY struct{ in, out *os.File }

// OpenTTY opens the terminal; the error wraps ErrNoTerminal if there is none.
func OpenTTY() (*TTY, error) {
	t, err := openTTY()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	terminal := false
	err = control(t.in, func(fd int) error {
		terminal = term.IsTerminal(fd)
		return nil
	})
	if err != nil || !terminal {
		_ = t.Close()
		return nil, ErrNoTerminal
	}
	return t, nil
}

// Close closes the terminal.
func (t *TTY) Close() error {
	err := t.in.Close()
	if t.out != t.in {
		err = errors.Join(err, t.out.Close())
	}
	return err
}

// Prompt asks for a line of text, without its line ending.
func (t *TTY) Prompt(ctx context.Context, label string) (string, error) {
	return t.ask(ctx, label+": ")
}

// ask prints a question as it stands and reads a line that shows as it is
// typed.
func (t *TTY) ask(ctx context.Context, question string) (string, error) {
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err := t.print(Sanitize(question)); err != nil {
		return "", err
	}
	line, err := t.await(ctx, readVisible)
	if err != nil {
		_ = t.print("\n") // the line was not ended by Enter
	}
	return string(line), err
}

// PromptSecret asks for a line of text that does not show. Blanks in it and at
// its ends stay; only the line ending goes.
func (t *TTY) PromptSecret(ctx context.Context, label string) (_ token.Secret, err error) {
	if ctx.Err() != nil {
		return token.Secret{}, ctx.Err()
	}
	// Hide first: what is typed as soon as the prompt appears must not show.
	var restore func(fd int) error
	err = control(t.in, func(fd int) (err error) {
		restore, err = hide(fd)
		return err
	})
	if err != nil {
		return token.Secret{}, fmt.Errorf("hide what is typed: %w", err)
	}
	defer func() {
		if restoreErr := control(t.in, restore); err == nil && restoreErr != nil {
			err = fmt.Errorf("show again what is typed: %w", restoreErr)
		}
	}()
	if err := t.print(Sanitize(label + ": ")); err != nil {
		return token.Secret{}, err
	}
	line, err := t.await(ctx, readHidden)
	_ = t.print("\n") // Enter did not show either
	return token.NewSecret(string(line)), err
}

// Confirm asks a question that is answered by y or n. Enter alone means no.
func (t *TTY) Confirm(ctx context.Context, question string) (bool, error) {
	for {
		answer, err := t.ask(ctx, question+" [y/N] ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true, nil
		case "", "n", "no":
			return false, nil
		}
		if err := t.print("Please type y or n.\n"); err != nil {
			return false, err
		}
	}
}

func (t *TTY) print(text string) error {
	_, err := io.WriteString(t.out, text)
	return err
}

// await reads beside <-ctx.Done(): a signal that is caught does not end a read
// from a terminal.
func (t *TTY) await(ctx context.Context, read func(io.Reader) ([]byte, error)) ([]byte, error) {
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := read(t.in)
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		return r.line, r.err
	case <-ctx.Done():
		// A deadline in the past ends the read. Where a terminal knows no
		// deadlines (macOS, Windows) the read stays behind until the program
		// ends, which is next.
		if t.in.SetReadDeadline(time.Unix(1, 0)) == nil {
			<-done
			_ = t.in.SetReadDeadline(time.Time{})
		}
		return nil, ctx.Err()
	}
}

// readByte reads one byte, so that what follows the line stays for the next
// prompt or the shell.
func readByte(r io.Reader) (byte, error) {
	var one [1]byte
	_, err := io.ReadFull(r, one[:])
	if errors.Is(err, io.EOF) {
		return 0, ErrInputEnded
	}
	return one[0], err
}

// readVisible reads a line that the terminal has already edited and shown.
func readVisible(r io.Reader) ([]byte, error) {
	var line []byte
	for {
		c, err := readByte(r)
		switch {
		case err != nil:
			return nil, err
		case c != '\n':
			line = append(line, c)
		case len(line) > maxVisible:
			return nil, fault.New(fault.Usage, "give it with --input NAME=@file", "the answer is too long for a prompt")
		default:
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
	}
}

// readHidden reads and edits a line itself: the terminal's own editing ends
// at a fixed length, where it drops what follows without a word. It reads to
// the end of the line even if the line is refused; else the rest of a paste
// would go to the shell.
func readHidden(r io.Reader) ([]byte, error) {
	var line []byte
	var tooLong, control bool
	for {
		c, err := readByte(r)
		if err != nil {
			return nil, err
		}
		switch c {
		case '\r', '\n':
			if err := refuseHidden(tooLong, control); err != nil {
				return nil, err
			}
			return line, nil
		case ctrlD:
			return nil, ErrInputEnded
		case ctrlU:
			line, tooLong, control = line[:0], false, false
		case backspace, rubout, ctrlW:
			line = erase(line, c == ctrlW)
		default:
			control = control || (c < ' ' && c != '\t')
			if tooLong = tooLong || len(line) == maxHidden; !tooLong {
				line = append(line, c)
			}
		}
	}
}

// refuseHidden says why a line cannot be taken as the secret that was meant.
func refuseHidden(tooLong, control bool) error {
	const hint = "give it on standard input or from a file"
	switch {
	case tooLong:
		return fault.New(fault.Usage, hint, "the answer is too long for a prompt: more than 1 MiB")
	case control:
		return fault.New(fault.Usage, "type it again, or "+hint,
			"the answer holds a control character: was an arrow key pressed?")
	default:
		return nil
	}
}

// erase takes the last character off the line, or the last word.
func erase(line []byte, word bool) []byte {
	if !word {
		_, size := utf8.DecodeLastRune(line)
		return line[:len(line)-size]
	}
	line = bytes.TrimRightFunc(line, unicode.IsSpace)
	return bytes.TrimRightFunc(line, func(r rune) bool { return !unicode.IsSpace(r) })
}

// control calls f with the descriptor of a terminal. File.Fd would do the same
// and switch read deadlines off.
func control(file *os.File, f func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = conn.Control(func(fd uintptr) { inner = f(int(fd)) })
	return errors.Join(err, inner)
}
