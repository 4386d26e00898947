package draft

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The names under which a probe keeps the answer.
const (
	seenBody    = "seen_body"
	seenHeaders = "seen_headers"
	seenCookies = "seen_cookies"
)

// Asks says whether the login sends a request, whose answer could be looked at.
func (d *Draft) Asks() bool { return len(d.Login) > 0 && d.Login[0].Method != "" }

// Probe is the profile with readings that take the whole answer, wherever the
// token may be in it. It is for one login whose session is not kept.
func (d *Draft) Probe() string {
	probe := *d
	probe.Refresh, probe.Cancel, probe.Whoami, probe.Notes, probe.Send = nil, nil, nil, nil, Send{}
	probe.Readings = Readings{}
	headers := make([]string, len(TokenHeaders()))
	for i, name := range TokenHeaders() {
		headers[i] = fmt.Sprintf("header(%q)", name)
	}
	probe.Login = append([]Call(nil), d.Login...)
	last := &probe.Login[len(probe.Login)-1]
	last.Token = `"-"`
	last.Save = []Field{{seenBody, "[.]"}, {seenHeaders, "[" + strings.Join(headers, ", ") + "]"}, {seenCookies, "[cookies]"}}
	return probe.Text()
}

// Seen is the answer that a probe has kept.
func Seen(saved map[string]any) (Answer, error) {
	var a Answer
	if headers, ok := saved[seenHeaders].([]any); ok && len(headers) == len(TokenHeaders()) {
		for i, name := range TokenHeaders() {
			if value, isText := headers[i].(string); isText {
				a.Headers = append(a.Headers, Field{name, value})
			}
		}
	}
	if cookies, ok := saved[seenCookies].([]any); ok && len(cookies) == 1 {
		text, _ := cookies[0].(string) // null if there are none
		for pair := range strings.SplitSeq(text, ";") {
			if name, _, found := strings.Cut(strings.TrimSpace(pair), "="); found {
				a.Cookies = append(a.Cookies, name)
			}
		}
	}
	body, ok := saved[seenBody].([]any)
	if !ok || len(body) != 1 || body[0] == nil {
		return a, nil
	}
	if text, isText := body[0].(string); isText {
		a.Text = text
		return a, nil
	}
	data, err := json.Marshal(body[0])
	if err != nil {
		return a, err
	}
	a.Body, err = readJSON(string(data))
	return a, err
}

// Secrets are the values of an answer that look like secrets.
func (a Answer) Secrets() []string {
	var secrets []string
	for _, l := range leaves(a.Body, nil) {
		if looksSecret(l.value) {
			secrets = append(secrets, l.value)
		}
	}
	for _, h := range a.Headers {
		secrets = append(secrets, h.Value)
	}
	return secrets
}
