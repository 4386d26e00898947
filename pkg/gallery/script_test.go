package gallery_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/xmltree"
)

// A script in testdata says what is done with a profile, what is then sent and
// answered, and what comes of it:
//
//	login username=ann password=opal-7Q     a step, with the inputs that it gives
//	> POST /login                           a request; a path stands after the profile's origin
//	> X-Header: value                       its headers: all but the usual ones, so that none is too many
//	> {"user": "ann"}                       its body
//	< 200                                   the answer
//	< {"token": "beryl-1"}
//	= token beryl-1                         all that comes of the step; see outcome_test.go
//
// Content-Type goes without saying where it is what the body looks like. An
// input that begins with ? is given only when it is asked for. @jwt(ID TIME) is
// a JWT that ends then, @base64(TEXT) is the text in base64.

// step is one thing that is done.
type step struct {
	line      int // in the script
	verb      string
	args      []string
	exchanges []exchange
	outcome   []string
}

// exchange is a request that is expected, and its answer.
type exchange struct {
	request request
	answer  answer
}

// request is what is compared of a request.
type request struct {
	Line   string // METHOD and the whole URL
	Header map[string]string
	Body   any // decoded by its Content-Type
}

type answer struct {
	status int
	header http.Header
	body   string
}

// readScript reads a script; origin stands before paths.
func readScript(t *testing.T, name, origin string) []step {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	lines := strings.Split(expand(t, string(data)), "\n")
	for i := 0; i < len(lines); {
		mark, rest, _ := strings.Cut(lines[i], " ")
		last := len(steps) - 1
		switch {
		case lines[i] == "" || mark == "#":
			i++
		case mark == ">":
			var asked, answered []string
			asked, i = block(lines, i, "> ")
			answered, i = block(lines, i, "< ")
			steps[last].exchanges = append(steps[last].exchanges, exchange{expected(t, asked, origin), answerOf(t, answered)})
		case mark == "=":
			steps[last].outcome, i = block(lines, i, "= ")
		default:
			steps = append(steps, step{line: i + 1, verb: mark, args: strings.Fields(rest)})
			i++
		}
	}
	return steps
}

// block takes the lines that begin with mark.
func block(lines []string, i int, mark string) (taken []string, next int) {
	for ; i < len(lines) && strings.HasPrefix(lines[i], mark); i++ {
		taken = append(taken, strings.TrimPrefix(lines[i], mark))
	}
	return taken, i
}

// expand puts in @jwt(…) and @base64(…).
func expand(t *testing.T, text string) string {
	t.Helper()
	text = regexp.MustCompile(`@jwt\((\S+) (\S+)\)`).ReplaceAllStringFunc(text, func(found string) string {
		id, end, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(found, "@jwt("), ")"), " ")
		at, err := time.Parse(time.RFC3339, end)
		if err != nil {
			t.Fatal(err)
		}
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(`{"alg":"HS256"}`)) + "." + encode(fmt.Appendf(nil, `{"jti":%q,"exp":%d}`, id, at.Unix())) + "." + encode([]byte("signature"))
	})
	return regexp.MustCompile(`@base64\([^)]*\)`).ReplaceAllStringFunc(text, func(found string) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.TrimSuffix(strings.TrimPrefix(found, "@base64("), ")")))
	})
}

// message splits what follows the first line into headers and body.
func message(lines []string) (header http.Header, body string) {
	header = http.Header{}
	for i, line := range lines {
		name, value, found := strings.Cut(line, ": ")
		if !found || strings.ContainsAny(name, `{[<" =`) {
			return header, strings.Join(lines[i:], "\n")
		}
		header.Add(name, value)
	}
	return header, ""
}

func expected(t *testing.T, lines []string, origin string) request {
	t.Helper()
	method, target, _ := strings.Cut(lines[0], " ")
	if strings.HasPrefix(target, "/") {
		target = origin + target
	}
	header, body := message(lines[1:])
	if body != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", usualType(body))
	}
	return requestOf(t, method+" "+target, header, body)
}

func answerOf(t *testing.T, lines []string) answer {
	t.Helper()
	if len(lines) == 0 {
		t.Fatal("a request has no answer")
	}
	status, err := strconv.Atoi(lines[0])
	if err != nil {
		t.Fatal(err)
	}
	header, body := message(lines[1:])
	if body != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", usualType(body))
	}
	return answer{status, header, body}
}

// usualType is the Content-Type that the body looks like.
func usualType(body string) string {
	switch {
	case strings.HasPrefix(body, "{") || strings.HasPrefix(body, "["):
		return "application/json"
	case strings.HasPrefix(body, "<"):
		return "application/xml"
	case strings.Contains(body, "=") && !strings.ContainsAny(body, " \n"):
		return "application/x-www-form-urlencoded"
	}
	return "text/plain; charset=utf-8"
}

// requestOf is a request in the form in which requests are compared.
func requestOf(t *testing.T, line string, header http.Header, body string) request {
	t.Helper()
	r := request{Line: line, Header: map[string]string{}}
	for name, values := range header {
		r.Header[name] = strings.Join(values, " and ")
	}
	var err error
	switch kind := header.Get("Content-Type"); {
	case body == "":
	case strings.Contains(kind, "json"):
		decoder := json.NewDecoder(bytes.NewReader([]byte(body)))
		decoder.UseNumber() // 1 is not "1" and not 1.0
		err = decoder.Decode(&r.Body)
	case strings.Contains(kind, "form"):
		r.Body, err = url.ParseQuery(body)
	case strings.Contains(kind, "xml"):
		r.Body, err = xmltree.Decode([]byte(body))
	default:
		r.Body = body
	}
	if err != nil {
		t.Errorf("%s: %v in %s", line, err, body)
	}
	return r
}
