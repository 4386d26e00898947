package draft

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A document is walked as it stands, in its own order. The libraries that know
// OpenAPI (kin-openapi, libopenapi) check the whole document and refuse what
// vendors publish; a few keys of it are enough to find a login, and the YAML
// library is here already.

// tree is a node of a document; the zero value is one that is not there.
type tree struct {
	node *yaml.Node
	root *yaml.Node
}

// readTree reads YAML or JSON.
func readTree(text string) (tree, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return tree{}, err
	}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return tree{}, errors.New("it is no mapping")
	}
	return tree{document.Content[0], document.Content[0]}, nil
}

// member is an entry of a mapping.
type member struct {
	name  string
	value tree
}

// resolve follows aliases and references within the document.
func (t tree) resolve() tree {
	for range maxDepth {
		switch {
		case t.node == nil:
			return t
		case t.node.Kind == yaml.AliasNode:
			t.node = t.node.Alias
		default:
			ref := t.raw("$ref")
			if ref.node == nil || ref.node.Kind != yaml.ScalarNode {
				return t
			}
			path, local := strings.CutPrefix(ref.node.Value, "#/")
			if !local {
				return tree{root: t.root}
			}
			t.node = t.root
			for part := range strings.SplitSeq(path, "/") {
				t = t.raw(strings.NewReplacer("~1", "/", "~0", "~", "%7B", "{", "%7D", "}").Replace(part))
			}
		}
	}
	return tree{root: t.root}
}

func (t tree) raw(name string) tree {
	if t.node != nil && t.node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(t.node.Content); i += 2 {
			if t.node.Content[i].Value == name {
				return tree{t.node.Content[i+1], t.root}
			}
		}
	}
	return tree{root: t.root}
}

// at walks down names.
func (t tree) at(names ...string) tree {
	t = t.resolve()
	for _, name := range names {
		t = t.raw(name).resolve()
	}
	return t
}

func (t tree) there() bool { return t.node != nil }

// text is a scalar's text, on one line; "" for anything else.
func (t tree) text() string {
	if t = t.resolve(); t.node == nil || t.node.Kind != yaml.ScalarNode || t.node.Tag == "!!null" {
		return ""
	}
	return strings.Join(strings.Fields(t.node.Value), " ")
}

func (t tree) members() []member {
	t = t.resolve()
	if t.node == nil || t.node.Kind != yaml.MappingNode {
		return nil
	}
	var all []member
	for i := 0; i+1 < len(t.node.Content); i += 2 {
		all = append(all, member{t.node.Content[i].Value, tree{t.node.Content[i+1], t.root}})
	}
	return all
}

func (t tree) items() []tree {
	t = t.resolve()
	if t.node == nil || t.node.Kind != yaml.SequenceNode {
		return nil
	}
	var all []tree
	for _, node := range t.node.Content {
		all = append(all, tree{node, t.root})
	}
	return all
}
