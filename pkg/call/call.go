// Package call makes one HTTP call of a profile: it fills the request, sends it
// under the rules that keep secrets where they belong, reads the answer and
// says what kind of answer it was.
package call

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// Limits on the decoded body of an answer, in bytes (threat 10).
const (
	MaxBody     = 1 << 20
	MaxListBody = 8 << 20
)

// Client makes calls. All fields but Trace are needed.
type Client struct {
	HTTP      *http.Client // must not follow redirects: see NewHTTP
	Now       func() time.Time
	UserAgent string
	// Trace is told of each request that was sent. It gets no secret: method,
	// URL without query values, status (0: no answer), names of the headers.
	Trace func(Event)
}

// Event is what Trace is told.
type Event struct {
	Method, URL string
	Status      int
	Took        time.Duration
	Headers     []string // names of the request's headers
}

// Spec is what to call.
type Spec struct {
	Profile *profile.Profile
	Call    *profile.Call
	Base    *url.URL // the base URL
	URL     *url.URL // the whole URL instead, of the same origin; for the next page of a list
	Values  Values
	// Origin is that of the session whose secrets the values hold; empty when
	// they hold none. The request goes to this origin or nowhere.
	Origin token.Origin
	// WithToken carries {{token}} as the profile's send: says.
	WithToken bool
	MaxBody   int64 // 0: MaxBody
}

// Request is a filled request.
type Request struct {
	Method  string
	URL     *url.URL
	Header  http.Header
	Body    []byte
	LeftOut []string // leaves that were left out because a value is missing
	shown   string   // the path with an ellipsis for what may be secret in it
}

// Build fills the request without sending it. What cannot be sent as it is (a
// line break in a header, ".." in a path) is an error of kind fault.Usage;
// an origin that is not the session's is fault.LoginNeeded.
func Build(s Spec) (*Request, error) {
	f := &filler{values: s.ambient()}
	target, err := f.target(s)
	if err != nil {
		return nil, fault.New(fault.Usage, "", "%w", err)
	}
	if err := guard(s, target); err != nil {
		return nil, err
	}
	r := &Request{Method: s.Call.Request.Method, URL: target, Header: http.Header{"Accept": {"application/json"}}}
	if err := f.credential(r, s); err != nil {
		return nil, fault.New(fault.Usage, "", "%w", err)
	}
	if err := f.body(r, s.Call); err != nil {
		return nil, fault.New(fault.Usage, "", "%w", err)
	}
	for _, list := range []profile.List[profile.Template]{s.Profile.Headers, s.Call.Headers} {
		if err := f.headers(r.Header, list); err != nil {
			return nil, fault.New(fault.Usage, "", "%w", err)
		}
	}
	r.LeftOut, r.shown = f.leftOut, s.shownPath(f.values)
	return r, nil
}

// shownPath is the path for Trace: of the values in it, only those of inputs
// that are no secret, and ids.
func (s Spec) shownPath(values Values) string {
	if s.URL != nil {
		return s.URL.EscapedPath()
	}
	path := s.Base.EscapedPath()
	for _, part := range s.Call.Request.Path.Parts {
		in, isInput := s.Profile.Input(part.Name)
		switch text, _ := values.Text(part.Name); {
		case part.Name == "":
			path += part.Literal
		case part.Name == "id" || isInput && !in.Secret.Value:
			path += url.PathEscape(text)
		default:
			path += "…"
		}
	}
	return path
}

// ambient adds the names that are known everywhere.
func (s Spec) ambient() Values {
	values := Values{"base_url": s.Base.String(), "host": s.Base.Host}
	for name, value := range s.Values {
		values[name] = value
	}
	return values
}

// target returns the URL: the base URL's scheme and host, whatever the
// placeholders hold (threat 3).
func (f *filler) target(s Spec) (*url.URL, error) {
	if s.URL != nil {
		return s.URL, nil
	}
	path, err := f.path(s.Call.Request.Path)
	if err != nil {
		return nil, err
	}
	query, err := f.pairs("query", s.Call.Query)
	if err != nil {
		return nil, err
	}
	u := *s.Base
	u.RawPath = s.Base.EscapedPath() + path
	// Where Go does not take RawPath as it is, it escapes Path itself, and a
	// slash in a value would become one of the path.
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil || u.EscapedPath() != u.RawPath {
		return nil, errors.New("request: the path holds characters that a URL writes with %")
	}
	u.RawQuery = strings.Trim(s.Call.Request.Query+"&"+query, "&")
	return &u, nil
}

// guard lets a request go only to the origin of the base URL and, where it
// carries a session's secrets, of the session (threat 1).
func guard(s Spec, target *url.URL) error {
	to, err := token.OriginOf(target)
	if err != nil {
		return fault.New(fault.Profile, "", "%w", err)
	}
	if target.User != nil {
		return fault.New(fault.BadAnswer, "", "a URL with a user name in it is not followed")
	}
	home, err := token.OriginOf(s.Base)
	if err != nil {
		return fault.New(fault.Profile, "", "%w", err)
	}
	if to != home {
		return fault.New(fault.BadAnswer, "", "%s is not %s: nothing was sent there", to, home)
	}
	if s.Origin != "" && s.Origin != to {
		return fault.New(fault.LoginNeeded, "authctl login "+s.Profile.Name, "the session belongs to %s, not to %s: nothing was sent", s.Origin, to)
	}
	if target.Scheme == "http" && !profile.IsLoopback(target.Hostname()) && !s.Profile.AllowHTTP {
		return fault.New(fault.Profile, "write https:// in base_url", "plain http to %s would show the secret to the network", target.Host)
	}
	return nil
}

// credential adds what carries the user's identity: the token or Basic.
func (f *filler) credential(r *Request, s Spec) error {
	if s.WithToken {
		header, value, err := Credential(s.Profile, f.values)
		if err != nil {
			return err
		}
		r.Header.Set(header, value)
	}
	if s.Call.Basic != nil {
		value, present, err := f.basic(*s.Call.Basic)
		if err != nil {
			return err
		}
		if present {
			r.Header.Set("Authorization", value)
		}
	}
	return nil
}

func (f *filler) body(r *Request, c *profile.Call) error {
	var kind string
	var err error
	switch {
	case c.JSON != nil:
		kind = "application/json"
		r.Body, err = f.json(*c.JSON)
	case c.Form != nil:
		kind = "application/x-www-form-urlencoded"
		var form string
		form, err = f.pairs("form", c.Form)
		r.Body = []byte(form)
	case c.Text != nil:
		kind = "text/plain; charset=utf-8"
		var text string
		text, _, err = f.leaf("text", *c.Text, plain)
		r.Body = []byte(text)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return err
}

// Do fills, sends and reads one call. An answer that is no success is an error:
// fault.Refused or fault.RateLimited with the server's own message,
// fault.BadAnswer, or fault.Unreachable. The answer is returned with the error
// where one came. Nothing is ever sent twice.
func (c *Client) Do(ctx context.Context, s Spec) (*Answer, error) {
	r, err := Build(s)
	if err != nil {
		return nil, err
	}
	answer, err := c.send(ctx, r, s.MaxBody)
	if err != nil {
		return nil, err
	}
	return answer, answer.judge(ctx, s)
}

func (c *Client) send(ctx context.Context, r *Request, maxBody int64) (*Answer, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, fault.New(fault.Profile, "", "the request to %s cannot be made", r.URL.Host)
	}
	request.Header = r.Header.Clone()
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", c.UserAgent)
	}
	start := c.Now()
	response, err := c.roundTrip(request)
	c.trace(request, r.shown, response, c.Now().Sub(start))
	if err != nil {
		return nil, unreachable(ctx, r.URL, err)
	}
	defer response.Body.Close()
	if maxBody == 0 {
		maxBody = MaxBody
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, unreachable(ctx, r.URL, err)
	}
	if int64(len(body)) > maxBody {
		return nil, fault.New(fault.BadAnswer, "", "%s answered with more than %d MiB", r.URL.Host, maxBody>>20)
	}
	return newAnswer(r, response, body, c.Now()), nil
}

// roundTrip sends one request and nothing else: http.Client would look at the
// redirect even if it is not to follow, and quote a Location that it cannot
// read.
func (c *Client) roundTrip(request *http.Request) (*http.Response, error) {
	if c.HTTP.Transport == nil {
		return http.DefaultTransport.RoundTrip(request)
	}
	return c.HTTP.Transport.RoundTrip(request)
}

func (c *Client) trace(request *http.Request, path string, response *http.Response, took time.Duration) {
	if c.Trace == nil {
		return
	}
	event := Event{Method: request.Method, URL: withoutValues(request.URL, path), Took: took}
	if response != nil {
		event.Status = response.StatusCode
	}
	for name := range request.Header {
		event.Headers = append(event.Headers, name)
	}
	c.Trace(event)
}

// withoutValues shows path and the names in the query, and hides what may be
// secret.
func withoutValues(u *url.URL, path string) string {
	if path == "" {
		path = u.EscapedPath()
	}
	values := u.Query()
	for name := range values {
		values[name] = []string{"…"}
	}
	shown := u.Scheme + "://" + u.Host + path
	if len(values) > 0 {
		shown += "?" + strings.ReplaceAll(values.Encode(), url.QueryEscape("…"), "…")
	}
	return shown
}

// Credential returns the header that carries the token as the profile's send:
// says. values hold at least "token".
func Credential(p *profile.Profile, values Values) (header, value string, err error) {
	value, missing, err := values.fill(p.Send.Value, headerSafe)
	if err == nil && len(missing) > 0 {
		err = errors.New("send: {{" + missing[0] + "}} has no value")
	}
	return p.Send.Header, value, err
}

// Probe asks a URL without any secret whether it can be reached. It returns
// the status, and how far the server's clock is ahead of ours.
func (c *Client) Probe(ctx context.Context, u *url.URL) (status int, clockOffset time.Duration, err error) {
	answer, err := c.send(ctx, &Request{Method: http.MethodGet, URL: u, Header: http.Header{}}, 0)
	if err != nil {
		return 0, 0, err
	}
	return answer.Status, answer.ClockOffset(), nil
}
