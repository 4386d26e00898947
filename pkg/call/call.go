// Package call makes one HTTP call of a profile: it fills the request, sends it
// under the rules that keep secrets where they belong, reads the answer and
// says what kind of answer it was.
package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
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

// Client makes calls. All fields but Trace and Home are needed.
type Client struct {
	HTTP      *http.Client // must not follow redirects: see NewHTTP
	Now       func() time.Time
	UserAgent string
	Home      string // the user's home folder, for "~/" in tls:
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
	// Reach are the origins that the values may be sent to; the request goes
	// to one of them or nowhere.
	Reach token.Reach
	// WithToken carries {{token}} as the profile's send: says.
	WithToken bool
	Jar       *Jar  // cookies of the calls before; nil: none
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
	r := &Request{Method: s.Call.Request.Method, URL: target, Header: http.Header{"Accept": {"application/json, */*;q=0.8"}}}
	for _, part := range []func(*Request, Spec) error{f.body, f.credential, f.headers} {
		if err := part(r, s); err != nil {
			return nil, fault.New(fault.Usage, "", "%w", err)
		}
	}
	s.Jar.addTo(r)
	r.LeftOut, r.shown = f.leftOut, s.shownPath(target, f.values)
	return r, nil
}

// shownPath is the path for Trace: of the values in it, only those of inputs
// that are no secret, and ids.
func (s Spec) shownPath(target *url.URL, values Values) string {
	if s.URL != nil || s.Call.Request.From != "" {
		return target.EscapedPath()
	}
	path := ""
	if s.Call.Request.Base == nil {
		path = s.Base.EscapedPath()
	}
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
	values := Values{"base_url": s.Base.String(), "api_url": s.Base.String(), "host": s.Base.Host, "method": s.Call.Request.Method}
	maps.Copy(values, s.Values)
	return values
}

// target returns the URL. Its scheme and host are those of the base URL, of
// the profile's text or of a saved URL, whatever other placeholders hold
// (threat 3).
func (f *filler) target(s Spec) (*url.URL, error) {
	if s.URL != nil {
		return s.URL, nil
	}
	query, err := f.query(s)
	if err != nil {
		return nil, err
	}
	u, err := f.absolute(s.Call.Request.Target, s.Base)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	u.RawQuery = strings.Trim(strings.Join([]string{u.RawQuery, s.Call.Request.Query, query}, "&"), "&")
	return u, nil
}

// query fills the query of the call and, where the token goes there, of send:.
func (f *filler) query(s Spec) (string, error) {
	query, err := f.pairs("query", s.Call.Query)
	if err == nil && s.WithToken {
		var carrier Carrier
		carrier, err = credential(s.Profile.Send, f.values)
		for _, field := range carrier.Query {
			query += "&" + url.QueryEscape(field.Name) + "=" + url.QueryEscape(field.Value)
		}
	}
	return query, err
}

// absolute fills a target; without a host of its own it stands after base.
func (f *filler) absolute(t profile.Target, base *url.URL) (*url.URL, error) {
	if t.Base != nil {
		base = t.Base
	}
	if t.From != "" {
		text, _ := f.values.Text(t.From)
		parse := url.Parse
		if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
			parse = base.Parse // a Location may leave scheme and host out
		}
		saved, err := parse(text)
		if err != nil || saved.Host == "" || saved.Scheme != "https" && saved.Scheme != "http" {
			return nil, fmt.Errorf("{{%s}} holds no URL", t.From)
		}
		saved.Fragment, saved.RawFragment = "", ""
		if len(t.Path.Parts) == 0 {
			return saved, nil
		}
		saved.Path, saved.RawPath = strings.TrimSuffix(saved.Path, "/"), strings.TrimSuffix(saved.RawPath, "/")
		base = saved
	}
	path, err := f.path(t.Path)
	if err != nil {
		return nil, err
	}
	u := *base
	u.RawPath = base.EscapedPath() + path
	// Where Go does not take RawPath as it is, it escapes Path itself, and a
	// slash in a value would become one of the path.
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil || u.EscapedPath() != u.RawPath {
		return nil, errors.New("the path holds characters that a URL writes with %")
	}
	return &u, nil
}

// Resolve fills a target, such as api_url.
func Resolve(t profile.Target, base *url.URL, values Values) (*url.URL, error) {
	return (&filler{values: values}).absolute(t, base)
}

// guard lets a request go only where its values may go (threat 1).
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
	switch {
	case s.Profile.Exposes(target):
		return fault.New(fault.Profile, "write https:// in base_url", "plain http to %s would show the secret to the network", target.Host)
	case s.URL != nil && to != home:
		return fault.New(fault.BadAnswer, "", "%s is not %s: nothing was sent there", to, home)
	case !s.Reach.Allows(to) && s.Call.Request.From != "":
		return fault.New(fault.Refused, "write the host under allowed_hosts: if it belongs to the API, then log in again",
			"{{%s}} names %s, which the profile does not allow: nothing was sent there", s.Call.Request.From, target.Host)
	case !s.Reach.Allows(to):
		return fault.New(fault.LoginNeeded, "authctl login "+s.Profile.Name, "the session belongs to %s, not to %s: nothing was sent", s.Reach, to)
	}
	return nil
}

// credential adds what carries the user's identity: the token or Basic.
func (f *filler) credential(r *Request, s Spec) error {
	if s.WithToken {
		carrier, err := credential(s.Profile.Send, f.values)
		if err != nil {
			return err
		}
		for _, field := range carrier.Headers {
			r.Header.Set(field.Name, field.Value)
		}
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

// headers adds those of the profile, then those of the call, which win.
func (f *filler) headers(r *Request, s Spec) error {
	for _, pairs := range []profile.Pairs{s.Profile.Headers, s.Call.Headers} {
		fields, err := f.headerFields("headers", pairs)
		if err != nil {
			return err
		}
		for _, field := range fields {
			r.Header.Set(field.Name, field.Value)
		}
	}
	return nil
}

func (f *filler) body(r *Request, s Spec) error {
	c := s.Call
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
	case c.XML != nil:
		kind = "application/xml"
		r.Header.Set("Accept", "application/xml, */*;q=0.8")
		r.Body, err = f.xml(c.XML)
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
	transport, err := c.transport(s.Profile)
	if err != nil {
		return nil, err
	}
	answer, err := c.send(ctx, transport, r, s.MaxBody)
	if err != nil {
		return nil, err
	}
	answer.takeCookies(s.Jar)
	return answer, answer.judge(ctx, s)
}

func (c *Client) send(ctx context.Context, transport http.RoundTripper, r *Request, maxBody int64) (*Answer, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, fault.New(fault.Profile, "", "the request to %s cannot be made", r.URL.Host)
	}
	request.Header = r.Header.Clone()
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", c.UserAgent)
	}
	start := c.Now()
	// Not http.Client: it would look at a redirect even if it is not to follow,
	// and quote a Location that it cannot read.
	response, err := transport.RoundTrip(request)
	c.trace(request, r.shown, response, c.Now().Sub(start))
	if err != nil {
		return nil, Unreachable(ctx, r.URL, err)
	}
	defer response.Body.Close()
	if maxBody == 0 {
		maxBody = MaxBody
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, Unreachable(ctx, r.URL, err)
	}
	if int64(len(body)) > maxBody {
		return nil, fault.New(fault.BadAnswer, "", "%s answered with more than %d MiB", r.URL.Host, maxBody>>20)
	}
	answer := newAnswer(r, response, body, c.Now())
	answer.Took = answer.ReceivedAt.Sub(start)
	return answer, nil
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

// Field is one header or one value of a query, filled.
type Field struct{ Name, Value string }

// Carrier is what makes a request accepted: headers and values of the query.
type Carrier struct{ Headers, Query []Field }

// Carry returns what the user's own requests carry: the token as the profile's
// send: says, and the profile's headers. values hold at least "token".
func Carry(p *profile.Profile, values Values) (Carrier, error) {
	carrier, err := credential(p.Send, values)
	if err != nil {
		return Carrier{}, err
	}
	fields, err := (&filler{values: values}).headerFields("headers", p.Headers)
	carrier.Headers = append(carrier.Headers, fields...)
	return carrier, err
}

// credential fills send:; a missing value is an error there.
func credential(send profile.Send, values Values) (Carrier, error) {
	f := &filler{values: values}
	var carrier Carrier
	var err error
	if carrier.Headers, err = f.headerFields("send", send.Headers); err != nil {
		return Carrier{}, err
	}
	for _, pair := range send.Query {
		name, _, nameErr := f.leaf("send", pair.Name, plain)
		value, _, valueErr := f.leaf("send", pair.Value, plain)
		carrier.Query, err = append(carrier.Query, Field{name, value}), errors.Join(err, nameErr, valueErr)
	}
	if send.Basic != nil {
		value, _, basicErr := f.basic(*send.Basic)
		carrier.Headers, err = append(carrier.Headers, Field{"Authorization", value}), errors.Join(err, basicErr)
	}
	if err == nil && len(f.leftOut) > 0 {
		err = fault.New(fault.BadAnswer, "check save: in the profile", "the token cannot be sent: %s has no value", f.leftOut[0])
	}
	return carrier, err
}

// Probe asks a URL of a profile without any secret whether it can be reached.
// It returns the status, and how far the server's clock is ahead of ours.
func (c *Client) Probe(ctx context.Context, p *profile.Profile, u *url.URL) (status int, clockOffset time.Duration, err error) {
	transport, err := c.transport(p)
	if err != nil {
		return 0, 0, err
	}
	answer, err := c.send(ctx, transport, &Request{Method: http.MethodGet, URL: u, Header: http.Header{}}, 0)
	if err != nil {
		return 0, 0, err
	}
	return answer.Status, answer.ClockOffset(), nil
}
