package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/sim"
)

// Exit codes, as authctl has them.
const (
	exitDone  = 0
	exitOther = 1
	exitUsage = 2
)

// settings is what the command line says.
type settings struct {
	listen     string
	lifetimes  []string
	faults     []string
	loginDelay time.Duration
	profiles   bool
}

// run does what the command line in args says, until ctx ends, and returns the
// exit code. stdout gets URLs and credentials, stderr a line for each request.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	started := false // cobra's usage errors all come before RunE
	cmd := newCommand(func(set settings) error {
		started = true
		return serve(ctx, set, stdout, &lineWriter{w: stderr})
	})
	cmd.SetArgs(append([]string{}, args...)) // nil would make cobra read os.Args
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "authsim: %s\n", err)
	if usage := new(usageError); started && !errors.As(err, &usage) {
		return exitOther
	}
	fmt.Fprintln(stderr, "hint: authsim --help")
	return exitUsage
}

// usageError is a flag whose value cannot be used.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

// usagef returns a usageError.
func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// newCommand returns the command; do gets what the flags say.
func newCommand(do func(settings) error) *cobra.Command {
	var set settings
	cmd := &cobra.Command{
		Use:           "authsim",
		Short:         "Serve six simulated token APIs on a loopback port",
		Long:          longHelp(),
		Example:       examples,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(*cobra.Command, []string) error { return do(set) },
	}
	f := cmd.Flags()
	f.StringVar(&set.listen, "listen", "127.0.0.1:8484", "loopback address and port; :0 picks a port")
	f.StringArrayVar(&set.lifetimes, "lifetime", nil, "how long tokens last, as `NAME=DURATION`; can be repeated")
	f.StringArrayVar(&set.faults, "fault", nil, "how an API misbehaves, as `API=FAULT`; can be repeated")
	f.DurationVar(&set.loginDelay, "login-delay", 0, "how long datarhei Core waits before it refuses a login; the real one takes 5s")
	f.BoolVar(&set.profiles, "profiles", false, "print base URL, user and password of each API, and end")
	return cmd
}

const examples = `  authsim
  authsim --listen :0 --lifetime zumrails=90s --login-delay 5s
  authsim --fault zumrails=html --fault "logware=slow:2s next=1"
  curl -X PUT --data slow:2s http://127.0.0.1:8484/sim/faults/logware`

// longHelp is the text of --help above the flags.
func longHelp() string {
	var b strings.Builder
	b.WriteString(`authsim simulates the token APIs of Logware, Zūm Rails (sandbox and production),
Analogue, datarhei Core and Haut.AI on one port of this machine, each under a
path of its own. A sixth, "rotating", is nobody's API: each refresh token is
good for one call, and one that comes again ends all tokens of its login.
authsim prints where they are and with which credentials they let you in.
Everything is made up: no request leaves the machine.

What each API was asked is logged on stderr, one line per request, without
secrets. GET /sim/ on the same port tells what else can be done while it runs.
Ctrl-C ends it.

Faults for --fault; "next=N", "path=PATH" and "method=METHOD" after a space
narrow them down:
`)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, k := range sim.FaultKinds() {
		fmt.Fprintf(w, "  %s\t%s\n", k.Form, k.Meaning)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return strings.TrimSuffix(b.String(), "\n")
}

// lineWriter keeps lines of requests that end at the same time apart.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// serve answers requests until ctx ends.
func serve(ctx context.Context, set settings, stdout, stderr io.Writer) error {
	address, err := loopbackAddress(set.listen)
	if err != nil {
		return err
	}
	server, err := newSim(set, stderr)
	if err != nil {
		return err
	}
	if set.profiles {
		return printProfiles(stdout, server, address)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := printStart(stdout, server, listener.Addr().String()); err != nil {
		_ = listener.Close() // the write error is the one to tell
		return err
	}
	return serveOn(ctx, listener, server, stderr)
}

// serveOn answers requests that come through a listener, until ctx ends; then it
// gives the answers under way a moment.
func serveOn(ctx context.Context, listener net.Listener, server *sim.Server, stderr io.Writer) error {
	h := &http.Server{
		Handler:           server,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(stderr, "authsim: ", 0),
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	server.Close()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if h.Shutdown(end) != nil {
		return h.Close()
	}
	return nil
}

// newSim returns a simulation as the flags want it.
func newSim(set settings, stderr io.Writer) (*sim.Server, error) {
	server := sim.New(sim.Options{LoginDelay: set.loginDelay, OnRequest: func(r sim.Request) {
		fmt.Fprintf(stderr, "%s %s\n", r.Time.Format(time.TimeOnly), r)
	}})
	for _, text := range set.lifetimes {
		name, value, _ := strings.Cut(text, "=")
		d, err := time.ParseDuration(value)
		if err == nil {
			err = server.SetLifetime(name, d)
		}
		if err != nil {
			return nil, usagef("--lifetime %s: %w", text, err)
		}
	}
	faults := map[string][]sim.Fault{}
	for _, text := range set.faults {
		name, value, _ := strings.Cut(text, "=")
		f, err := sim.ParseFault(value)
		if err == nil {
			faults[name] = append(faults[name], f)
			err = server.Fault(name, faults[name]...)
		}
		if err != nil {
			return nil, usagef("--fault %s: %w", text, err)
		}
	}
	return server, nil
}

// loopbackAddress reads --listen. No host, and localhost, mean 127.0.0.1.
func loopbackAddress(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", usagef("--listen %s: %w", text, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", usagef("--listen %s: the port must be a number up to 65535", text)
	}
	if host == "" || strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return "", usagef("--listen %s: the host must be a loopback address, such as 127.0.0.1 or [::1]", text)
	}
	return net.JoinHostPort(host, port), nil
}

// printStart tells where the APIs are and how to get in.
func printStart(stdout io.Writer, server *sim.Server, address string) error {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "authsim simulates these APIs. Press Ctrl-C to end it.\n\n")
	fmt.Fprintf(w, "API\tBASE URL\tUSER\tPASSWORD\n")
	for _, u := range server.Users() {
		note := ""
		if u.MFA {
			note = "  (has a second factor, so it is refused)"
		}
		fmt.Fprintf(w, "%s\thttp://%s/%s\t%s\t%s%s\n", u.API, address, u.API, u.Name, u.Password, note)
	}
	fmt.Fprintf(w, "\nMore, such as faults, the requests so far and Auth0 tokens: http://%s/sim/\n", address)
	return w.Flush()
}

// printProfiles prints what a person copies into a profile and into a prompt.
func printProfiles(stdout io.Writer, server *sim.Server, address string) error {
	if strings.HasSuffix(address, ":0") {
		return usagef("--profiles needs a --listen address with a port")
	}
	var b strings.Builder
	for _, api := range server.APIs() {
		user, password := server.Credentials(api)
		fmt.Fprintf(&b, "%s\n  base URL  http://%s/%s\n  user      %s\n  password  %s\n", api, address, api, user, password)
	}
	_, err := io.WriteString(stdout, b.String())
	return err
}
