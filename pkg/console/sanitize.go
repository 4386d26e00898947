// Package console is everything between authctl and the person at the
// terminal: streams with their colours, a redactor that no known secret
// passes, text made harmless, tables, prompts on the terminal itself, times in
// words, and the printer of errors. It reads no environment variable and no
// clock: the caller hands in what is needed.
package console

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sanitize makes one line of harmless text from s, which may come from a
// server, a token or a file. Whatever could drive a terminal, hide or reorder
// text, or be read as a command by a CI system becomes a visible escape:
// control characters (C0 with CR, LF and TAB, DEL, C1) as in "\x1b" and
// "\u0088", bidi controls, zero-width and other default-ignorable characters
// (Unicode Standard §5.21), line separators, and bytes that are not UTF-8 as
// in "\xff". All other text, the backslash included, stays as it is.
// Sanitizing twice is the same as once.
func Sanitize(s string) string {
	s = escapeUnsafe(s, visibleEscape)
	start := strings.TrimLeftFunc(s, unicode.IsSpace)
	// "::name::" at the start of a line, blanks ignored, is a command to GitHub
	// Actions; "::1" is only an address.
	if strings.Count(start, "::") > 1 {
		return s[:len(s)-len(start)] + startOfLine(start)
	}
	return s
}

// startOfLine makes text fit to be the first on a line of output: it must not
// start a GitHub Actions command, whatever follows it on the line.
func startOfLine(text string) string {
	if strings.HasPrefix(text, "::") {
		return `\x3a` + text[1:]
	}
	return text
}

// escapeUnsafe replaces every unsafe character and invalid byte of s by what
// form gives for it. raw is the text of the character in s.
func escapeUnsafe(s string, form func(r rune, raw string) string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		invalid := r == utf8.RuneError && size == 1
		if invalid || unsafeRune(r) || startsLogCommand(s, i) {
			out.WriteString(s[done:i])
			out.WriteString(form(r, s[i:i+size]))
			done = i + size
		}
		i += size
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// unsafeRune says whether r is something other than visible text or a blank.
// Emoji made of several characters lose their joiners: those also hide text.
func unsafeRune(r rune) bool {
	if r >= ' ' && r < 0x7f {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
}

// startsLogCommand says whether s[i] is the second # of "##vso[", "##[" or
// "##teamcity[", which Azure Pipelines, GitHub Actions and TeamCity obey
// wherever on a line it stands.
func startsLogCommand(s string, i int) bool {
	if s[i] != '#' || i == 0 || s[i-1] != '#' {
		return false
	}
	name := strings.TrimLeftFunc(s[i+1:], func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' })
	return strings.HasPrefix(name, "[")
}

// visibleEscape writes a character the way Go and most languages do.
func visibleEscape(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}
