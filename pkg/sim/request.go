package sim

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is what an API was asked. It holds secrets as they were sent; String
// shows none.
type Request struct {
	Time   time.Time   // when it came, by Options.Now
	API    string      // name of the API
	Method string      // such as "POST"
	Path   string      // escaped path and query as sent, without the API's prefix: "/api/users?page=2"
	Header http.Header // all header fields, names in canonical form
	Body   []byte      // the bytes of the body as received, at most 1 MiB and a byte
	Status int         // what was answered; 0 while it is not, or if the connection was dropped
}

// String returns one line without secrets: API, method, path, the names of the
// query parameters, and the status ("-" for no answer).
func (r Request) String() string {
	status := "-"
	if r.Status != 0 {
		status = strconv.Itoa(r.Status)
	}
	return strings.Join([]string{r.API, r.Method, r.safePath(), status}, " ")
}

// safePath is the path with the values of the query left out.
func (r Request) safePath() string {
	path, query, found := strings.Cut(r.Path, "?")
	if !found {
		return path
	}
	values, _ := url.ParseQuery(query) // what can be read of it is enough here
	var names []string
	for name := range values {
		names = append(names, url.QueryEscape(name)+"=…")
	}
	slices.Sort(names)
	return path + "?" + strings.Join(names, "&")
}

// clone returns a copy that shares nothing with r.
func (r Request) clone() Request {
	r.Header = r.Header.Clone()
	r.Body = bytes.Clone(r.Body)
	return r
}

// newRequest notes what is known before the body is read.
func newRequest(now time.Time, r *http.Request, api, path string) *Request {
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	return &Request{Time: now, API: api, Method: r.Method, Path: path, Header: r.Header.Clone()}
}

// Requests returns what the APIs were asked since the start or the last
// ResetRequests, in the order of arrival. Requests to /sim/ are not in it.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.requests))
	for i, r := range s.requests {
		requests[i] = r.clone()
	}
	return requests
}

// ResetRequests forgets the requests so far.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// add puts a request in the log. Its status comes later.
func (s *Server) add(rec *Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.Body = body
	s.requests = append(s.requests, rec)
}

// tell calls Options.OnRequest.
func (s *Server) tell(rec *Request) {
	if s.onRequest == nil {
		return
	}
	s.mu.Lock()
	r := rec.clone()
	s.mu.Unlock()
	s.onRequest(r)
}

// recorder notes the status of an answer before it goes out, so that a client
// that has the answer finds the status in the log.
type recorder struct {
	http.ResponseWriter
	s   *Server
	rec *Request
}

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	w.s.mu.Lock()
	w.rec.Status = status
	w.s.mu.Unlock()
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is below.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
