package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
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
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// noon is when every test begins.
func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// given are the inputs that a test gives, by name. It notes what was asked.
type given struct {
	values map[string]string
	mu     sync.Mutex
	asked  []string
}

// Input implements session.Inputs.
func (g *given) Input(_ context.Context, in profile.Input) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, in.Name)
	value, ok := g.values[in.Name]
	if !ok && !in.Optional {
		return "", fault.New(fault.LoginNeeded, "", "%s is missing", in.Name)
	}
	return value, nil
}

// Known implements session.Inputs. What is not known is not noted.
func (g *given) Known(_ context.Context, in profile.Input) (string, bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	value, ok := g.values[in.Name]
	if ok {
		g.asked = append(g.asked, in.Name)
	}
	return value, ok, nil
}

// asks returns what was asked since the last time.
func (g *given) asks() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	asked := g.asked
	g.asked = nil
	return asked
}

// world is a manager with everything around it.
type world struct {
	t       *testing.T
	clock   *clock
	inputs  *given
	memory  *storetest.Memory
	manager *session.Manager

	mu      sync.Mutex
	learned map[string]bool
	notes   []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	folder := t.TempDir()
	w := &world{
		t: t, clock: &clock{now: noon()}, inputs: &given{values: map[string]string{"username": "ann"}},
		memory: &storetest.Memory{}, learned: map[string]bool{},
	}
	w.manager = &session.Manager{
		Store: store.New(w.memory, store.Options{Name: store.Keyring, StateDir: filepath.Join(folder, "state"), LockDir: filepath.Join(folder, "locks")}),
		Calls: &call.Client{
			HTTP: call.NewHTTP(func(string) string { return "" }), Now: w.clock.Now, UserAgent: "authctl/test",
		},
		Inputs: w.inputs, Now: w.clock.Now, Timeout: 10 * time.Second,
		Learn: w.learn,
		Note: func(format string, args ...any) {
			w.tell(fmt.Sprintf(format, args...))
		},
		Show: func(text string) { w.tell("show: " + text) },
		Wait: func(_ context.Context, pause time.Duration) error {
			w.clock.add(pause)
			return nil
		},
	}
	return w
}

func (w *world) tell(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, text)
}

func (w *world) learn(secrets ...token.Secret) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, secret := range secrets {
		w.learned[secret.Reveal()] = true
	}
}

// knows says whether a secret was told to Learn.
func (w *world) knows(secret string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.learned[secret]
}

// told returns the notes so far.
func (w *world) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.notes)
}

// stored returns what the store holds for a target.
func (w *world) stored(target session.Target) (token.Session, bool) {
	w.t.Helper()
	key, err := target.Key()
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.manager.Store.Session(w.t.Context(), key)
	if errors.Is(err, token.ErrNoSession) {
		return token.Session{}, false
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s, true
}

// keep stores a session as it is.
func (w *world) keep(s token.Session) {
	w.t.Helper()
	if err := w.manager.Store.Save(w.t.Context(), s); err != nil {
		w.t.Fatal(err)
	}
}

// login logs in and stores the session.
func (w *world) login(target session.Target, o session.LoginOptions) token.Session {
	w.t.Helper()
	s, err := w.manager.Login(w.t.Context(), target, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// apis is a simulation of the five APIs with the profiles of the example file.
type apis struct {
	*world
	sim      *sim.Server
	url      string
	profiles *profile.Catalog
}

func startAPIs(t *testing.T) *apis {
	t.Helper()
	w := newWorld(t)
	server := sim.New(sim.Options{Now: w.clock.Now})
	web := httptest.NewUnstartedServer(server)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.Start()
	t.Cleanup(web.Close)
	t.Cleanup(server.Close)
	data, err := os.ReadFile(filepath.Join("..", "..", "profiles.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.NewReplacer(
		"https://api.logware.io", web.URL+"/"+sim.Logware,
		"https://api-sandbox.zumrails.com", web.URL+"/"+sim.Zumrails,
		"https://api-app.zumrails.com", web.URL+"/"+sim.ZumrailsProduction,
		"https://analogue.com", web.URL+"/"+sim.Analogue,
		"http://127.0.0.1:8080", web.URL+"/"+sim.DatarheiCore,
		"https://saas.haut.ai", web.URL+"/"+sim.HautAI,
	).Replace(string(data))
	catalog, err := profile.Parse("profiles.yaml", []byte(moved))
	if err != nil {
		t.Fatal(err)
	}
	return &apis{world: w, sim: server, url: web.URL, profiles: catalog}
}

// target returns an API with the inputs of its default user at hand.
func (a *apis) target(name, environment string) session.Target {
	a.t.Helper()
	p, err := a.profiles.Profile(name)
	if err != nil {
		a.t.Fatal(err)
	}
	api := name
	if environment == "production" {
		api = sim.ZumrailsProduction
	}
	user, password := a.sim.Credentials(api)
	maps.Copy(a.inputs.values, map[string]string{"username": user, "email": user, "password": password})
	return session.Target{Profile: p, Environment: environment, Account: token.DefaultAccount}
}

// asked returns method and path of the requests so far, and forgets them.
func (a *apis) asked() []string {
	var lines []string
	for _, r := range a.sim.Requests() {
		lines = append(lines, r.Method+" "+r.Path)
	}
	a.sim.ResetRequests()
	return lines
}

// last returns the nth last token that the simulation handed out, as a secret.
func (a *apis) last(n int) token.Secret {
	tokens := a.sim.Tokens()
	return token.NewSecret(tokens[len(tokens)-n])
}

// fail makes an API misbehave.
func (a *apis) fail(api string, texts ...string) {
	a.t.Helper()
	var faults []sim.Fault
	for _, text := range texts {
		f, err := sim.ParseFault(text)
		if err != nil {
			a.t.Fatal(err)
		}
		faults = append(faults, f)
	}
	if err := a.sim.Fault(api, faults...); err != nil {
		a.t.Fatal(err)
	}
}

// server is an API that a test writes itself: answers by "METHOD /path".
type server struct {
	*httptest.Server
	mu    sync.Mutex
	lines []string // method, path and query, Authorization, body
}

type answers map[string]http.HandlerFunc

// reply is an answer in JSON.
func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Date", noon().Format(http.TimeFormat))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func serve(t *testing.T, known answers) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.lines = append(s.lines, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+r.Header.Get("Authorization")+" "+string(body)))
		s.mu.Unlock()
		handler, ok := known[r.Method+" "+r.URL.Path]
		if !ok {
			handler = reply(http.StatusNotFound, "{}")
		}
		handler(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// asked returns the requests so far, and forgets them.
func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.lines = nil
	return lines
}

// at returns a target whose profile x is written in YAML, indented by four.
func at(t *testing.T, base, yaml string) session.Target {
	t.Helper()
	catalog, err := profile.Parse("p.yaml", []byte("version: 1\nprofiles:\n  x:\n    base_url: "+base+"\n"+yaml))
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.Profile("x")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return session.Target{Profile: p, Account: token.DefaultAccount}
}

// sameSecrets compares secrets by their text and prints none.
func sameSecrets() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(a, b token.Secret) bool { return a.Equal(b) }), cmpopts.EquateEmpty(),
	}
}

// outcome is what is told of an error.
type outcome struct {
	Text, Hint string
	Kind       fault.Kind
}

func outcomeOf(err error) outcome {
	if err == nil {
		return outcome{}
	}
	return outcome{err.Error(), fault.HintOf(err), fault.KindOf(err)}
}

// expect compares what is told of an error; HOST stands for the server's.
func expect(t *testing.T, url string, want outcome, err error) {
	t.Helper()
	host := strings.TrimPrefix(url, "http://")
	got := outcomeOf(err)
	got.Text, got.Hint = strings.ReplaceAll(got.Text, host, "HOST"), strings.ReplaceAll(got.Hint, host, "HOST")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// same compares two values, secrets included.
func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, sameSecrets()); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

// byQuery is an answer in JSON for each query; another one is 404.
func byQuery(bodies map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.RawQuery]
		if !ok {
			reply(http.StatusNotFound, "{}")(w, r)
			return
		}
		reply(http.StatusOK, body)(w, r)
	}
}
