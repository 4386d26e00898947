package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep the JSON of a request may be nested.
const maxDepth = 16

// parseObject reads one JSON object. encoding/json alone would fold the case of
// names and take invalid UTF-8 and duplicate names, so a client's mistake would
// go unseen.
func parseObject(data []byte) (map[string]any, error) {
	switch {
	case len(data) == 0:
		return nil, errors.New("the body is empty")
	case !utf8.Valid(data):
		return nil, errors.New("the body is not UTF-8")
	case !json.Valid(data):
		return nil, errors.New("the body is not one JSON value")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	value, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("the body is not a JSON object")
	}
	return object, nil
}

// parseValue reads the next value.
func parseValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("the body is nested too deep")
	}
	t, err := d.Token()
	switch {
	case err != nil:
		return nil, err
	case t == json.Delim('{'):
		return parseMembers(d, depth)
	case t == json.Delim('['):
		return parseItems(d, depth)
	default:
		return t, nil
	}
}

// parseMembers reads an object after its brace.
func parseMembers(d *json.Decoder, depth int) (map[string]any, error) {
	object := map[string]any{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("%v is not a name", t)
		}
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("the name %q is there twice", name)
		}
		if object[name], err = parseValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token() // the closing brace
	return object, err
}

// parseItems reads an array after its bracket.
func parseItems(d *json.Decoder, depth int) ([]any, error) {
	items := []any{}
	for d.More() {
		item, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := d.Token() // the closing bracket
	return items, err
}

// What can be wrong with a field, in the words of Django REST framework, which
// Haut.AI's answers use; the other APIs put them in a sentence.
const (
	fieldMissing = "This field is required."
	fieldBlank   = "This field may not be blank."
	fieldNoText  = "Not a valid string."
	fieldUnknown = "Unexpected field."
)

// fieldErrors compares an object with the names of the texts that it should
// hold, exactly, and returns what is wrong by name.
func fieldErrors(object map[string]any, names ...string) map[string][]string {
	wrong := map[string][]string{}
	for _, name := range names {
		value, there := object[name]
		text, isText := value.(string)
		switch {
		case !there:
			wrong[name] = []string{fieldMissing}
		case !isText:
			wrong[name] = []string{fieldNoText}
		case text == "":
			wrong[name] = []string{fieldBlank}
		}
	}
	for name := range object {
		if !slices.Contains(names, name) {
			wrong[name] = []string{fieldUnknown}
		}
	}
	return wrong
}

// texts returns the texts of an object in the order of the names, or refuses it
// if it holds anything else.
func texts(object map[string]any, names ...string) ([]string, error) {
	wrong := fieldErrors(object, names...)
	if len(wrong) > 0 {
		var parts []string
		for name, text := range wrong {
			parts = append(parts, name+": "+text[0])
		}
		slices.Sort(parts)
		return nil, refuse(http.StatusBadRequest, "%s", strings.Join(parts, " "))
	}
	var values []string
	for _, name := range names {
		values = append(values, object[name].(string)) // fieldErrors saw to it
	}
	return values, nil
}
