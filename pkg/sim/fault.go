package sim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is one way in which an API misbehaves. ParseFault makes one from text.
type Fault struct {
	Kind   string        // a name that FaultKinds lists, such as "html"
	For    time.Duration // how long to wait, to refuse, or how far the clock is off; what it means depends on Kind
	Status int           // HTTP status, for the kinds that take one
	URL    string        // target of a redirect
	Count  int           // how many requests it hits; 0: all until it is reset
	Path   string        // hits only this path without the API's prefix and without query; a "*" at its end stands for any rest
	Method string        // hits only this method; empty: all
}

// FaultKind tells people about a kind of fault.
type FaultKind struct {
	Form    string `json:"form"` // how it is written, such as "slow:DURATION"
	Meaning string `json:"meaning"`
}

// faultKind is a kind of fault with what it does.
type faultKind struct {
	name     string
	argument string        // one of the arg constants
	usual    time.Duration // for argMaybeDuration, if none is given
	meaning  string
	// run answers the request, or does not. next asks the API itself, with all
	// that follows from it, such as tokens.
	run func(c *call, f Fault, next func() answer)
}

// What follows the name of a kind after a colon.
const (
	argNone          = ""
	argDuration      = "DURATION"
	argMaybeDuration = "[DURATION]"
	argStatus        = "CODE"
	argRedirect      = "CODE:URL"
)

// clockFault is the one kind that comes on top of others.
const clockFault = "clock"

// faultKinds is the table of all kinds.
func faultKinds() []faultKind {
	return []faultKind{
		{"slow", argDuration, 0, "waits before it asks the API", runSlow},
		{"dropped", argNone, 0, "closes the connection without an answer; the API does nothing", runDropped},
		{"lost", argNone, 0, "asks the API, then closes the connection without an answer", runLost},
		{"truncated", argNone, 0, "closes the connection in the middle of the API's answer", runTruncated},
		{"drip", argDuration, 0, "sends the API's answer one byte at a time, with that long between", runDrip},
		{"status", argStatus, 0, "answers with that status and the API's usual error body", runStatus},
		{"500", argNone, 0, "answers 500 with the API's usual error body", run500},
		{"502", argNone, 0, "answers 502 with an HTML page, as a proxy does", run502},
		{"429", argMaybeDuration, time.Minute, "answers 429 with Retry-After in seconds (usually 1m0s)", run429},
		{"429-date", argMaybeDuration, time.Minute, "answers 429 with Retry-After as a date (usually 1m0s ahead)", run429Date},
		{"escapes", argNone, 0, "answers 400 with an error text full of control characters", runEscapes},
		{"redirect", argRedirect, 0, "answers 301, 302, 303, 307 or 308 with that Location", runRedirect},
		{"html", argNone, 0, "answers 200 with an HTML page", runHTML},
		{"empty", argNone, 0, "answers 200 without a body", runEmpty},
		{"endless", argNone, 0, "answers 200 with JSON that never ends", runEndless},
		{"bomb", argNone, 0, "answers 200 with 210 MB of JSON, in some 200 KB of gzip", runBomb},
		{"malformed", argNone, 0, "leaves a comma out of the API's answer", runMalformed},
		{"trailing", argNone, 0, "puts more JSON after the API's answer", runTrailing},
		{"duplicate-keys", argNone, 0, "writes every member of the API's answer twice, with different texts", runDuplicateKeys},
		{"null-token", argNone, 0, "puts null for every token in the API's answer", runNullToken},
		{"empty-token", argNone, 0, "puts an empty text for every token in the API's answer", runEmptyToken},
		{"no-token", argNone, 0, "leaves every token out of the API's answer", runNoToken},
		{"no-date", argNone, 0, "leaves the header Date out", runNoDate},
		{clockFault, argDuration, 0, "runs the API on a clock that is off by that much, in Date and in tokens; joins other faults", nil},
	}
}

// kindOf returns the row of the table for a name.
func kindOf(name string) (faultKind, error) {
	kinds := faultKinds()
	i := slices.IndexFunc(kinds, func(k faultKind) bool { return k.name == name })
	if i >= 0 {
		return kinds[i], nil
	}
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return faultKind{}, fmt.Errorf("no fault is called %q: there are %s", name, strings.Join(names, ", "))
}

// form is how a kind is written.
func (k faultKind) form() string {
	switch k.argument {
	case argNone:
		return k.name
	case argMaybeDuration:
		return k.name + "[:" + argDuration + "]"
	default:
		return k.name + ":" + k.argument
	}
}

// FaultKinds lists the kinds of faults for a help text.
func FaultKinds() []FaultKind {
	var list []FaultKind
	for _, k := range faultKinds() {
		list = append(list, FaultKind{Form: k.form(), Meaning: k.meaning})
	}
	return list
}

// ParseFault reads a fault from its text: a form that FaultKinds lists, then in
// any order, after spaces, "next=N" (hit only the next N requests), "path=PATH"
// and "method=METHOD". For example "slow:2s", "clock:-1h",
// "redirect:307:http://127.0.0.1:9/", "500 next=1 path=/api/authorize".
// Durations are those of time.ParseDuration.
func ParseFault(text string) (Fault, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Fault{}, fmt.Errorf("the fault is empty")
	}
	name, argument, _ := strings.Cut(words[0], ":")
	kind, err := kindOf(name)
	if err != nil {
		return Fault{}, err
	}
	f := Fault{Kind: name, For: kind.usual}
	if err := f.setArgument(kind, argument); err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w; write %s", text, err, kind.form())
	}
	for _, word := range words[1:] {
		if err := f.setOption(word); err != nil {
			return Fault{}, fmt.Errorf("fault %q: %w", text, err)
		}
	}
	if err := f.check(); err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w", text, err)
	}
	return f, nil
}

// setArgument reads what follows the name.
func (f *Fault) setArgument(kind faultKind, text string) (err error) {
	switch kind.argument {
	case argNone:
		if text != "" {
			err = fmt.Errorf("it takes no %q", text)
		}
	case argMaybeDuration, argDuration:
		if text != "" || kind.argument == argDuration {
			f.For, err = time.ParseDuration(text)
		}
	case argStatus:
		f.Status, err = strconv.Atoi(text)
	case argRedirect:
		status, target, _ := strings.Cut(text, ":")
		f.URL = target
		f.Status, err = strconv.Atoi(status)
	}
	return err
}

// setOption reads one word after the kind.
func (f *Fault) setOption(word string) (err error) {
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "next":
		if f.Count, err = strconv.Atoi(value); err == nil && f.Count < 1 {
			err = fmt.Errorf("%q is not a number of requests", word)
		}
	case "path":
		f.Path = value
	case "method":
		f.Method = value
	default:
		err = fmt.Errorf("%q is not next=N, path=PATH or method=METHOD", word)
	}
	return err
}

// check says what is wrong with a fault.
func (f Fault) check() error {
	kind, err := kindOf(f.Kind)
	redirects := []int{301, 302, 303, 307, 308}
	switch {
	case err != nil:
		return err
	case f.Count < 0:
		return fmt.Errorf("it cannot hit %d requests", f.Count)
	case f.Path != "" && !strings.HasPrefix(f.Path, "/"):
		return fmt.Errorf("path %q does not begin with a slash", f.Path)
	case f.For < 0 && f.Kind != clockFault:
		return fmt.Errorf("%s is less than nothing", f.For)
	case kind.argument == argDuration && f.For == 0:
		return fmt.Errorf("it needs a duration, such as %s:2s", f.Kind)
	case kind.argument == argStatus && (f.Status < 200 || f.Status > 599 || !hasBody(f.Status)):
		return fmt.Errorf("%d is not a status from 200 to 599 with a body", f.Status)
	case kind.argument == argRedirect && !slices.Contains(redirects, f.Status):
		return fmt.Errorf("%d is none of the redirects %v", f.Status, redirects)
	case kind.argument == argRedirect:
		return checkTarget(f.URL)
	}
	return nil
}

// hasBody says whether answers with a status have a body.
func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// checkTarget refuses what cannot be a Location.
func checkTarget(text string) error {
	if text == "" {
		return fmt.Errorf("it needs a URL")
	}
	_, err := url.Parse(text)
	return err
}

// String returns the text that ParseFault reads.
func (f Fault) String() string {
	text := f.Kind
	kind, _ := kindOf(f.Kind) // an unknown kind has no argument to write
	switch kind.argument {
	case argDuration, argMaybeDuration:
		text += ":" + f.For.String()
	case argStatus:
		text += ":" + strconv.Itoa(f.Status)
	case argRedirect:
		text += ":" + strconv.Itoa(f.Status) + ":" + f.URL
	}
	if f.Count > 0 {
		text += " next=" + strconv.Itoa(f.Count)
	}
	if f.Path != "" {
		text += " path=" + f.Path
	}
	if f.Method != "" {
		text += " method=" + f.Method
	}
	return text
}

// Fault tells an API how to misbehave from now on, instead of what it was told
// before; without faults it behaves. The first fault that fits a request hits
// it; kind "clock" joins that one.
//
// Kinds that drop the connection panic with http.ErrAbortHandler, as net/http
// wants it: use them behind a real server, not with httptest.ResponseRecorder.
func (s *Server) Fault(api string, faults ...Fault) error {
	a, err := s.find(api)
	if err != nil {
		return err
	}
	for _, f := range faults {
		if err := f.check(); err != nil {
			return fmt.Errorf("fault %q: %w", f, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.faults = slices.Clone(faults)
	return nil
}

// Faults returns how an API misbehaves now, with what is left of their counts.
func (s *Server) Faults(api string) []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.find(api)
	if err != nil {
		return nil
	}
	return slices.Clone(a.faults)
}

// pick returns the fault that hits a request, if any, and how far the API's
// clock is off. It counts both.
func (s *Server) pick(a *api, method, path string) (hit *Fault, offset time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []Fault
	for _, f := range a.faults {
		clock := f.Kind == clockFault
		if !f.fits(method, path) || !clock && hit != nil {
			left = append(left, f)
			continue
		}
		if clock {
			offset += f.For
		} else {
			hit = &f
		}
		if f.Count != 1 {
			f.Count = max(0, f.Count-1)
			left = append(left, f)
		}
	}
	a.faults = left
	return hit, offset
}

// fits says whether a fault is meant for a request.
func (f Fault) fits(method, path string) bool {
	if f.Method != "" && f.Method != method {
		return false
	}
	if prefix, open := strings.CutSuffix(f.Path, "*"); open {
		return strings.HasPrefix(path, prefix)
	}
	return f.Path == "" || f.Path == path
}
