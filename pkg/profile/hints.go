package profile

import (
	"regexp"
	"slices"
	"strings"
)

// wordHint recognises what jq would take and what means something else to
// people who know other tools.
func wordHint(text string) string {
	first, rest, dotted := strings.Cut(text, ".")
	name, alone := strings.CutPrefix(text, "{{")
	switch {
	case alone && strings.HasSuffix(name, "}}"):
		return "this is read from the answer: write ." + strings.TrimSpace(strings.TrimSuffix(name, "}}"))
	case strings.HasPrefix(text, "$."):
		return "that is JSONPath: write " + text[1:]
	case dotted && strings.EqualFold(first, "headers"):
		return `write header("` + rest + `")`
	case dotted && validName(first) && !strings.ContainsAny(text, " |("):
		return "a path begins with a dot: write ." + text
	case strings.Contains(withoutStrings(text), "'"):
		return "jq puts strings in double quotes"
	case strings.Contains(withoutStrings(text), " = "):
		return "== compares, = changes: write " + strings.ReplaceAll(text, " = ", " == ")
	default:
		return ""
	}
}

// withoutStrings empties the strings in an expression.
func withoutStrings(text string) string {
	return regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAllString(text, `""`)
}

// syntaxExprHint says what to write instead of text that does not compile.
func syntaxExprHint(text string, err error, known []string) string {
	code := withoutStrings(text)
	path := regexp.MustCompile(`^(\.(?:\w+\.)*)(\w+(?:-\w+)+)$`).FindStringSubmatch(text)
	word := regexp.MustCompile(`(function|variable) not defined: \$?([a-z][a-z0-9_]*)(/0)?$`).FindStringSubmatch(err.Error())
	switch {
	case strings.Contains(code, "&&"):
		return "jq says and"
	case strings.Contains(code, "||"):
		return "jq says or"
	case strings.Contains(code, "{{"):
		return "this is read from the answer: write .path, or $name for a name"
	case path != nil && path[1] == ".":
		return `write .["` + path[2] + `"]`
	case path != nil:
		return "write " + strings.TrimSuffix(path[1], ".") + `["` + path[2] + `"]`
	case word == nil:
		return "what is read is jq: .path, $name"
	case word[1] == "variable":
		return DidYouMean(word[2], known)
	case word[2] == "status":
		return "$status is the answer's status"
	case slices.Contains(known, word[2]):
		return "." + word[2] + " reads it from the answer, $" + word[2] + " is the name"
	default:
		return "a path begins with a dot: write ." + word[2]
	}
}
