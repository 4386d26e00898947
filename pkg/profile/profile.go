// Package profile is the profile language: how one API hands out and takes
// tokens, written in YAML. It reads profiles strictly and tells each mistake
// with its place; it sends nothing and knows no session.
package profile

import (
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/authctl/authctl/pkg/jq"
)

// Profile is one entry under profiles: in a file.
type Profile struct {
	Name string `yaml:"-"`
	Pos  Pos    `yaml:"-"` // of the name

	Description  string           `yaml:"description" doc:"one line for 'authctl profile list'"`
	Docs         string           `yaml:"docs" doc:"the vendor's page that the profile was read from"`
	BaseURL      URL              `yaml:"base_url" doc:"scheme, host, port and path that every request begins with"`
	Environments List[URL]        `yaml:"environments" doc:"name → base URL; the first is the default"`
	AllowHTTP    bool             `yaml:"allow_http" doc:"send secrets over plain http to a host other than this machine"`
	Inputs       List[Input]      `yaml:"inputs" doc:"what a person or CI gives, beyond the built-in inputs"`
	Headers      List[Template]   `yaml:"headers" doc:"constant headers of every request"`
	Login        Calls            `yaml:"login" doc:"the call, or list of calls, that gives the token"`
	OtherLogins  List[Calls]      `yaml:"other_logins" doc:"name → login, chosen with --via"`
	Refresh      Calls            `yaml:"refresh" doc:"gives a new token without a person"`
	Cancel       Calls            `yaml:"cancel" doc:"makes the server invalidate the token"`
	Tokens       Tokens           `yaml:"tokens" doc:"long-lived tokens: create, list, revoke"`
	Send         Send             `yaml:"send" doc:"how a request carries the token; default \"Authorization: Bearer {{token}}\""`
	Lifetime     Lifetime         `yaml:"lifetime" doc:"how long the vendor's page says a token lives: 90s 15m 10h 60d 1w never"`
	Success      Expr             `yaml:"success" doc:"a condition beside status 2xx; one that names $status decides alone"`
	Error        Expr             `yaml:"error" doc:"the server's message in an answer that is no success"`
	Token        Expr             `yaml:"token" doc:"where the token is in the last answer of login and refresh"`
	RefreshToken Expr             `yaml:"refresh_token" doc:"where the refresh token is"`
	ExpiresIn    Expr             `yaml:"expires_in" doc:"seconds until the token is over"`
	ExpiresAt    Expr             `yaml:"expires_at" doc:"when the token is over: RFC 3339 or seconds since 1970"`
	Save         List[Expr]       `yaml:"save" doc:"name → jq; kept with the session"`
	inputsByName map[string]Input // built-in and declared
}

// Tokens are the calls for long-lived tokens.
type Tokens struct {
	Create Calls `yaml:"create" doc:"make a token; takes {{name}}, {{expires_at}} and {{expires_in}}"`
	List   Calls `yaml:"list" doc:"list the tokens, over all pages"`
	Revoke Calls `yaml:"revoke" doc:"make the token {{id}} invalid"`
}

// Calls is one call or a list of calls that are made one after the other.
type Calls []Call

// Call is one HTTP request and what is read from its answer.
type Call struct {
	Pos Pos `yaml:"-"`

	Request Request        `yaml:"request" doc:"METHOD /path, after the base URL"`
	Query   List[Template] `yaml:"query" doc:"name → value of the query"`
	Headers List[Template] `yaml:"headers" doc:"name → value of a header"`
	Basic   *Template      `yaml:"basic" doc:"\"{{username}}:{{password}}\" as HTTP Basic"`
	JSON    *Value         `yaml:"json" doc:"the body as JSON; any YAML"`
	Form    List[Template] `yaml:"form" doc:"the body as a form"`
	Text    *Template      `yaml:"text" doc:"the body as text"`

	WithToken Flag `yaml:"with_token" doc:"send the token as send: says; default true, but false in login and where {{refresh_token}} is named"`

	When    Expr `yaml:"when" doc:"jq on the previous answer: make this call only if true"`
	Success Expr `yaml:"success" doc:"as in the profile, for this call"`
	Error   Expr `yaml:"error" doc:"as in the profile, for this call"`

	Token        Expr       `yaml:"token" doc:"where the token is in this answer"`
	RefreshToken Expr       `yaml:"refresh_token" doc:"where the refresh token is"`
	ExpiresIn    Expr       `yaml:"expires_in" doc:"seconds until the token is over"`
	ExpiresAt    Expr       `yaml:"expires_at" doc:"when the token is over"`
	Save         List[Expr] `yaml:"save" doc:"name → jq; kept with the session"`

	Items     Expr `yaml:"items" doc:"tokens.list: the list in the answer"`
	ID        Expr `yaml:"id" doc:"tokens: the id of a token; default .id"`
	TokenName Expr `yaml:"name" doc:"tokens.list: the name of a token; default .name"`
	CreatedAt Expr `yaml:"created_at" doc:"tokens.list: when it was made; default .created_at"`
	Next      Expr `yaml:"next" doc:"tokens.list: the next page: a URL, or what {{next}} takes"`
}

// Input is something that a person, a script or CI gives.
type Input struct {
	Name     string   `yaml:"-"`
	Pos      Pos      `yaml:"-"`
	Label    string   `yaml:"label" doc:"what the prompt says"`
	Secret   Flag     `yaml:"secret" doc:"never shown, never taken from a flag"`
	Optional bool     `yaml:"optional" doc:"may be left empty"`
	Default  Scalar   `yaml:"default" doc:"used when nothing else is given"`
	Choices  []string `yaml:"choices" doc:"the values that are accepted"`
	Env      string   `yaml:"env" doc:"environment variable it is read from"`
	Command  Command  `yaml:"command" doc:"program whose output it is; run without a shell"`
	builtin  bool
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

// URL is a base URL: no user, no query, no fragment.
type URL struct {
	*url.URL
	Pos Pos
}

// Request is the first line of a call.
type Request struct {
	Method string
	Path   Template // begins with a slash
	Query  string   // constant query, without the question mark
	Pos    Pos
}

// IsZero says that no request was written.
func (r Request) IsZero() bool { return r.Method == "" }

// Send is how a request carries the token: one header.
type Send struct {
	Header string
	Value  Template
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
