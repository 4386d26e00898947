package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
)

func (a *app) curlCommand() *cobra.Command {
	return exitCodes(&cobra.Command{
		Use:   "curl [PROFILE] -- ARGUMENT...",
		Short: "Run curl with the token, at the profile's API only",
		Long: `Run the curl of this machine with the credential of a session. It is handed
over through a pipe: the command line, the environment and the disk never hold
it. A path stands after the API's address; another origin gets nothing, and no
redirect is followed. Your .curlrc is not read.

When the server says that the token is over, it is renewed and the request sent
once more, if curl does not read standard input for it. --verbose of curl shows
the request without the token. The exit code is that of curl.`,
		Example: `  authctl curl zumrails -- /api/whoami
  authctl curl analogue -- -sS -X POST --json '{"name":"a"}' /api/items
  authctl curl haut-ai -- -fsS -o users.json https://saas.haut.ai/api/v1/users/`,
		Args:              withCommand("a profile at most and, after --, the arguments of curl"),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			profiles, rest := splitCommand(cmd, args)
			if len(profiles) > 1 {
				return fault.New(fault.Usage, "name one", "%d profiles are named, and curl asks one API", len(profiles))
			}
			return a.curl(cmd.Context(), profiles, rest)
		},
	}, 1, 3, 4, 5, 6, 7, 8)
}

// curlRun is one use of curl.
type curlRun struct {
	app     *app
	command *curlCommand
	profile *profile.Profile
	files   *call.Client // resolves what tls: names
	program string
	env     []string
}

func (a *app) curl(ctx context.Context, profiles, args []string) error {
	program, err := exec.LookPath("curl")
	if err != nil {
		return fault.New(fault.Other, "install curl", "curl is not on this machine")
	}
	s, m, err := a.withSession(ctx, profiles, "curl", nil)
	if err != nil {
		return err
	}
	o := session.TokenOptions{MinTTL: defaultMinTTL}
	pass, err := m.Pass(ctx, s.Target, o)
	if err != nil {
		return err
	}
	a.tellRenewal(pass.Renewed, o)
	command, err := parseCurl(args, placeURL(pass.API, pass.Admits))
	if err != nil {
		return err
	}
	r := &curlRun{app: a, command: command, profile: s.Profile, files: m.Calls, program: program}
	if r.env, err = a.cleanEnviron(); err != nil {
		return err
	}
	again, err := r.once(ctx, pass, pass.Renewable != "" && command.repeatable())
	if !again {
		return err
	}
	a.say("the server says that the token is over: it is renewed, and the request sent once more")
	if pass, err = m.Pass(ctx, s.Target, session.TokenOptions{MinTTL: defaultMinTTL, Refused: pass.AccessToken}); err != nil {
		return err
	}
	_, err = r.once(ctx, pass, false)
	return err
}

// once runs curl. Where it may be run again, its output is held back for as long
// as the answer may tell that the token is over; again says that it did.
func (r *curlRun) once(ctx context.Context, pass session.Pass, mayRepeat bool) (again bool, err error) {
	config, err := r.config(pass)
	if err != nil {
		return false, err
	}
	cmd := exec.CommandContext(ctx, r.program)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Second
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.env, r.app.env.Stdin, r.app.env.Stdout, r.app.err
	if r.app.env.GOOS == "windows" { // which passes no descriptors on
		if r.command.consumes {
			return false, fault.New(fault.Usage, "give a file", "on Windows, standard input hands over the token and nothing else")
		}
		cmd.Args, cmd.Stdin = append([]string{"curl", "-q", "-K", "-"}, r.command.args...), strings.NewReader(config)
		return false, ended(cmd.Run())
	}
	cmd.Args = []string{"curl", "-q", "-K", "/dev/fd/3"}
	given, err := handOver(config)
	if err != nil {
		return false, err
	}
	defer given.Close()
	cmd.ExtraFiles = []*os.File{given}
	if !mayRepeat {
		cmd.Args = append(cmd.Args, r.command.args...)
		return false, ended(cmd.Run())
	}
	return r.watched(ctx, cmd)
}

// watched runs curl and looks at the head of the answer as it comes.
func (r *curlRun) watched(ctx context.Context, cmd *exec.Cmd) (again bool, err error) {
	heads, head, err := os.Pipe()
	if err != nil {
		return false, err
	}
	defer heads.Close()
	cmd.ExtraFiles = append(cmd.ExtraFiles, head)
	cmd.Args = append(cmd.Args, "--suppress-connect-headers", "-D", "/dev/fd/4")
	if r.app.out.Terminal() && !r.command.options["progress-bar"] {
		cmd.Args = append(cmd.Args, "--no-progress-meter") // as where it sees the terminal itself
	}
	cmd.Args = append(cmd.Args, r.command.args...)
	held := &holdBack{to: r.app.env.Stdout}
	cmd.Stdout = held
	err = cmd.Start()
	_ = head.Close() // curl has its own
	if err != nil {
		return false, err
	}
	last := r.readHeads(ctx, heads, held)
	err = ended(cmd.Wait())
	if last != nil && !held.flowing() {
		if r.command.plainBody() {
			last.Body = io.NopCloser(bytes.NewReader(held.bytes()))
		}
		over, readErr := call.Expired(ctx, r.profile, &url.URL{}, last)
		if over && readErr == nil {
			return true, nil
		}
		err = errors.Join(err, readErr)
	}
	return false, errors.Join(err, held.release())
}

// readHeads reads the heads of answers until curl ends and returns the last one.
// As soon as one cannot mean that the token is over, output flows.
func (r *curlRun) readHeads(ctx context.Context, from io.Reader, held *holdBack) *http.Response {
	var last *http.Response
	for lines := textproto.NewReader(bufio.NewReader(from)); ; {
		status, err := lines.ReadLine()
		if err != nil {
			return last
		}
		words := strings.Fields(status)
		if len(words) < 2 {
			continue
		}
		header, _ := lines.ReadMIMEHeader() // what cannot be read of it says nothing
		code, _ := strconv.Atoi(words[1])
		last = &http.Response{StatusCode: code, Header: http.Header(header), Body: http.NoBody, ContentLength: -1}
		if code >= http.StatusOK && !r.mayBeOver(ctx, last) {
			// A reader that is gone ends curl, which then tells.
			_ = held.release()
		}
	}
}

// mayBeOver says whether an answer with this head can tell that the token is
// over: by the head, or by a body that the profile reads.
func (r *curlRun) mayBeOver(ctx context.Context, head *http.Response) bool {
	if !r.profile.Expired.IsZero() && r.command.plainBody() && call.Readable(head) {
		return true
	}
	over, err := call.Expired(ctx, r.profile, &url.URL{}, head)
	return over && err == nil
}

// config is what curl reads before its arguments.
func (r *curlRun) config(pass session.Pass) (string, error) {
	config, err := curlConfig(pass.Carrier)
	if err != nil {
		return "", err
	}
	if profile.IsLoopback(pass.API.Hostname()) {
		config += curlLine("noproxy", "*") // no proxy is this machine
	}
	tls := r.profile.TLS
	for _, option := range [][2]string{{"cacert", tls.CAFile}, {"cert", tls.CertFile}, {"key", tls.KeyFile}} {
		if option[1] != "" {
			config += curlLine(option[0], r.files.File(r.profile, option[1]))
		}
	}
	if len(tls.Pin) > 0 {
		config += curlLine("pinnedpubkey", strings.Join(tls.Pin, ";"))
		if tls.CAFile == "" {
			config += "insecure\n" // the pinned key is the server's identity
		}
	}
	return config, nil
}

// handOver returns the end of a pipe from which text can be read, once.
func handOver(text string) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		// Whoever does not read it has not got it, and tells.
		_, _ = io.WriteString(write, text)
		_ = write.Close()
	}()
	return read, nil
}

// holdBack keeps what is written until it is released, or is more than an answer
// about a token can be.
type holdBack struct {
	mu     sync.Mutex
	to     io.Writer
	held   []byte
	flowed bool
}

func (h *holdBack) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.flowed {
		return h.to.Write(p)
	}
	h.held = append(h.held, p...)
	if len(h.held) > call.MaxBody {
		return len(p), h.flow()
	}
	return len(p), nil
}

func (h *holdBack) flow() error {
	if h.flowed {
		return nil
	}
	h.flowed = true
	_, err := h.to.Write(h.held)
	h.held = nil
	return err
}

func (h *holdBack) release() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.flow()
}

func (h *holdBack) flowing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.flowed
}

func (h *holdBack) bytes() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.held
}
