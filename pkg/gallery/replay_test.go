package gallery_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/gallery"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// TestReplay plays every script against the profile of its name. Every call of
// the profile stands in some step that succeeds.
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, name := range gallery.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, name)
			for _, step := range readScript(t, name, s.origin) {
				s.play(t, step)
			}
			played := slices.Sorted(maps.Keys(s.played))
			phases := slices.Sorted(slices.Values(s.target.Profile.Phases().Names()))
			if diff := cmp.Diff(phases, played); diff != "" {
				t.Errorf("calls of the profile, and those that the script plays: %s", diff)
			}
		})
	}
}

// stage is a product's server and a manager that knows nothing else.
type stage struct {
	target  session.Target
	origin  string // of the base URL, as the profile writes it
	manager *session.Manager
	played  map[string]bool // calls of the profile

	mu      sync.Mutex
	now     time.Time
	inputs  map[string]string // what is given
	asked   map[string]string // what is given only if it is asked for
	used    map[string]bool   // inputs
	notes   []string
	got     []request
	answers []answer
}

func newStage(t *testing.T, name string) *stage {
	t.Helper()
	text, _ := gallery.Get(name)
	catalog, err := profile.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.Profile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), played: map[string]bool{}}
	s.target = session.Target{Profile: p, Account: token.DefaultAccount}
	if len(p.Environments) > 0 {
		s.target.Environment = p.Environments[0].Name
	}
	base := s.target.Base()
	s.origin = base.Scheme + "://" + base.Host
	folder := t.TempDir()
	s.manager = &session.Manager{
		Store:  store.New(&storetest.Memory{}, store.Options{Name: store.Keyring, StateDir: filepath.Join(folder, "state"), LockDir: filepath.Join(folder, "locks")}),
		Calls:  &call.Client{HTTP: s.client(t), Now: s.clock, UserAgent: "authctl/test"},
		Inputs: s, Now: s.clock, Timeout: 10 * time.Second,
		Learn: func(...token.Secret) {},
		Note:  func(format string, args ...any) { s.note("note " + fmt.Sprintf(format, args...)) },
		Show:  func(text string) { s.note("show " + text) },
		Wait:  func(context.Context, time.Duration) error { return nil },
	}
	return s
}

// client reaches the stage under every name: over http, and in the place of
// TLS, so that the profile is played as it stands.
func (s *stage) client(t *testing.T) *http.Client {
	t.Helper()
	client := call.NewHTTP(func(string) string { return "" })
	transport, ok := client.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("%T", client.Transport)
	}
	transport.DialContext, transport.DialTLSContext = s.listen(t, "http://"), s.listen(t, "https://")
	return client
}

// listen starts a server on loopback and returns what connects to it.
func (s *stage) listen(t *testing.T, scheme string) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		header := r.Header.Clone()
		for _, usual := range []string{"Accept-Encoding", "Connection", "Content-Length", "User-Agent"} {
			header.Del(usual)
		}
		a := s.next(requestOf(t, r.Method+" "+scheme+r.Host+r.RequestURI, header, string(body)))
		maps.Copy(w.Header(), a.header)
		w.Header().Set("Date", s.clock().Format(http.TimeFormat))
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body) // a client that is gone is told of elsewhere
	}))
	t.Cleanup(server.Close)
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
}

// next notes a request and gives the answer to it.
func (s *stage) next(r request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, r)
	if len(s.answers) == 0 {
		return answer{status: http.StatusTeapot}
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	return a
}

func (s *stage) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *stage) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, text)
}

// Input implements session.Inputs.
func (s *stage) Input(ctx context.Context, in profile.Input) (string, error) {
	if value, known, err := s.Known(ctx, in); known {
		return value, err
	}
	value, given := s.asked[in.Name]
	s.used[in.Name] = true
	if !given && !in.Optional {
		return "", fault.New(fault.LoginNeeded, "", "%s is missing", in.Name)
	}
	if len(in.Choices.List) > 0 {
		s.note("asked for " + in.Name + ": " + strings.Join(in.Choices.List, ", "))
	}
	return value, nil
}

// Known implements session.Inputs.
func (s *stage) Known(_ context.Context, in profile.Input) (string, bool, error) {
	value, given := s.inputs[in.Name]
	if given {
		s.used[in.Name] = true
		return value, true, nil
	}
	return in.Default.Text, in.Default.Set, nil
}

// play does a step and compares what was sent and what came of it.
func (s *stage) play(t *testing.T, step step) {
	t.Helper()
	where := fmt.Sprintf("testdata/%s.txt:%d: %s", s.target.Profile.Name, step.line, step.verb)
	options := s.give(step.args)
	want := s.expect(step.exchanges)
	outcome, err := s.do(t.Context(), step.verb, options)
	if err != nil {
		outcome = []string{kind(err) + ": " + err.Error()}
	}
	// Accept is usual unless the profile writes its own.
	for i := range s.got {
		if i >= len(want) || want[i].Header["Accept"] == "" {
			delete(s.got[i].Header, "Accept")
		}
	}
	if diff := cmp.Diff(want, s.got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: requests: %s", where, diff)
	}
	if diff := cmp.Diff(step.outcome, append(outcome, s.notes...), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: %s", where, diff)
	}
	for _, name := range slices.Sorted(maps.Keys(s.inputs)) {
		if !s.used[name] {
			t.Errorf("%s: nothing asks for %s", where, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.asked)) {
		if !s.used[name] {
			t.Errorf("%s: nobody was asked for %s", where, name)
		}
	}
}

// expect gets the answers ready and returns the requests that they answer.
func (s *stage) expect(exchanges []exchange) []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes, s.got, s.answers = nil, nil, nil
	var want []request
	for _, exchange := range exchanges {
		want, s.answers = append(want, exchange.request), append(s.answers, exchange.answer)
	}
	return want
}

// give takes inputs from the arguments of a step and returns the rest.
func (s *stage) give(args []string) map[string]string {
	s.inputs, s.asked, s.used = map[string]string{}, map[string]string{}, map[string]bool{}
	options := map[string]string{}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch {
		case strings.HasPrefix(name, "--"):
			options[name] = value
		case strings.HasPrefix(name, "?"):
			s.asked[name[1:]] = value
		default:
			s.inputs[name] = value
		}
	}
	return options
}
