// Package profile is the profile language: how one API hands out and takes
// tokens, written in YAML. It reads profiles strictly and tells each mistake
// with its place; it sends nothing and knows no session.
package profile

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/authctl/authctl/pkg/jq"
	"github.com/authctl/authctl/pkg/xmltree"
)

// Profile is one entry under profiles: in a file.
type Profile struct {
	Name string `yaml:"-"`
	Pos  Pos    `yaml:"-"` // of the name

	Description  string      `yaml:"description" doc:"one line for 'authctl profile list'"`
	Docs         string      `yaml:"docs" doc:"the vendor's page that the profile was read from"`
	BaseURL      URL         `yaml:"base_url" doc:"scheme, host, port and path that every request begins with; {{input}} in it takes letters, digits, dots and hyphens"`
	Environments List[URL]   `yaml:"environments" doc:"name → base URL; the first is the default"`
	APIURL       Target      `yaml:"api_url" doc:"where the token is used, if that is not the base URL: a URL, or {{name}} of a saved one"`
	AllowedHosts []Host      `yaml:"allowed_hosts" doc:"hosts that a URL from an answer may name, such as \"*.example.com\""`
	AllowHTTP    bool        `yaml:"allow_http" doc:"send secrets over plain http to a host other than this machine"`
	TLS          TLS         `yaml:"tls" doc:"a certificate authority of one's own, a pinned key, a client certificate"`
	Inputs       List[Input] `yaml:"inputs" names:"name" doc:"what a person or CI gives, beyond the built-in inputs"`
	Computed     List[Expr]  `yaml:"computed" names:"name" doc:"name → jq over other names; evaluated once for each call that names it"`
	Headers      Pairs       `yaml:"headers" names:"header" doc:"constant headers of every request, the user's own too"`
	Login        Calls       `yaml:"login" doc:"the call, or list of calls, that gives the token; without request: nothing is sent"`
	OtherLogins  List[Calls] `yaml:"other_logins" doc:"name → login, chosen with --via"`
	Refresh      Calls       `yaml:"refresh" doc:"gives a new token without a person"`
	Cancel       Calls       `yaml:"cancel" doc:"makes the server invalidate the token"`
	Whoami       Calls       `yaml:"whoami" doc:"asks the server whether the token is good, and whose it is (name:)"`
	Keepalive    Calls       `yaml:"keepalive" doc:"makes the token last longer; the token stays the same"`
	Tokens       Tokens      `yaml:"tokens" doc:"long-lived tokens: create, list, revoke, rotate"`
	Send         Send        `yaml:"send" doc:"how a request carries the token; default \"Authorization: Bearer {{token}}\""`
	Env          Env         `yaml:"env" doc:"the variable that 'authctl exec' sets to the token, or NAME → text with {{token}}, {{base_url}}, …"`
	Lifetime     Lifetime    `yaml:"lifetime" doc:"how long the vendor's page says a token lives: 90s 15m 10h 60d 1w never"`
	IdleTimeout  Lifetime    `yaml:"idle_timeout" doc:"how long a token lives while it is not used"`
	Expired      Expr        `yaml:"expired" doc:"how the API says that the token is over; default $status == 401"`
	Verify       Verify      `yaml:"verify" doc:"what 'authctl decode --verify' demands of the token"`

	Readings `doc:"for all calls"`

	inputsByName map[string]Input // built-in and declared
}

// Readings say what is taken from an answer and what it means. In the profile
// they hold for the last answer of login and of refresh (success and error: for
// all answers); what stands in a call wins.
type Readings struct {
	Success      Expr       `yaml:"success" doc:"a condition beside status 2xx; one that names $status decides alone"`
	Error        Expr       `yaml:"error" doc:"the server's message in an answer that is no success"`
	Token        Expr       `yaml:"token" doc:"where the token is"`
	RefreshToken Expr       `yaml:"refresh_token" doc:"where the refresh token is"`
	ExpiresIn    Expr       `yaml:"expires_in" doc:"seconds until the token is over"`
	ExpiresAt    Expr       `yaml:"expires_at" doc:"when the token is over: RFC 3339, a date, or seconds since 1970"`
	Save         List[Expr] `yaml:"save" names:"name" doc:"name → jq; known to later calls and kept with the session"`
}

// Tokens are the calls for long-lived tokens.
type Tokens struct {
	Create Calls `yaml:"create" doc:"make a token; knows {{name}}, {{expires_at}}, {{expires_in}} and {{scopes}}"`
	List   Calls `yaml:"list" doc:"list the tokens, over all pages"`
	Revoke Calls `yaml:"revoke" doc:"make the token {{id}} invalid"`
	Rotate Calls `yaml:"rotate" doc:"replace the token {{id}} by a new one"`
	Send   Send  `yaml:"send" doc:"how a request carries such a token, if not as send: in the profile says"`
}

// Calls is one call or a list of calls that are made one after the other.
type Calls []Call

// Call is one HTTP request and what is read from its answer.
type Call struct {
	Pos Pos `yaml:"-"`

	Request Request   `yaml:"request" doc:"METHOD /path after the base URL, METHOD https://host/path, or METHOD {{saved_url}}"`
	Query   Pairs     `yaml:"query" doc:"name → value of the query"`
	Headers Pairs     `yaml:"headers" names:"header" doc:"name → value of a header"`
	Basic   *Template `yaml:"basic" doc:"\"{{username}}:{{password}}\" as HTTP Basic"`
	JSON    *Value    `yaml:"json" doc:"the body as JSON; any YAML"`
	Form    Pairs     `yaml:"form" doc:"the body as a form"`
	XML     *XML      `yaml:"xml" doc:"the body as XML"`
	Text    *Template `yaml:"text" doc:"the body as text"`

	WithToken Flag `yaml:"with_token" doc:"send the token as send: says; default true, but false in login and in a refresh that names {{refresh_token}}"`

	When  Expr      `yaml:"when" doc:"jq on the answer before: make this call only if true"`
	Show  *Template `yaml:"show" doc:"a text for the person before the request"`
	Until Expr      `yaml:"until" doc:"repeat the request until this is true of the answer"`

	Readings

	Items     Expr `yaml:"items" doc:"tokens.list: the list in the answer; default ."`
	ID        Expr `yaml:"id" doc:"tokens: the id of a token; default .id"`
	TokenName Expr `yaml:"name" doc:"tokens.list: the name of a token, default .name; whoami: whose it is"`
	CreatedAt Expr `yaml:"created_at" doc:"tokens.list: when it was made; default .created_at"`
	Next      Expr `yaml:"next" doc:"tokens.list: the next page: a URL of the same origin, or what {{next}} takes"`
}

// Input is something that a person, a script or CI gives.
type Input struct {
	Name     string  `yaml:"-"`
	Pos      Pos     `yaml:"-"`
	Label    string  `yaml:"label" doc:"what the prompt says"`
	Secret   Flag    `yaml:"secret" doc:"never shown, never taken from a flag"`
	Optional bool    `yaml:"optional" doc:"may be left empty"`
	Default  Scalar  `yaml:"default" doc:"used when nothing else is given; \"\" is sent as it is, and not left out"`
	Choices  Choices `yaml:"choices" doc:"the values that are accepted, or with when: jq that lists them from the answer"`
	Env      string  `yaml:"env" doc:"environment variable it is read from"`
	Command  Command `yaml:"command" doc:"program whose output it is; run without a shell"`
	TOTP     bool    `yaml:"totp" doc:"a TOTP secret is given, and {{name}} is the code of the moment"`
	When     Expr    `yaml:"when" doc:"ask only if this is true of the answer to the call that names it, then send that call once more"`
	builtin  bool
}

// Unattended says whether the profile names a source of the input that needs no
// person.
func (in Input) Unattended() bool {
	return in.Optional || in.Default.Set || in.Env != "" || len(in.Command) > 0 || !in.When.IsZero()
}

// Choices are the values that an input accepts.
type Choices struct {
	List []string
	Expr Expr // over the answer that made the input necessary
}

// TLS says whom to trust and how to identify oneself (RFC 8446).
type TLS struct {
	CAFile   string `yaml:"ca_file" doc:"PEM file of the certificate authorities to trust instead of the system's"`
	Pin      Pins   `yaml:"pin" doc:"\"sha256//BASE64\" of the server's public key, as curl's --pinnedpubkey; one or a list"`
	CertFile string `yaml:"cert_file" doc:"PEM file of the client certificate"`
	KeyFile  string `yaml:"key_file" doc:"PEM file of its key"`
}

// IsZero says that nothing was written.
func (t TLS) IsZero() bool {
	return t.CAFile == "" && len(t.Pin) == 0 && t.CertFile == "" && t.KeyFile == ""
}

// Verify is what a token must fulfil (RFC 7519 §4.1, RFC 8725).
type Verify struct {
	Issuer     string   `yaml:"issuer" doc:"the claim iss"`
	Audience   string   `yaml:"audience" doc:"one of the claim aud"`
	Keys       string   `yaml:"keys" doc:"https URL of the JWKS, or file with the key"`
	Algorithms []string `yaml:"algorithms" doc:"the algorithms that are accepted"`
}

// Expr is a jq expression with its place; the zero value is none.
type Expr struct {
	Text string
	Pos  Pos
	// lead is how many characters lie between Pos and the text, and one more; 0
	// if the text does not stand there as it is (in a block, with escapes).
	lead int
}

// at returns the place of a byte of the expression, as far as it is known.
func (e Expr) at(offset int) Pos {
	pos := e.Pos
	if e.lead > 0 && offset <= len(e.Text) {
		pos.Column += e.lead - 1 + utf8.RuneCountInString(e.Text[:offset])
	}
	return pos
}

// IsZero says that no expression was written.
func (e Expr) IsZero() bool { return e.Text == "" }

// Or is the expression, or another one where none was written.
func (e Expr) Or(other Expr) Expr {
	if e.IsZero() {
		return other
	}
	return e
}

// Names returns the names that the expression reads as $name.
func (e Expr) Names() []string { return jq.Names(e.Text) }

// Lifetime is what lifetime: says.
type Lifetime struct {
	Text     string // as it was written
	Duration time.Duration
	Never    bool // "never": the token has no end
}

// IsZero says that nothing was written.
func (l Lifetime) IsZero() bool { return l.Text == "" }

// URL is a base URL: no user, no query, no fragment. Placeholders may stand in
// it; URL is then nil until Fill gives them values.
type URL struct {
	*url.URL
	Text Template
	Pos  Pos
}

// String is the base URL as it was written.
func (u URL) String() string {
	if u.URL != nil {
		return u.URL.String()
	}
	return u.Text.Text
}

// IsZero says that nothing was written.
func (u URL) IsZero() bool { return u.Text.Text == "" }

// Host is an entry of allowed_hosts: a host, perhaps with a port, whose first
// label may be "*".
type Host struct {
	Text string
	Pos  Pos
}

// Target is an absolute URL that is written out, or one that begins with the
// placeholder of a saved value and goes on with a path.
type Target struct {
	Base *url.URL // scheme and host that are written out
	From string   // the name whose value it begins with
	Path Template
	Pos  Pos
}

// IsZero says that nothing was written.
func (t Target) IsZero() bool { return t.Base == nil && t.From == "" }

func (t Target) text() string {
	switch {
	case t.Base != nil:
		return t.Base.String() + t.Path.Text
	case t.From != "":
		return "{{" + t.From + "}}" + t.Path.Text
	}
	return t.Path.Text
}

// Request is the first line of a call.
type Request struct {
	Method string
	Target        // a zero Base and From: Path stands after the base URL
	Query  string // constant query, without the question mark
	Pos    Pos
}

// IsZero says that no request was written.
func (r Request) IsZero() bool { return r.Method == "" }

// Text is the request as it was written, without its query.
func (r Request) Text() string {
	if r.IsZero() {
		return "nothing is sent"
	}
	return r.Method + " " + r.text()
}

// Send is how a request carries the token.
type Send struct {
	Headers Pairs     `yaml:"headers" names:"header" doc:"name → value"`
	Query   Pairs     `yaml:"query" doc:"name → value"`
	Basic   *Template `yaml:"basic" doc:"user and password of HTTP Basic"`
}

// String shows it in one line.
func (s Send) String() string {
	var parts []string
	for _, pair := range s.Headers {
		parts = append(parts, pair.Name.Text+": "+pair.Value.Text)
	}
	for _, pair := range s.Query {
		parts = append(parts, "?"+pair.Name.Text+"="+pair.Value.Text)
	}
	if s.Basic != nil {
		parts = append(parts, "Authorization: Basic "+s.Basic.Text)
	}
	return strings.Join(parts, ", ")
}

// Templates calls visit for every template in it.
func (s Send) Templates(visit func(Template)) {
	s.Headers.templates(visit)
	s.Query.templates(visit)
	if s.Basic != nil {
		visit(*s.Basic)
	}
}

// Names returns the names that it needs.
func (s Send) Names() []string {
	var names []string
	s.Templates(func(t Template) { names = append(names, t.Names()...) })
	return names
}

// Pairs are names and values of a header, a query or a form, in order. A name
// can stand several times.
type Pairs []Pair

// Pair is one name with one value; both may hold placeholders.
type Pair struct {
	Name, Value Template
}

func (p Pairs) templates(visit func(Template)) {
	for _, pair := range p {
		visit(pair.Name)
		visit(pair.Value)
	}
}

// XML is a body of XML.
type XML struct {
	Text     Template
	Document *xmltree.Template
}

// Scalar is a single YAML value, kept as it was written.
type Scalar struct {
	Text string
	Set  bool
}

// Flag is true or false, and whether that was written.
type Flag struct {
	Value bool
	Set   bool
}

// Command is a program and its arguments.
type Command []string

// Pins are SHA-256 hashes of public keys.
type Pins []string

// Named is an entry of a List.
type Named[T any] struct {
	Name  string
	Pos   Pos // of the name
	Value T
}

// List is a YAML mapping in the order in which it was written.
type List[T any] []Named[T]

// Get returns the entry called name.
func (l List[T]) Get(name string) (T, bool) {
	for _, entry := range l {
		if entry.Name == name {
			return entry.Value, true
		}
	}
	var none T
	return none, false
}

// Names returns the names in the order in which they were written.
func (l List[T]) Names() []string {
	names := make([]string, len(l))
	for i, entry := range l {
		names[i] = entry.Name
	}
	return names
}

// Phases returns the calls of the profile by their keys, without those that are
// not written.
func (p *Profile) Phases() List[Calls] {
	all := List[Calls]{{Name: "login", Value: p.Login}}
	for _, other := range p.OtherLogins {
		all = append(all, Named[Calls]{Name: "other_logins." + other.Name, Pos: other.Pos, Value: other.Value})
	}
	all = append(all, List[Calls]{
		{Name: "refresh", Value: p.Refresh}, {Name: "cancel", Value: p.Cancel}, {Name: "whoami", Value: p.Whoami},
		{Name: "keepalive", Value: p.Keepalive}, {Name: "tokens.create", Value: p.Tokens.Create},
		{Name: "tokens.list", Value: p.Tokens.List}, {Name: "tokens.revoke", Value: p.Tokens.Revoke}, {Name: "tokens.rotate", Value: p.Tokens.Rotate},
	}...)
	return slices.DeleteFunc(all, func(phase Named[Calls]) bool { return len(phase.Value) == 0 })
}

// Input returns a built-in or declared input.
func (p *Profile) Input(name string) (Input, bool) {
	in, ok := p.inputsByName[name]
	return in, ok
}

// InputNames returns the names of the declared inputs, then of the built-in ones.
func (p *Profile) InputNames() []string {
	names := p.Inputs.Names()
	for _, in := range builtinInputs() {
		names = append(names, in.Name)
	}
	return names
}

// LoginCalls returns the profile's own login (via is empty) or another one.
func (p *Profile) LoginCalls(via string) (Calls, bool) {
	if via == "" {
		return p.Login, true
	}
	return p.OtherLogins.Get(via)
}

// builtinInputs are the inputs that need no declaration, in the order in which
// they are asked for.
func builtinInputs() []Input {
	secret := Flag{Value: true}
	return []Input{
		{Name: "username", Label: "User name"},
		{Name: "email", Label: "E-mail"},
		{Name: "password", Label: "Password", Secret: secret},
		{Name: "otp", Label: "One-time code", Secret: secret},
		{Name: "client_id", Label: "Client id"},
		{Name: "client_secret", Label: "Client secret", Secret: secret},
		{Name: "api_key", Label: "API key", Secret: secret},
		{Name: "api_secret", Label: "API secret", Secret: secret},
	}
}
