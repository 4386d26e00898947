package jq

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// maxShownKey is the longest key that Shape shows, in bytes: longer ones tend to be
// tokens themselves.
const maxShownKey = 40

// Shape describes a value by its keys and types and never by its contents, so
// that it can be shown where the value is secret: {"user":{"id":number}}.
func Shape(value any) string {
	var b strings.Builder
	shape(&b, value, 4)
	return b.String()
}

func shape(b *strings.Builder, value any, depth int) {
	switch v := value.(type) {
	case map[string]any:
		if depth == 0 {
			b.WriteString("{…}")
			return
		}
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		b.WriteByte('{')
		for i, key := range keys {
			if i == 20 {
				b.WriteString(", …")
				break
			}
			if i > 0 {
				b.WriteString(", ")
			}
			if len(key) > maxShownKey {
				b.WriteString("…")
			} else {
				b.WriteString(key)
			}
			b.WriteString(": ")
			shape(b, v[key], depth-1)
		}
		b.WriteByte('}')
	case []any:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteByte('[')
		shape(b, v[0], max(0, depth-1))
		if len(v) > 1 {
			b.WriteString(", …")
		}
		b.WriteByte(']')
	default:
		b.WriteString(gojq.TypeOf(value))
	}
}
