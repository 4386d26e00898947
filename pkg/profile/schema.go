package profile

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// SchemaURL is where editors find the schema of the language.
const SchemaURL = "https://github.com/authctl/authctl/raw/main/docs/profile.schema.json"

// object is a JSON object; here, a schema.
type object map[string]any

// described is a type that reads itself (decodable) and says which YAML it
// takes.
type described interface{ schema(*schemas) object }

// schemas are those that others refer to, by name.
type schemas struct{ defs object }

// Schema returns the JSON Schema (2020-12) of a file of profiles, for editors.
// It is made from the types that decode profiles and their doc tags. It tells
// keys, types and forms; what hangs on names and on jq only Check can tell.
func Schema() ([]byte, error) {
	s := &schemas{defs: object{}}
	root := s.of(reflect.TypeFor[document]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = SchemaURL
	root["title"] = "Profiles of authctl"
	root["$defs"] = s.defs
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// of returns the schema of a type, as decoder.decode reads it.
func (s *schemas) of(t reflect.Type) object {
	if own, ok := reflect.New(t).Interface().(described); ok {
		return own.schema(s)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		return s.mapping(t)
	case reflect.String:
		return s.single("text", object{})
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	default:
		panic("profile: no schema for a " + t.String())
	}
}

// ref keeps what make returns under name and refers to it.
func (s *schemas) ref(name string, make func() object) object {
	if _, known := s.defs[name]; !known {
		s.defs[name] = nil // it may refer to itself
		s.defs[name] = make()
	}
	return object{"$ref": "#/$defs/" + name}
}

// single is a value of any type that stands alone, which is taken as it is
// written; rules hold where YAML takes it for a string.
func (s *schemas) single(name string, rules object) object {
	return s.ref(name, func() object {
		rules["type"] = []string{"string", "number", "boolean"}
		return rules
	})
}

// pattern is a string of a form.
func (s *schemas) pattern(name, pattern string) object {
	return s.ref(name, func() object { return object{"type": "string", "pattern": pattern} })
}

// mapping is the schema of a struct.
func (s *schemas) mapping(t reflect.Type) object {
	properties := object{}
	for _, field := range reflect.VisibleFields(t) {
		key := field.Tag.Get("yaml")
		if key == "" || key == "-" {
			continue
		}
		value := s.of(field.Type)
		if doc := field.Tag.Get("doc"); doc != "" {
			value["description"] = doc
		}
		if names := field.Tag.Get("names"); names != "" {
			value["propertyNames"] = object{"pattern": keyPattern(names)}
		}
		properties[key] = value
	}
	all := object{"type": "object", "properties": properties, "additionalProperties": false}
	for rule, value := range requirements(t) {
		all[rule] = value
	}
	return all
}

// requirements are the keys that a mapping needs: those that Check asks for.
func requirements(t reflect.Type) object {
	required := func(key string) object { return object{"required": []string{key}} }
	switch t {
	case reflect.TypeFor[document]():
		return required("version")
	case reflect.TypeFor[Profile]():
		return object{"required": []string{"login"}, "oneOf": []object{required("base_url"), required("environments")}}
	case reflect.TypeFor[Call]():
		return object{"anyOf": []object{required("request"), required("token")}}
	}
	return object{}
}

// keyPattern is the form of keys that the author chooses; the tag names: says
// of which kind they are.
func keyPattern(kind string) string {
	if kind == "header" {
		return headerNamePattern
	}
	return namePattern
}

// Forms of text. They hold in RE2 and in ECMA-262, which JSON Schema asks for.
const (
	namePattern        = `^[a-z][a-z0-9_]*$`
	headerNamePattern  = "^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]|\\{\\{\\s*[a-z][a-z0-9_]*\\s*\\}\\})+$"
	templatePattern    = `^(?:[^{]|\{[^{]|\{\{\s*[a-z][a-z0-9_]*\s*\}\})*\{?$`
	foreignPattern     = `^\$\{[a-z_][a-z0-9_]*\}$|^<[a-z_][a-z0-9_ ]*>$|/\{[a-z_][a-z0-9_]*\}`
	requestPattern     = "^[!#$%&'*+.^_`|~0-9A-Z-]+ +(?:/|https?://[^/\\s{}]|\\{\\{ *[a-z][a-z0-9_]* *\\}\\}(?:[/?]|$))[^\\s#\\\\]*$"
	targetPattern      = `^(?:https?://[^/\s{}]|\{\{ *[a-z][a-z0-9_]* *\}\}(?:/|$))[^\s#\\]*$`
	baseURLPattern     = `^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\s\\]+(?:/[^?#\s\\]*)?$`
	sendPattern        = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+:(?:[^{]|\\{[^{]|\\{\\{\\s*[a-z][a-z0-9_]*\\s*\\}\\})*\\{\\{\\s*token\\s*\\}\\}(?:[^{]|\\{[^{]|\\{\\{\\s*[a-z][a-z0-9_]*\\s*\\}\\})*\\{?$"
	lifetimePattern    = `^(?:never|\d+w(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?|\d+d(?:\d+h)?(?:\d+m)?(?:\d+s)?|\d+h(?:\d+m)?(?:\d+s)?|\d+m(?:\d+s)?|\d+s)$`
	hostPattern        = `^(?:[^/?#@*\s\\]+|\*\.[^/?#@*\s\\]+\.[^/?#@*\s\\]+)$`
	pinPattern         = `^sha256//[A-Za-z0-9+/]{43}=$`
	profileNamePattern = `^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`
	variablePattern    = `^[A-Za-z_][A-Za-z0-9_]*$`
	commandPattern     = "^[^'\"\\\\$`|&;<>*?~]*$"
)

func (*version) schema(*schemas) object { return object{"enum": []any{1, "1"}} }

func (*entries) schema(s *schemas) object {
	return object{
		"type": "object", "propertyNames": object{"pattern": profileNamePattern},
		"additionalProperties": s.ref("profile", func() object { return s.mapping(reflect.TypeFor[Profile]()) }),
	}
}

func (*Calls) schema(s *schemas) object {
	one := s.ref("call", func() object { return s.mapping(reflect.TypeFor[Call]()) })
	return s.ref("calls", func() object {
		return object{"oneOf": []object{one, {"type": "array", "items": one, "minItems": 1}}}
	})
}

func (*List[T]) schema(s *schemas) object {
	return object{"type": "object", "additionalProperties": s.of(reflect.TypeFor[T]())}
}

func (*Input) schema(s *schemas) object {
	return s.ref("input", func() object {
		return object{"oneOf": []object{s.of(reflect.TypeFor[string]()), s.mapping(reflect.TypeFor[Input]())}}
	})
}

func (*Choices) schema(s *schemas) object {
	return object{"oneOf": []object{s.of(reflect.TypeFor[[]string]()), s.of(reflect.TypeFor[Expr]())}}
}

func (*Send) schema(s *schemas) object {
	return object{"oneOf": []object{s.pattern("headerLine", sendPattern), s.mapping(reflect.TypeFor[Send]())}}
}

// A list as a value repeats the name.
func (*Pairs) schema(s *schemas) object {
	value := s.of(reflect.TypeFor[Template]())
	return object{"type": "object", "additionalProperties": object{"oneOf": []object{value, {"type": "array", "items": value}}}}
}

func (*Env) schema(s *schemas) object {
	texts := object{"type": "object", "propertyNames": object{"pattern": variablePattern}, "additionalProperties": s.of(reflect.TypeFor[Template]())}
	return object{"oneOf": []object{s.pattern("variable", variablePattern), texts}}
}

func (*Template) schema(s *schemas) object {
	return s.single("template", object{"pattern": templatePattern, "not": object{"type": "string", "pattern": foreignPattern}})
}

func (*XML) schema(*schemas) object { return object{"type": "string", "pattern": `^\s*<`} }

func (*Expr) schema(s *schemas) object {
	return s.single("expression", object{"description": "jq"})
}

func (*Value) schema(*schemas) object { return object{} }

func (*Scalar) schema(s *schemas) object { return s.of(reflect.TypeFor[string]()) }

func (*Flag) schema(*schemas) object { return object{"type": "boolean"} }

func (*URL) schema(s *schemas) object { return s.pattern("baseURL", baseURLPattern) }

func (*Host) schema(s *schemas) object { return s.pattern("host", hostPattern) }

func (*Target) schema(s *schemas) object { return s.pattern("target", targetPattern) }

func (*Request) schema(s *schemas) object { return s.pattern("request", requestPattern) }

func (*Lifetime) schema(s *schemas) object { return s.pattern("lifetime", lifetimePattern) }

func (*Pins) schema(s *schemas) object {
	one := s.pattern("pin", pinPattern)
	return object{"oneOf": []object{one, {"type": "array", "items": one}}}
}

func (*Command) schema(s *schemas) object {
	words := object{"type": "array", "items": s.of(reflect.TypeFor[string]()), "minItems": 1}
	return object{"oneOf": []object{s.single("commandLine", object{"pattern": commandPattern, "minLength": 1}), words}}
}
