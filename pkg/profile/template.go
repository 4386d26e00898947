package profile

import (
	"fmt"
	"regexp"
	"slices"
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

// Templates calls visit for every template of what the call sends and shows.
func (c *Call) Templates(visit func(Template)) {
	if c.Request.From != "" {
		visit(Template{Text: "{{" + c.Request.From + "}}", Parts: []Part{{Name: c.Request.From}}, Pos: c.Request.Pos})
	}
	visit(c.Request.Path)
	for _, pairs := range []Pairs{c.Query, c.Headers, c.Form} {
		pairs.templates(visit)
	}
	for _, single := range []*Template{c.Basic, c.Text, c.Show} {
		if single != nil {
			visit(*single)
		}
	}
	if c.XML != nil {
		visit(c.XML.Text)
	}
	if c.JSON != nil {
		c.JSON.Walk(visit)
	}
}

// Exprs returns the readings by their keys; save: as save.name.
func (r Readings) Exprs() List[Expr] {
	all := List[Expr]{
		{Name: "success", Value: r.Success}, {Name: "error", Value: r.Error}, {Name: "token", Value: r.Token}, {Name: "refresh_token", Value: r.RefreshToken},
		{Name: "expires_in", Value: r.ExpiresIn}, {Name: "expires_at", Value: r.ExpiresAt},
	}
	for _, saved := range r.Save {
		all = append(all, Named[Expr]{Name: "save." + saved.Name, Value: saved.Value})
	}
	return all
}

// Exprs returns every expression of the call by its key.
func (c *Call) Exprs() List[Expr] {
	return append(List[Expr]{
		{Name: "when", Value: c.When}, {Name: "until", Value: c.Until}, {Name: "items", Value: c.Items}, {Name: "id", Value: c.ID},
		{Name: "name", Value: c.TokenName}, {Name: "created_at", Value: c.CreatedAt}, {Name: "next", Value: c.Next},
	}, c.Readings.Exprs()...)
}

// Needs returns the names that the call needs: to send it, and in expressions
// on its answer. Names that computed ones need stand before them.
func (p *Profile) Needs(c *Call) []string {
	n := needs{profile: p}
	p.Headers.templates(n.template)
	c.Templates(n.template)
	for _, expr := range slices.Concat(c.Exprs(), p.Readings.Exprs(), List[Expr]{{Value: p.Expired}}) {
		n.expr(expr.Value)
	}
	return n.names
}

// NeedsOf returns names and what they need themselves, likewise.
func (p *Profile) NeedsOf(names ...string) []string {
	n := needs{profile: p}
	for _, name := range names {
		n.add(name)
	}
	return n.names
}

// Carries returns the names that send: and headers: need.
func (p *Profile) Carries() []string {
	names := p.Send.Names()
	p.Headers.templates(func(t Template) { names = append(names, t.Names()...) })
	return names
}

// needs collects names, each once.
type needs struct {
	profile *Profile
	names   []string
	open    []string // computed names that are being looked at
}

func (n *needs) template(t Template) {
	for _, name := range t.Names() {
		n.add(name)
	}
}

func (n *needs) expr(e Expr) {
	if e.IsZero() {
		return
	}
	for _, name := range e.Names() {
		n.add(name)
	}
}

func (n *needs) add(name string) {
	if slices.Contains(n.names, name) || slices.Contains(n.open, name) {
		return
	}
	if computed, ok := n.profile.Computed.Get(name); ok {
		n.open = append(n.open, name)
		n.expr(computed)
		n.open = n.open[:len(n.open)-1]
	}
	n.names = append(n.names, name)
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
