package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/authctl/authctl/pkg/fault"
)

// pty is a terminal whose keys the test presses and whose screen it reads.
type pty struct {
	keys   *os.File
	screen *bufio.Reader
	tty    *TTY
}

func newPTY(t *testing.T) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	var name string
	err = control(master, func(fd int) error {
		n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
		name = "/dev/pts/" + strconv.Itoa(n)
		return errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pty{master, bufio.NewReader(master), &TTY{in: slave, out: slave}}
	t.Cleanup(func() { _ = errors.Join(p.tty.Close(), master.Close()) })
	_ = master.SetReadDeadline(time.Now().Add(20 * time.Second))
	return p
}

// expect reads the screen until text appears and returns all it read.
func (p *pty) expect(t *testing.T, text string) string {
	t.Helper()
	var seen strings.Builder
	for !strings.HasSuffix(seen.String(), text) {
		c, err := p.screen.ReadByte()
		if err != nil {
			t.Fatalf("waiting for %q: %v; seen %q", text, err, seen.String())
		}
		seen.WriteByte(c)
	}
	return seen.String()
}

func (p *pty) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := io.WriteString(p.keys, keys); err != nil {
		t.Fatal(err)
	}
}

// mode returns the settings of the terminal.
func (p *pty) mode(t *testing.T) unix.Termios {
	t.Helper()
	var mode *unix.Termios
	err := control(p.tty.in, func(fd int) (err error) {
		mode, err = unix.IoctlGetTermios(fd, getTermios)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return *mode
}

// answer is how a prompt ended.
type answer struct {
	text string
	err  error
}

func start(prompt func() (string, error)) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		text, err := prompt()
		done <- answer{text, err}
	}()
	return done
}

// wait returns the answer of a prompt, which must not keep us.
func wait(t *testing.T, done <-chan answer) answer {
	t.Helper()
	select {
	case a := <-done:
		return a
	case <-time.After(20 * time.Second):
		t.Fatal("the prompt goes on waiting")
		return answer{}
	}
}

func (p *pty) secret(ctx context.Context) <-chan answer {
	return start(func() (string, error) {
		s, err := p.tty.PromptSecret(ctx, "Pass\x1bword")
		return s.Reveal(), err
	})
}

func TestPromptSecret(t *testing.T) {
	long := strings.Repeat("0123456789", 500)
	for _, tt := range []struct{ name, keys, want, err string }{
		{"plain", "hunter2\n", "hunter2", ""},
		{"empty", "\n", "", ""},
		{"blanks stay", " a b\t \r", " a b\t ", ""},
		{"5,000 bytes", long + "\n", long, ""},
		{"20,000 bytes", strings.Repeat(long, 4) + "\n", strings.Repeat(long, 4), ""},
		{"editing", "axé\x7f\x7fb word\x17c\x08d\n", "ab d", ""},
		{"start again", "wrong\x1b[A\x15right\n", "right", ""},
		{"end of input", "abc\x04", "", ErrInputEnded.Error()},
		{"arrow key", "abc\x1b[A\n", "", "the answer holds a control character: was an arrow key pressed?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPTY(t)
			before := p.mode(t)
			done := p.secret(t.Context())
			p.expect(t, `Pass\x1bword: `)
			p.press(t, tt.keys)
			got := wait(t, done)
			if got.text != tt.want || (tt.err == "") != (got.err == nil) || (got.err != nil && got.err.Error() != tt.err) {
				t.Errorf("got %d bytes %.20q, %v", len(got.text), got.text, got.err)
			}
			if shown := p.expect(t, "\n"); shown != "\r\n" {
				t.Errorf("what was typed shows: %q", shown)
			}
			if after := p.mode(t); after != before {
				t.Error("the terminal is not as it was")
			}
		})
	}
}

func TestPromptSecretTooLong(t *testing.T) {
	_, err := readHidden(strings.NewReader(strings.Repeat("x", maxHidden+1) + "\nnext"))
	if fault.KindOf(err) != fault.Usage {
		t.Errorf("got %v", err)
	}
	line, err := readHidden(strings.NewReader(strings.Repeat("x", maxHidden) + "\n"))
	if len(line) != maxHidden || err != nil {
		t.Errorf("got %d bytes, %v", len(line), err)
	}
}

func TestPromptSecretCancelled(t *testing.T) {
	p := newPTY(t)
	before := p.mode(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := p.secret(ctx)
	p.expect(t, ": ")
	if mode := p.mode(t); mode.Lflag&unix.ECHO != 0 || mode.Lflag&unix.ISIG == 0 {
		t.Error("the terminal shows what is typed, or Ctrl-C is no signal")
	}
	p.press(t, "half a pass")
	cancel()
	if got := wait(t, done); !errors.Is(got.err, context.Canceled) || got.text != "" || fault.KindOf(got.err) != fault.Interrupted {
		t.Errorf("got %+v", got)
	}
	if p.mode(t) != before {
		t.Error("the terminal is not as it was")
	}
	// The abandoned read is gone: it does not take the next answer.
	next := start(func() (string, error) { return p.tty.Prompt(t.Context(), "User") })
	p.expect(t, "User: ")
	p.press(t, "me\n")
	if got := wait(t, next); !strings.HasSuffix(got.text, "me") || got.err != nil {
		t.Errorf("got %+v", got)
	}
	if _, err := p.tty.PromptSecret(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPrompt(t *testing.T) {
	fits := strings.Repeat("x", maxVisible)
	for _, tt := range []struct{ name, keys, want, err string }{
		{"plain", "me\n", "me", ""},
		{"edited, blanks stay", "mx\x7fe \n", "me ", ""},
		{"1,022 bytes", fits + "\n", fits, ""},
		{"1,023 bytes", fits + "x\n", "", "the answer is too long for a prompt"},
		{"5,000 bytes, which Linux cuts", strings.Repeat("x", 5000) + "\n", "", "the answer is too long for a prompt"},
		{"end of input", "\x04", "", ErrInputEnded.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPTY(t)
			done := start(func() (string, error) { return p.tty.Prompt(t.Context(), "User name") })
			p.expect(t, "User name: ")
			go func() { _, _ = io.Copy(io.Discard, p.screen) }() // what is typed shows
			p.press(t, tt.keys)
			got := wait(t, done)
			if got.text != tt.want || (tt.err == "") != (got.err == nil) || (got.err != nil && got.err.Error() != tt.err) {
				t.Errorf("got %d bytes %.20q, %v", len(got.text), got.text, got.err)
			}
		})
	}
}

func TestConfirm(t *testing.T) {
	for keys, want := range map[string]bool{"y\n": true, " YES \n": true, "\n": false, "n\n": false, "what\ny\n": true} {
		p := newPTY(t)
		done := start(func() (string, error) {
			yes, err := p.tty.Confirm(t.Context(), "Revoke it?")
			return strconv.FormatBool(yes), err
		})
		p.expect(t, "Revoke it? [y/N] ")
		p.press(t, keys)
		if got, want := wait(t, done), (answer{text: strconv.FormatBool(want)}); got != want {
			t.Errorf("%q: got %+v", keys, got)
		}
	}
}

// TestMain also plays the program that is started from a terminal, with
// standard input and output as pipes.
func TestMain(m *testing.M) {
	if os.Getenv("CONSOLE_TEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tty, err := OpenTTY()
	if err != nil {
		fmt.Println(errors.Is(err, ErrNoTerminal), err)
		return
	}
	s, err := tty.PromptSecret(ctx, "Password")
	fmt.Println(len(s.Reveal()), err)
}

// child starts this test as a program of a session of its own, on p if it is
// not nil.
func child(t *testing.T, p *pty) (result func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "CONSOLE_TEST_CHILD=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var out strings.Builder
	cmd.Stdout, cmd.Stdin = &out, strings.NewReader("not this\n")
	if p != nil {
		cmd.ExtraFiles = []*os.File{p.tty.in}
		cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, 3
	}
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	return func() string {
		defer cancel()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		return out.String()
	}
}

func TestPromptWhileStandardStreamsArePipes(t *testing.T) {
	p := newPTY(t)
	result := child(t, p)
	p.expect(t, "Password: ")
	p.press(t, strings.Repeat("x", 5000)+"\n")
	if got := result(); got != "5000 <nil>\n" {
		t.Errorf("got %q", got)
	}
}

func TestCtrlCAtHiddenPrompt(t *testing.T) {
	p := newPTY(t)
	before := p.mode(t)
	result := child(t, p)
	p.expect(t, "Password: ")
	p.press(t, "abc\x03")
	if got := result(); !strings.HasPrefix(got, "0 ") || !strings.Contains(got, "cancel") {
		t.Errorf("got %q", got)
	}
	if p.mode(t) != before {
		t.Error("the terminal is not as it was")
	}
}

func TestNoTerminal(t *testing.T) {
	if got := child(t, nil)(); !strings.HasPrefix(got, "true there is no terminal to ask on: ") {
		t.Errorf("got %q", got)
	}
}

func TestStreamOnTerminal(t *testing.T) {
	p := newPTY(t)
	s := NewStream(p.tty.out, Options{Getenv: environment("")})
	if !s.Terminal() || s.Width() != 80 || s.Paint(Bold, "x") == "x" {
		t.Errorf("terminal %v, width %d, %q", s.Terminal(), s.Width(), s.Paint(Bold, "x"))
	}
	if err := unix.IoctlSetWinsize(int(p.tty.out.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: 120, Row: 40}); err != nil {
		t.Fatal(err)
	}
	if s.Width() != 120 || !IsTerminal(p.tty.in) || IsTerminal(strings.NewReader("")) {
		t.Errorf("width %d", s.Width())
	}
}
