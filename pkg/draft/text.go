package draft

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// page is a text that grows line by line.
type page struct{ strings.Builder }

func (p *page) line(depth int, format string, args ...any) {
	fmt.Fprintf(p, "%s%s\n", strings.Repeat("  ", depth), fmt.Sprintf(format, args...))
}

// wide is the longest line that is written on one line.
const wide = 96

// comment writes a remark, broken into lines.
func (p *page) comment(depth int, text string) {
	line := "#"
	text = strings.ToUpper(text[:1]) + text[1:]
	for word := range strings.FieldsSeq(text) {
		if len(line)+len(word) > wide-2*depth {
			p.line(depth, "%s", line)
			line = "#"
		}
		line += " " + word
	}
	p.line(depth, "%s", line)
}

// Text is the profile as a file of its own.
func (d *Draft) Text() string {
	p := &page{}
	p.line(0, "version: 1")
	p.line(0, "profiles:")
	p.line(1, "%s:", scalar(d.Name))
	for _, note := range d.Notes {
		p.comment(2, note)
	}
	if d.Docs != "" {
		p.line(2, "docs: %s", scalar(d.Docs))
	}
	p.line(2, "base_url: %s", scalar(d.BaseURL))
	if d.AllowHTTP {
		p.comment(2, "Plain http shows the password to the network: write https:// above if the server can, and remove this.")
		p.line(2, "allow_http: true")
	}
	d.inputs(p)
	p.calls("login", d.Login, d.inCall())
	if d.inCall().none() {
		p.readings(2, d.Readings)
	}
	d.single(p)
	return p.String()
}

// inCall are the readings if they stand in the login alone: where there is a
// refresh, they hold for both.
func (d *Draft) inCall() Readings {
	if d.Refresh != nil || len(d.Login) != 1 || d.Login[0].Method == "" {
		return Readings{}
	}
	return d.Readings
}

func (r Readings) none() bool { return r == Readings{} }

// single writes what follows the login.
func (d *Draft) single(p *page) {
	for _, entry := range []struct {
		key  string
		call *Call
	}{{"refresh", d.Refresh}, {"cancel", d.Cancel}, {"whoami", d.Whoami}} {
		if entry.call != nil {
			p.calls(entry.key, []Call{*entry.call}, Readings{})
		}
	}
	if d.Send.Guess != "" {
		p.comment(2, d.Send.Guess)
	}
	switch s := d.Send; {
	case s.Header != "":
		p.line(2, "send: %s", scalar(s.Header))
	case s.Query != "":
		p.line(2, "send: {query: {%s: %s}}", scalar(s.Query), scalar("{{token}}"))
	case s.Basic != "":
		p.line(2, "send: {basic: %s}", scalar(s.Basic))
	}
}

func (d *Draft) inputs(p *page) {
	if len(d.Inputs) == 0 {
		return
	}
	p.line(2, "inputs:")
	for _, in := range d.Inputs {
		parts := []string{"label: " + scalar(in.Label)}
		if in.Secret {
			parts = append(parts, "secret: true")
		} else if soundsSecret(in.Name) {
			parts = append(parts, "secret: false")
		}
		if in.Default != "" {
			parts = append(parts, "default: "+scalar(in.Default))
		}
		if in.Optional {
			parts = append(parts, "optional: true")
		}
		p.line(3, "%s: {%s}", scalar(in.Name), strings.Join(parts, ", "))
	}
}

// calls writes one call, or a list of them.
func (p *page) calls(key string, calls []Call, r Readings) {
	if len(calls) == 1 {
		p.line(2, "%s:", key)
		p.call(3, calls[0], r)
		return
	}
	p.line(2, "%s:", key)
	for _, c := range calls {
		inner := &page{}
		inner.call(4, c, Readings{})
		p.WriteString(strings.Replace(inner.String(), "        ", "      - ", 1))
	}
}

func (p *page) call(depth int, c Call, r Readings) {
	if c.Method != "" {
		request := c.Method + " " + c.Path
		if c.Constant != "" {
			request += "?" + c.Constant
		}
		p.line(depth, "request: %s", scalar(request))
	}
	p.fields(depth, "query", c.Query)
	p.fields(depth, "headers", c.Headers)
	if c.Basic != "" {
		p.line(depth, "basic: %s", scalar(c.Basic))
	}
	if c.JSON != nil {
		p.value(depth, "json", *c.JSON)
	}
	p.fields(depth, "form", c.Form)
	if c.XML != "" {
		p.line(depth, "xml: %s", scalar(c.XML))
	}
	if c.Text != "" {
		p.line(depth, "text: %s", scalar(c.Text))
	}
	if c.Token != "" {
		p.line(depth, "token: %s", expr(c.Token))
	}
	for i, s := range c.Save {
		if i == 0 {
			p.line(depth, "save:")
		}
		p.line(depth+1, "%s: %s", scalar(s.Name), expr(s.Value))
	}
	p.readings(depth, r)
}

func (p *page) readings(depth int, r Readings) {
	if r.Why != "" {
		p.comment(depth, r.Why)
	}
	for _, entry := range [][2]string{{"token", r.Token}, {"refresh_token", r.RefreshToken}, {"expires_in", r.ExpiresIn}, {"expires_at", r.ExpiresAt}} {
		if entry[1] != "" {
			p.line(depth, "%s: %s", entry[0], expr(entry[1]))
		}
	}
}

// fields writes names and values; a name that stands twice becomes a list.
func (p *page) fields(depth int, key string, fields []Field) {
	var order []string
	values := map[string][]string{}
	for _, f := range fields {
		if _, known := values[f.Name]; !known {
			order = append(order, f.Name)
		}
		values[f.Name] = append(values[f.Name], scalar(f.Value))
	}
	var parts []string
	for _, name := range order {
		value := values[name][0]
		if len(values[name]) > 1 {
			value = "[" + strings.Join(values[name], ", ") + "]"
		}
		parts = append(parts, scalar(name)+": "+value)
	}
	p.mapping(depth, key, parts)
}

func (p *page) mapping(depth int, key string, parts []string) {
	if len(parts) == 0 {
		return
	}
	if one := key + ": {" + strings.Join(parts, ", ") + "}"; len(one)+2*depth <= wide {
		p.line(depth, "%s", one)
		return
	}
	p.line(depth, "%s:", key)
	for _, part := range parts {
		p.line(depth+1, "%s", part)
	}
}

func (p *page) value(depth int, key string, v Value) {
	one := key + ": " + v.flow()
	if len(one)+2*depth <= wide || v.Kind != Object || len(v.Members) == 0 {
		p.line(depth, "%s", one)
		return
	}
	p.line(depth, "%s:", key)
	for _, m := range v.Members {
		p.value(depth+1, scalar(m.Name), m.Value)
	}
}

// flow writes a value on one line.
func (v Value) flow() string {
	var parts []string
	switch v.Kind {
	case Raw:
		return v.Text
	case Object:
		for _, m := range v.Members {
			parts = append(parts, scalar(m.Name)+": "+m.Value.flow())
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case Array:
		for _, item := range v.Items {
			parts = append(parts, item.flow())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return scalar(v.Text)
}

// scalar writes a text as YAML: plain where nothing in it means something to
// YAML, else in double quotes.
func scalar(text string) string {
	plain := regexp.MustCompile(`^[A-Za-z_/][\w./@+-]*(?: [\w./@+-]+)*$|^https?://[\w./:@?=+-]*[\w/]$|^[A-Z]+ (?:/|https?://)[\w./:@?=+%-]*$`)
	word := slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(text))
	if plain.MatchString(text) && !word && !strings.HasSuffix(text, ":") {
		return text
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string into memory cannot fail
	return regexp.MustCompile(`[\x{7f}-\x{9f}\x{feff}\x{fffe}\x{ffff}]`).ReplaceAllStringFunc(strings.TrimSpace(b.String()), func(sign string) string {
		return fmt.Sprintf(`\u%04x`, []rune(sign)[0])
	})
}

// expr writes jq as YAML.
func expr(text string) string {
	if regexp.MustCompile(`^[.$A-Za-z][^:#'{}\\]*$`).MatchString(text) && strings.TrimSpace(text) == text {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// mentions says whether a call sends a placeholder.
func (c *Call) mentions(name string) bool {
	p := &page{}
	p.call(0, *c, Readings{})
	return strings.Contains(p.String(), "{{"+name+"}}")
}
