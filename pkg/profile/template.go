package profile

import (
	"fmt"
	"regexp"
	"strings"
)

// Template is text with placeholders: "Bearer {{token}}".
type Template struct {
	Text  string
	Parts []Part
	Pos   Pos
}

// Part is a piece of a template: literal text or the name of a placeholder.
type Part struct {
	Literal string
	Name    string
}

// Names returns the placeholders in the order in which they stand.
func (t Template) Names() []string {
	var names []string
	for _, part := range t.Parts {
		if part.Name != "" {
			names = append(names, part.Name)
		}
	}
	return names
}

// Alone returns the name of the placeholder that is the whole template.
func (t Template) Alone() (name string, ok bool) {
	if len(t.Parts) == 1 && t.Parts[0].Name != "" {
		return t.Parts[0].Name, true
	}
	return "", false
}

// ParseTemplate reads text with {{name}} placeholders. pos is the place that
// the template's errors name.
func ParseTemplate(text string, pos Pos) (Template, error) {
	t := Template{Text: text, Pos: pos}
	rest := text
	for {
		before, after, found := strings.Cut(rest, "{{")
		if before != "" {
			t.Parts = append(t.Parts, Part{Literal: before})
		}
		if !found {
			return t, nil
		}
		inner, tail, closed := strings.Cut(after, "}}")
		if !closed {
			return t, fmt.Errorf("%q opens a placeholder and does not close it", "{{"+after)
		}
		if name := strings.TrimSpace(inner); !validName(name) {
			return t, fmt.Errorf("{{%s}} is no placeholder: a name has small letters, digits and _ only", inner)
		} else {
			t.Parts = append(t.Parts, Part{Name: name})
		}
		rest = tail
	}
}

// validName says whether name can be a placeholder and a jq variable.
func validName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z'
		later := r >= '0' && r <= '9' || r == '_'
		if !letter && (i == 0 || !later) {
			return false
		}
	}
	return name != ""
}

// foreignPlaceholder finds a placeholder as other tools write it: ${x}, <x>, {x}.
func foreignPlaceholder(text string) (found, name string) {
	if !strings.ContainsAny(text, "$<") && !strings.Contains(text, "/{") {
		return "", "" // most texts: this runs before every "authctl token"
	}
	m := regexp.MustCompile(`^\$\{([a-z_][a-z0-9_]*)\}$|^<([a-z_][a-z0-9_ ]*)>$|/\{([a-z_][a-z0-9_]*)\}`).FindStringSubmatch(text)
	for i := 1; i < len(m); i++ {
		if m[i] != "" {
			return strings.TrimPrefix(m[0], "/"), strings.ReplaceAll(m[i], " ", "_")
		}
	}
	return "", ""
}

// Value is a JSON body: any YAML, its strings being templates.
type Value struct {
	Members []Member  // of an object
	Items   []Value   // of an array
	Text    *Template // a string
	Raw     string    // a number, true, false or null, as JSON
	Object  bool
	Array   bool
}

// Member is one name and value of an object.
type Member struct {
	Name  Template
	Value Value
}

// Walk calls visit for every template in the value.
func (v Value) Walk(visit func(Template)) {
	for _, member := range v.Members {
		visit(member.Name)
		member.Value.Walk(visit)
	}
	for _, item := range v.Items {
		item.Walk(visit)
	}
	if v.Text != nil {
		visit(*v.Text)
	}
}

// Templates calls visit for every template of what the call sends.
func (c *Call) Templates(visit func(Template)) {
	visit(c.Request.Path)
	for _, list := range []List[Template]{c.Query, c.Headers, c.Form} {
		for _, entry := range list {
			visit(entry.Value)
		}
	}
	for _, single := range []*Template{c.Basic, c.Text} {
		if single != nil {
			visit(*single)
		}
	}
	if c.JSON != nil {
		c.JSON.Walk(visit)
	}
}

// Exprs returns every expression over the call's answer, and when:.
func (c *Call) Exprs() []Expr {
	all := []Expr{
		c.When, c.Success, c.Error, c.Token, c.RefreshToken, c.ExpiresIn, c.ExpiresAt,
		c.Items, c.ID, c.TokenName, c.CreatedAt, c.Next,
	}
	for _, saved := range c.Save {
		all = append(all, saved.Value)
	}
	return all
}

// Exprs returns every expression that holds for all calls of the profile.
func (p *Profile) Exprs() []Expr {
	all := []Expr{p.Success, p.Error, p.Token, p.RefreshToken, p.ExpiresIn, p.ExpiresAt}
	for _, saved := range p.Save {
		all = append(all, saved.Value)
	}
	return all
}

// Mentions says whether the call sends the placeholder name.
func (c *Call) Mentions(name string) bool {
	found := false
	c.Templates(func(t Template) {
		for _, n := range t.Names() {
			found = found || n == name
		}
	})
	return found
}
