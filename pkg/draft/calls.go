package draft

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/authctl/authctl/pkg/fault"
)

// FromCurl reads the curl commands in a text, the login first. The others are
// a refresh, a logout, a use of the token, or more steps of the login.
func FromCurl(text string) (*Draft, error) {
	commands, err := split(text)
	if err != nil {
		return nil, fault.New(fault.Usage, "paste the whole command", "the command cannot be read: %w", err)
	}
	d := &Draft{}
	w := &writer{names: names{draft: d, values: map[string]string{}, login: true}}
	for _, c := range expand(commands) {
		if !isCurl(c) {
			continue
		}
		r, err := readCurl(c)
		if err != nil {
			return nil, err
		}
		if err := w.request(r); err != nil {
			return nil, err
		}
	}
	if d.BaseURL == "" {
		return nil, fault.New(fault.Usage, "paste the command as the vendor's page shows it", "no curl command was found")
	}
	w.finish()
	return d, nil
}

// isCurl recognises curl, /usr/bin/curl and curl.exe.
func isCurl(c command) bool {
	return regexp.MustCompile(`^(?:.*[/\\])?curl(?:\.exe)?$`).MatchString(c.words[0])
}

// writer turns requests into the calls of a profile.
type writer struct {
	names
	origin string            // of the first request, as it was written
	read   map[string]string // variable → the name that it is known by
	sent   bool              // how the token is sent is known
}

func (w *writer) request(r *request) error {
	base, path, query, err := target(r.url)
	if err != nil {
		return err
	}
	for _, note := range r.notes {
		w.draft.note(note)
	}
	origin := base
	if before, after, found := cutLast(strings.TrimPrefix(strings.TrimPrefix(base, "https://"), "http://"), "@"); found {
		scheme, _, _ := strings.Cut(base, "://")
		origin = scheme + "://" + after
		r.user, r.hasUser = unescape(before), true
	}
	prefix := ""
	switch {
	case w.origin == "":
		w.origin = origin
		if w.draft.BaseURL, err = w.base(base); err != nil {
			return err
		}
		w.draft.AllowHTTP = plainHTTP(w.draft.BaseURL)
	case !strings.EqualFold(w.origin, origin):
		if prefix, err = w.base(base); err != nil {
			return err
		}
		if strings.Contains(prefix, "{{") {
			prefix = "" // another way to write the same host
		}
	}
	w.place(r, prefix, path, query)
	return nil
}

// plainHTTP says whether a base URL is http to another machine.
func plainHTTP(base string) bool {
	host, plain := strings.CutPrefix(base, "http://")
	name := regexp.MustCompile(`^(\[[^\]]*\]|[^:/]*)`).FindString(host)
	loopback := strings.EqualFold(name, "localhost") || strings.HasPrefix(name, "127.") || name == "[::1]"
	return plain && !loopback
}

// role is what a command is there for.
type role int

const (
	loginStep role = iota
	refreshes
	cancels
	uses
)

// place decides what a command is there for, and writes it there.
func (w *writer) place(r *request, prefix, path, query string) {
	carried := w.carried(r, query)
	what := w.role(r, path, carried)
	w.login = what == loginStep
	if what == uses && len(w.draft.Login) == 0 {
		w.brought(r, prefix, path, query, carried)
		return
	}
	call := w.call(r, prefix, path, query, what, carried)
	switch what {
	case loginStep:
		w.draft.Login = append(w.draft.Login, call)
		w.piped(r)
	case refreshes:
		if w.draft.Refresh == nil {
			w.draft.Refresh = &call
		}
	case cancels:
		if w.draft.Cancel == nil {
			w.draft.Cancel = &call
		}
	case uses:
		w.whoami(call)
	}
}

// carrier is where a request carries something like a token.
type carrier struct {
	place string // "header", "query", "cookie" or ""
	name  string
	form  string // "Bearer {{token}}"
	value string // as it was written
}

// carried finds the token in a request.
func (w *writer) carried(r *request, query string) carrier {
	for _, h := range r.headers {
		if form, value, found := tokenHeader(h); found {
			return carrier{"header", h.Name, form, value}
		}
	}
	for _, f := range formFields(query) {
		if m := flat(f.Name); meaning(f.Name) == "api_key" || m == "token" || m == "accesstoken" || m == "authtoken" {
			return carrier{"query", f.Name, "{{token}}", f.Value}
		}
	}
	return carrier{}
}

// tokenHeader recognises a header that carries a token, and the words around it.
func tokenHeader(h Field) (form, value string, found bool) {
	if strings.EqualFold(h.Name, "Authorization") {
		scheme, rest, hasScheme := strings.Cut(h.Value, " ")
		switch {
		case strings.EqualFold(scheme, "Basic"):
			return "", "", false
		case !hasScheme:
			return "{{token}}", h.Value, true
		}
		if name, inner, hasName := strings.Cut(rest, "="); hasName && !strings.EqualFold(scheme, "Bearer") && regexp.MustCompile(`(?i)^(?:access_?)?(?:token|(?:api)?_?key|jwt)$`).MatchString(name) {
			quote := ""
			if strings.HasPrefix(inner, `"`) {
				quote, inner = `"`, strings.Trim(inner, `"`)
			}
			return scheme + " " + name + "=" + quote + "{{token}}" + quote, inner, true
		}
		return scheme + " {{token}}", rest, true
	}
	name := flat(h.Name)
	if regexp.MustCompile(`(?:token|apikey|sessionid|sessionkey|accesskey|authkey|xauth)$`).MatchString(name) && !strings.Contains(name, "csrf") && !strings.Contains(name, "xsrf") {
		return "{{token}}", h.Value, true
	}
	return "", "", false
}

// loginPath recognises the paths of logins.
func loginPath(path string) bool {
	segment := regexp.MustCompile(`(?i)log-?in|log-?on|sign-?in|token|session|jwt|exchange|authenticat|authoriz|^o?auth\d?(?:n?$|[._-])`)
	return slices.ContainsFunc(strings.Split(path, "/"), segment.MatchString)
}

// exchanges says whether a request that carries a key asks for a token with it.
func exchanges(r *request, path string) bool {
	if r.verb() == "GET" {
		return regexp.MustCompile(`(?i)(?:login|/(?:get-?)?(?:access-?)?token)/?$`).MatchString(path)
	}
	return loginPath(path)
}

func (w *writer) role(r *request, path string, carried carrier) role {
	lower := strings.ToLower(path)
	first := len(w.draft.Login) == 0
	body := strings.Join(r.data, "&")
	credentials := r.hasUser || regexp.MustCompile(`(?i)passw|pwd|secret|"(?:user|login|email)|(?:^|&)(?:user|login|email|client_id|code|assertion)`).MatchString(body) ||
		strings.HasPrefix(strings.ToLower(r.headerValue("Authorization")), "basic ")
	switch {
	case first && carried.place != "" && !credentials && !exchanges(r, path):
		return uses
	case first:
		return loginStep
	case regexp.MustCompile(`grant_type["=: ]+refresh_token`).MatchString(body), strings.Contains(lower, "refresh"), strings.Contains(lower, "renew"):
		return refreshes
	case regexp.MustCompile(`log-?out|log-?off|sign-?out|revoke|invalidate|cancel`).MatchString(lower), r.verb() == "DELETE" && loginPath(path):
		return cancels
	case carried.place != "" && !loginPath(path), carried.place != "" && w.isToken(carried.value) && !credentials:
		return uses
	case !loginPath(path) && len(r.data) == 0:
		return uses
	}
	return loginStep
}

// isToken says whether a value that a later command sends is the token.
func (w *writer) isToken(value string) bool {
	parts := pieces(value)
	if len(parts) != 1 || parts[0].name == "" {
		return looksSecret(value)
	}
	name := parts[0].name
	return name == "?" || isTokenName(name) || w.read[name] == "token"
}

// brought is for an API whose token a person brings: nothing is asked for it.
func (w *writer) brought(r *request, prefix, path, query string, carried carrier) {
	w.login = true
	name := ""
	if parts := pieces(carried.value); len(parts) == 1 && parts[0].name != "" {
		name = parts[0].name
	} else {
		w.draft.secret(carried.value)
	}
	input := "api_key"
	if m := meaning(name); name != "" && name != "?" && m == "" {
		input = inputName(name)
	} else if m != "" {
		input = m
	}
	w.declare(input, input, "")
	for i := range w.draft.Inputs {
		if w.draft.Inputs[i].Name == input {
			w.draft.Inputs[i].Secret = true // it is the token, whatever its name
		}
	}
	w.draft.Login = []Call{{Token: "$" + input}}
	w.sends(carried)
	w.login = false
	w.draft.note("the command uses a token and does not ask for one: the profile takes the token from you, and keeps it")
	call := w.call(r, prefix, path, query, uses, carried)
	w.whoami(call)
}

// whoami keeps a harmless request that uses the token.
func (w *writer) whoami(c Call) {
	if c.Method == "GET" && w.draft.Whoami == nil && c.JSON == nil && c.Form == nil && c.Text == "" && c.XML == "" {
		c.Headers, c.Basic = slices.DeleteFunc(c.Headers, func(f Field) bool { return strings.Contains(f.Value, "{{token}}") }), ""
		w.draft.Whoami = &c
	}
}

// sends notes how a request carries the token.
func (w *writer) sends(c carrier) {
	if w.sent || c.place == "" {
		return
	}
	w.sent = true
	if c.place == "query" {
		w.draft.Send.Query = c.name
		return
	}
	if c.name = canonical(c.name); c.name != "Authorization" || c.form != "Bearer {{token}}" {
		w.draft.Send.Header = c.name + ": " + c.form
	}
}

// canonical writes authorization as Authorization; other names stay.
func canonical(name string) string {
	if strings.EqualFold(name, "Authorization") {
		return "Authorization"
	}
	return name
}

// call writes a request. After the login, what carries the token is left to
// send:.
func (w *writer) call(r *request, prefix, path, query string, what role, carried carrier) Call {
	refreshing := what == refreshes && w.isRefreshToken(carried.value)
	if what != loginStep && carried.place != "" && !refreshing && w.isTokenLike(carried, what) {
		w.sends(carried)
		query = dropField(query, carried)
		r.headers = slices.DeleteFunc(slices.Clone(r.headers), func(h Field) bool { return carried.place == "header" && h.Name == carried.name })
	}
	c := Call{Method: r.verb()}
	namesUser := regexp.MustCompile(`(?i)passw|pwd`).MatchString(strings.Join(r.data, "")) && !regexp.MustCompile(`(?i)user|login|mail`).MatchString(strings.Join(r.data, ""))
	c.Path = prefix + w.path(path, namesUser)
	if r.get {
		query = strings.Trim(query+"&"+strings.Join(r.data, "&"), "&")
		r.data = nil
	}
	c.Constant, c.Query = w.query(query)
	w.body(r, &c)
	w.headers(r, &c)
	if r.hasUser && c.Basic == "" {
		c.Basic = w.basic(r.user, w.isClient(r))
	}
	if what == refreshes && refreshing {
		for i, h := range c.Headers {
			c.Headers[i].Value = strings.ReplaceAll(h.Value, "{{token}}", "{{refresh_token}}")
		}
	}
	return c
}

func (w *writer) isRefreshToken(value string) bool {
	parts := pieces(value)
	return len(parts) == 1 && strings.Contains(parts[0].name, "refresh")
}

func (w *writer) isTokenLike(c carrier, what role) bool {
	return w.isToken(c.value) || what == uses
}

func dropField(query string, c carrier) string {
	if c.place != "query" {
		return query
	}
	kept := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return unescape(name) == c.name
	})
	return strings.Join(kept, "&")
}

// isClient says whether Basic is the login of an OAuth client.
func (w *writer) isClient(r *request) bool {
	return regexp.MustCompile(`grant_type["=: ]+(?:client_credentials|refresh_token|password|authorization_code)|token_type_hint`).MatchString(strings.Join(r.data, "&")+"&"+r.url) ||
		regexp.MustCompile(`(?i)oauth`).MatchString(r.url)
}

// headers writes those that say something about the API and nothing about the
// program that sent them.
func (w *writer) headers(r *request, c *Call) {
	for _, h := range r.headers {
		scheme, value, _ := strings.Cut(h.Value, " ")
		switch {
		case strings.EqualFold(h.Name, "Authorization") && strings.EqualFold(scheme, "Basic"):
			c.Basic = w.basicHeader(strings.TrimSpace(value), w.isClient(r))
		case w.ordinary(h, c):
		case strings.EqualFold(h.Name, "Cookie"):
			w.cookies(h.Value, c)
		default:
			c.Headers = append(c.Headers, Field{canonical(h.Name), w.headerValue(h)})
		}
	}
	for _, cookie := range r.cookies {
		w.cookies(cookie, c)
	}
}

func (w *writer) basicHeader(value string, client bool) string {
	if pair, ok := basicPair(value); ok {
		w.draft.secret(value)
		return w.basic(pair, client)
	}
	return w.basic("", client)
}

// headerValue keeps the word before a token: "Bearer {{api_key}}".
func (w *writer) headerValue(h Field) string {
	form, value, found := tokenHeader(h)
	if !found {
		return w.template(h.Name, h.Value)
	}
	field := "token"
	if m := meaning(h.Name); m != "" {
		field = m
	}
	called := ""
	if parts := pieces(value); len(parts) == 1 {
		called = parts[0].name
	}
	if called == "" {
		w.draft.secret(value)
	}
	name := w.input(field, called, "")
	if w.login && name == "api_token" && (called == "" || called == "?") && form != "Bearer {{token}}" {
		name = w.input("api_key", "", "")
	}
	return strings.ReplaceAll(form, "{{token}}", "{{"+name+"}}")
}

// cookies keeps those whose values are placeholders; others were set by answers
// that came before.
func (w *writer) cookies(text string, c *Call) {
	var pairs []string
	for pair := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		parts := pieces(value)
		if len(parts) == 1 && parts[0].name != "" {
			pairs = append(pairs, name+"={{"+w.input("cookie_"+name, parts[0].name, "")+"}}")
			continue
		}
		w.draft.secret(value)
		w.draft.note("cookies are left out: those that an answer sets are sent with the later calls of a list by themselves")
	}
	if len(pairs) > 0 {
		c.Headers = append(c.Headers, Field{"Cookie", strings.Join(pairs, "; ")})
	}
}

// ordinary are the headers that authctl sends by itself, or that only speak of
// a browser.
func (w *writer) ordinary(h Field, c *Call) bool {
	name, value := strings.ToLower(h.Name), strings.ToLower(h.Value)
	switch {
	case name == "content-type":
		value, _, _ = strings.Cut(value, ";")
		return c.JSON != nil && value == "application/json" || c.Form != nil && value == "application/x-www-form-urlencoded" ||
			c.XML != "" && value == "application/xml" || c.Text != "" && value == "text/plain" || len(c.Query) >= 0 && c.JSON == nil && c.Form == nil && c.XML == "" && c.Text == ""
	case name == "accept":
		return strings.HasPrefix(value, "*/*") || strings.HasPrefix(value, "application/json")
	}
	return strings.HasPrefix(name, "sec-") || slices.Contains([]string{
		"host", "content-length", "user-agent", "connection", "accept-encoding", "accept-language", "content-language", "origin", "referer", "dnt", "priority",
		"cache-control", "pragma", "upgrade-insecure-requests", "x-requested-with", "postman-token", "te", "authority", "expect",
	}, name)
}

// piped learns from TOKEN=$(curl … | jq -r .path) where the token is.
func (w *writer) piped(r *request) {
	path := ""
	if p := r.command.pipe; len(p) > 1 && p[0] == "jq" {
		path = p[len(p)-1]
	}
	into := cleanName(r.command.into)
	if r.command.into == "" && path == "" || path != "" && !regexp.MustCompile(`^(?:\.[A-Za-z_]\w*|\[\d+\]|\["[\w-]+"\]|\.\["[\w-]+"\])+$`).MatchString(path) {
		return
	}
	if w.read == nil {
		w.read = map[string]string{}
	}
	if r.command.into != "" {
		w.read[into] = "token"
	}
	if path != "" {
		w.draft.Readings = Readings{Token: path, Why: "The command reads it so, with jq."}
	}
}

// finish looks at what can be known only at the end.
func (w *writer) finish() {
	d := w.draft
	if d.Login == nil {
		d.Login = []Call{{Token: "$api_key"}}
	}
	if len(d.Login) > 1 {
		d.note("the login is a list of calls: what an earlier answer gives to a later call must be read with save: in the earlier one")
	}
}

// needsRefreshToken sees to it that a refresh that sends the refresh token
// finds one: beside the token, under the name that the refresh gives it.
func (d *Draft) needsRefreshToken() {
	if d.Refresh == nil || d.RefreshToken != "" || !d.Refresh.mentions("refresh_token") {
		return
	}
	beside := regexp.MustCompile(`^(?:\.\w+)*\.`).FindString(d.Token)
	name := "refresh_token"
	for _, f := range d.Refresh.bodyFields() {
		if f.Value == "{{refresh_token}}" && regexp.MustCompile(`(?i)refresh`).MatchString(f.Name) {
			name = f.Name
		}
	}
	d.RefreshToken = cmp.Or(beside, ".") + snakeless(name)
	d.Why = strings.TrimSpace(d.Why + " The refresh token is guessed to be beside the token.")
}

// snakeless is a name that can stand after a dot.
func snakeless(name string) string {
	if regexp.MustCompile(`^[A-Za-z_]\w*$`).MatchString(name) {
		return name
	}
	return "refresh_token"
}

// bodyFields are the fields of a form, or the first level of JSON.
func (c *Call) bodyFields() []Field {
	fields := slices.Clone(c.Form)
	if c.JSON != nil {
		for _, m := range c.JSON.Members {
			fields = append(fields, Field{m.Name, m.Value.Text})
		}
	}
	return fields
}
