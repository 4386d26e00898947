package draft

import (
	"regexp"
	"strings"
)

// Adapt gives the file of a ready profile another name and, unless base is "",
// another base URL. Its comments stay.
func Adapt(text, from, name, base string) string {
	lines := strings.Split(text, "\n")
	var kept []string
	dropped := false
	base = keepPath(text, base)
	for _, line := range lines {
		isKey := regexp.MustCompile(`^    [a-z_]+:`).MatchString(line)
		switch {
		case regexp.MustCompile(`^  ` + regexp.QuoteMeta(from) + `:\s*(?:#.*)?$`).MatchString(line):
			line = "  " + scalar(name) + strings.TrimPrefix(line, "  "+from)
		case base != "" && regexp.MustCompile(`^    (?:base_url|environments):`).MatchString(line):
			line, dropped = "    base_url: "+scalar(base), true
		case isKey || strings.HasPrefix(line, "    #"):
			dropped = false
		case dropped:
			continue // the environments that base replaces
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n")
}

// keepPath adds the path of the base URL that is replaced to a host alone.
func keepPath(text, base string) string {
	if base = strings.TrimSuffix(base, "/"); strings.Count(base, "/") != 2 {
		return base
	}
	written := regexp.MustCompile(`(?m)^    (?:base_url: |environments:\s+\w+: )["']?https?://[^/\s"']+(/[^\s"']*)?`).FindStringSubmatch(text)
	if written == nil {
		return base
	}
	return base + written[1]
}
