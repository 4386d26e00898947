package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The libraries that split shell words were tried and not taken: they resolve
// or drop what tells a placeholder from a constant ($NAME, <name>), stop at the
// "<" of <name>, keep the line break of a continued line, or (mvdan.cc/sh, the
// best of them) cost every start of the program a tenth of a millisecond. What
// people paste is not quite shell anyhow: prompts, curly quotes, cmd.exe's ^.

// command is one simple command of a text.
type command struct {
	words []string
	stdin string   // of a here-document
	into  string   // the variable that takes the output: NAME=$(command)
	pipe  []string // the words of the command that its output goes to
}

// A line that is continued, as bash, cmd.exe and PowerShell write it, with the
// blanks that a paste leaves behind the sign.
func continued() *regexp.Regexp { return regexp.MustCompile("[ \t]*[\\\\^`][ \t]*\r?\n[ \t]*(?:> )?") }

// tidy makes what people paste into what a shell reads.
func tidy(text string) string {
	windows := regexp.MustCompile(`\^[ \t]*\r?\n`).MatchString(text)
	text = continued().ReplaceAllString(text, " ")
	if windows {
		text = regexp.MustCompile(`\^(.)`).ReplaceAllString(text, "$1")
	}
	text = strings.NewReplacer("\r\n", "\n", "“", `"`, "”", `"`, "‘", "'", "’", "'", "\u00a0", " ").Replace(text)
	text = regexp.MustCompile(`(?m)(^|[ \t])[–—](\w)`).ReplaceAllString(text, "$1--$2") // a word processor's dash
	return regexp.MustCompile(`(?m)^[ \t]*[$%] `).ReplaceAllString(text, "")
}

// expand puts the values of NAME=value lines into the commands after them, where
// they are a part of the request. One that may be a person's own stays a
// placeholder.
func expand(commands []command) []command {
	values := map[string]string{}
	assignment := regexp.MustCompile(`^([A-Za-z_]\w*)=([\s\S]*)$`)
	variable := regexp.MustCompile(`\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))`)
	fill := func(word string) string {
		return replaceGroup(variable, word, func(m []string) string {
			if value, known := values[m[1]+m[2]]; known {
				return value
			}
			return m[0]
		})
	}
	for i := range commands {
		c := &commands[i]
		for len(c.words) > 0 && (c.words[0] == "export" || assignment.MatchString(c.words[0])) {
			if m := assignment.FindStringSubmatch(c.words[0]); m != nil && isPart(m[1], m[2]) {
				values[m[1]] = fill(m[2])
			}
			c.words = c.words[1:]
		}
		for j := range c.words {
			c.words[j] = fill(c.words[j])
		}
	}
	return slices.DeleteFunc(commands, func(c command) bool { return len(c.words) == 0 })
}

// isPart says whether a variable holds a part of a request: an address, a host,
// a header, a body.
func isPart(name, value string) bool {
	return meaning(name) == "" && !soundsSecret(strings.ToLower(name)) && !looksSecret(value) &&
		regexp.MustCompile(`^https?://|^[\w<>{}$-]+(?:\.[\w<>{}$-]+)+(?::\d+)?/?$|^[\w-]+: |^\s*\{`).MatchString(value)
}

// splitter reads commands from a text.
type splitter struct {
	rest     string
	word     strings.Builder
	inWord   bool
	current  command
	commands []command
	piped    bool // the command that is read takes the output of the one before
	depth    int  // of $(…) in $(…)
}

// split takes a text apart into its commands. Quotes are resolved; $NAME and
// <name> stay as they are.
func split(text string) ([]command, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("it is longer than %d KiB", maxText>>10)
	}
	return splitTidy(tidy(text), maxDepth)
}

// maxText is the longest text that is taken apart, in bytes.
const maxText = 256 << 10

func splitTidy(text string, depth int) ([]command, error) {
	s := &splitter{rest: text, depth: depth}
	for s.rest != "" {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	s.endCommand()
	return s.commands, nil
}

func (s *splitter) take(n int) string {
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken
}

func (s *splitter) add(text string) {
	s.inWord = true
	s.word.WriteString(text)
}

// step reads one sign, or what belongs to it.
func (s *splitter) step() error {
	c := s.rest[0]
	switch {
	case strings.HasPrefix(s.rest, "$'"):
		s.take(1)
		return s.quoted(true)
	case c == '\'':
		return s.quoted(false)
	case c == '"':
		return s.doubleQuoted()
	case strings.HasPrefix(s.rest, "$("), c == '`':
		return s.substitution()
	case c == '\\' && len(s.rest) > 1:
		s.take(1)
		s.add(s.take(1))
	case c == ' ' || c == '\t' || c == '\r':
		s.take(1)
		s.endWord()
	case c == '#' && !s.inWord:
		line, _, _ := strings.Cut(s.rest, "\n")
		s.take(len(line))
	case strings.HasPrefix(s.rest, "<<"):
		return s.hereDocument()
	case c == '<' && angled().MatchString(s.rest):
		s.add(s.take(len(angled().FindString(s.rest))))
	case c == '<' || c == '>':
		s.redirection()
	case c == '&' && strings.Contains(s.word.String(), "://") && len(s.rest) > 1 && !strings.ContainsRune(" \t\r\n&", rune(s.rest[1])):
		s.add(s.take(1)) // an address that was pasted without quotes
	case strings.ContainsRune("\n;&|", rune(c)):
		s.operator()
	default:
		s.add(s.take(1))
	}
	return nil
}

// angled is a placeholder such as <your name>.
func angled() *regexp.Regexp { return regexp.MustCompile(`^<[A-Za-z][\w .-]*>`) }

func (s *splitter) endWord() {
	if s.inWord {
		s.current.words = append(s.current.words, s.word.String())
	}
	s.word.Reset()
	s.inWord = false
}

func (s *splitter) endCommand() {
	s.endWord()
	done := s.current
	s.current = command{}
	switch {
	case len(done.words) == 0:
		return
	case s.piped && len(s.commands) > 0:
		s.commands[len(s.commands)-1].pipe = done.words
	default:
		s.commands = append(s.commands, done)
	}
	s.piped = false
}

// operator ends a command.
func (s *splitter) operator() {
	sign := s.take(1)
	double := s.rest != "" && s.rest[:1] == sign
	if double {
		s.take(1)
	}
	s.endCommand()
	s.piped = sign == "|" && !double
}

// redirection drops the name of the file that output goes to.
func (s *splitter) redirection() {
	s.word.Reset() // the 2 of 2>&1
	s.inWord = false
	s.rest = strings.TrimLeft(s.rest, "<>& \t")
	end := strings.IndexAny(s.rest, " \t\n;|")
	if end < 0 {
		end = len(s.rest)
	}
	s.take(end)
}

// hereDocument takes the lines up to the mark as standard input.
func (s *splitter) hereDocument() error {
	m := regexp.MustCompile(`^<<-?\s*['"]?(\w+)['"]?([^\n]*)\n`).FindStringSubmatch(s.rest)
	if m == nil {
		return fmt.Errorf("<<: the text that it announces is missing")
	}
	body := s.rest[len(m[0]):]
	end := regexp.MustCompile(`(?m)^\s*` + m[1] + `\s*$`).FindStringIndex(body)
	if end == nil {
		return fmt.Errorf("<<%s: the line %s that ends the text is missing", m[1], m[1])
	}
	s.current.stdin = strings.TrimSuffix(body[:end[0]], "\n")
	s.rest = m[2] + body[end[1]:]
	return nil
}

// quoted reads '…', and $'…' with its backslashes.
func (s *splitter) quoted(escapes bool) error {
	s.take(1)
	s.add("")
	for s.rest != "" {
		c := s.take(1)
		switch {
		case c == "'":
			return nil
		case c == `\` && escapes && s.rest != "":
			s.add(s.escape())
		default:
			s.add(c)
		}
	}
	return fmt.Errorf("a ' is opened and not closed")
}

// escape reads what follows a backslash in $'…'.
func (s *splitter) escape() string {
	m := regexp.MustCompile(`^(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))`).FindStringSubmatch(s.rest)
	if m != nil {
		s.take(len(m[0]))
		var r rune
		_, _ = fmt.Sscanf(m[1]+m[2], "%x", &r) // the pattern lets hexadecimal digits pass only
		return string(r)
	}
	c := s.take(1)
	if plain, known := map[string]string{"n": "\n", "t": "\t", "r": "\r"}[c]; known {
		return plain
	}
	return c
}

// doubleQuoted reads "…".
func (s *splitter) doubleQuoted() error {
	s.take(1)
	s.add("")
	for s.rest != "" {
		switch c := s.rest[0]; {
		case c == '"':
			s.take(1)
			return nil
		case c == '\\' && len(s.rest) > 1 && strings.ContainsRune("\"\\$`", rune(s.rest[1])):
			s.take(1)
			s.add(s.take(1))
		case strings.HasPrefix(s.rest, "$("):
			if err := s.substitution(); err != nil {
				return err
			}
		default:
			s.add(s.take(1))
		}
	}
	return fmt.Errorf("a \" is opened and not closed")
}

// substitution reads $(command): the command comes before the one that it
// stands in, and a placeholder stands for its output.
func (s *splitter) substitution() error {
	opened, closer := 2, ")"
	if s.rest[0] == '`' {
		opened, closer = 1, "`"
	}
	s.take(opened)
	end := closing(s.rest, closer)
	if end < 0 {
		return fmt.Errorf("a command is opened by $( or ` and not closed")
	}
	text := s.take(end)
	s.take(1)
	if s.depth == 0 {
		return fmt.Errorf("commands stand in commands too deep")
	}
	inner, err := splitTidy(text, s.depth-1)
	if err != nil {
		return err
	}
	name := "value"
	if variable, found := strings.CutSuffix(s.word.String(), "="); found && len(s.current.words) == 0 {
		name = variable
	}
	for i := range inner {
		isCurl := inner[i].words[0] == "curl"
		if isCurl {
			inner[i].into = name
			s.commands = append(s.commands, inner[i])
		}
		if name == "value" && isCurl {
			name = "TOKEN"
			s.commands[len(s.commands)-1].into = name
		}
	}
	if strings.Contains(text, "base64") {
		name = "BASE64"
	}
	s.add("${" + name + "}")
	return nil
}

// closing finds the end of a command in a command; quotes hide it.
func closing(text, closer string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case text[i:i+1] == closer && depth == 0:
			return i
		case c == '(':
			depth++
		case c == ')':
			depth--
		}
	}
	return -1
}
