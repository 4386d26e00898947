package draft

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/authctl/authctl/pkg/fault"
)

// API is an OpenAPI document (3.x, or Swagger 2) in which logins were looked
// for.
type API struct {
	root       tree
	swagger2   bool
	operations []operation
	Logins     []Login // the likeliest first
	baseURL    string
}

// Login is an operation that may be the login.
type Login struct {
	Method, Path string
	Summary      string
	score        int
	op           operation
	flow         string // of OAuth: the grant type; op is then zero
}

// String names a login as --path takes it.
func (l Login) String() string { return l.Method + " " + l.Path }

// operation is a method of a path.
type operation struct {
	method, path string
	node         tree
	shared       tree // parameters of the path
}

// ParseOpenAPI reads a document. from is the URL that it came from, or "".
func ParseOpenAPI(text, from string) (*API, error) {
	root, err := readTree(text)
	if err != nil {
		return nil, fault.New(fault.Usage, "name a file in JSON or YAML", "this is no OpenAPI document: it cannot be read")
	}
	a := &API{root: root, swagger2: root.at("swagger").text() != ""}
	if !a.swagger2 && root.at("openapi").text() == "" {
		return nil, fault.New(fault.Usage, "it says openapi: 3.x or swagger: 2.0 in its first lines", "this is no OpenAPI document: neither openapi: nor swagger: stands in it")
	}
	a.base(from)
	a.collect()
	a.find()
	return a, nil
}

// base finds the base URL; "" if the document names none.
func (a *API) base(from string) {
	text := a.root.at("servers").first().at("url").text()
	if a.swagger2 {
		scheme := "https"
		if schemes := a.root.at("schemes").items(); len(schemes) > 0 && !slices.ContainsFunc(schemes, func(t tree) bool { return t.text() == "https" }) {
			scheme = schemes[0].text()
		}
		if text = a.root.at("basePath").text(); a.root.at("host").text() != "" {
			text = scheme + "://" + a.root.at("host").text() + text
		}
	}
	for _, variable := range a.root.at("servers").first().at("variables").members() {
		if value := variable.value.at("default").text(); value != "" {
			text = strings.ReplaceAll(text, "{"+variable.name+"}", value)
		}
	}
	if base, err := url.Parse(from); err == nil && from != "" && !strings.Contains(text, "://") {
		if relative, err := base.Parse(cmp.Or(text, "/")); err == nil {
			relative.RawQuery, relative.Fragment = "", ""
			text = relative.String()
		}
	}
	a.baseURL = strings.TrimRight(text, "/")
}

func (t tree) first() tree {
	if items := t.items(); len(items) > 0 {
		return items[0].resolve()
	}
	return tree{root: t.root}
}

// collect lists the operations in the order of the document.
func (a *API) collect() {
	for _, path := range a.root.at("paths").members() {
		item := path.value.resolve()
		for _, m := range item.members() {
			method := strings.ToUpper(m.name)
			if slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, method) && strings.HasPrefix(path.name, "/") {
				a.operations = append(a.operations, operation{method, path.name, m.value.resolve(), item.at("parameters")})
			}
		}
	}
}

// find ranks the operations, and the token URLs of OAuth beside them.
func (a *API) find() {
	for _, op := range a.operations {
		if score := a.score(op); score >= 6 {
			a.Logins = append(a.Logins, Login{op.method, op.path, cmp.Or(op.node.at("summary").text(), op.node.at("operationId").text()), score, op, ""})
		}
	}
	for _, scheme := range a.schemes().members() {
		a.oauth(scheme.value)
	}
	slices.SortStableFunc(a.Logins, func(x, y Login) int { return cmp.Compare(y.score, x.score) })
}

func (a *API) schemes() tree {
	if a.swagger2 {
		return a.root.at("securityDefinitions")
	}
	return a.root.at("components", "securitySchemes")
}

// oauth adds the token requests of RFC 6749 that need no browser.
func (a *API) oauth(scheme tree) {
	flows := map[string]tree{}
	for name, grant := range map[string]string{"clientCredentials": "client_credentials", "password": "password", "application": "client_credentials"} {
		if flow := scheme.at("flows", name); flow.there() {
			flows[grant] = flow
		}
		if a.swagger2 && scheme.at("flow").text() == name {
			flows[grant] = scheme
		}
	}
	for _, grant := range []string{"client_credentials", "password"} {
		address := flows[grant].at("tokenUrl").text()
		if address == "" || slices.ContainsFunc(a.Logins, func(l Login) bool { return l.Path == address && l.flow == "" }) {
			continue
		}
		login := Login{Method: "POST", Path: address, Summary: "OAuth 2.0, " + strings.ReplaceAll(grant, "_", " "), score: 9, flow: grant}
		if !slices.ContainsFunc(a.Logins, func(l Login) bool { return l.String() == login.String() && l.flow == grant }) {
			a.Logins = append(a.Logins, login)
		}
	}
}

// score says how much an operation looks like a login.
func (a *API) score(op operation) int {
	words := strings.ToLower(op.path + " " + op.node.at("operationId").text() + " " + op.node.at("summary").text())
	score := 0
	add := func(points int, pattern string) {
		if regexp.MustCompile(pattern).MatchString(words) {
			score += points
		}
	}
	add(4, `log-?in|log-?on|sign-?in|authenticat|log in|sign in`)
	add(2, `token|session|jwt|/o?auth|/connect`)
	add(-9, `log-?out|log-?off|sign-?out|refresh|renew|revoke|reset|forgot|register|sign-?up|verif|change|recover|invalidate|delete|callback|validate|check`)
	if score <= 0 {
		return score // the schemas of a large document take their time
	}
	fields := a.bodyFields(op)
	for _, f := range fields {
		switch meaning(f.name) {
		case "password", "client_secret", "api_secret":
			score += 4
		case "username", "email", "client_id", "api_key":
			score += 2
		}
	}
	if r := guess(a.answerLeaves(op)); r.Token != "" {
		score += 3
	}
	if security := op.node.at("security"); security.there() && len(security.items()) == 0 {
		score++
	}
	if op.method != "POST" {
		score -= 3
	}
	if strings.Contains(op.path, "{") {
		score -= 3
	}
	if strings.Contains(strings.ToLower(op.path), "user") && !regexp.MustCompile(`log|auth|sign|token|session`).MatchString(strings.ToLower(op.path)) {
		score -= 6 // makes a user
	}
	return score
}

// property is a field that an operation takes.
type property struct {
	name     string
	in       string // json, form, query, header
	required bool
	schema   tree
	path     []string
}

// maxProperties bounds how many properties of one schema are looked at: schemas
// that name each other grow without end.
const maxProperties = 300

// properties lists what a schema holds, with its nested objects and lists.
func properties(schema tree) []property {
	w := &schemaWalk{}
	w.walk(schema, nil)
	return w.found
}

type schemaWalk struct {
	found []property
	steps int
}

// walk looks into a schema; of oneOf and anyOf, into the first.
func (w *schemaWalk) walk(schema tree, path []string) {
	schema = schema.resolve()
	if w.steps++; w.steps > maxProperties || len(path) > maxDepth/2 || !schema.there() {
		return
	}
	for _, part := range schema.at("allOf").items() {
		w.walk(part, path)
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		w.walk(schema.at(key).first(), path)
	}
	required := map[string]bool{}
	for _, name := range schema.at("required").items() {
		required[name.text()] = true
	}
	for _, m := range schema.at("properties").members() {
		where := append(slices.Clone(path), m.name)
		w.found = append(w.found, property{m.name, "json", required[m.name], m.value.resolve(), where})
		w.walk(m.value, where)
	}
	if items := schema.at("items"); items.there() {
		w.walk(items, append(slices.Clone(path), "0"))
	}
}

// content picks a body's schema: JSON before a form.
func content(holder tree) (schema tree, kind string) {
	media := holder.at("content").members()
	for _, wanted := range []string{"json", "form-urlencoded", ""} {
		for _, m := range media {
			if strings.Contains(m.name, wanted) {
				kind := "json"
				if strings.Contains(m.name, "form") {
					kind = "form"
				}
				return m.value.at("schema"), kind
			}
		}
	}
	return tree{}, ""
}

// bodyFields are what an operation takes in body, query and headers.
func (a *API) bodyFields(op operation) []property {
	var all []property
	for _, p := range append(op.shared.items(), op.node.at("parameters").items()...) {
		name, where := p.at("name").text(), p.at("in").text()
		schema := p.at("schema")
		switch where {
		case "body":
			all = append(all, properties(schema)...)
		case "query", "header", "formData":
			if !schema.there() {
				schema = p.resolve()
			}
			if where == "formData" {
				where = "form"
			}
			all = append(all, property{name, where, p.at("required").text() == "true", schema, []string{name}})
		}
	}
	schema, kind := content(op.node.at("requestBody"))
	for _, p := range properties(schema) {
		p.in = kind
		all = append(all, p)
	}
	return all
}

// answerLeaves are the properties of the answer to a success.
func (a *API) answerLeaves(op operation) []leaf {
	var all []leaf
	for _, response := range op.node.at("responses").members() {
		if !strings.HasPrefix(response.name, "2") && response.name != "default" {
			continue
		}
		schema := response.value.at("schema")
		if !schema.there() {
			schema, _ = content(response.value.resolve())
		}
		for _, p := range properties(schema) {
			kind := p.schema.at("type").text()
			text := kind == "string" || kind == "" && !p.schema.at("properties").there()
			if text || kind == "integer" || kind == "number" {
				all = append(all, leaf{p.path, "", kind != "string", text})
			}
		}
		if kind := schema.at("type").text(); kind == "string" && len(all) == 0 {
			all = append(all, leaf{nil, "", false, true})
		}
		if len(all) > 0 {
			break
		}
	}
	return all
}

// Choose returns the login that path names, or the only likely one; else the
// logins to choose from.
func (a *API) Choose(path string) (chosen *Login, among []Login) {
	for i, l := range a.Logins {
		if path != "" && (l.Path == path || l.String() == path) {
			return &a.Logins[i], nil
		}
	}
	switch {
	case path != "":
		return nil, a.Logins
	case len(a.Logins) == 1, len(a.Logins) > 1 && a.Logins[0].score >= a.Logins[1].score+5:
		return &a.Logins[0], nil
	}
	return nil, a.Logins
}

// At makes a login of any operation of the document.
func (a *API) At(path string) *Login {
	method, rest, found := strings.Cut(path, " ")
	for _, op := range a.operations {
		if op.path == path && op.method == "POST" || found && op.method == method && op.path == rest {
			return &Login{Method: op.method, Path: op.path, op: op}
		}
	}
	return nil
}

// Draft writes the profile; without a login the token is one that a person
// brings. base is the base URL where the document names none.
func (a *API) Draft(l *Login, base string) (*Draft, error) {
	d := &Draft{}
	n := &names{draft: d, values: map[string]string{}, login: true}
	text := cmp.Or(base, a.baseURL)
	if text == "" || !strings.Contains(text, "://") {
		return nil, fault.New(fault.Usage, "give it with --base-url https://…", "the OpenAPI document does not say where the API is")
	}
	scheme, rest, _ := strings.Cut(text, "://")
	host, prefix, _ := strings.Cut(rest, "/")
	var err error
	if d.BaseURL, err = n.base(scheme + "://" + host); err != nil {
		return nil, err
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		d.BaseURL += n.path("/"+prefix, false)
	}
	if !isBase(d.BaseURL) {
		return nil, fault.New(fault.Usage, "give it with --base-url https://…", "the OpenAPI document names no base URL that can be used")
	}
	d.AllowHTTP = plainHTTP(d.BaseURL)
	d.Docs = docsURL(a.root.at("externalDocs", "url").text())
	a.send(d)
	if l == nil {
		a.bring(d, n)
		return d, nil
	}
	if l.flow != "" {
		a.oauthLogin(d, n, l)
	} else {
		d.Login = []Call{a.call(n, l.op)}
		if r := guess(a.answerLeaves(l.op)); r.Token != "" {
			r.Why = "As the OpenAPI document describes the answer."
			d.Readings = r
		}
	}
	n.login = false
	a.others(d, n, l)
	d.proposeRefresh()
	d.needsRefreshToken()
	return d, nil
}

// docsURL keeps an address and nothing else.
func docsURL(text string) string {
	if regexp.MustCompile(`^https?://[\w./#?=&%-]+$`).MatchString(text) {
		return text
	}
	return ""
}

// call writes an operation. Of the body, what is required and what looks like
// credentials is kept.
func (a *API) call(n *names, op operation) Call {
	c := Call{Method: op.method, Path: n.path(op.path, false)}
	var body Value
	for _, p := range a.bodyFields(op) {
		if p.in == "header" && (strings.EqualFold(p.name, "Authorization") || strings.EqualFold(p.name, "Accept") || strings.EqualFold(p.name, "Content-Type")) {
			continue
		}
		known := meaning(p.name) != "" && meaning(p.name) != "otp" && (meaning(p.name) != "refresh_token" || !n.login)
		if !p.required && !known || p.schema.at("properties").there() || slices.Contains(p.path, "0") || strings.Contains(p.name, "{{") {
			continue
		}
		value := a.sample(n, p)
		switch p.in {
		case "query":
			c.Query = append(c.Query, Field{p.name, value.Text})
		case "header":
			c.Headers = append(c.Headers, Field{p.name, value.Text})
		case "form":
			c.Form = append(c.Form, Field{p.name, value.Text})
		default:
			body = body.put(p.path, value)
		}
	}
	if len(body.Members) > 0 {
		c.JSON = &body
	}
	return c
}

// put sets a member of a nested object.
func (v Value) put(path []string, value Value) Value {
	v.Kind = Object
	i := slices.IndexFunc(v.Members, func(m Member) bool { return m.Name == path[0] })
	if i < 0 {
		v.Members = append(v.Members, Member{Name: path[0]})
		i = len(v.Members) - 1
	}
	if len(path) == 1 {
		v.Members[i].Value = value
	} else {
		v.Members[i].Value = v.Members[i].Value.put(path[1:], value)
	}
	return v
}

// sample is the value of a field: the only one that is allowed, the default, or
// an input.
func (a *API) sample(n *names, p property) Value {
	constant := cmp.Or(p.schema.at("const").text(), p.schema.at("default").text())
	if list := p.schema.at("enum").items(); len(list) > 0 && constant == "" {
		constant = list[0].text()
	}
	kind := p.schema.at("type").text()
	if constant == "" && p.name == "grant_type" {
		constant = strings.Trim(p.schema.at("pattern").text(), "^$")
		if !isWord(constant) {
			constant = "password"
		}
	}
	if constant != "" && meaning(p.name) == "" && !looksSecret(constant) && !strings.Contains(constant, "{") {
		if kind == "boolean" || kind == "integer" || kind == "number" {
			if v, err := readJSON(constant); err == nil && v.Kind == Raw && p.in == "json" {
				return v
			}
		}
		return Value{Text: constant}
	}
	if kind == "boolean" && p.in == "json" {
		return Value{Kind: Raw, Text: "false"}
	}
	return Value{Text: "{{" + n.input(p.name, "", "") + "}}"}
}

// oauthLogin is the token request of RFC 6749 §4.3 and §4.4.
func (a *API) oauthLogin(d *Draft, n *names, l *Login) {
	path := l.Path
	if base, tokenPath, query, err := target(l.Path); err == nil && strings.Contains(l.Path, "://") {
		if host, err := n.base(base); err == nil && !strings.HasPrefix(d.BaseURL+"/", host+"/") && !strings.Contains(host, "{{") {
			path = host + n.path(tokenPath, false)
		} else {
			path = n.path(tokenPath, false)
			if host == d.BaseURL || strings.HasPrefix(d.BaseURL, host+"/") {
				path = strings.TrimPrefix(path, strings.TrimPrefix(d.BaseURL, host))
			}
		}
		_ = query // a token URL has none (RFC 6749 §3.2: it may, and nobody does)
	} else if !strings.HasPrefix(path, "/") {
		path = "/" + n.path(path, false)
	}
	call := Call{Method: "POST", Path: path, Basic: "{{client_id}}:{{client_secret}}", Form: []Field{{"grant_type", l.flow}}}
	if l.flow == "password" {
		call.Basic = ""
		call.Form = append(call.Form, Field{"username", "{{username}}"}, Field{"password", "{{password}}"})
	}
	d.Login = []Call{call}
	d.Readings = Readings{Token: ".access_token", ExpiresIn: ".expires_in", Why: "As RFC 6749 names them."}
	d.note("a guess: some servers take client_id and client_secret in the form and not as basic:")
}

// send follows the security schemes: how the token is carried.
func (a *API) send(d *Draft) {
	for _, scheme := range a.schemes().members() {
		s := scheme.value
		name := s.at("name").text()
		kind, in := strings.ToLower(s.at("type").text()), s.at("in").text()
		switch {
		case kind == "http" && strings.EqualFold(s.at("scheme").text(), "bearer"), kind == "oauth2":
			d.Send = Send{}
			return
		case d.Send != (Send{}):
		case kind == "apikey" && in == "header" && strings.EqualFold(name, "Authorization"):
			if m := regexp.MustCompile(`(?i)\b(Token|JWT|ApiKey|Api-Key)\s+[<{]`).FindStringSubmatch(s.at("description").text()); m != nil {
				d.Send = Send{Header: "Authorization: " + m[1] + " {{token}}"}
			} else {
				d.Send = Send{Header: "Authorization: Bearer {{token}}", Guess: "A guess: the document names the header Authorization, and not the word before the token."}
			}
		case kind == "apikey" && in == "header" && regexp.MustCompile(`^[\w-]+$`).MatchString(name):
			d.Send = Send{Header: name + ": {{token}}"}
		case kind == "apikey" && in == "query" && name != "" && !strings.Contains(name, "{{"):
			d.Send = Send{Query: name}
		case kind == "apikey" && in == "cookie" && regexp.MustCompile(`^[\w.-]+$`).MatchString(name):
			d.Send = Send{Header: "Cookie: " + name + "={{token}}"}
			d.Readings = Readings{Token: `cookie("` + name + `")`, Why: "A guess: the cookie that the document names."}
		case kind == "basic", kind == "http" && strings.EqualFold(s.at("scheme").text(), "basic"):
			d.Send = Send{Basic: "{{username}}:{{token}}"}
		}
	}
}

// bring is for an API without a login: the token comes from a person.
func (a *API) bring(d *Draft, n *names) {
	d.Login = []Call{{Token: "$api_key"}}
	if d.Send.Basic != "" {
		d.Login[0].Token = "$password"
	}
	d.note("the document describes no login: the profile takes the token from you, and keeps it")
	for _, op := range a.operations {
		if op.method == "GET" && !strings.Contains(op.path, "{") && regexp.MustCompile(`(?i)/(?:me|whoami|self|current-?user|userinfo|account|user)/?$`).MatchString(op.path) {
			d.Whoami = &Call{Method: "GET", Path: n.path(op.path, false)}
			return
		}
	}
}

// others finds refresh, logout and whoami.
func (a *API) others(d *Draft, n *names, l *Login) {
	for _, op := range a.operations {
		words := strings.ToLower(op.path + " " + op.node.at("operationId").text())
		fixed := !strings.Contains(op.path, "{")
		switch {
		case !fixed || op.method == l.Method && op.path == l.Path:
		case d.Refresh == nil && op.method != "DELETE" && regexp.MustCompile(`refresh|renew`).MatchString(words) && regexp.MustCompile(`token|auth|session|login|jwt|refresh$`).MatchString(words):
			call := a.call(n, op)
			if !slices.ContainsFunc(call.bodyFields(), func(f Field) bool { return f.Value == "{{token}}" }) {
				d.Refresh = &call
			}
		case d.Cancel == nil && (regexp.MustCompile(`log-?out|sign-?out|log-?off|revoke`).MatchString(words) || op.method == "DELETE" && op.path == l.Path):
			call := a.call(n, op)
			d.Cancel = &call
		case d.Whoami == nil && op.method == "GET" && regexp.MustCompile(`(?i)/(?:me|whoami|self|current-?user|userinfo)/?$`).MatchString(op.path):
			d.Whoami = &Call{Method: "GET", Path: n.path(op.path, false)}
		}
	}
}
