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

const (
	noBreakHint = "a blank in it is a no-break space (U+00A0): type an ordinary one"
	quotedHint  = `a placeholder stands in quotes: "{{name}}"`
)

// lineHint guesses from a line why YAML cannot be read there.
func lineHint(line string) string {
	matches := func(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }
	code := withoutStrings(regexp.MustCompile(`'(?:[^']|'')*'`).ReplaceAllString(line, `""`))
	_, value, _ := strings.Cut(code, ": ")
	unspaced := regexp.MustCompile(`^\s*(?:- )?([a-z_]+):([^\s/].*)$`).FindStringSubmatch(line)
	switch {
	case strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		return "indent with blanks, not with a tab"
	case strings.ContainsAny(line, "“”„‘’"):
		return `YAML knows the straight quotes " and ' only`
	case strings.Contains(line, "\u00a0"):
		return noBreakHint
	case unspaced != nil:
		return "write a blank after the colon: " + unspaced[1] + ": " + unspaced[2]
	case strings.Contains(line, `\(`):
		return `in double quotes YAML reads the backslash: put the expression in single quotes`
	case strings.Count(code, `"`)%2 == 1:
		return "a quote is opened and not closed, or the other way round"
	case matches(`:\s*"[^"]*"[^\s,:}\]#]`, line):
		return `put a text that holds double quotes in single quotes: '.data["x"]'`
	case matches(`(?::\s+|[\[,]\s*)[@%*&`+"`"+`]`, code):
		return "a value that begins with @, %, *, & or ` stands in quotes"
	case strings.Contains(value, ": ") && !strings.HasPrefix(value, "{"):
		return `a value that holds ": " stands in quotes`
	case matches(`[:\[,{]\s.*\{\{`, code):
		return quotedHint
	case matches(`:\s+(?:\{[^{}]*\}|\[[^\[\]]*\])\s*[^\s,}\]#]`, code):
		return "an expression that begins with a brace or a bracket stands in single quotes"
	case strings.ContainsAny(value, "[]{}"):
		return "braces and brackets are closed where they were opened; a value that holds them stands in quotes"
	default:
		return ""
	}
}

// generalHint is for lines that look harmless.
func generalHint(message string) string {
	if strings.Contains(message, "tab") {
		return "indent with blanks, not with a tab"
	}
	return "keys of one mapping begin in the same column; look at this line and those around it"
}
