// Package sim simulates the five token APIs that authctl speaks first, on one
// port: Logware, Zūm Rails (sandbox and production), Analogue, datarhei Core
// and Haut.AI. It keeps to what the vendors' pages say, and it is strict where
// they are silent: a request that a careful server could refuse is refused. It
// can also misbehave on purpose, see Fault. A sixth API, Rotating, is nobody's:
// it rotates refresh tokens as RFC 9700 demands.
//
// Each API lives under its name: a Server at http://127.0.0.1:8484 has Zūm
// Rails' login at http://127.0.0.1:8484/zumrails/api/authorize. What people and
// scripts need to steer the simulation lies under /sim/.
//
// The simulation answers loopback clients only. Its tokens are real JWTs, signed
// with keys that live as long as the Server.
package sim

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The names of the APIs, which are also their path prefixes.
const (
	Logware            = "logware"
	Zumrails           = "zumrails" // the sandbox
	ZumrailsProduction = "zumrails-production"
	Analogue           = "analogue"
	DatarheiCore       = "datarhei-core"
	HautAI             = "haut-ai"
	Rotating           = "rotating"
)

// Names of lifetimes that are not those of an API's access token.
const (
	DatarheiCoreRefresh = "datarhei-core-refresh" // datarhei Core's refresh token
	HautAIRefresh       = "haut-ai-refresh"       // Haut.AI's refresh token, which nothing takes
	RotatingRefresh     = "rotating-refresh"      // a refresh token of Rotating, which is good for one call
	Auth0               = "auth0"                 // the access token of the simulated Auth0 tenant
)

// maxBody is how many bytes of a request's body are read.
const maxBody = 1 << 20

// Options says how a Server behaves. The zero value is the APIs as documented,
// on the real clock.
type Options struct {
	// Now is the clock of the APIs; nil means time.Now. It decides about
	// expiry, limits and the Date header. Waiting (Fault "slow", LoginDelay)
	// takes real time.
	Now func() time.Time
	// Lifetimes replaces documented lifetimes, by the name of an API or of one
	// of the other lifetimes (DatarheiCoreRefresh, …). At least one second.
	Lifetimes map[string]time.Duration
	// Users are added to the default ones, or replace one of the same name.
	Users []User
	// Limits replaces documented limits, by the name of an API.
	Limits map[string]Limit
	// LoginDelay is how long datarhei Core waits before it refuses a login. The
	// real server takes about 5 s, on purpose.
	LoginDelay time.Duration
	// OnRequest, if set, is called with each request after it was answered,
	// those to /sim/ and refused ones included. Calls can come at the same time.
	OnRequest func(Request)
}

// User is one account of one API.
type User struct {
	API      string
	Name     string // what the login calls login, Username, email or username
	Password string // any bytes that JSON can carry
	MFA      bool   // Haut.AI: the account has a second factor, so a password is not enough
}

// Server is the simulation. It is an http.Handler and safe for concurrent use.
type Server struct {
	now        func() time.Time
	started    time.Time
	loginDelay time.Duration
	onRequest  func(Request)
	apis       []*api // in the order of the project's list
	tenant     *tenant
	done       chan struct{} // closed by Close
	closeOnce  sync.Once

	mu        sync.Mutex // guards what follows and the changing part of each api
	lifetimes map[string]time.Duration
	requests  []*Request
	tokens    []string // in the order of issue
	issued    map[string]bool
}

// New returns a Server. It panics when the options name an API or a lifetime
// that does not exist: that is a mistake in the calling program.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		now: o.Now, started: o.Now(), loginDelay: o.LoginDelay, onRequest: o.OnRequest,
		apis: []*api{
			newLogware(), newZumrails(Zumrails), newZumrails(ZumrailsProduction),
			newAnalogue(), newDatarheiCore(), newHautAI(), newRotating(),
		},
		tenant: newTenant(), done: make(chan struct{}),
		lifetimes: defaultLifetimes(), issued: map[string]bool{},
	}
	for name, d := range o.Lifetimes {
		must(s.SetLifetime(name, d))
	}
	for name, limit := range o.Limits {
		a, err := s.find(name)
		must(err)
		a.limiter.limit = limit
	}
	for _, u := range o.Users {
		must(s.setUser(u))
	}
	return s
}

// defaultLifetimes are those of the vendors' pages. Logware's page says 10 h,
// but the JWT in its example lasts 12 h, and the JWT is what a server acts on.
func defaultLifetimes() map[string]time.Duration {
	return map[string]time.Duration{
		Logware:             12 * time.Hour,
		Zumrails:            time.Hour,
		ZumrailsProduction:  time.Hour,
		Analogue:            60 * 24 * time.Hour,
		DatarheiCore:        600 * time.Second,
		DatarheiCoreRefresh: 86400 * time.Second,
		HautAI:              time.Hour,
		HautAIRefresh:       24 * time.Hour,
		Rotating:            5 * time.Minute,
		RotatingRefresh:     24 * time.Hour,
		Auth0:               24 * time.Hour,
	}
}

func must(err error) {
	if err != nil {
		panic("sim: " + err.Error())
	}
}

// Close ends every answer that waits, drips or never ends. It does not close
// the listener, which is not the Server's; call it before closing that one.
func (s *Server) Close() { s.closeOnce.Do(func() { close(s.done) }) }

// APIs returns the names of the APIs, in the order of the project's list.
func (s *Server) APIs() []string {
	var names []string
	for _, a := range s.apis {
		names = append(names, a.name)
	}
	return names
}

// find returns the API of a name.
func (s *Server) find(name string) (*api, error) {
	for _, a := range s.apis {
		if a.name == name {
			return a, nil
		}
	}
	return nil, fmt.Errorf("no API is called %q: there are %s", name, strings.Join(s.APIs(), ", "))
}

// SetLifetime changes how long new tokens last: the name of an API, or one of
// the other lifetimes. It refuses unknown names and less than a second, since
// the claims of a JWT count seconds.
func (s *Server) SetLifetime(name string, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.lifetimes[name]; !ok {
		var names []string
		for n := range s.lifetimes {
			names = append(names, n)
		}
		slices.Sort(names)
		return fmt.Errorf("no lifetime is called %q: there are %s", name, strings.Join(names, ", "))
	}
	if d < time.Second {
		return fmt.Errorf("lifetime %s of %s is less than a second", d, name)
	}
	s.lifetimes[name] = d.Truncate(time.Second)
	return nil
}

// lifetime returns how long a new token of that name lasts.
func (s *Server) lifetime(name string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lifetimes[name]
}

// Users returns all accounts, API by API, the default user of each first.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var users []User
	for _, a := range s.apis {
		users = append(users, a.users...)
	}
	return users
}

// Credentials returns the name and the password of the default user of an API,
// or two empty strings if there is no such API.
func (s *Server) Credentials(api string) (username, password string) {
	for _, u := range s.Users() {
		if u.API == api {
			return u.Name, u.Password
		}
	}
	return "", ""
}

// SetPassword gives a user of an API a new password, and adds the user if there
// is none of that name. Tokens that were issued before stay good.
func (s *Server) SetPassword(api, user, password string) error {
	changed := User{API: api, Name: user, Password: password}
	for _, u := range s.Users() {
		if u.API == api && u.Name == user {
			changed.MFA = u.MFA
		}
	}
	return s.setUser(changed)
}

// setUser adds or replaces an account.
func (s *Server) setUser(u User) error {
	a, err := s.find(u.API)
	if err != nil {
		return err
	}
	if u.Name == "" || u.Password == "" {
		return fmt.Errorf("a user of %s needs a name and a password", u.API)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(other User) bool { return other.Name == u.Name }
	if i := slices.IndexFunc(a.users, same); i >= 0 {
		a.users[i] = u
	} else {
		a.users = append(a.users, u)
	}
	return nil
}

// Tokens returns every token ever issued: access, refresh and private tokens,
// and those of the Auth0 tenant. A test can look for them where none may be.
func (s *Server) Tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tokens)
}

// keep remembers an issued token.
func (s *Server) keep(token string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = append(s.tokens, token)
	s.issued[token] = true
	return token
}

// isIssued says whether text is a token that this Server issued.
func (s *Server) isIssued(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issued[text]
}

// ServeHTTP implements http.Handler. Paths are taken as they are sent: nothing
// is cleaned, unescaped or redirected, so a wrong slash stays wrong.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, path := splitPath(r.URL.EscapedPath())
	rec := newRequest(s.now(), r, name, path)
	out := &recorder{ResponseWriter: w, s: s, rec: rec}
	defer s.tell(rec)
	a, err := s.find(name)
	switch {
	case !isLocal(r):
		plain(out, http.StatusForbidden, "authsim answers loopback clients that ask for a loopback host only")
	case name == "sim":
		s.control(out, r, path)
	case err != nil:
		plain(out, http.StatusNotFound, "nothing is here; GET /sim/ tells what is")
	default:
		s.serveAPI(out, r, a, path)
	}
}

// serveAPI answers a request to an API, or misbehaves as it was told to.
func (s *Server) serveAPI(w *recorder, r *http.Request, a *api, path string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	s.add(w.rec, body)
	if err != nil {
		return // the client left in the middle
	}
	fault, offset := s.pick(a, r.Method, path)
	c := &call{s: s, api: a, w: w, r: r, path: path, body: body, now: s.now().Add(offset)}
	if fault == nil {
		c.write(c.answer())
		return
	}
	kind, err := kindOf(fault.Kind)
	must(err) // Fault checked it
	kind.run(c, *fault, c.answer)
}

// splitPath parts "/name/rest" into "name" and "/rest".
func splitPath(path string) (name, rest string) {
	name, rest, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if found {
		rest = "/" + rest
	}
	return name, rest
}

// isLocal says whether a client on this machine asks for this machine. The
// second half keeps out web pages that point their own name at 127.0.0.1 (DNS
// rebinding).
func isLocal(r *http.Request) bool {
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !isLoopback(client) {
		return false
	}
	host := (&url.URL{Host: r.Host}).Hostname()
	return strings.EqualFold(host, "localhost") || isLoopback(host)
}

// isLoopback says whether text is an IP address of the loopback interface.
func isLoopback(text string) bool {
	ip, err := netip.ParseAddr(text)
	return err == nil && ip.Unmap().IsLoopback()
}

// plain answers with one line of text.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
