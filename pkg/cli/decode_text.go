package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/jwt"
)

// printText shows a token to a person.
func (d *decoder) printText(found jwt.Found, t *jwt.Token, verdict *jwt.Verdict) error {
	p := &page{decoder: d}
	if d.tokens > 1 {
		p.WriteByte('\n')
	}
	if found.Name != "" {
		p.heading(console.Sanitize(found.Name))
	}
	p.token(t, verdict)
	_, err := io.WriteString(d.out, p.String())
	return err
}

// page is the text for one token.
type page struct {
	strings.Builder
	*decoder
}

func (p *page) heading(text string) { fmt.Fprintf(p, "%s\n", p.out.Paint(console.Bold, text)) }

func (p *page) line(text string) { fmt.Fprintf(p, "  %s\n", text) }

func (p *page) token(t *jwt.Token, verdict *jwt.Verdict) {
	p.heading(kindText(t))
	if t.Reason != "" {
		p.wrapped(t.Reason)
	}
	p.lifetime(t)
	if len(t.Header) > 0 {
		p.heading("header")
		p.claims(t.Header)
	}
	if len(t.Claims) > 0 {
		p.heading("claims")
		p.claims(t.Claims)
	}
	if t.Kind == jwt.KindJWS && t.Inner == nil {
		p.heading("payload")
		p.wrapped(string(t.Payload))
	}
	if t.Kind == jwt.KindJWT || t.Kind == jwt.KindJWS {
		p.heading("signature")
		p.wrapped(signatureText(t, verdict))
	}
	if verdict != nil {
		p.checks(*verdict)
	}
	for _, w := range t.Warnings(p.now) {
		p.warning(w.Text)
	}
	if t.Inner != nil {
		p.heading("the token inside")
		p.token(t.Inner, nil)
	}
}

// wrapped writes text that may be long and somebody else's.
func (p *page) wrapped(text string) {
	for _, line := range p.fold(console.Sanitize(text), p.out.Width()-2) {
		p.line(line)
	}
}

func (p *page) warning(text string) {
	const label = "warning:"
	for i, line := range p.fold(console.Sanitize(text), p.out.Width()-len(label)-1) {
		start := strings.Repeat(" ", len(label))
		if i == 0 {
			start = p.out.Paint(console.Warn, label)
		}
		fmt.Fprintf(p, "%s %s\n", start, line)
	}
}

// fold cuts text for a terminal; elsewhere a line has any length.
func (p *page) fold(text string, width int) []string {
	if !p.out.Terminal() {
		return []string{text}
	}
	return console.Wrap(text, max(width, minText))
}

// minText is the narrowest column that text is folded to.
const minText = 20

func kindText(t *jwt.Token) string {
	switch t.Kind {
	case jwt.KindJWT:
		return fmt.Sprintf("JSON Web Token, %d bytes", t.Length)
	case jwt.KindJWS:
		return fmt.Sprintf("signed content that is no JSON Web Token, %d bytes", t.Length)
	case jwt.KindJWE:
		return fmt.Sprintf("encrypted token (JWE), five parts, %d bytes: only its header can be read", t.Length)
	default:
		return fmt.Sprintf("opaque token, %d bytes", t.Length)
	}
}

// signatureText says no more than is known.
func signatureText(t *jwt.Token, verdict *jwt.Verdict) string {
	switch {
	case verdict == nil && !t.HasSignature:
		return "none"
	case verdict == nil:
		return "present, not verified"
	}
	for _, c := range verdict.Checks {
		switch {
		case c.Name != jwt.CheckSignature:
		case !c.OK:
			return "NOT verified: " + c.Text
		case verdict.Valid():
			return "verified: " + c.Text
		default:
			return "verified, but the token is not valid: " + strings.Join(verdict.Failed(), ", ")
		}
	}
	return "NOT verified: the token is not in the form that can be"
}

// checks lists what was looked at, so that nobody has to guess.
func (p *page) checks(v jwt.Verdict) {
	p.heading("verification")
	const indent = 22 // "  FAILED  name        "
	for _, c := range v.Checks {
		word := p.out.Paint(console.Good, "ok    ")
		if !c.OK {
			word = p.out.Paint(console.Bad, "FAILED")
		}
		for i, line := range p.fold(console.Sanitize(c.Text), p.out.Width()-indent) {
			if i == 0 {
				fmt.Fprintf(p, "  %s  %-10s  %s\n", word, c.Name, line)
			} else {
				fmt.Fprintf(p, "%*s%s\n", indent, "", line)
			}
		}
	}
}

// life is when a token begins and ends by its own claims; zero if it does not
// say, or says it twice.
type life struct{ start, notBefore, end time.Time }

func lifeOf(t *jwt.Token) life {
	issued, notBefore, end := t.Time("iat"), t.Time("nbf"), t.Time("exp")
	start := issued
	if start.IsZero() {
		start = notBefore
	}
	return life{start, notBefore, end}
}

// lifetime says how long the token lives, and shows it where there is room.
func (p *page) lifetime(t *jwt.Token) {
	life := lifeOf(t)
	if life.end.IsZero() {
		return
	}
	word, role := "expires", console.Good
	if !p.now.Before(life.end) {
		word, role = "expired", console.Bad
	}
	p.line(p.out.Paint(role, word+" "+console.UntilFine(p.now, life.end)) + ", " + p.moment(life.end))
	if life.notBefore.After(p.now) {
		p.line("not valid before " + p.moment(life.notBefore) + ", " + console.UntilFine(p.now, life.notBefore))
	}
	p.bar(life)
}

// moment is a time in local form and in UTC.
func (p *page) moment(t time.Time) string {
	local := t.In(p.now.Location())
	text := console.Absolute(local)
	if _, offset := local.Zone(); offset != 0 {
		text += ", " + t.UTC().Format("15:04") + " UTC"
	}
	return text
}

// The bar is for terminals with room for it.
const (
	barRoom  = 60
	barWidth = 30
)

// bar shows how much of the lifetime is over.
func (p *page) bar(l life) {
	whole, gone := l.end.Unix()-l.start.Unix(), p.now.Unix()-l.start.Unix()
	if !p.out.Terminal() || p.out.Width() < barRoom || l.start.IsZero() || whole <= 0 || gone < 0 {
		return
	}
	part := min(float64(gone)/float64(whole), 1)
	full := int(part * barWidth)
	p.line(fmt.Sprintf("[%s%s] %d %% of %s", strings.Repeat("#", full), strings.Repeat("-", barWidth-full), int(part*100),
		strings.TrimPrefix(console.UntilFine(l.start, l.end), "in ")))
}

// maxClaimName is the longest name that the others are aligned with, in bytes.
const maxClaimName = 16

// claims writes one claim after another: name, value as in the token, then what
// it means. A long name has a line of its own. A time is given in local form,
// in UTC and in words.
func (p *page) claims(claims []jwt.Claim) {
	width := 0
	for _, c := range claims {
		if n := len(console.Sanitize(c.Name)); n <= maxClaimName {
			width = max(width, n)
		}
	}
	indent := strings.Repeat(" ", 2+width+2)
	for _, c := range claims {
		lines := p.value(c, max(p.out.Width()-len(indent), minText))
		if !c.Time.IsZero() {
			lines = append(lines, p.timeText(c.Time))
		}
		name := console.Sanitize(c.Name)
		if len(name) > width {
			p.line(p.out.Paint(console.Key, name))
		} else {
			p.line(p.out.Paint(console.Key, name) + strings.Repeat(" ", width-len(name)+2) + lines[0])
			lines = lines[1:]
		}
		for _, line := range lines {
			p.WriteString(indent + line + "\n")
		}
	}
}

// value is the JSON of a claim, over several lines where one is too short, and
// what the claim means.
func (p *page) value(c jwt.Claim, room int) []string {
	text := string(c.JSON)
	if len(text) > room && (text[0] == '{' || text[0] == '[') {
		var spread bytes.Buffer
		if json.Indent(&spread, c.JSON, "", "  ") == nil {
			text = spread.String()
		}
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		start := line[:len(line)-len(strings.TrimLeft(line, " "))]
		for _, piece := range p.fold(console.Sanitize(line[len(start):]), room-len(start)) {
			lines = append(lines, start+piece)
		}
	}
	if c.Meaning == "" {
		return lines
	}
	meaning, last := p.out.Paint(console.Faint, c.Meaning), len(lines)-1
	if p.out.Terminal() && len(lines[last])+2+len(c.Meaning) > room {
		return append(lines, meaning)
	}
	lines[last] += "  " + meaning
	return lines
}

// timeText gives a time in local form, in UTC, and in words.
func (p *page) timeText(t time.Time) string {
	return fmt.Sprintf("%s, %s (%s)", console.Absolute(t.In(p.now.Location())), t.UTC().Format(time.RFC3339), console.Until(p.now, t))
}
