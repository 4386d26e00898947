package sim

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// api is one of the simulated APIs.
type api struct {
	name   string
	title  string // for people
	issuer string // claim iss of its tokens
	scheme string // word before the token in the header Authorization
	key    []byte // signs its tokens
	routes []route
	// problem is the body that tells an error in the API's own form.
	problem func(status int, text string) any
	// unmatched, if set, decides what a request without a route gets.
	unmatched func(c *call) error

	// Guarded by Server.mu.
	users   []User
	faults  []Fault
	revoked map[string]bool // by jti; at Rotating also by family
	spent   map[string]bool // refresh tokens that were used, by jti; Rotating only
	limiter limiter
	private privateTokens // Haut.AI only
}

// route is a method and a path, in which {id} stands for one segment.
type route struct {
	method, path string
	serve        func(*call) (answer, error)
}

// newAPI returns an API with a new signing key and its users.
func newAPI(name, title string, users ...User) *api {
	for i := range users {
		users[i].API = name
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return &api{
		name: name, title: title, issuer: name, scheme: "Bearer", key: key,
		users: users, revoked: map[string]bool{},
	}
}

// call is one request on its way through an API.
type call struct {
	s    *Server
	api  *api
	w    *recorder
	r    *http.Request
	path string // escaped, without the API's prefix
	id   string // what stood for {id} in the path
	body []byte
	now  time.Time // by the API's clock
}

// answer is what an API says: a body of any type, usually JSON.
type answer struct {
	status int
	header http.Header
	data   []byte // nil: no body
}

// refusal is an error that becomes an answer. Its body is the API's problem
// with the text, unless body says otherwise.
type refusal struct {
	status int
	text   string
	body   any
	header http.Header
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.text) }

// refuse returns a refusal with the API's usual body.
func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

// jsonAnswer returns an answer with a JSON body.
func jsonAnswer(status int, body any) answer {
	data, err := json.Marshal(body)
	must(err) // bodies are plain structs and maps
	return answer{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, data: data}
}

// answer finds out what the API says to a request.
func (c *call) answer() answer {
	a, err := c.respond()
	if err == nil {
		return a
	}
	r := new(refusal)
	if !errors.As(err, &r) {
		r = &refusal{status: http.StatusInternalServerError, text: err.Error()}
	}
	return c.refusalAnswer(r)
}

// refusalAnswer puts a refusal in the API's form.
func (c *call) refusalAnswer(r *refusal) answer {
	body := r.body
	if body == nil {
		body = c.api.problem(r.status, r.text)
	}
	a := jsonAnswer(r.status, body)
	for name, values := range r.header {
		a.header[name] = values
	}
	return a
}

// respond applies the rules that all APIs share, then asks the route.
func (c *call) respond() (answer, error) {
	if wait := c.overLimit(); wait > 0 {
		return answer{}, &refusal{
			status: http.StatusTooManyRequests, text: "Too many requests, your address is blocked for a while",
			header: http.Header{"Retry-After": {seconds(wait)}},
		}
	}
	if len(c.body) > maxBody {
		return answer{}, refuse(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes", maxBody)
	}
	var allowed []string
	for _, r := range c.api.routes {
		id, ok := matchPath(r.path, c.path)
		if ok && r.method == c.r.Method {
			c.id = id
			return r.serve(c)
		}
		if ok {
			allowed = append(allowed, r.method)
		}
	}
	return answer{}, c.noRoute(allowed)
}

// noRoute tells apart a wrong path and a wrong method.
func (c *call) noRoute(allowed []string) error {
	switch {
	case c.api.unmatched != nil:
		return c.api.unmatched(c)
	case len(allowed) > 0:
		return &refusal{
			status: http.StatusMethodNotAllowed, text: fmt.Sprintf("Method %q not allowed.", c.r.Method),
			header: http.Header{"Allow": {strings.Join(allowed, ", ")}},
		}
	default:
		return refuse(http.StatusNotFound, "Not found.")
	}
}

// matchPath compares a path with the path of a route and returns what stood for
// {id}.
func matchPath(pattern, path string) (id string, ok bool) {
	before, after, found := strings.Cut(pattern, "{id}")
	if !found {
		return "", pattern == path
	}
	rest, ok := strings.CutPrefix(path, before)
	if !ok {
		return "", false
	}
	id, ok = strings.CutSuffix(rest, after)
	return id, ok && id != "" && !strings.Contains(id, "/")
}

// write sends an answer with the API's idea of the time.
func (c *call) write(a answer) {
	c.head(a)
	_, _ = c.w.Write(a.data) // a client that left is no concern of the simulation
}

// head sends the status and the header of an answer.
func (c *call) head(a answer) {
	h := c.w.Header()
	h.Set("Date", c.now.UTC().Format(http.TimeFormat))
	h.Set("Cache-Control", "no-store")
	if a.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(a.data)))
	}
	for name, values := range a.header {
		h[name] = values
	}
	c.w.WriteHeader(a.status)
}

// object reads the body as one JSON object, strictly.
func (c *call) object() (map[string]any, error) {
	media, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	charset, given := params["charset"]
	if err != nil || media != "application/json" || given && !strings.EqualFold(charset, "utf-8") {
		return nil, refuse(http.StatusUnsupportedMediaType, "Unsupported media type %q in request.", c.r.Header.Get("Content-Type"))
	}
	object, err := parseObject(c.body)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "JSON parse error - %s", err)
	}
	return object, nil
}

// login reads a body that holds a name and a password, and nothing else, and
// returns the user they belong to. A wrong pair gives wrongPassword.
func (c *call) login(object map[string]any, name, password string, wrongPassword error) (User, error) {
	given, err := texts(object, name, password)
	if err != nil {
		return User{}, err
	}
	user, ok := c.user(given[0], given[1])
	if !ok {
		return User{}, wrongPassword
	}
	return user, nil
}

// user returns the user of a name and a password.
func (c *call) user(name, password string) (User, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for _, u := range c.api.users {
		if u.Name == name && subtle.ConstantTimeCompare([]byte(u.Password), []byte(password)) == 1 {
			return u, true
		}
	}
	return User{}, false
}

// overLimit counts the call and returns how long its sender is blocked.
func (c *call) overLimit() time.Duration {
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		host = c.r.RemoteAddr
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.api.limiter.count(host, c.r.Method+" "+c.path, c.s.now())
}

// wait waits, but no longer than the client and the Server are there. It says
// whether it waited to the end.
func (c *call) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.r.Context().Done():
	case <-c.s.done:
	}
	return false
}

// whoami is the simulation's own path with which a client can try a token: it
// demands one and tells whose it is. No vendor documents it.
func whoami(c *call) (answer, error) {
	claims, err := c.authorized()
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, identity{API: c.api.name, Username: claims.user}), nil
}

// identity is what whoami answers.
type identity struct {
	API      string `json:"api"`
	Username string `json:"username"`
}

// uuidOf returns a UUID that is always the same for the same text, so that the
// ids in answers can be compared in tests.
func uuidOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return formatUUID(sum[:16], 8)
}

// newUUID returns a random UUID.
func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return formatUUID(b, 4)
}

// formatUUID writes 16 bytes as a UUID of a version (RFC 9562 §4).
func formatUUID(b []byte, version byte) string {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// seconds writes a duration as whole seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
