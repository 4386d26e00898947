package profile

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/authctl/authctl/pkg/xmltree"
)

// decoder turns YAML nodes into the types of this package. It collects every
// mistake instead of stopping at the first.
type decoder struct {
	file     string
	lines    []string // of the file
	problems Problems
	layouts  map[reflect.Type]layout // of the structs that were met
}

// layout maps the YAML keys of a struct to its fields.
type layout struct {
	keys  []string
	index map[string][]int
}

func (d *decoder) layout(t reflect.Type) layout {
	known, ok := d.layouts[t]
	if !ok {
		known.keys, known.index = fields(t)
		if d.layouts == nil {
			d.layouts = map[reflect.Type]layout{}
		}
		d.layouts[t] = known
	}
	return known
}

// decodable is a type that reads itself from a node. where names the place in
// words, such as "login".
type decodable interface {
	decodeYAML(d *decoder, node *yaml.Node, where string)
}

// positioned is a type that wants to know where it was written.
type positioned interface{ setPos(Pos) }

func (d *decoder) pos(node *yaml.Node) Pos {
	return Pos{File: d.file, Line: node.Line, Column: node.Column}
}

func (d *decoder) fail(node *yaml.Node, hint, format string, args ...any) {
	d.problems.add(newProblem(d.pos(node), hint, format, args...))
}

// decode reads node into the value that target points to.
func (d *decoder) decode(node *yaml.Node, target reflect.Value, where string) {
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		d.fail(node, "write the value out", "%s: anchors and aliases are not used in profiles", where)
		return
	}
	if own, ok := target.Addr().Interface().(decodable); ok {
		own.decodeYAML(d, node, where)
		return
	}
	switch target.Kind() {
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		d.decode(node, target.Elem(), where)
	case reflect.Struct:
		d.decodeStruct(node, target, where)
	case reflect.String:
		target.SetString(d.text(node, where))
	case reflect.Bool:
		target.SetBool(d.boolean(node, where))
	case reflect.Slice:
		d.decodeSlice(node, target, where)
	default:
		panic("profile: no way to read a " + target.Type().String())
	}
}

// fields maps the YAML keys of a struct, and of what it embeds, to its fields.
func fields(t reflect.Type) (keys []string, index map[string][]int) {
	index = make(map[string][]int, t.NumField())
	var walk func(t reflect.Type, path []int)
	walk = func(t reflect.Type, path []int) {
		for i := range t.NumField() {
			field := t.Field(i)
			at := append(path[:len(path):len(path)], i)
			if field.Anonymous {
				walk(field.Type, at)
			} else if key := field.Tag.Get("yaml"); key != "" && key != "-" {
				keys, index[key] = append(keys, key), at
			}
		}
	}
	walk(t, nil)
	return keys, index
}

func (d *decoder) decodeStruct(node *yaml.Node, target reflect.Value, where string) {
	if !d.isMapping(node, where) {
		return
	}
	if p, ok := target.Addr().Interface().(positioned); ok {
		p.setPos(d.pos(node))
	}
	layout := d.layout(target.Type())
	d.eachMember(node, where, func(key, value *yaml.Node) {
		i, known := layout.index[key.Value]
		if !known {
			d.fail(key, unknownKeyHint(key.Value, where, layout.keys), "%s: unknown key in %s", key.Value, where)
			return
		}
		d.decode(value, target.FieldByIndex(i), key.Value)
	})
}

func (d *decoder) decodeSlice(node *yaml.Node, target reflect.Value, where string) {
	if node.Kind != yaml.SequenceNode {
		d.fail(node, "write a list: [a, b]", "%s: a list is needed here", where)
		return
	}
	for _, item := range node.Content {
		element := reflect.New(target.Type().Elem()).Elem()
		d.decode(item, element, where)
		target.Set(reflect.Append(target, element))
	}
}

// eachMember calls visit for each key and value of a mapping and refuses what
// YAML would merge or overwrite silently.
func (d *decoder) eachMember(node *yaml.Node, where string, visit func(key, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content) && !d.problems.full(); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch line, twice := seen[key.Value]; {
		case key.Kind == yaml.MappingNode:
			d.fail(key, `a placeholder stands in quotes: "{{name}}"`, "%s: a placeholder without quotes", where)
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			d.fail(key, "write the keys out", "%s: a key must be a plain word", where)
		case twice:
			d.fail(key, "remove one of them", "%s: written twice, first in line %d", key.Value, line)
		default:
			seen[key.Value] = key.Line
			visit(key, value)
		}
	}
}

func (d *decoder) isMapping(node *yaml.Node, where string) bool {
	if node.Kind == yaml.MappingNode {
		return true
	}
	hint := "write {name: value}"
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		d.fail(node, "write its keys below it, indented deeper, or remove it", "%s: nothing stands below it", where)
		return false
	case node.Kind == yaml.ScalarNode && looksLikeRequest(node.Value):
		hint = "write request: " + node.Value + " on the next line, indented"
	case node.Kind == yaml.SequenceNode:
		hint = "write name: value, without the dash"
	}
	d.fail(node, hint, "%s: keys and values are needed here, not %s", where, kindName(node))
	return false
}

// text reads a single value as the text that was written, whatever YAML takes
// it for: 0123 stays 0123 and no stays no.
func (d *decoder) text(node *yaml.Node, where string) string {
	switch {
	case isBarePlaceholder(node):
		d.fail(node, `a placeholder stands in quotes: "{{name}}"`, "%s: a placeholder without quotes", where)
	case node.Kind == yaml.SequenceNode:
		d.fail(node, "write one value instead of a list", "%s: a single value is needed here, not a list", where)
	case node.Kind != yaml.ScalarNode:
		d.fail(node, "", "%s: a single value is needed here, not %s", where, kindName(node))
	case node.Tag == "!!null":
		d.fail(node, "write a value or remove the key", "%s: the value is missing", where)
	default:
		return node.Value
	}
	return ""
}

// written reads a single value that is not empty: "" would be taken for a key
// that is not there.
func (d *decoder) written(node *yaml.Node, where string) string {
	if node.Kind == yaml.ScalarNode && node.Tag != "!!null" && node.Value == "" {
		hint := "write a value or remove the key"
		if strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!") {
			hint = "a value that begins with ! stands in quotes"
		}
		d.fail(node, hint, "%s: the value is empty", where)
	}
	return d.text(node, where)
}

func (d *decoder) boolean(node *yaml.Node, where string) bool {
	value, err := strconv.ParseBool(strings.ToLower(node.Value))
	if node.Kind != yaml.ScalarNode || node.Tag != "!!bool" || err != nil {
		d.fail(node, "write true or false", "%s: %s is neither true nor false", where, describe(node))
		return false
	}
	return value
}

// isBarePlaceholder recognises {{name}} without quotes, which YAML reads as a
// mapping within a mapping.
func isBarePlaceholder(node *yaml.Node) bool {
	return node.Kind == yaml.MappingNode && node.Style == yaml.FlowStyle &&
		len(node.Content) == 2 && node.Content[0].Kind == yaml.MappingNode
}

func kindName(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return describe(node)
	default:
		return "an alias"
	}
}

// describe quotes a short single value.
func describe(node *yaml.Node) string {
	if node.Kind != yaml.ScalarNode {
		return kindName(node)
	}
	return fmt.Sprintf("%q", clip(node.Value, 40))
}

func (l *List[T]) decodeYAML(d *decoder, node *yaml.Node, where string) {
	if !d.isMapping(node, where) {
		return
	}
	d.eachMember(node, where, func(key, value *yaml.Node) {
		entry := Named[T]{Name: key.Value, Pos: d.pos(key)}
		d.decode(value, reflect.ValueOf(&entry.Value).Elem(), where+"."+key.Value)
		*l = append(*l, entry)
	})
}

func (p *Pairs) decodeYAML(d *decoder, node *yaml.Node, where string) {
	if !d.isMapping(node, where) {
		return
	}
	*p = Pairs{}
	d.eachMember(node, where, func(key, value *yaml.Node) {
		values := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			values = value.Content
		}
		for _, one := range values {
			var pair Pair
			d.decode(key, reflect.ValueOf(&pair.Name).Elem(), where)
			d.decode(one, reflect.ValueOf(&pair.Value).Elem(), where+"."+key.Value)
			*p = append(*p, pair)
		}
	})
}

func (c *Calls) decodeYAML(d *decoder, node *yaml.Node, where string) {
	items := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		items = node.Content
	}
	if len(items) == 0 {
		d.fail(node, "write request: METHOD /path", "%s: an empty list of calls", where)
	}
	for _, item := range items {
		var call Call
		d.decode(item, reflect.ValueOf(&call).Elem(), where)
		if item.Kind == yaml.MappingNode {
			*c = append(*c, call)
		}
	}
}

func (c *Call) setPos(pos Pos) { c.Pos = pos }

func (e *Expr) decodeYAML(d *decoder, node *yaml.Node, where string) {
	*e = Expr{Text: d.written(node, where), Pos: d.pos(node), lead: d.lead(node)}
}

// lead looks where the text of a value stands in its line; see Expr.
func (d *decoder) lead(node *yaml.Node) int {
	if node.Line < 1 || node.Line > len(d.lines) {
		return 0
	}
	line := []rune(d.lines[node.Line-1])
	for lead := range 2 {
		from := node.Column - 1 + lead
		if from >= 0 && from <= len(line) && strings.HasPrefix(string(line[from:]), node.Value) {
			return lead + 1
		}
	}
	return 0
}

func (t *Template) decodeYAML(d *decoder, node *yaml.Node, where string) {
	parsed, err := ParseTemplate(d.text(node, where), d.pos(node))
	if err != nil {
		d.fail(node, `a placeholder is written "{{name}}"`, "%s: %v", where, err)
	}
	if found, name := foreignPlaceholder(parsed.Text); found != "" {
		d.fail(node, `write "{{`+name+`}}"`, "%s: %s is not a placeholder of this language", where, found)
	}
	*t = parsed
}

func (s *Scalar) decodeYAML(d *decoder, node *yaml.Node, where string) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		d.fail(node, `write "" for an empty value`, "%s: the value is missing", where)
		return
	}
	*s = Scalar{Text: d.text(node, where), Set: true}
}

func (f *Flag) decodeYAML(d *decoder, node *yaml.Node, where string) {
	*f = Flag{Value: d.boolean(node, where), Set: true}
}

func (in *Input) decodeYAML(d *decoder, node *yaml.Node, where string) {
	if node.Kind == yaml.ScalarNode {
		in.Label = d.text(node, where)
		return
	}
	d.decodeStruct(node, reflect.ValueOf(in).Elem(), where)
}

func (v *Value) decodeYAML(d *decoder, node *yaml.Node, where string) {
	switch {
	case isBarePlaceholder(node):
		d.fail(node, `a placeholder stands in quotes: "{{name}}"`, "%s: a placeholder without quotes", where)
	case node.Kind == yaml.MappingNode:
		v.Object = true
		d.eachMember(node, where, func(key, value *yaml.Node) {
			var member Member
			d.decode(key, reflect.ValueOf(&member.Name).Elem(), where)
			d.decode(value, reflect.ValueOf(&member.Value).Elem(), where+"."+key.Value)
			v.Members = append(v.Members, member)
		})
	case node.Kind == yaml.SequenceNode:
		v.Array = true
		for _, item := range node.Content {
			var element Value
			d.decode(item, reflect.ValueOf(&element).Elem(), where)
			v.Items = append(v.Items, element)
		}
	default:
		v.decodeScalar(d, node, where)
	}
}

func (v *Value) decodeScalar(d *decoder, node *yaml.Node, where string) {
	switch node.Tag {
	case "!!null":
		v.Raw = "null"
	case "!!bool":
		v.Raw = strconv.FormatBool(d.boolean(node, where))
	case "!!int", "!!float":
		if !json.Valid([]byte(node.Value)) {
			d.fail(node, `write "`+node.Value+`" in quotes if it is text`, "%s: %s is not a number as JSON writes it", where, node.Value)
		}
		v.Raw = node.Value
	default:
		v.Text = &Template{}
		v.Text.decodeYAML(d, node, where)
	}
}

func (c *Choices) decodeYAML(d *decoder, node *yaml.Node, where string) {
	if node.Kind == yaml.SequenceNode {
		d.decodeSlice(node, reflect.ValueOf(&c.List).Elem(), where)
		return
	}
	c.Expr.decodeYAML(d, node, where)
}

// Pins stand alone or in a list.
func (p *Pins) decodeYAML(d *decoder, node *yaml.Node, where string) {
	items := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		items = node.Content
	}
	for _, item := range items {
		text := d.text(item, where)
		hash, found := strings.CutPrefix(text, "sha256//")
		if sum, err := base64.StdEncoding.DecodeString(hash); !found || err != nil || len(sum) != sha256.Size {
			d.fail(item, `write "sha256//BASE64", as curl's --pinnedpubkey takes it`, "%s: %s is no pin of a public key", where, describe(item))
		}
		*p = append(*p, text)
	}
}

func (x *XML) decodeYAML(d *decoder, node *yaml.Node, where string) {
	if x.Text.decodeYAML(d, node, where); x.Text.Text == "" {
		return
	}
	document, err := xmltree.Parse(x.Text.Text, func(text string) bool { return strings.Contains(text, "{{") })
	if err != nil {
		d.fail(node, "write one XML element, with placeholders in attributes and texts", "%s: %v", where, err)
	}
	x.Document = document
}

func (c *Command) decodeYAML(d *decoder, node *yaml.Node, where string) {
	if node.Kind == yaml.SequenceNode {
		for _, item := range node.Content {
			*c = append(*c, d.text(item, where))
		}
	} else {
		text := d.text(node, where)
		if strings.ContainsAny(text, "'\"\\$`|&;<>*?~") {
			d.fail(node, "no shell reads it: write a list, [program, argument, …]", "%s: quotes and shell signs mean nothing here", where)
		}
		*c = strings.Fields(text)
	}
	if len(*c) == 0 {
		d.fail(node, "write the program and its arguments", "%s: no program is named", where)
	}
}
