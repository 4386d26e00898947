package call_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// noon is the time of all tests here.
func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

func noEnvironment(string) string { return "" }

func newClient() *call.Client {
	return &call.Client{HTTP: call.NewHTTP(noEnvironment), Now: noon, UserAgent: "authctl/test"}
}

// serve starts a server that answers everything with handler. Its log is
// thrown away: it tells of connections that the tests break.
func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// answering is a handler that gives one answer.
func answering(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = []string{noon().Format(http.TimeFormat)}
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// loginAt returns a login at a base URL whose path, query, header and body
// hold the password.
func loginAt(t testing.TB, base, more string) call.Spec {
	t.Helper()
	p := load(t, base, `      request: POST /login
      query: {key: "{{password}}"}
      headers: {X-Password: "{{password}}"}
      json: {password: "{{password}}"}
`, more)
	return spec(p, call.Values{"password": opal})
}

// hostOf is host and port of a URL.
func hostOf(t testing.TB, text string) string {
	t.Helper()
	return parseURL(t, text).Host
}

// check compares what is told of an error; HOST stands for the server's.
func check(t *testing.T, host string, want refusal, err error) {
	t.Helper()
	got := refusalOf(err)
	got.Text, got.Hint = strings.ReplaceAll(got.Text, host, "HOST"), strings.ReplaceAll(got.Hint, host, "HOST")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(got.Text+got.Hint, opal) {
		t.Error("the message shows the password")
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const (
		isJSON = "application/json; charset=utf-8"
		html   = "<!DOCTYPE html><html><title>Welcome</title></html>"
	)
	refused := func(text string) refusal { return refusal{Text: "HOST refused" + text, Kind: fault.Refused} }
	bad := func(text, hint string) refusal { return refusal{"HOST " + text, hint, fault.BadAnswer} }
	unusable := func(text string) refusal { return bad("answered something unusable: "+text, "check base_url") }
	unknown := func(status string) refusal {
		return bad("does not know this request: "+status, "check base_url and request: POST /login")
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		more    string // of the profile
		want    refusal
	}{
		"success":                      {answering(200, isJSON, `{"token":"a"}`), "", refusal{}},
		"created":                      {answering(201, isJSON, `{"token":"a"}`), "", refusal{}},
		"no content":                   {answering(204, "", ""), "", refusal{}},
		"400":                          {answering(400, isJSON, `{"message":"password incorrect"}`), "", refused(": password incorrect (status 400)")},
		"401":                          {answering(401, isJSON, `{"error":"no"}`), "", refused(": no (status 401)")},
		"401 as OAuth says it":         {answering(401, isJSON, `{"error":"invalid_grant","error_description":"wrong password"}`), "", refused(": wrong password (status 401)")},
		"401 as a problem":             {answering(401, "application/problem+json", `{"title":"Unauthorized","detail":"try again"}`), "", refused(": try again (status 401)")},
		"401 with an error object":     {answering(401, isJSON, `{"error":{"message":"deep"}}`), "", refused(": deep (status 401)")},
		"401 in a list":                {answering(401, isJSON, `["no"]`), "", refused(" with status 401")},
		"401 without a body":           {answering(401, "", ""), "", refused(" with status 401")},
		"401 as HTML":                  {answering(401, "text/html", html), "", refused(" with status 401")},
		"401 in broken JSON":           {answering(401, isJSON, `{"message":`), "", refused(" with status 401")},
		"401 as the profile says":      {answering(401, isJSON, `{"m":["first","second"]}`), "    error: .m[0]\n", refused(": first (status 401)")},
		"401 as text":                  {answering(401, "text/plain", "invalid credentials"), "", refused(" with status 401")},
		"401 as text, by the profile":  {answering(401, "text/plain", "invalid\ncredentials"), "    error: .message? // strings\n", refused(": invalid credentials (status 401)")},
		"error: finds a number":        {answering(401, isJSON, `{"code":7,"message":"no"}`), "    error: .code\n", refused(": no (status 401)")},
		"error: does not fit":          {answering(401, isJSON, `["no"]`), "    error: .m.n\n", refused(" with status 401")},
		"403":                          {answering(403, isJSON, `{"message":"not you"}`), "", refused(": not you (status 403)")},
		"422":                          {answering(422, isJSON, `{"message":"name: too short"}`), "", refused(": name: too short (status 422)")},
		"404":                          {answering(404, isJSON, `{"message":"Not found."}`), "", unknown("Not found. (status 404)")},
		"404 as text":                  {answering(404, "text/plain", "404 page not found"), "", unknown("status 404")},
		"404 as the profile says":      {answering(404, isJSON, `{"m":"no such user"}`), "    error: .m\n", refused(": no such user (status 404)")},
		"413":                          {answering(413, "", ""), "", unknown("status 413")},
		"405":                          {answering(405, "", ""), "", unknown("status 405")},
		"415":                          {answering(415, isJSON, `{"detail":"JSON, please"}`), "", unknown("JSON, please (status 415)")},
		"429":                          {answering(429, isJSON, `{"message":"slow down"}`), "", refusal{"HOST has had too many requests: slow down (status 429)", "wait, then try again", fault.RateLimited}},
		"429 with seconds":             {answering(429, "", "", "Retry-After", "90"), "", refusal{"HOST has had too many requests: status 429", "wait 1m30s, then try again", fault.RateLimited}},
		"429 with a date":              {answering(429, "", "", "Retry-After", noon().Add(5*time.Minute).Format(http.TimeFormat)), "", refusal{"HOST has had too many requests: status 429", "wait 5m0s, then try again", fault.RateLimited}},
		"429 with a date, other clock": {answering(429, "", "", "Date", noon().Add(time.Hour).Format(http.TimeFormat), "Retry-After", noon().Add(61*time.Minute).Format(http.TimeFormat)), "", refusal{"HOST has had too many requests: status 429", "wait 1m0s, then try again", fault.RateLimited}},
		"429 with a date that is over": {answering(429, "", "", "Retry-After", noon().Add(-time.Minute).Format(http.TimeFormat)), "", refusal{"HOST has had too many requests: status 429", "wait, then try again", fault.RateLimited}},
		"429 with nonsense":            {answering(429, "", "", "Retry-After", "-5"), "", refusal{"HOST has had too many requests: status 429", "wait, then try again", fault.RateLimited}},
		"500":                          {answering(500, isJSON, `{"message":"oops"}`), "", bad("is in trouble: oops (status 500)", "try again later")},
		"502 as HTML":                  {answering(502, "text/html", html), "", bad("is in trouble: status 502", "try again later")},
		"503":                          {answering(503, "", "", "Retry-After", "5"), "", bad("is in trouble: status 503", "try again later")},
		"304":                          {answering(304, "", ""), "", bad("redirects to nowhere that can be read (status 304); a secret follows no redirect", "if the API has moved there, write it as base_url")},
		"broken JSON":                  {answering(200, isJSON, "{\n\"token\": \"opal-7Q\"\n\"id\": 1}"), "", bad("answered with broken JSON: it stops being JSON in line 3 (status 200)", "")},
		"cut JSON":                     {answering(200, isJSON, `{"token": "opal-7Q"`), "", bad("answered with broken JSON: it ends too early, in line 1 (status 200)", "")},
		"trailing JSON":                {answering(200, isJSON, `{"token":"opal-7Q"} {"token":"b"}`), "", bad("answered with broken JSON: more text follows the value (status 200)", "")},
		"trailing text":                {answering(200, isJSON, `{"token":"opal-7Q"}x`), "", bad("answered with broken JSON: more text follows the value (status 200)", "")},
		"duplicate keys":               {answering(200, isJSON, `{"token":"a","token":"opal-7Q"}`), "", bad("answered with broken JSON: a key stands twice (status 200)", "")},
		"duplicate keys, escaped":      {answering(200, isJSON, `{"token":"a","\u0074oken":"opal-7Q"}`), "", bad("answered with broken JSON: a key stands twice (status 200)", "")},
		"duplicate keys, deep":         {answering(200, isJSON, `[{"a":{"b":1,"c":[{"d":1,"d":2}]}}]`), "", bad("answered with broken JSON: a key stands twice (status 200)", "")},
		"same keys apart":              {answering(200, isJSON, `{"a":{"t":1},"b":{"t":1},"A":1}`), "", refusal{}},
		"nested too deeply":            {answering(200, isJSON, strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), "", bad("answered with broken JSON: it stops being JSON in line 1 (status 200)", "")},
		"nested":                       {answering(200, isJSON, strings.Repeat("[", 150)+strings.Repeat("]", 150)), "", refusal{}},
		"a number of JavaScript":       {answering(200, isJSON, `{"token":NaN}`), "", bad("answered with broken JSON: it stops being JSON in line 1 (status 200)", "")},
		"duplicate keys, no type":      {answering(200, "text/plain", `{"token":"a","token":"opal-7Q"}`), "", bad("answered with broken JSON: a key stands twice (status 200)", "")},

		"isError decides":              {answering(200, isJSON, `{"isError":true,"message":"wrong"}`), "    success: .isError == false\n", refused(": wrong (status 200)")},
		"success: stands beside 2xx":   {answering(401, isJSON, `{"isError":false}`), "    success: .isError == false\n", refused(" with status 401")},
		"success: names $status":       {answering(401, isJSON, `{"isError":false}`), "    success: $status < 500 and .isError == false\n", refusal{}},
		"success: finds nothing":       {answering(200, isJSON, `{}`), "    success: .ok\n", refused(" with status 200")},
		"success: null, empty":         {answering(200, "", ""), "    success: .ok\n", unusable("the answer is empty (status 200)")},
		"success: of an HTML page":     {answering(200, "text/html", html), "    success: .ok\n", unusable("the answer is text/html, 50 bytes (status 200)")},
		"success: of text":             {answering(200, "", "hello"), "    success: .ok\n", unusable("the answer is text/plain, 5 bytes (status 200)")},
		"success: of null":             {answering(200, isJSON, `null`), "    success: .ok\n", unusable("the answer is empty (status 200)")},
		"success: of HTML, by $status": {answering(500, "text/html", html), "    success: $status < 500 and .isError == false\n", bad("is in trouble: status 500", "try again later")},
		"success: never ends":          {answering(200, isJSON, `{}`), "    success: last(repeat(1))\n", refused(" with status 200")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, test.handler)
			answer, err := newClient().Do(t.Context(), loginAt(t, server.URL, test.more))
			check(t, hostOf(t, server.URL), test.want, err)
			if answer == nil {
				t.Error("an answer came and is not returned")
			}
		})
	}
}

// TestMessageOfManyLines becomes one line.
func TestMessageOfManyLines(t *testing.T) {
	t.Parallel()
	server := serve(t, answering(401, "application/json", `{"message":" one\r\n::error::two\t three\n"}`))
	_, err := newClient().Do(t.Context(), loginAt(t, server.URL, ""))
	check(t, hostOf(t, server.URL), refusal{Text: "HOST refused: one ::error::two three (status 401)", Kind: fault.Refused}, err)
}

// TestLongMessage has a server whose message is long and is cut within a
// character.
func TestLongMessage(t *testing.T) {
	t.Parallel()
	server := serve(t, answering(401, "application/json", `{"message":"x`+strings.Repeat("é", 1000)+`"}`))
	_, err := newClient().Do(t.Context(), loginAt(t, server.URL, ""))
	check(t, hostOf(t, server.URL), refusal{Text: "HOST refused: x" + strings.Repeat("é", 249) + " (status 401)", Kind: fault.Refused}, err)
}

// TestRead reads answers as their Content-Type says.
func TestRead(t *testing.T) {
	t.Parallel()
	type facts struct {
		Value    any
		Error    string
		Describe string
	}
	tests := map[string]struct {
		kind, body, expr string
		want             facts
	}{
		"JSON":                {"application/json", `{"token":"opal-7Q"}`, ".token", facts{Value: opal, Describe: "the answer is {token: string}"}},
		"JSON of a vendor":    {"application/vnd.x+json", `{"token":"opal-7Q"}`, ".token", facts{Value: opal, Describe: "the answer is {token: string}"}},
		"JSON without a type": {"text/plain", ` {"token":"opal-7Q"}`, ".token", facts{Value: opal, Describe: "the answer is {token: string}"}},
		"JSON, other type":    {"application/octet-stream", `["opal-7Q"]`, ".[0]", facts{Value: opal, Describe: "the answer is [string]"}},
		"a JSON text":         {"application/json", `"opal-7Q"`, ".", facts{Value: opal, Describe: "the answer is application/json, 9 bytes"}},
		"text":                {"text/plain", "opal-7Q", ".", facts{Value: opal, Describe: "the answer is text/plain, 7 bytes"}},
		"text with quotes":    {"text/plain", `"opal-7Q"`, ".", facts{Value: `"opal-7Q"`, Describe: "the answer is text/plain, 9 bytes"}},
		"HTML like JSON":      {"text/html", `{"token":"opal-7Q"}`, ".", facts{Value: `{"token":"opal-7Q"}`, Describe: "the answer is text/html, 19 bytes"}},
		"nothing":             {"application/json", "", ".", facts{Describe: "the answer is empty"}},
		"exact numbers":       {"application/json", `{"id":12345678901234567890}`, ".id | tostring", facts{Value: "12345678901234567890", Describe: "the answer is {id: number}"}},
		"a folded key":        {"application/json", `{"Token":"opal-7Q"}`, ".token", facts{Describe: "the answer is {Token: string}"}},
		"header":              {"application/json", `{}`, `header("X-Subject-Token")`, facts{Value: "agate-2", Describe: "the answer is {}"}},
		"cookie":              {"application/json", `{}`, `cookie("session")`, facts{Value: "beryl-3", Describe: "the answer is {}"}},
		"status and body":     {"application/json", `{"a":1}`, `"\($status) \(($body | fromjson | .a))"`, facts{Value: "200 1", Describe: "the answer is {a: number}"}},
		"a value":             {"application/json", `{"list":{"eu":"opal-7Q"}}`, `.list[$region]`, facts{Value: opal, Describe: "the answer is {list: {eu: string}}"}},
		"no value":            {"application/json", `{"t":"opal-7Q"}`, `$unset // .t`, facts{Value: opal, Describe: "the answer is {t: string}"}},
		"nothing is asked":    {"application/json", `{}`, ``, facts{Describe: "the answer is {}"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, answering(200, test.kind, test.body, "X-Subject-Token", "agate-2", "Set-Cookie", "session=beryl-3; HttpOnly"))
			answer, err := newClient().Do(t.Context(), loginAt(t, server.URL, ""))
			if err != nil {
				t.Fatal(err)
			}
			value, err := answer.Read(t.Context(), profile.Expr{Text: test.expr}, call.Values{"region": "eu"})
			got := facts{Value: value, Describe: answer.Describe()}
			if err != nil {
				got.Error = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMissingValuesAreNull reads names that have no value to send.
func TestMissingValuesAreNull(t *testing.T) {
	t.Parallel()
	answer := call.NoAnswer(parseURL(t, "https://x.example"), noon())
	got, err := answer.Read(t.Context(), profile.Expr{Text: `[$empty, $blank, $none, $zero, $off, (if $empty then 1 else 2 end), ($empty // "other")]`},
		call.Values{"empty": "", "blank": call.Blank, "none": nil, "zero": 0, "off": false})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{nil, "", nil, 0, false, 2, "other"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadItem(t *testing.T) {
	t.Parallel()
	server := serve(t, answering(200, "application/json", `{}`))
	answer, err := newClient().Do(t.Context(), loginAt(t, server.URL, ""))
	if err != nil {
		t.Fatal(err)
	}
	item := map[string]any{"id": "a", "name": nil}
	want := []any{"a", nil, nil, nil}
	var got []any
	for _, text := range []string{".id", ".name", ".other", ".id.deeper"} {
		got = append(got, answer.ReadItem(t.Context(), item, profile.Expr{Text: text}, nil))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsSent looks at the request as it arrives.
func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	type arrived struct {
		Line, Host, Body string
		Header           http.Header
	}
	got := make(chan arrived, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- arrived{r.Method + " " + r.RequestURI, r.Host, string(body), r.Header}
		answering(200, "application/json", "{}")(w, r)
	})
	s := loginAt(t, server.URL+"/v1", "")
	if _, err := newClient().Do(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	want := arrived{
		Line: "POST /v1/login?key=opal-7Q", Host: hostOf(t, server.URL), Body: `{"password":"opal-7Q"}`,
		Header: http.Header{
			"Accept": {"application/json, */*;q=0.8"}, "Accept-Encoding": {"gzip"}, "Connection": {"close"}, "Content-Length": {"22"},
			"Content-Type": {"application/json"}, "User-Agent": {"authctl/test"}, "X-Password": {opal},
		},
	}
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Error(diff)
	}
}

// counter counts the requests that reach a server.
type counter struct{ requests atomic.Int64 }

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.requests.Add(1)
	answering(200, "application/json", `{"token":"stolen"}`)(w, r)
}

// TestThreat02_RedirectIsNotFollowed sends a login to a server that redirects
// it: to another origin, to another path of its own, and to nonsense.
func TestThreat02_RedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	const hint = "if the API has moved there, write it as base_url"
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, location := range map[string]string{
			"another origin": "OTHER/steal?key=opal-7Q#top", "its own": "/login/", "no scheme": "//evil.example/x",
			"a user name": "https://opal-7Q:x@evil.example/", "no location": "", "nonsense": "http://[::1/?key=opal-7Q",
		} {
			t.Run(fmt.Sprintf("%d to %s", status, name), func(t *testing.T) {
				t.Parallel()
				var other counter
				evil := serve(t, other.ServeHTTP)
				var asked atomic.Int64
				server := serve(t, func(w http.ResponseWriter, r *http.Request) {
					asked.Add(1)
					answering(status, "", "", "Location", strings.Replace(location, "OTHER", evil.URL, 1))(w, r)
				})
				host := hostOf(t, server.URL)
				_, err := newClient().Do(t.Context(), loginAt(t, server.URL, ""))
				to := map[string]string{
					"another origin": evil.URL + "/steal", "its own": "http://HOST/login/", "no scheme": "http://evil.example/x", "a user name": "https://evil.example/",
				}[name]
				if to == "" {
					to = "nowhere that can be read"
				}
				check(t, host, refusal{fmt.Sprintf("HOST redirects to %s (status %d); a secret follows no redirect", to, status), hint, fault.BadAnswer}, err)
				if other.requests.Load() != 0 || asked.Load() != 1 {
					t.Errorf("the other server was asked %d times, the first one %d times", other.requests.Load(), asked.Load())
				}
			})
		}
	}
}

// TestThreat02_ClientThatFollows hands over an http.Client that would follow.
func TestThreat02_ClientThatFollows(t *testing.T) {
	t.Parallel()
	var other counter
	evil := serve(t, other.ServeHTTP)
	server := serve(t, answering(307, "", "", "Location", evil.URL))
	client := newClient()
	client.HTTP = &http.Client{}
	_, err := client.Do(t.Context(), loginAt(t, server.URL, ""))
	if fault.KindOf(err) != fault.BadAnswer || other.requests.Load() != 0 {
		t.Errorf("error %v; the other server was asked %d times", err, other.requests.Load())
	}
}

// TestThreat01_OtherOriginGetsNothing sends calls with a session of another
// origin, and to a next page elsewhere.
func TestThreat01_OtherOriginGetsNothing(t *testing.T) {
	t.Parallel()
	var other, own counter
	evil, server := serve(t, other.ServeHTTP), serve(t, own.ServeHTTP)
	changed := loginAt(t, evil.URL, "")
	changed.Reach = token.Reach{server.URL}
	_, err := newClient().Do(t.Context(), changed)
	check(t, hostOf(t, evil.URL), refusal{"the session belongs to http://" + hostOf(t, server.URL) + ", not to http://HOST: nothing was sent", "authctl login x", fault.LoginNeeded}, err)
	next := loginAt(t, server.URL, "")
	next.URL = parseURL(t, evil.URL+"/page?key="+opal)
	_, err = newClient().Do(t.Context(), next)
	check(t, hostOf(t, evil.URL), refusal{"http://HOST is not http://" + hostOf(t, server.URL) + ": nothing was sent there", "", fault.BadAnswer}, err)
	if other.requests.Load() != 0 || own.requests.Load() != 0 {
		t.Errorf("%d and %d requests were sent", other.requests.Load(), own.requests.Load())
	}
}

// TestThreat10_TooMuch has servers that do not end. They count what they could
// send: the connection's buffers hold some of it.
func TestThreat10_TooMuch(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	bomb, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(bomb, `{"a":"`)
	for range 12 {
		_, _ = bomb.Write(bytes.Repeat([]byte(" "), 1<<20))
	}
	_, _ = io.WriteString(bomb, `"}`)
	if err := bomb.Close(); err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	endless := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"a":"`)
		filler := bytes.Repeat([]byte(" "), 64<<10)
		for {
			n, err := w.Write(filler)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
	exactly := func(size int) http.HandlerFunc {
		return answering(200, "application/json", `{"a":"`+strings.Repeat("x", size-8)+`"}`)
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		max     int64
		want    refusal
	}{
		"endless":           {endless, 0, refusal{"HOST answered with more than 1 MiB", "", fault.BadAnswer}},
		"a bomb":            {answering(200, "application/json", packed.String(), "Content-Encoding", "gzip"), 0, refusal{"HOST answered with more than 1 MiB", "", fault.BadAnswer}},
		"a bomb for a list": {answering(200, "application/json", packed.String(), "Content-Encoding", "gzip"), call.MaxListBody, refusal{"HOST answered with more than 8 MiB", "", fault.BadAnswer}},
		"a mebibyte":        {exactly(call.MaxBody), 0, refusal{}},
		"a byte more":       {exactly(call.MaxBody + 1), 0, refusal{"HOST answered with more than 1 MiB", "", fault.BadAnswer}},
		"a list":            {exactly(call.MaxBody + 1), call.MaxListBody, refusal{}},
		"401, endless":      {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401); endless(w, r) }, 0, refusal{"HOST answered with more than 1 MiB", "", fault.BadAnswer}},
		"huge header":       {answering(200, "", "{}", "X-Long", strings.Repeat("x", 100<<10)), 0, refusal{"cannot reach HOST: the connection broke (net/http: server response headers exceeded 65536 bytes; aborted)", "try again", fault.Unreachable}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, test.handler)
			s := loginAt(t, server.URL, "")
			s.MaxBody = test.max
			_, err := newClient().Do(t.Context(), s)
			check(t, hostOf(t, server.URL), test.want, err)
		})
	}
	t.Cleanup(func() {
		if sent.Load() > 64<<20 {
			t.Errorf("the endless server could send %d bytes", sent.Load())
		}
	})
}

// untilClosed is a handler that waits for the client to leave after it has
// sent some of an answer.
func untilClosed(some string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client leaves
		if some != "" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, some)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}
}

// refusedPort is an address at which nobody listens.
func refusedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return "http://" + listener.Addr().String()
}

// raw is a server that sends bytes as they are and closes the connection.
func raw(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestNoAnswer has servers that cannot be reached or do not answer.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(answering(200, "application/json", "{}"))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := serve(t, answering(200, "application/json", "{}"))
	tests := map[string]struct {
		base string
		want refusal
	}{
		"refused":            {refusedPort(t), refusal{"cannot reach HOST: connection refused", "check that the server runs and that base_url is right", fault.Unreachable}},
		"no such host":       {"https://authctl.invalid", refusal{"cannot reach HOST: no such host", "check base_url and the network", fault.Unreachable}},
		"unknown authority":  {secure.URL, refusal{"cannot reach HOST: its certificate is signed by nobody this machine trusts", "install the certificate authority on this machine, or name it in the profile: tls: {ca_file: …}", fault.Unreachable}},
		"no TLS":             {strings.Replace(plain.URL, "http:", "https:", 1), refusal{"cannot reach HOST: it does not speak TLS", "check scheme and port in base_url", fault.Unreachable}},
		"dropped":            {raw(t, ""), refusal{"cannot reach HOST: the connection broke (EOF)", "try again", fault.Unreachable}},
		"dropped later":      {raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"token\":\"opal-7Q"), refusal{"cannot reach HOST: the connection broke (unexpected EOF)", "try again", fault.Unreachable}},
		"cut chunk":          {raw(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"token\":"), refusal{"cannot reach HOST: the connection broke (unexpected EOF)", "try again", fault.Unreachable}},
		"broken gzip":        {raw(t, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nopal-7Q"), refusal{"cannot reach HOST: the connection broke (unexpected EOF)", "try again", fault.Unreachable}},
		"broken header":      {raw(t, "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\x7f?opal-7Q\r\n\r\n"), refusal{`cannot reach HOST: the connection broke (malformed MIME header line)`, "try again", fault.Unreachable}},
		"header of a token":  {raw(t, "HTTP/1.1 200 OK\r\nX-Token opal-7Q\r\n\r\n"), refusal{`cannot reach HOST: the connection broke (malformed MIME header: missing colon)`, "try again", fault.Unreachable}},
		"another protocol":   {raw(t, "SSH-2.0-OpenSSH_9.9\r\n"), refusal{`cannot reach HOST: the connection broke (malformed HTTP response)`, "try again", fault.Unreachable}},
		"odd Content-Length": {raw(t, "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), refusal{`cannot reach HOST: the connection broke (bad Content-Length)`, "try again", fault.Unreachable}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := newClient().Do(t.Context(), loginAt(t, test.base, ""))
			check(t, hostOf(t, test.base), test.want, err)
			if answer != nil {
				t.Error("an answer is returned")
			}
		})
	}
}

// TestThreat04_Certificates has servers whose authority is known and whose certificate
// is wrong all the same.
func TestThreat04_Certificates(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(answering(200, "application/json", "{}"))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	old := httptest.NewUnstartedServer(answering(200, "application/json", "{}"))
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	t.Cleanup(old.Close)
	tests := map[string]struct {
		url  string
		now  time.Time
		want refusal
	}{
		"good":       {secure.URL, time.Time{}, refusal{}},
		"other name": {strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), time.Time{}, refusal{"cannot reach HOST: its certificate is for another name", "check base_url", fault.Unreachable}},
		"expired":    {secure.URL, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), refusal{"cannot reach HOST: its certificate is not valid (expired, or not for this use)", "check the clock of both machines", fault.Unreachable}},
		"TLS 1.1":    {old.URL, time.Time{}, refusal{"cannot reach HOST: the connection broke (tls: protocol version not supported)", "try again", fault.Unreachable}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient()
			config := client.HTTP.Transport.(*http.Transport).TLSClientConfig
			config.RootCAs = x509.NewCertPool()
			config.RootCAs.AddCert(secure.Certificate())
			if !test.now.IsZero() {
				config.Time = func() time.Time { return test.now }
			}
			_, err := client.Do(t.Context(), loginAt(t, test.url, ""))
			check(t, hostOf(t, test.url), test.want, err)
		})
	}
}

// TestThreat04_NoSwitchInTheEnvironment sets every variable that other tools
// take for "do not check certificates".
func TestThreat04_NoSwitchInTheEnvironment(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(answering(200, "application/json", "{}"))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	everything := func(name string) string {
		if strings.Contains(strings.ToLower(name), "proxy") || name == "REQUEST_METHOD" {
			return ""
		}
		return "1"
	}
	client := newClient()
	client.HTTP = call.NewHTTP(everything)
	config := client.HTTP.Transport.(*http.Transport).TLSClientConfig
	if config.InsecureSkipVerify || config.MinVersion != tls.VersionTLS12 {
		t.Errorf("certificates are not checked, or TLS %x is spoken", config.MinVersion)
	}
	_, err := client.Do(t.Context(), loginAt(t, secure.URL, ""))
	check(t, hostOf(t, secure.URL), refusal{"cannot reach HOST: its certificate is signed by nobody this machine trusts", "install the certificate authority on this machine, or name it in the profile: tls: {ca_file: …}", fault.Unreachable}, err)
}

// TestThreat10_Deadline has servers that are slow at different points.
func TestThreat10_Deadline(t *testing.T) {
	t.Parallel()
	for name, some := range map[string]string{"no header": "", "half a body": `{"token":"opal-7Q`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, untilClosed(some))
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := newClient().Do(ctx, loginAt(t, server.URL, ""))
			check(t, hostOf(t, server.URL), refusal{"cannot reach HOST: no answer in time", "try again, or raise --timeout", fault.Unreachable}, err)
		})
		t.Run(name+", interrupted", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				go cancel()
				untilClosed(some)(w, r)
			})
			_, err := newClient().Do(ctx, loginAt(t, server.URL, ""))
			check(t, hostOf(t, server.URL), refusal{"interrupted", "", fault.Interrupted}, err)
		})
	}
}

func TestClockOffset(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		date string
		want time.Duration
	}{
		"equal":         {noon().Format(http.TimeFormat), 0},
		"4 s ahead":     {noon().Add(4 * time.Second).Format(http.TimeFormat), 0},
		"5 s ahead":     {noon().Add(5 * time.Second).Format(http.TimeFormat), 5 * time.Second},
		"an hour back":  {noon().Add(-time.Hour).Format(http.TimeFormat), -time.Hour},
		"RFC 850":       {noon().Add(time.Hour).Format("Monday, 02-Jan-06 15:04:05 GMT"), time.Hour},
		"ANSI C":        {noon().Add(time.Hour).Format(time.ANSIC), time.Hour},
		"no date":       {"", 0},
		"nonsense":      {"tomorrow", 0},
		"ISO 8601":      {"2026-01-02T13:00:00Z", 0},
		"another zone":  {"Fri, 02 Jan 2026 13:00:00 CET", 0},
		"the year 1":    {"Mon, 01 Jan 0001 00:00:00 GMT", -1 << 63},
		"the year 1970": {"Thu, 01 Jan 1970 00:00:00 GMT", time.Unix(0, 0).Sub(noon())},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, answering(200, "", "{}", "Date", test.date))
			status, offset, err := newClient().Probe(t.Context(), &profile.Profile{}, parseURL(t, server.URL))
			if err != nil || status != 200 || offset != test.want {
				t.Errorf("status %d, offset %s, %v; want %s", status, offset, err, test.want)
			}
		})
	}
}

// TestProbeSendsNoSecret looks at what a probe sends, and where it goes.
func TestProbeSendsNoSecret(t *testing.T) {
	t.Parallel()
	got := make(chan []string, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got <- []string{r.Method, r.RequestURI, r.Header.Get("Authorization")}
		answering(302, "", "", "Location", "/elsewhere")(w, r)
	})
	status, _, err := newClient().Probe(t.Context(), &profile.Profile{}, parseURL(t, server.URL+"/v1"))
	if diff := cmp.Diff([]string{"GET", "/v1", ""}, <-got); diff != "" || err != nil || status != 302 {
		t.Error(diff, status, err)
	}
	if _, _, err := newClient().Probe(t.Context(), &profile.Profile{}, parseURL(t, refusedPort(t))); fault.KindOf(err) != fault.Unreachable {
		t.Errorf("nobody listens: %v", err)
	}
}

// TestThreat07_TraceHoldsNoSecret puts the password everywhere and looks at
// the events.
func TestThreat07_TraceHoldsNoSecret(t *testing.T) {
	t.Parallel()
	server := serve(t, answering(401, "application/json", `{"message":"opal-7Q"}`, "X-Echo", opal))
	host := hostOf(t, server.URL)
	p := load(t, server.URL+"/v1", `      request: PUT /{{password}}/{{username}}/{{ticket}}?fixed=1
      query: {key: "{{password}}", "a b": "{{username}}"}
      headers: {X-Password: "{{password}}"}
      form: {password: "{{password}}"}
      basic: "{{username}}:{{password}}"
`, "    inputs: {ticket: {label: Ticket, secret: true}}\n")
	values := call.Values{"password": opal, "username": "ann/1", "ticket": "agate-2", "token": "beryl-3", "id": "a/7"}
	var mu sync.Mutex
	var events []call.Event
	client := newClient()
	client.Trace = func(e call.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}
	var clock atomic.Int64
	client.Now = func() time.Time { return noon().Add(time.Duration(clock.Add(1)) * time.Millisecond) }
	s := spec(p, values)
	s.WithToken = true
	if _, err := client.Do(t.Context(), s); fault.KindOf(err) != fault.Refused {
		t.Fatal(err)
	}
	revoke := spec(load(t, server.URL, "      request: DELETE /keys/{{id}}\n", ""), values)
	if _, err := client.Do(t.Context(), revoke); fault.KindOf(err) != fault.Refused {
		t.Fatal(err)
	}
	next := revoke
	next.URL = parseURL(t, server.URL+"/page%2F?cursor="+opal)
	if _, err := client.Do(t.Context(), next); fault.KindOf(err) != fault.Refused {
		t.Fatal(err)
	}
	gone := spec(load(t, refusedPort(t), "      request: GET /\n", ""), values)
	if _, err := client.Do(t.Context(), gone); fault.KindOf(err) != fault.Unreachable {
		t.Fatal(err)
	}
	for i := range events {
		// A map has no order; the transport's own headers do not belong here.
		sorted := map[string]bool{}
		for _, name := range events[i].Headers {
			sorted[name] = true
		}
		events[i].Headers = nil
		for _, name := range []string{"Accept", "Authorization", "Content-Type", "User-Agent", "X-Password"} {
			if sorted[name] {
				events[i].Headers = append(events[i].Headers, name)
				delete(sorted, name)
			}
		}
		if len(sorted) > 0 {
			t.Errorf("other headers: %v", sorted)
		}
	}
	want := []call.Event{
		{"PUT", "http://" + host + "/v1/…/ann%2F1/…?a+b=…&fixed=…&key=…", 401, time.Millisecond, []string{"Accept", "Authorization", "Content-Type", "User-Agent", "X-Password"}},
		{"DELETE", "http://" + host + "/keys/a%2F7", 401, time.Millisecond, []string{"Accept", "User-Agent"}},
		{"DELETE", "http://" + host + "/page%2F?cursor=…", 401, time.Millisecond, []string{"Accept", "User-Agent"}},
		{"GET", "http://" + gone.Base.Host + "/", 0, time.Millisecond, []string{"Accept", "User-Agent"}},
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
}

// TestThreat04_Proxies asks which proxy the usual variables choose.
func TestThreat04_Proxies(t *testing.T) {
	t.Parallel()
	both := map[string]string{"HTTPS_PROXY": "http://ann:opal-7Q@proxy.example:3128", "HTTP_PROXY": "http://plain.example", "NO_PROXY": "internal.example,10.0.0.0/8"}
	tests := map[string]struct {
		env  map[string]string
		url  string
		want string
	}{
		"none":                  {nil, "https://x.example/", ""},
		"https":                 {both, "https://x.example/", "http://ann:opal-7Q@proxy.example:3128"},
		"http":                  {both, "http://x.example/", "http://plain.example"},
		"exception":             {both, "https://a.internal.example/", ""},
		"exception by address":  {both, "https://10.1.2.3/", ""},
		"loopback":              {both, "http://127.0.0.1:8080/", ""},
		"localhost":             {both, "http://localhost:8080/", ""},
		"small letters first":   {map[string]string{"https_proxy": "http://small.example", "HTTPS_PROXY": "http://large.example"}, "https://x.example/", "http://small.example"},
		"without a scheme":      {map[string]string{"https_proxy": "proxy.example:1"}, "https://x.example/", "http://proxy.example:1"},
		"SOCKS":                 {map[string]string{"https_proxy": "socks5://proxy.example:1"}, "https://x.example/", "socks5://proxy.example:1"},
		"not from a CGI server": {map[string]string{"HTTP_PROXY": "http://evil.example", "REQUEST_METHOD": "GET"}, "http://x.example/", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := call.NewHTTP(func(name string) string { return test.env[name] })
			proxy, err := client.Transport.(*http.Transport).Proxy(&http.Request{URL: parseURL(t, test.url)})
			got := ""
			if proxy != nil {
				got = proxy.String()
			}
			if err != nil && name != "not from a CGI server" || got != test.want {
				t.Errorf("%s, %v; want %s", got, err, test.want)
			}
		})
	}
}

// TestThreat04_ProxyPasswordIsNotShown breaks the connection at the proxy in
// several ways.
func TestThreat04_ProxyPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	closed := strings.TrimPrefix(refusedPort(t), "http://")
	denies := serve(t, answering(407, "", "opal-7Q"))
	drops := strings.TrimPrefix(raw(t, ""), "http://")
	tests := map[string]struct {
		proxy string
		want  refusal
	}{
		"nobody listens": {closed, refusal{"cannot reach x.example: connection refused", "check that the server runs and that base_url is right", fault.Unreachable}},
		"denied":         {hostOf(t, denies.URL), refusal{"cannot reach x.example: the connection broke (Proxy Authentication Required)", "try again", fault.Unreachable}},
		"dropped":        {drops, refusal{"cannot reach x.example: the connection broke (unexpected EOF)", "try again", fault.Unreachable}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient()
			client.HTTP = call.NewHTTP(func(name string) string {
				if name == "https_proxy" {
					return (&url.URL{Scheme: "http", User: url.UserPassword("ann", opal), Host: test.proxy}).String()
				}
				return ""
			})
			_, err := client.Do(t.Context(), loginAt(t, "https://x.example", ""))
			check(t, "HOST", test.want, err)
		})
	}
}

// TestNothingIsSentTwice counts the requests of calls that fail.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 307, 401, 408, 425, 429, 500, 503} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				answering(status, "application/json", "{}", "Retry-After", "0")(w, r)
			})
			if _, err := newClient().Do(t.Context(), loginAt(t, server.URL, "")); (err == nil) != (status == 200) {
				t.Errorf("error: %v", err)
			}
			if asked.Load() != 1 {
				t.Errorf("%d requests", asked.Load())
			}
		})
	}
	t.Run("dropped", func(t *testing.T) {
		t.Parallel()
		var asked atomic.Int64
		server := serve(t, func(http.ResponseWriter, *http.Request) {
			asked.Add(1)
			panic(http.ErrAbortHandler)
		})
		if _, err := newClient().Do(t.Context(), loginAt(t, server.URL, "")); fault.KindOf(err) != fault.Unreachable || asked.Load() != 1 {
			t.Errorf("%d requests, %v", asked.Load(), err)
		}
	})
}

// TestSlowAnswer: a server that takes long has no wrong clock. Its Date lies
// between the request and the answer.
func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]time.Duration{7 * time.Second: 0, time.Hour: 8*time.Second - time.Hour} {
		client, asked := newClient(), false
		client.Now = func() time.Time {
			if !asked {
				asked = true
				return noon().Add(-8 * time.Second)
			}
			return noon()
		}
		server := serve(t, answering(200, "", "{}", "Date", noon().Add(-ago).Format(http.TimeFormat)))
		_, offset, err := client.Probe(t.Context(), &profile.Profile{}, parseURL(t, server.URL))
		if err != nil || offset != want {
			t.Errorf("%s ago: offset %s, %v; want %s", ago, offset, err, want)
		}
	}
}
