package draft

import (
	"strings"

	"github.com/authctl/authctl/pkg/fault"
)

// Replies are what a person says about a login.
type Replies struct {
	BaseURL  string
	Login    string // "POST /login"
	Body     string // json, form or basic
	User     string // name of the field
	Password string // name of the field
	Token    string // jq; "" if it is not known
}

// FromReplies writes the login that a person describes.
func FromReplies(r Replies) (*Draft, error) {
	method, path, found := strings.Cut(strings.TrimSpace(r.Login), " ")
	if !found {
		method, path = "POST", method
	}
	base, prefix, _, err := target(r.BaseURL)
	if err != nil {
		return nil, err
	}
	d := &Draft{}
	n := &names{draft: d, values: map[string]string{}, login: true}
	if d.BaseURL, err = n.base(base); err != nil {
		return nil, err
	}
	d.BaseURL = strings.TrimSuffix(d.BaseURL+n.path(prefix, false), "/")
	d.AllowHTTP = plainHTTP(d.BaseURL)
	call := Call{Method: strings.ToUpper(method), Path: n.path("/"+strings.TrimPrefix(strings.TrimSpace(path), "/"), false)}
	fields := []Field{{r.User, "{{" + n.input(r.User, "username", "") + "}}"}, {r.Password, "{{" + n.input(r.Password, "password", "") + "}}"}}
	switch r.Body {
	case "basic":
		call.Basic = "{{username}}:{{password}}"
	case "form":
		call.Form = fields
	case "json":
		call.JSON = &Value{Kind: Object}
		for _, f := range fields {
			call.JSON.Members = append(call.JSON.Members, Member{f.Name, Value{Text: f.Value}})
		}
	default:
		return nil, fault.New(fault.Usage, "type json, form or basic", "a login sends json, form or basic")
	}
	d.Login = []Call{call}
	if token := strings.TrimSpace(r.Token); token != "" {
		d.Token = token
	}
	return d, nil
}
