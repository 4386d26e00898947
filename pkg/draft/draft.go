// Package draft writes the text of a profile from what people have at hand: a
// vendor's curl commands, an OpenAPI document, answers to a few questions. It
// guesses, and says so in comments. It is pure: no terminal, no network, no
// files. No secret that it is shown gets into the text.
package draft

import (
	"cmp"
	"slices"
	"strings"
)

// Draft is a profile that is being written.
type Draft struct {
	Name    string
	Docs    string
	BaseURL string
	// AllowHTTP is set where the base URL is plain http to another machine.
	AllowHTTP bool

	Inputs  []Input
	Login   []Call
	Refresh *Call
	Cancel  *Call
	Whoami  *Call
	Readings
	Send Send

	// Notes are for the person: what was left out, and what to look at.
	Notes []string
	// Secrets are the values that were found and did not get into the profile.
	Secrets []string
}

// Input is one that the profile declares.
type Input struct {
	Name     string
	Label    string
	Default  string
	Secret   bool
	Optional bool
}

// Call is one request.
type Call struct {
	Method   string
	Path     string // after the base URL, or https://other.host/path
	Constant string // query that stands in the request
	Query    []Field
	Headers  []Field
	Basic    string
	JSON     *Value
	Form     []Field
	XML      string
	Text     string
	Save     []Field // name → jq
	// Token is what the call itself reads; a call that sends nothing has it alone.
	Token string
}

// Field is a name with a template.
type Field struct{ Name, Value string }

// Value is a JSON body.
type Value struct {
	Kind    Kind
	Members []Member
	Items   []Value
	Text    string // a template, or what is written as it is
}

// Kind is what a Value is.
type Kind int

// The kinds of a Value.
const (
	Text Kind = iota
	Raw       // a number, true, false or null
	Object
	Array
)

// Member is one name of an object.
type Member struct {
	Name  string
	Value Value
}

// Readings say where the token is; each is a guess until an answer was seen.
type Readings struct {
	Token, RefreshToken, ExpiresIn, ExpiresAt string
	// Why tells where the readings come from, in a comment.
	Why string
}

// Send is how requests carry the token; the zero value is the usual Bearer.
type Send struct {
	Header string // "Name: value with {{token}}"
	Query  string // name
	Basic  string // "{{username}}:{{token}}"
	Guess  string // why it may be wrong
}

func (d *Draft) note(text string) {
	if !slices.Contains(d.Notes, text) {
		d.Notes = append(d.Notes, text)
	}
}

// secret keeps a value that must not be seen.
func (d *Draft) secret(value string) {
	if value != "" && !slices.Contains(d.Secrets, value) {
		d.Secrets = append(d.Secrets, value)
	}
}

// Host is the base URL's host, without port.
func (d *Draft) Host() string {
	_, rest, _ := strings.Cut(d.BaseURL, "://")
	host, _, _ := strings.Cut(rest, "/")
	name, _, _ := strings.Cut(host, ":")
	return name
}

// SuggestName makes a name for the profile from a host: api.acme.com is acme.
func SuggestName(host string) string {
	if strings.Trim(host, "0123456789.") == "" {
		return strings.TrimSuffix("host-"+strings.ReplaceAll(host, ".", "-"), "-")
	}
	if strings.HasPrefix(host, "{{") && strings.HasSuffix(host, "}}") {
		return "api"
	}
	labels := strings.Split(strings.ToLower(host), ".")
	if len(labels) > 1 {
		labels = labels[:len(labels)-1]
	}
	for _, common := range []string{"www", "api", "auth", "login", "co", "com", "cloud", "app", "sandbox", "localhost"} {
		if len(labels) > 1 {
			labels = slices.DeleteFunc(labels, func(label string) bool { return label == common })
		}
	}
	if len(labels) == 0 {
		return "api"
	}
	return cmp.Or(snake(labels[len(labels)-1], '-'), "api")
}

// Rebase puts another base URL in; inputs that only the old one named go.
func (d *Draft) Rebase(base string) {
	old := d.BaseURL
	d.BaseURL = strings.TrimSuffix(base, "/")
	d.AllowHTTP = plainHTTP(d.BaseURL)
	rest := *d
	rest.Inputs = nil
	text := rest.Text()
	d.Inputs = slices.DeleteFunc(d.Inputs, func(in Input) bool {
		name := "{{" + in.Name + "}}"
		return strings.Contains(old, name) && !strings.Contains(text, name)
	})
}
