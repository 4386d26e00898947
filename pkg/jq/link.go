package jq

import "strings"

// findLink returns the target of the first link with a relation, as it is
// written, from the values of the Link header (RFC 8288 §3).
func findLink(values []string, rel string) (target string, ok bool) {
	for _, rest := range values {
		for rest != "" {
			var params string
			target, params, rest = cutLink(rest)
			if target != "" && hasRelation(params, rel) {
				return target, true
			}
		}
	}
	return "", false
}

// cutLink takes the first link off a list: <target>; params, rest.
func cutLink(text string) (target, params, rest string) {
	text = strings.TrimLeft(text, " \t,")
	params, rest = cutOutsideQuotes(text, ',')
	if inner, found := strings.CutPrefix(text, "<"); found {
		var after string
		target, after, _ = strings.Cut(inner, ">")
		params, rest = cutOutsideQuotes(after, ',') // the target may hold commas
	}
	return target, params, rest
}

// hasRelation looks at the first rel parameter; it can name several.
func hasRelation(params, rel string) bool {
	for params != "" {
		var param string
		param, params = cutOutsideQuotes(params, ';')
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for _, word := range strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(word, rel) {
				return true
			}
		}
		return false
	}
	return false
}

// cutOutsideQuotes is strings.Cut for a separator that is not in a quoted string
// (RFC 9110 §5.6.4).
func cutOutsideQuotes(text string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case !quoted && text[i] == separator:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}
