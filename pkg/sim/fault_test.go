package sim_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/sim"
)

// fault tells an API how to misbehave.
func (w *world) fault(api string, texts ...string) {
	w.t.Helper()
	var faults []sim.Fault
	for _, text := range texts {
		f, err := sim.ParseFault(text)
		if err != nil {
			w.t.Fatal(err)
		}
		faults = append(faults, f)
	}
	if err := w.sim.Fault(api, faults...); err != nil {
		w.t.Fatal(err)
	}
}

// outcome is what a client sees of a misbehaving API.
type outcome struct {
	Status int
	Type   string
	Body   string            // tokens as T1, …
	Header map[string]string // those that faults set
	Failed bool              // no answer, or one that broke off
	Tokens int               // how many were issued
}

// outcome sends a request and notes everything.
func (w *world) outcome(a ask) outcome {
	w.t.Helper()
	response, err := w.raw(a)
	if err != nil {
		return outcome{Failed: true, Tokens: len(w.sim.Tokens())}
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	o := outcome{
		Status: response.StatusCode, Type: response.Header.Get("Content-Type"), Body: string(data),
		Failed: err != nil, Tokens: len(w.sim.Tokens()),
	}
	if o.Tokens > 0 {
		o.Body = strings.ReplaceAll(o.Body, w.sim.Tokens()[0], "T1")
	}
	for _, name := range []string{"Retry-After", "Location", "Date"} {
		if values, ok := response.Header[name]; ok {
			if o.Header == nil {
				o.Header = map[string]string{}
			}
			o.Header[name] = strings.Join(values, ",")
		}
	}
	return o
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const (
		json = "application/json; charset=utf-8"
		html = "text/html; charset=utf-8"
	)
	date := func(more ...string) map[string]string {
		h := map[string]string{"Date": "Fri, 02 Jan 2026 12:00:00 GMT"}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	clean := start(t, sim.Options{}).outcome(logins()[sim.Zumrails]) // what it says without a fault
	if diff := cmp.Diff(outcome{Status: 200, Type: json, Body: clean.Body, Header: date(), Tokens: 1}, clean); diff != "" {
		t.Fatalf("without a fault (-want +got):\n%s", diff)
	}
	body := clean.Body
	with := func(o outcome, change func(*outcome)) outcome { change(&o); return o }
	page := func(title string) string {
		return "<!DOCTYPE html>\n<html><head><title>" + title + "</title></head>\n<body><h1>" + title + "</h1></body></html>\n"
	}
	tests := map[string]outcome{
		"slow:1ms":                     clean,
		"drip:1ns":                     clean,
		"dropped":                      {Failed: true},
		"lost":                         {Failed: true, Tokens: 1},
		"500":                          {Status: 500, Type: json, Body: zumError(500, "Internal server error"), Header: date()},
		"status:503":                   {Status: 503, Type: json, Body: zumError(503, "Simulated fault"), Header: date()},
		"502":                          {Status: 502, Type: html, Body: page("502 Bad Gateway"), Header: date()},
		"html":                         {Status: 200, Type: html, Body: page("Welcome to the hotel's network"), Header: date()},
		"empty":                        {Status: 200, Type: "application/json", Header: date()},
		"429":                          {Status: 429, Type: json, Body: zumError(429, "Too many requests"), Header: date("Retry-After", "60")},
		"429:1500ms":                   {Status: 429, Type: json, Body: zumError(429, "Too many requests"), Header: date("Retry-After", "2")},
		"429-date:1h":                  {Status: 429, Type: json, Body: zumError(429, "Too many requests"), Header: date("Retry-After", "Fri, 02 Jan 2026 13:00:00 GMT")},
		"redirect:307:http://[::1]:9/": {Status: 307, Header: date("Location", "http://[::1]:9/")},
		"redirect:301:/x?y=1":          {Status: 301, Header: date("Location", "/x?y=1")},
		"trailing":                     with(clean, func(o *outcome) { o.Body += `{"more":true}` }),
		"no-date":                      with(clean, func(o *outcome) { o.Header = nil }),
		"clock:-90m":                   with(clean, func(o *outcome) { o.Header = map[string]string{"Date": "Fri, 02 Jan 2026 10:30:00 GMT"} }),
		"escapes": {Status: 400, Type: json, Header: date(), Body: zumError(400,
			`\u001b[2J\u001b]0;title\u0007 `+"\u009b31m \u202egnp.exe\u202c\u200b"+`\r\n::error::hello\n##vso[task.setvariable]x\u0000`)},
		"malformed": with(clean, func(o *outcome) {
			o.Body = `{
    "statusCode": 200,
    "message": "POST Request successful.",
    "isError": false,
    "result": {
        "Role": "API",
        "Token": "T1",
        "CustomerId": "` + between(body, `"CustomerId":"`) + `",
        "CompanyName": "Test Company Inc.",
        "CustomerType": "Customer"
        "Username": "sandbox-api-user"
    }
}`
		}),
		"duplicate-keys": with(clean, func(o *outcome) {
			id := between(body, `"CustomerId":"`)
			inner := `{"CompanyName":"Test Company Inc.","CompanyName":"Test Company Inc.-again","CustomerId":"` + id + `","CustomerId":"` + id +
				`-again","CustomerType":"Customer","CustomerType":"Customer-again","Role":"API","Role":"API-again","Token":"T1","Token":"T1-again",` +
				`"Username":"sandbox-api-user","Username":"sandbox-api-user-again"}`
			o.Body = `{"isError":false,"isError":false,"message":"POST Request successful.","message":"POST Request successful.-again",` +
				`"result":` + inner + `,"result":` + inner + `,"statusCode":200,"statusCode":200}`
		}),
		"null-token":  with(clean, func(o *outcome) { o.Body = sorted(body, `"Token":null,`) }),
		"empty-token": with(clean, func(o *outcome) { o.Body = sorted(body, `"Token":"",`) }),
		"no-token":    with(clean, func(o *outcome) { o.Body = sorted(body, "") }),
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			w := start(t, sim.Options{})
			w.fault(sim.Zumrails, text)
			if diff := cmp.Diff(want, w.outcome(logins()[sim.Zumrails])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			w.fault(sim.Zumrails)
			if after := w.outcome(logins()[sim.Zumrails]); after.Status != 200 || after.Type != json {
				t.Errorf("after the reset: %+v", after)
			}
		})
	}
	testedElsewhere := []string{"truncated", "endless", "bomb"}
	for _, k := range sim.FaultKinds() {
		name, _, _ := strings.Cut(strings.ReplaceAll(k.Form, "[", ""), ":")
		known := slices.Contains(testedElsewhere, name)
		for text := range tests {
			tested, _, _ := strings.Cut(text, ":")
			known = known || tested == name
		}
		if !known {
			t.Errorf("fault %s is not tested", k.Form)
		}
	}
}

// between returns what stands in text after a mark and before the next quote.
func between(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	inner, _, _ := strings.Cut(rest, `"`)
	return inner
}

// sorted is the good answer with sorted names and another token.
func sorted(body, token string) string {
	return `{"isError":false,"message":"POST Request successful.","result":{"CompanyName":"Test Company Inc.","CustomerId":"` +
		between(body, `"CustomerId":"`) + `","CustomerType":"Customer","Role":"API",` + token + `"Username":"sandbox-api-user"},"statusCode":200}`
}

// TestFaultMalformedAlways: an answer without a comma loses its brace.
func TestFaultMalformedAlways(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	w.fault(sim.Logware, "malformed")
	w.check([]step{{"one member", whoami(sim.Logware, ""), got{401, "{\n    \"message\": \"Authentication credentials were not provided.\"\n"}}})
}

func TestFaultTruncated(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	w.fault(sim.Logware, "truncated")
	o := w.outcome(logins()[sim.Logware])
	if !o.Failed || o.Status != 200 || !strings.HasPrefix(o.Body, `{"login":`) || strings.HasSuffix(o.Body, "}") {
		t.Errorf("%+v", o)
	}
}

// TestFaultsEndWithTheClient: start's cleanup hangs if an answer goes on.
func TestFaultsEndWithTheClient(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	w.fault(sim.Logware, "endless")
	response, err := w.raw(logins()[sim.Logware])
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := io.CopyN(io.Discard, response.Body, 5<<20); err != nil {
		t.Errorf("only %d bytes: %v", n, err)
	}
}

// TestFaultsEndWithTheServer closes the Server while clients wait.
func TestFaultsEndWithTheServer(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"slow:1h", "drip:1h", "endless"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			w := start(t, sim.Options{})
			w.fault(sim.Logware, text)
			time.AfterFunc(20*time.Millisecond, w.sim.Close)
			if response, err := w.raw(logins()[sim.Logware]); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
}

func TestFaultBomb(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	w.fault(sim.Logware, "bomb")
	response, err := w.raw(logins()[sim.Logware])
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	if want := int64(200<<20 + len(`{"padding":""}`)); n != want || err != nil || !response.Uncompressed {
		t.Errorf("%d bytes, want %d; error %v, unpacked %t", n, want, err, response.Uncompressed)
	}
}

// TestFaultsAreNarrow looks at counts, paths, methods, order and the clock.
func TestFaultsAreNarrow(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	w.fault(sim.HautAI, "clock:1h next=6", "500 next=2 path=/api/v1/auth/login/", "status:418 method=DELETE", "status:404 path=/api/v1/auth/private*")
	texts := func() (list []string) {
		for _, f := range w.sim.Faults(sim.HautAI) {
			list = append(list, f.String())
		}
		return list
	}
	login, private := logins()[sim.HautAI], ask{Method: "GET", Path: privatePath}
	var statuses []int
	for _, a := range []ask{login, private, login, login, {Method: "DELETE", Path: privatePath + "1/"}} {
		statuses = append(statuses, w.ask(a).Status)
	}
	if diff := cmp.Diff([]int{500, 404, 500, 200, 418}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	want := []string{"clock:1h0m0s next=1", "status:418 method=DELETE", "status:404 path=/api/v1/auth/private*"}
	if diff := cmp.Diff(want, texts()); diff != "" {
		t.Errorf("faults left (-want +got):\n%s", diff)
	}
	early := jwtClaims(t, w.sim.Tokens()[0])["iat"]
	w.fault(sim.HautAI)
	w.ask(login)
	late := jwtClaims(t, w.sim.Tokens()[2])["iat"]
	if diff := cmp.Diff([]any{early, late}, []any{jsonNumber(1767355200 + 3600), jsonNumber(1767355200)}); diff != "" {
		t.Errorf("iat (-got +want):\n%s", diff)
	}
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	good := map[string]sim.Fault{
		"html":                       {Kind: "html"},
		" slow:2s ":                  {Kind: "slow", For: 2 * time.Second},
		"429":                        {Kind: "429", For: time.Minute},
		"clock:-1h":                  {Kind: "clock", For: -time.Hour},
		"redirect:307:http://a:1/?x": {Kind: "redirect", Status: 307, URL: "http://a:1/?x"},
		"500 next=2 path=/a* method=POST": {
			Kind: "500", Count: 2, Path: "/a*", Method: http.MethodPost,
		},
	}
	for text, want := range good {
		f, err := sim.ParseFault(text)
		if diff := cmp.Diff(want, f); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
		again, err := sim.ParseFault(f.String())
		if diff := cmp.Diff(f, again); diff != "" || err != nil {
			t.Errorf("%q written as %q: %v (-want +got):\n%s", text, f, err, diff)
		}
	}
	for _, text := range []string{
		"", "htm", "html:1", "slow", "slow:", "slow:2", "slow:-2s", "drip:0s", "429:x", "status", "status:99", "status:204", "redirect",
		"redirect:307", "redirect:200:/", "redirect:x:/", "redirect:307:http://[", "500 next=0", "500 next=x", "500 path=a", "500 x=1",
	} {
		if f, err := sim.ParseFault(text); err == nil {
			t.Errorf("%q was taken: %+v", text, f)
		}
	}
}

func TestFaultRefuses(t *testing.T) {
	t.Parallel()
	s := sim.New(sim.Options{})
	for _, err := range []error{
		s.Fault("nothing", sim.Fault{Kind: "html"}), s.Fault(sim.Logware, sim.Fault{}), s.Fault(sim.Logware, sim.Fault{Kind: "html", Count: -1}),
	} {
		if err == nil {
			t.Error("no error")
		}
	}
}
