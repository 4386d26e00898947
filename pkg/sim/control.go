package sim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// controlRoute is one of the paths under /sim/, for people and scripts.
type controlRoute struct {
	method, path string
	meaning      string
	serve        func(s *Server, w http.ResponseWriter, name, body string)
}

// controlRoutes is the table of the paths; {id} stands for the name of an API
// or of a lifetime.
func controlRoutes() []controlRoute {
	return []controlRoute{
		{http.MethodGet, "/", "what is here, as JSON", tellAll},
		{http.MethodGet, "/requests", "what the APIs were asked, without secrets, as JSON", tellRequests},
		{http.MethodDelete, "/requests", "forget the requests", forgetRequests},
		{http.MethodPut, "/faults/{id}", "misbehave; body: one fault a line, such as: slow:2s next=1 path=/api/login", putFaults},
		{http.MethodDelete, "/faults/{id}", "behave again", deleteFaults},
		{http.MethodPut, "/lifetimes/{id}", "how long new tokens last; body: a duration, such as 90s", putLifetime},
		{http.MethodPost, "/auth0", "a new Auth0 access JWT for datarhei Core, as text", tellAuth0},
	}
}

// control answers requests to /sim/.
func (s *Server) control(w http.ResponseWriter, r *http.Request, path string) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the client left
	}
	status := http.StatusNotFound
	for _, route := range controlRoutes() {
		name, ok := matchPath(route.path, path)
		if ok && route.method == r.Method {
			if name == "" {
				name = r.Host
			}
			route.serve(s, w, name, string(data))
			return
		}
		if ok {
			status = http.StatusMethodNotAllowed
		}
	}
	plain(w, status, "GET /sim/ tells what is here")
}

// tellJSON answers with JSON for reading.
func tellJSON(w http.ResponseWriter, value any) {
	data, err := json.MarshalIndent(value, "", "  ")
	must(err) // plain structs
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(append(data, '\n'))
}

// done answers a change: 204, or 400 with what is wrong.
func done(w http.ResponseWriter, err error) {
	if err != nil {
		plain(w, http.StatusBadRequest, err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// overview is what GET /sim/ answers.
type overview struct {
	APIs    []apiInfo         `json:"apis"`
	Control map[string]string `json:"control"`
	Faults  []FaultKind       `json:"faults"`
}

// apiInfo is what it says about an API.
type apiInfo struct {
	Name     string     `json:"name"`
	Title    string     `json:"title"`
	BaseURL  string     `json:"base_url"`
	Users    []userInfo `json:"users"`
	Paths    []string   `json:"paths"`
	Lifetime string     `json:"lifetime"`
	Faults   []string   `json:"faults"` // in force now
}

// userInfo is an account; its password is made up, and meant to be read.
type userInfo struct {
	Username string `json:"username"`
	Password string `json:"password"`
	MFA      bool   `json:"mfa,omitempty"`
}

// tellAll tells all there is to know.
func tellAll(s *Server, w http.ResponseWriter, host, _ string) {
	all := overview{Control: map[string]string{}, Faults: FaultKinds()}
	for _, a := range s.apis {
		all.APIs = append(all.APIs, s.info(a, "http://"+host))
	}
	for _, r := range controlRoutes() {
		path := "/sim" + strings.ReplaceAll(r.path, "{id}", "{api}")
		all.Control[r.method+" "+path] = r.meaning
	}
	tellJSON(w, all)
}

// info gathers what is known of an API.
func (s *Server) info(a *api, origin string) apiInfo {
	i := apiInfo{
		Name: a.name, Title: a.title, BaseURL: origin + "/" + a.name,
		Lifetime: s.lifetime(a.name).String(), Faults: []string{},
	}
	for _, u := range s.Users() {
		if u.API == a.name {
			i.Users = append(i.Users, userInfo{u.Name, u.Password, u.MFA})
		}
	}
	for _, r := range a.routes {
		i.Paths = append(i.Paths, r.method+" "+r.path)
	}
	for _, f := range s.Faults(a.name) {
		i.Faults = append(i.Faults, f.String())
	}
	return i
}

// requestInfo is a request without its secrets.
type requestInfo struct {
	Time      time.Time         `json:"time"`
	API       string            `json:"api"`
	Method    string            `json:"method"`
	Path      string            `json:"path"`
	Header    map[string]string `json:"header"`
	BodyBytes int               `json:"body_bytes"`
	Status    int               `json:"status"`
}

// tellRequests shows the log.
func tellRequests(s *Server, w http.ResponseWriter, _, _ string) {
	list := []requestInfo{}
	for _, r := range s.Requests() {
		list = append(list, requestInfo{
			Time: r.Time, API: r.API, Method: r.Method, Path: r.safePath(),
			Header: safeHeader(r.Header), BodyBytes: len(r.Body), Status: r.Status,
		})
	}
	tellJSON(w, list)
}

// safeHeader shows the values of header fields that hold no secrets, and of
// Authorization the scheme.
func safeHeader(header http.Header) map[string]string {
	safe := map[string]string{}
	for name, values := range header {
		switch name {
		case "Accept", "Accept-Encoding", "Content-Length", "Content-Type", "User-Agent":
			safe[name] = strings.Join(values, ", ")
		case "Authorization":
			scheme, _, _ := strings.Cut(values[0], " ")
			if scheme != "Bearer" && scheme != "Token" {
				scheme = "" // it may be part of a secret
			}
			safe[name] = strings.TrimSpace(scheme + " [redacted]")
		default:
			safe[name] = "[redacted]"
		}
	}
	return safe
}

// forgetRequests empties the log.
func forgetRequests(s *Server, w http.ResponseWriter, _, _ string) {
	s.ResetRequests()
	done(w, nil)
}

// putFaults makes an API misbehave in the ways that the lines tell.
func putFaults(s *Server, w http.ResponseWriter, name, body string) {
	var faults []Fault
	for line := range strings.Lines(body) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		f, err := ParseFault(line)
		if err != nil {
			done(w, err)
			return
		}
		faults = append(faults, f)
	}
	if len(faults) == 0 {
		done(w, errors.New("the body names no fault; DELETE makes the API behave again"))
		return
	}
	done(w, s.Fault(name, faults...))
}

// deleteFaults makes an API behave.
func deleteFaults(s *Server, w http.ResponseWriter, name, _ string) { done(w, s.Fault(name)) }

// putLifetime changes how long new tokens last.
func putLifetime(s *Server, w http.ResponseWriter, name, body string) {
	d, err := time.ParseDuration(strings.TrimSpace(body))
	if err == nil {
		err = s.SetLifetime(name, d)
	}
	done(w, err)
}

// tellAuth0 hands out an Auth0 token.
func tellAuth0(s *Server, w http.ResponseWriter, _, _ string) {
	plain(w, http.StatusOK, s.Auth0Token())
}
