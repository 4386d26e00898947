package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
)

// WriteJSON writes v as indented JSON and a line break. What Sanitize escapes
// in text is escaped here as JSON escapes it, so that a program reads the exact
// value back and a terminal or CI log that shows the JSON is not driven by it.
func WriteJSON(w io.Writer, v any) error { return writeJSON(w, v, "  ") }

// WriteJSONLine is WriteJSON in one line.
func WriteJSONLine(w io.Writer, v any) error { return writeJSON(w, v, "") }

func writeJSON(w io.Writer, v any, indent string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err := io.WriteString(w, escapeUnsafe(text.String(), jsonEscape))
	return err
}

// jsonEscape writes a character as in RFC 8259 §7. The encoder's own line
// breaks stay: inside a string there is none.
func jsonEscape(r rune, _ string) string {
	switch {
	case r == '\n':
		return "\n"
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
}
