package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jq"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/xmltree"
)

// Answer is what the server said.
type Answer struct {
	Status     int
	Header     http.Header
	ReceivedAt time.Time // by the local clock
	Took       time.Duration
	URL        *url.URL // that was asked
	size       int
	body       any            // decoded: JSON, XML, else the text
	text       string         // as it came
	broken     error          // why an answer that says it is JSON or XML is not
	mediaType  string         // of the Content-Type
	cookies    []*http.Cookie // the jar of its origin
}

func newAnswer(r *Request, response *http.Response, body []byte, now time.Time) *Answer {
	a := &Answer{
		Status: response.StatusCode, Header: response.Header, ReceivedAt: now,
		URL: r.URL, size: len(body), text: string(body),
	}
	a.mediaType = mediaType(response.Header)
	a.decode(bytes.TrimPrefix(body, []byte("\ufeff")))
	return a
}

// mediaType is that of the Content-Type, in small letters and without parameters.
func mediaType(header http.Header) string {
	text, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(text))
}

// decode reads the body by its Content-Type: JSON, XML; else JSON or XML if it
// begins like it; else it is text.
func (a *Answer) decode(body []byte) {
	text := strings.TrimSpace(string(body))
	isType := func(kind string) bool {
		return a.mediaType == "application/"+kind || a.mediaType == "text/"+kind || strings.HasSuffix(a.mediaType, "+"+kind)
	}
	html := strings.Contains(a.mediaType, "html")
	a.body = text
	switch {
	case text == "":
		a.body = nil
	case isType("json") || !html && !isType("xml") && (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")):
		a.use("JSON", body, decodeJSON)
	case !html && (isType("xml") || strings.HasPrefix(text, "<?xml")):
		a.use("XML", body, xmltree.Decode)
	}
}

func (a *Answer) use(kind string, body []byte, decode func([]byte) (any, error)) {
	decoded, err := decode(body)
	if err != nil {
		a.broken = fmt.Errorf("broken %s: %w", kind, err)
		return
	}
	a.body = decoded
}

// ClockOffset is how far the server's clock is ahead of ours, by its Date
// header (RFC 9110 §6.6.1), which it wrote between our request and its answer.
// Less than 5 s is taken for none: the header counts whole seconds.
func (a *Answer) ClockOffset() time.Duration {
	date, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		return 0
	}
	const tolerance = 5 * time.Second
	early, late := date.Sub(a.ReceivedAt.Add(-a.Took)), date.Sub(a.ReceivedAt)
	switch {
	case late >= tolerance:
		return late
	case early <= -tolerance:
		return early
	}
	return 0
}

// Read evaluates an expression over the answer. No result is nil. The error
// tells no values.
func (a *Answer) Read(ctx context.Context, e profile.Expr, values Values) (any, error) {
	if e.IsZero() {
		return nil, nil
	}
	return jq.First(ctx, e.Text, a.input(a.body, values))
}

// ReadItem evaluates an expression over one item of the answer. Nothing, and an
// expression that does not fit the item, are nil.
func (a *Answer) ReadItem(ctx context.Context, item any, e profile.Expr, values Values) any {
	value, err := jq.First(ctx, e.Text, a.input(item, values))
	if err != nil {
		return nil
	}
	return value
}

// input is what an expression sees. A text that is empty is missing in what is
// sent, so it is null here.
func (a *Answer) input(value any, values Values) jq.Input {
	vars := map[string]any{}
	for name, value := range values {
		switch value {
		case "":
		case Blank:
			vars[name] = ""
		default:
			vars[name] = value
		}
	}
	vars["status"], vars["body"] = a.Status, a.text
	return jq.Input{Value: value, Header: a.Header, Cookies: a.cookies, Vars: vars, Now: a.ReceivedAt}
}

// True says whether a condition is true of the answer; one that cannot be asked
// of it is not.
func (a *Answer) True(ctx context.Context, e profile.Expr, values Values) bool {
	result, err := a.Read(ctx, e, values)
	return err == nil && result != nil && result != false
}

// NoAnswer is what an expression reads where nothing was sent.
func NoAnswer(base *url.URL, now time.Time) *Answer {
	return &Answer{Header: http.Header{}, ReceivedAt: now, URL: base}
}

// Describe tells what came without telling its contents: type, size and, for
// JSON, the shape.
func (a *Answer) Describe() string {
	switch body := a.body.(type) {
	case nil:
		return "the answer is empty"
	case string:
		kind := a.mediaType
		if kind == "" {
			kind = "text"
		}
		return fmt.Sprintf("the answer is %s, %d bytes", kind, a.size)
	default:
		return "the answer is " + jq.Shape(body)
	}
}

// Marked draws the shape of the answer with a mark at what each expression reads.
func (a *Answer) Marked(ctx context.Context, marks []jq.Mark, values Values) (shape string, missed []jq.Mark) {
	return jq.Marked(ctx, a.input(a.body, values), marks)
}

// judge says whether the answer is a success.
func (a *Answer) judge(ctx context.Context, s Spec) error {
	success, err := a.succeeded(ctx, s)
	switch {
	case err != nil:
		return err
	case success && a.broken == nil:
		return nil
	case a.Status >= 300 && a.Status < 400:
		return a.redirected()
	}
	return a.failure(ctx, s)
}

// succeeded applies success:. The condition stands beside "status is 2xx"; one
// that names $status decides alone.
func (a *Answer) succeeded(ctx context.Context, s Spec) (bool, error) {
	ok := a.Status >= 200 && a.Status < 300
	expr := s.Call.Success.Or(s.Profile.Success)
	if expr.IsZero() {
		return ok, nil
	}
	if !ok && !slices.Contains(expr.Names(), "status") {
		return false, nil
	}
	return a.True(ctx, expr, s.ambient()), ctx.Err()
}

// redirected refuses to follow and says where it would have gone.
func (a *Answer) redirected() error {
	where := a.Header.Get("Location")
	if target, err := a.URL.Parse(where); err == nil && where != "" {
		target.RawQuery, target.Fragment, target.User = "", "", nil
		where = target.String()
	} else {
		where = "nowhere that can be read"
	}
	return fault.New(fault.BadAnswer, "if the API has moved there, write it as base_url",
		"%s redirects to %s (status %d); a secret follows no redirect", a.URL.Host, where, a.Status)
}

// failure is the error for an answer that is no success.
func (a *Answer) failure(ctx context.Context, s Spec) error {
	message, own := a.message(ctx, s)
	status := fmt.Sprintf("status %d", a.Status)
	if message != "" {
		status = message + " (" + status + ")"
	}
	host := a.URL.Host
	refusal := &Refusal{Host: host, Status: a.Status, Message: message, Expired: a.expired(ctx, s)}
	switch {
	case a.Status == http.StatusTooManyRequests:
		return fault.New(fault.RateLimited, "wait"+a.retryAfter()+", then try again", "%w", &TooMany{Host: host, Answer: status, Wait: a.RetryAfter()})
	case a.Status >= 500:
		return fault.New(fault.BadAnswer, "try again later", "%s is in trouble: %s", host, status)
	case unknownRequest(a.Status) && !own:
		return fault.New(fault.BadAnswer, "check base_url and request: "+s.Call.Request.Method+" "+s.Call.Request.Path.Text,
			"%s does not know this request: %s", host, status)
	case a.Status >= 400:
		return fault.New(fault.Refused, "", "%w", refusal)
	case a.broken != nil:
		return fault.New(fault.BadAnswer, "", "%s answered with %w (%s)", host, a.broken, status)
	}
	if _, isText := a.body.(string); isText || a.body == nil {
		return fault.New(fault.BadAnswer, "check base_url", "%s answered something unusable: %s (%s)", host, a.Describe(), status)
	}
	return fault.New(fault.Refused, "", "%w", refusal)
}

// TooMany is a server's wish to be left alone for a while (RFC 6585 §4).
type TooMany struct {
	Host   string
	Answer string        // the server's message and status
	Wait   time.Duration // 0: it does not say for how long
}

func (t *TooMany) Error() string {
	return fmt.Sprintf("%s has had too many requests: %s", t.Host, t.Answer)
}

// Refusal is a server's no: to who asks, or to what is asked.
type Refusal struct {
	Host    string
	Status  int
	Message string // the server's own; may be empty
	Expired bool   // the server says that the token is over
}

func (r *Refusal) Error() string {
	if r.Message == "" {
		return fmt.Sprintf("%s refused with status %d", r.Host, r.Status)
	}
	return fmt.Sprintf("%s refused: %s (status %d)", r.Host, r.Message, r.Status)
}

// expired applies expired:, which is "status 401" where nothing is written.
func (a *Answer) expired(ctx context.Context, s Spec) bool {
	if s.Profile.Expired.IsZero() {
		return a.Status == http.StatusUnauthorized
	}
	return a.True(ctx, s.Profile.Expired, s.ambient())
}

// Expired says whether the response to a request of the user's own tells that the
// token is over, as expired: in the profile reads it. It can be read as before.
func Expired(ctx context.Context, p *profile.Profile, u *url.URL, response *http.Response) (bool, error) {
	if p.Expired.IsZero() {
		return response.StatusCode == http.StatusUnauthorized, nil
	}
	start, err := peek(response)
	if err != nil {
		return false, err
	}
	a := newAnswer(&Request{URL: u}, response, start, time.Time{})
	return a.True(ctx, p.Expired, nil), ctx.Err()
}

// peek returns the body of a response and leaves it unread.
func peek(response *http.Response) ([]byte, error) {
	if !Readable(response) {
		return nil, nil
	}
	start, err := io.ReadAll(io.LimitReader(response.Body, MaxBody))
	response.Body = &unread{io.MultiReader(bytes.NewReader(start), response.Body), response.Body}
	return start, err
}

// Readable says whether the body of a response may be read to its end before it
// is passed on: not a stream, and not more than an answer may hold.
func Readable(response *http.Response) bool {
	_, kind, _ := strings.Cut(mediaType(response.Header), "/")
	isData := kind == "json" || kind == "xml" || kind == "plain" || kind == "html" || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
	return isData && response.ContentLength <= MaxBody
}

// unread is a body whose beginning was read and is given once more.
type unread struct {
	io.Reader
	io.Closer
}

// unknownRequest are the statuses that speak of the request's form and not of
// who sends it, unless the API's own message comes with them: "no such user".
func unknownRequest(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusLengthRequired, http.StatusRequestEntityTooLarge, http.StatusRequestHeaderFieldsTooLarge, http.StatusRequestURITooLong, http.StatusUnsupportedMediaType:
		return true
	}
	return false
}

// maxMessage bounds what is shown of a server's message, in bytes.
const maxMessage = 500

// message is the server's own message, by error: (own is then true) or,
// without one, where most APIs put it.
func (a *Answer) message(ctx context.Context, s Spec) (text string, own bool) {
	usual := profile.Expr{Text: `[.error_description?, .message?, .error.message?, .error?, .detail?, .title?] | map(strings) | first`}
	for _, expr := range []profile.Expr{s.Call.Error, s.Profile.Error, usual} {
		result, err := a.Read(ctx, expr, s.ambient())
		if text := messageText(result); err == nil && text != "" {
			return oneLine(text), expr != usual
		}
	}
	return "", false
}

// messageText is a text or a list of texts; anything else is none.
func messageText(value any) string {
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	var texts []string
	for _, one := range list {
		if text, isText := one.(string); isText {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

// oneLine makes a message one line of bounded length.
func oneLine(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), maxMessage)], "")
	return strings.Join(strings.Fields(text), " ")
}

// RetryAfter is how long the server asks to wait (RFC 9110 §10.2.3), 0 if it
// does not say.
func (a *Answer) RetryAfter() time.Duration {
	value := a.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(a.ReceivedAt.Add(a.ClockOffset()))) // by the server's clock
	}
	return 0
}

func (a *Answer) retryAfter() string {
	if wait := a.RetryAfter(); wait > 0 {
		return " " + wait.Round(time.Second).String()
	}
	return ""
}

// errDuplicate and errTrailing are what encoding/json lets pass (threat 11).
var (
	errDuplicate = errors.New("a key stands twice")
	errTrailing  = errors.New("more text follows the value")
)
