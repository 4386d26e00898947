package draft

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Answer is what a login was answered with, or a sample of it.
type Answer struct {
	Body    Value
	Text    string   // a body that is no JSON
	Headers []Field  // that an answer may carry a token in
	Cookies []string // names
}

// leaf is a value of an answer, or a property of a schema.
type leaf struct {
	path   []string // "0" stands for the first item of a list
	value  string
	number bool
	text   bool
}

// name is the last part of the path that is a name.
func (l leaf) name() string {
	for i := len(l.path) - 1; i >= 0; i-- {
		if _, err := strconv.Atoi(l.path[i]); err != nil {
			return l.path[i]
		}
	}
	return ""
}

// ofRefresh says whether it is about the refresh token.
func (l leaf) ofRefresh() bool {
	return slices.ContainsFunc(l.path, func(part string) bool { return strings.Contains(flat(part), "refresh") })
}

// jq is the path as an expression.
func (l leaf) jq() string {
	var b strings.Builder
	for i, part := range l.path {
		if n, err := strconv.Atoi(part); err == nil {
			if i == 0 {
				b.WriteString(".")
			}
			fmt.Fprintf(&b, "[%d]", n)
		} else if regexp.MustCompile(`^[A-Za-z_]\w*$`).MatchString(part) {
			b.WriteString("." + part)
		} else {
			if i == 0 {
				b.WriteString(".")
			}
			fmt.Fprintf(&b, "[%s]", strconv.Quote(part))
		}
	}
	return cmp.Or(b.String(), ".")
}

// leaves walks an answer; lists are looked into at their first item.
func leaves(v Value, path []string) []leaf {
	var all []leaf
	at := func(name string) []string { return append(slices.Clone(path), name) }
	switch {
	case len(path) > maxDepth:
	case v.Kind == Object:
		for _, m := range v.Members {
			if len(m.Name) <= 40 { // a longer one tends to be a token itself
				all = append(all, leaves(m.Value, at(m.Name))...)
			}
		}
	case v.Kind == Array && len(v.Items) > 0:
		all = leaves(v.Items[0], at("0"))
	case v.Kind == Text || v.Kind == Raw && v.Text != "null":
		all = []leaf{{path, v.Text, v.Kind == Raw && strings.Trim(v.Text, "-0123456789.eE+") == "", v.Kind == Text}}
	}
	return all
}

// tokenRank is how much a name says "this is the token"; 0 says nothing.
func tokenRank(path []string, name string) int {
	plain := flat(name)
	ranks := [][]string{
		{"accesstoken", "accesstokenvalue", "accessjwt"},
		{"token", "jwt", "authtoken", "apitoken", "bearertoken", "jwttoken", "tokenvalue", "bearer", "authenticationtoken", "access"},
		{"sessiontoken", "sessionid", "sessionkey", "securitytoken", "authorizationtoken", "usertoken", "ticket", "sid", "session"},
		{"idtoken", "key", "apikey", "secret", "accesskey", "authkey", "value", "authorization", "authorisation", "id"},
	}
	for i, words := range ranks {
		if slices.Contains(words, plain) {
			if i == 3 && plain == "id" && !(len(path) > 1 && regexp.MustCompile(`(?i)token|session|ticket|auth`).MatchString(path[len(path)-2])) {
				return 0
			}
			if i == 3 && (plain == "value" || plain == "key") && len(path) > 1 && regexp.MustCompile(`(?i)token`).MatchString(path[len(path)-2]) {
				return 8
			}
			return 10 - 2*i
		}
	}
	if strings.HasSuffix(plain, "token") && !regexp.MustCompile(`refresh|csrf|xsrf|type|reset|device`).MatchString(plain) {
		return 6
	}
	return 0
}

// expectedToken is where the token is when nobody has seen an answer.
const expectedToken = ".access_token"

// guess finds the readings among leaves. Values, where there are any, decide
// between names that say the same.
func guess(all []leaf) Readings {
	var r Readings
	best := 0
	for _, l := range all {
		name := flat(l.name())
		switch {
		case l.ofRefresh():
			isToken := strings.Contains(name, "refresh") && !strings.Contains(name, "expir") || tokenRank(l.path, l.name()) > 0
			if l.text && r.RefreshToken == "" && isToken {
				r.RefreshToken = l.jq()
			}
		case l.text:
			rank := tokenRank(l.path, l.name())
			if looksJWT(l.value) {
				rank += 5
			} else if rank > 0 && looksSecret(l.value) {
				rank += 2
			}
			if rank > 0 && rank*4-len(l.path) > best {
				best, r.Token = rank*4-len(l.path), l.jq()
			}
		}
	}
	for _, l := range all {
		expiry(&r, l)
	}
	return r
}

// expiry finds how long the token lives. The end of the refresh token is not
// meant.
func expiry(r *Readings, l leaf) {
	name := flat(l.name())
	if l.ofRefresh() {
		return
	}
	number, isNumber := parseNumber(l)
	epoch := isNumber && number > 1e9
	switch {
	case !regexp.MustCompile(`^(?:(?:access)?token)?(?:expiresin|expirein|expiresinseconds|expiryin|expires|expire|ttl|lifetime|validity|validfor|leaseduration|maxage)(?:sec|seconds)?$|^(?:access)?(?:token)?(?:expiresat|expireat|expireson|expirationtime|expirationdate|expiration|expiry|expirydate|exp|validuntil|expiresdate|validto|expirytime|expirestime|expiredat|expires)(?:utc)?$`).MatchString(name):
	case name == "expiresin" && l.value == "", isNumber && !epoch && r.ExpiresIn == "" && !strings.HasPrefix(name, "expiresat"):
		if !regexp.MustCompile(`ms$|millis`).MatchString(name) && r.ExpiresIn == "" {
			r.ExpiresIn = l.jq()
		}
	case number > 1e12 && r.ExpiresAt == "":
		r.ExpiresAt = l.jq() + " / 1000"
		if !l.number {
			r.ExpiresAt = l.jq() + " | tonumber / 1000"
		}
	case (epoch || isTime(l.value)) && r.ExpiresAt == "":
		r.ExpiresAt = l.jq()
	}
}

func parseNumber(l leaf) (float64, bool) {
	n, err := strconv.ParseFloat(l.value, 64)
	return n, err == nil && n > 0
}

func isTime(value string) bool {
	return regexp.MustCompile(`^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$`).MatchString(value)
}

// ParseAnswer reads a sample answer: a body, or header lines and a body as
// curl -i shows them.
func ParseAnswer(text string) Answer {
	text = strings.TrimPrefix(strings.ReplaceAll(text, "\r\n", "\n"), "\ufeff")
	var a Answer
	if strings.HasPrefix(text, "HTTP/") {
		head, body, _ := strings.Cut(text, "\n\n")
		text = body
		for line := range strings.Lines(head) {
			if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
				a.header(name, strings.TrimSpace(value))
			}
		}
	}
	text = strings.TrimSpace(text)
	value, err := readJSON(text)
	if err != nil {
		value, err = readJSON(bare().ReplaceAllString(text, `$1"$2"$3`))
	}
	if err != nil {
		a.Text = text
		return a
	}
	a.Body = value
	return a
}

func (a *Answer) header(name, value string) {
	if strings.EqualFold(name, "Set-Cookie") {
		cookie, _, _ := strings.Cut(value, "=")
		a.Cookies = append(a.Cookies, strings.TrimSpace(cookie))
		return
	}
	a.Headers = append(a.Headers, Field{name, value})
}

// Look takes the readings from an answer. It says whether a token was found.
// seen tells whether it is the server's own answer, or a sample.
func (d *Draft) Look(a Answer, seen bool) bool {
	why := "A guess from the sample answer: check it."
	if seen {
		why = "A guess from the server's answer to a login."
	}
	r := guess(leaves(a.Body, nil))
	switch {
	case r.Token != "":
	case d.lookAtHeaders(a, &r), d.lookAtCookies(a, &r):
	case a.Text != "" && !strings.ContainsAny(a.Text, " \n<>{"), a.Body.Kind == Text && a.Body.Text != "" && !strings.ContainsAny(a.Body.Text, " \n<>"):
		r.Token = "."
	default:
		return false
	}
	r.Why = why
	d.Readings = r
	d.proposeRefresh()
	d.needsRefreshToken()
	return true
}

// TokenHeaders are the headers in which APIs are known to hand out tokens.
func TokenHeaders() []string {
	return []string{
		"X-Auth-Token", "X-Subject-Token", "X-Access-Token", "Access-Token", "X-Token", "Authorization", "X-Session-Token", "X-Session-Id",
		"X-Api-Token", "Auth-Token", "X-Security-Token", "X-SecurityToken", "X-JWT-Token", "Token", "CST", "X-Tableau-Auth", "X-Api-Key",
	}
}

func (d *Draft) lookAtHeaders(a Answer, r *Readings) bool {
	for _, name := range TokenHeaders() {
		for _, h := range a.Headers {
			if !strings.EqualFold(h.Name, name) || h.Value == "" {
				continue
			}
			r.Token = `header("` + name + `")`
			if strings.HasPrefix(h.Value, "Bearer ") {
				r.Token += ` | ltrimstr("Bearer ")`
			} else if d.Send == (Send{}) && !strings.EqualFold(name, "Authorization") && name != "X-Subject-Token" {
				d.Send = Send{Header: name + ": {{token}}", Guess: "A guess: the answer hands the token out in this header."}
			}
			return true
		}
	}
	return false
}

// lookAtCookies takes a cookie that sounds like a session.
func (d *Draft) lookAtCookies(a Answer, r *Readings) bool {
	for _, name := range a.Cookies {
		if !regexp.MustCompile(`(?i)sess|sid|token|auth|jwt|ticket`).MatchString(name) || regexp.MustCompile(`(?i)csrf|xsrf|[^\w.-]`).MatchString(name) {
			continue
		}
		r.Token = `cookie("` + name + `")`
		if d.Send == (Send{}) {
			d.Send = Send{Header: "Cookie: " + name + "={{token}}", Guess: "A guess: the answer sets the token as this cookie."}
		}
		return true
	}
	return false
}

// oauth says whether the login is a token request of RFC 6749.
func (d *Draft) oauth() bool {
	return len(d.Login) == 1 && slices.ContainsFunc(d.Login[0].Form, func(f Field) bool { return f.Name == "grant_type" })
}

// proposeRefresh writes the refresh of RFC 6749 §6 where the login is an OAuth
// token request and a refresh token comes with the answer.
func (d *Draft) proposeRefresh() {
	if d.RefreshToken == "" || d.Refresh != nil || len(d.Login) != 1 {
		return
	}
	login := d.Login[0]
	if !d.oauth() {
		return
	}
	refresh := Call{Method: login.Method, Path: login.Path, Constant: login.Constant, Query: login.Query, Headers: login.Headers, Basic: login.Basic}
	refresh.Form = []Field{{"grant_type", "refresh_token"}, {"refresh_token", "{{refresh_token}}"}}
	for _, f := range login.Form {
		if strings.HasPrefix(f.Name, "client_") {
			refresh.Form = append(refresh.Form, f)
		}
	}
	d.Refresh = &refresh
}

// Expect fills in what is usual where nothing is known of the answer.
func (d *Draft) Expect() {
	reads := len(d.Login) > 0 && d.Login[len(d.Login)-1].Token != ""
	switch {
	case d.Token != "" || reads:
	case d.oauth():
		d.Readings = Readings{Token: expectedToken, ExpiresIn: ".expires_in", Why: "A guess after RFC 6749, no answer was seen: check where the token is."}
	default:
		d.Readings = Readings{Token: expectedToken, Why: "A guess, no answer was seen: check where the token is."}
	}
	d.needsRefreshToken()
}
