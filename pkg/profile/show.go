package profile

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Default is the expression that holds where key is left out of a call of a
// phase, such as "tokens.list"; zero if there is none.
func Default(phase, key string) Expr {
	ofToken := map[string]string{"id": ".id?"}
	ofList := map[string]string{"items": ".", "id": ".id?", "name": ".name?", "expires_at": ".expires_at?", "created_at": ".created_at?"}
	switch phase {
	case "tokens.list":
		return Expr{Text: ofList[key]}
	case "tokens.create", "tokens.rotate":
		return Expr{Text: ofToken[key]}
	}
	return Expr{}
}

// SendsToken says whether a call of a phase carries the token as send: says.
// Where with_token: is left out: not in a login, where there is none, and not in
// a refresh that sends the refresh token.
func (c *Call) SendsToken(phase string) bool {
	switch {
	case c.WithToken.Set:
		return c.WithToken.Value
	case IsLogin(phase):
		return false
	}
	return phase != "refresh" || !c.Mentions("refresh_token")
}

// IsLogin says whether a phase is login or one of other_logins.
func IsLogin(phase string) bool {
	return phase == "login" || strings.HasPrefix(phase, "other_logins.")
}

// YAML writes the profile as a file that holds nothing else, with every default
// written out.
func (p *Profile) YAML() ([]byte, error) {
	profiles := mapping(p.Name, encode(reflect.ValueOf(*p.explicit())))
	root := mapping("version", &yaml.Node{Kind: yaml.ScalarNode, Value: "1"})
	root.Content = append(root.Content, textNode("profiles"), profiles)
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("encode the profile %s: %w", p.Name, err)
	}
	return text.Bytes(), encoder.Close()
}

// explicit is a copy with the defaults written out. That of send: is there
// already.
func (p *Profile) explicit() *Profile {
	full := *p
	if full.Success.IsZero() {
		full.Success = Expr{Text: "$status >= 200 and $status < 300"}
	}
	if full.Expired.IsZero() {
		full.Expired = Expr{Text: "$status == 401"}
	}
	full.Inputs = slices.Clone(p.Inputs)
	for _, in := range builtinInputs() {
		if _, declared := p.Inputs.Get(in.Name); !declared && p.uses(in.Name) {
			full.Inputs = append(full.Inputs, Named[Input]{Name: in.Name, Value: in})
		}
	}
	for i := range full.Inputs {
		in := &full.Inputs[i].Value
		in.Label, in.Secret.Set = cmp.Or(in.Label, full.Inputs[i].Name), true
	}
	full.Login = p.Login.explicit("login")
	full.OtherLogins = slices.Clone(p.OtherLogins)
	for i := range full.OtherLogins {
		full.OtherLogins[i].Value = full.OtherLogins[i].Value.explicit("other_logins." + full.OtherLogins[i].Name)
	}
	full.Refresh, full.Cancel, full.Whoami, full.Keepalive = p.Refresh.explicit("refresh"), p.Cancel.explicit("cancel"), p.Whoami.explicit("whoami"), p.Keepalive.explicit("keepalive")
	t := p.Tokens
	full.Tokens = Tokens{
		Create: t.Create.explicit("tokens.create"), List: t.List.explicit("tokens.list"),
		Revoke: t.Revoke.explicit("tokens.revoke"), Rotate: t.Rotate.explicit("tokens.rotate"),
		Send: t.Send,
	}
	return &full
}

// uses says whether anything in the profile names an input.
func (p *Profile) uses(name string) bool {
	names := p.NeedsOf(p.Carries()...)
	for _, u := range p.baseURLs() {
		names = append(names, u.Text.Names()...)
	}
	for _, phase := range p.Phases() {
		for i := range phase.Value {
			names = append(names, p.Needs(&phase.Value[i])...)
		}
	}
	return slices.Contains(names, name)
}

func (c Calls) explicit(phase string) Calls {
	full := slices.Clone(c)
	for i := range full {
		call := &full[i]
		if call.Sends() {
			call.WithToken = Flag{Value: call.SendsToken(phase), Set: true}
		}
		for key, expr := range map[string]*Expr{
			"items": &call.Items, "id": &call.ID, "name": &call.TokenName, "expires_at": &call.ExpiresAt, "created_at": &call.CreatedAt,
		} {
			if expr.IsZero() {
				*expr = Default(phase, key)
			}
		}
	}
	return full
}

// encodable is a decodable type that writes itself; nil if nothing was written.
type encodable interface{ encodeYAML() *yaml.Node }

// encode is decoder.decode backwards; nil stands for a key that is left out.
func encode(value reflect.Value) *yaml.Node {
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return nil
		}
		return encode(value.Elem())
	}
	if own, ok := value.Interface().(encodable); ok {
		return own.encodeYAML()
	}
	switch value.Kind() {
	case reflect.Struct:
		return encodeStruct(value)
	case reflect.String:
		return textOrNothing(value.String())
	case reflect.Bool:
		return Flag{Value: true, Set: value.Bool()}.encodeYAML()
	case reflect.Slice:
		var items []*yaml.Node
		for i := range value.Len() {
			items = append(items, encode(value.Index(i)))
		}
		return sequence(items)
	default:
		panic("profile: no way to write a " + value.Type().String())
	}
}

func encodeStruct(value reflect.Value) *yaml.Node {
	node := mapping("", nil)
	keys, index := fields(value.Type())
	for _, key := range keys {
		if inner := encode(value.FieldByIndex(index[key])); inner != nil {
			node.Content = append(node.Content, textNode(key), inner)
		}
	}
	return orNothing(node)
}

func mapping(key string, value *yaml.Node) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	if value != nil {
		node.Content = []*yaml.Node{textNode(key), value}
	}
	return node
}

func sequence(items []*yaml.Node) *yaml.Node {
	return orNothing(&yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: items})
}

func orNothing(node *yaml.Node) *yaml.Node {
	if len(node.Content) == 0 {
		return nil
	}
	return node
}

// textNode writes templates as people do, in double quotes.
func textNode(text string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(text)
	if strings.Contains(text, "{{") && !strings.ContainsAny(text, "\"\\\n") {
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

func textOrNothing(text string) *yaml.Node {
	if text == "" {
		return nil
	}
	return textNode(text)
}

func (u URL) encodeYAML() *yaml.Node { return textOrNothing(u.Text.Text) }

func (h Host) encodeYAML() *yaml.Node { return textNode(h.Text) }

func (e Expr) encodeYAML() *yaml.Node { return textOrNothing(e.Text) }

func (l Lifetime) encodeYAML() *yaml.Node { return textOrNothing(l.Text) }

func (t Template) encodeYAML() *yaml.Node { return textNode(t.Text) }

func (x XML) encodeYAML() *yaml.Node { return textNode(x.Text.Text) }

func (f Flag) encodeYAML() *yaml.Node {
	if !f.Set {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(f.Value)}
}

func (s Scalar) encodeYAML() *yaml.Node {
	if !s.Set {
		return nil
	}
	return textNode(s.Text)
}

func (t Target) encodeYAML() *yaml.Node { return textOrNothing(t.text()) }

func (r Request) encodeYAML() *yaml.Node {
	if r.IsZero() {
		return nil
	}
	text := r.Text()
	if r.Query != "" {
		text += "?" + r.Query
	}
	return textNode(text)
}

func (l List[T]) encodeYAML() *yaml.Node {
	node := mapping("", nil)
	for _, entry := range l {
		node.Content = append(node.Content, textNode(entry.Name), encode(reflect.ValueOf(entry.Value)))
	}
	return orNothing(node)
}

func (c Calls) encodeYAML() *yaml.Node {
	if len(c) == 1 {
		return encode(reflect.ValueOf(c[0]))
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, call := range c {
		list.Content = append(list.Content, encode(reflect.ValueOf(call)))
	}
	return orNothing(list)
}

// A name that stands several times has a list of values. An empty form is one.
func (p Pairs) encodeYAML() *yaml.Node {
	if p == nil {
		return nil
	}
	node := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for i := 0; i < len(p); {
		var values []*yaml.Node
		name := p[i].Name.Text
		for ; i < len(p) && p[i].Name.Text == name; i++ {
			values = append(values, textNode(p[i].Value.Text))
		}
		value := values[0]
		if len(values) > 1 {
			value = sequence(values)
		}
		node.Content = append(node.Content, textNode(name), value)
	}
	return node
}

func (v Value) encodeYAML() *yaml.Node {
	switch {
	case v.Object:
		node := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		for _, member := range v.Members {
			node.Content = append(node.Content, textNode(member.Name.Text), member.Value.encodeYAML())
		}
		return node
	case v.Array:
		node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, item := range v.Items {
			node.Content = append(node.Content, item.encodeYAML())
		}
		return node
	case v.Text != nil:
		return textNode(v.Text.Text)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: v.Raw}
}

// A label alone is written as a mapping, with what else holds.
func (in Input) encodeYAML() *yaml.Node {
	type plain Input
	node := encodeStruct(reflect.ValueOf(plain(in)))
	if !in.Optional {
		node.Content = append(node.Content, textNode("optional"), Flag{Set: true}.encodeYAML())
	}
	node.Style = yaml.FlowStyle
	return node
}

func (c Choices) encodeYAML() *yaml.Node {
	if len(c.List) > 0 {
		return encode(reflect.ValueOf(c.List))
	}
	return c.Expr.encodeYAML()
}

// One header is one line.
func (s Send) encodeYAML() *yaml.Node {
	if len(s.Headers) == 1 && len(s.Headers[0].Name.Names()) == 0 && len(s.Query) == 0 && s.Basic == nil {
		return textNode(s.String())
	}
	type plain Send
	return encodeStruct(reflect.ValueOf(plain(s)))
}
