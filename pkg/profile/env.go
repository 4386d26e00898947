package profile

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Env are the environment variables that hand a token to programs: env: with
// one name, or with a text for each of several names.
type Env struct{ Pairs }

func (e *Env) decodeYAML(d *decoder, node *yaml.Node, where string) {
	if node.Kind == yaml.MappingNode {
		e.Pairs.decodeYAML(d, node, where)
		return
	}
	if name := d.text(node, where); name != "" {
		e.Pairs = Pairs{tokenVariable(name, d.pos(node))}
	}
}

func tokenVariable(name string, pos Pos) Pair {
	return Pair{
		Name:  Template{Text: name, Parts: []Part{{Literal: name}}, Pos: pos},
		Value: Template{Text: "{{token}}", Parts: []Part{{Name: "token"}}, Pos: pos},
	}
}

// Variables are those of env:, or without it the token in one that is called
// after the profile: HAUT_AI_TOKEN.
func (p *Profile) Variables() Pairs {
	if len(p.Env.Pairs) > 0 {
		return p.Env.Pairs
	}
	letters := func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}
	name := strings.Map(letters, strings.ToUpper(p.Name)) + "_TOKEN"
	if !ValidVariable(name) {
		name = "_" + name // a digit comes first
	}
	return Pairs{tokenVariable(name, p.Pos)}
}

// Names returns the names that the values need.
func (e Env) Names() []string {
	var names []string
	e.templates(func(t Template) { names = append(names, t.Names()...) })
	return names
}

// ValidVariable says whether every shell takes name for a variable, and it is
// none of authctl's own.
func ValidVariable(name string) bool {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) && !strings.HasPrefix(name, "AUTHCTL_")
}

// variables looks at env:.
func (c *checker) variables() {
	c.pairs("env", c.profile.Env.Pairs, c.session())
	seen := map[string]bool{}
	for _, pair := range c.profile.Env.Pairs {
		name := pair.Name.Text
		switch {
		case !ValidVariable(name):
			c.report(pair.Name.Pos, "use letters, digits and _, and not AUTHCTL_ at the start", "env: %q is no name for a variable", name)
		case seen[name]:
			c.report(pair.Name.Pos, "keep one of them", "env: %s has two values", name)
		}
		seen[name] = true
	}
}
