package console

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/authctl/authctl/pkg/token"
)

// minSecret is the number of characters below which a secret is not looked
// for: it would tear holes into ordinary text.
const minSecret = 4

// Redactor is the last line of defence: it knows the secrets in use and keeps
// them out of what is written through its writers. The zero value is ready and
// knows none. It is safe for concurrent use.
type Redactor struct {
	mu      sync.Mutex     // held to change what follows; writers read the current table without it
	pending []token.Secret // not in the table yet: a run that writes nothing needs none
	behind  atomic.Bool    // there are pending ones
	table   atomic.Pointer[formTable]
}

// formTable holds every way in which a known secret may be spelled, by first
// byte and the longest first. It is never changed once it is in use.
type formTable [256][]string

// Add makes secrets known. Those of fewer than four characters are ignored.
func (r *Redactor) Add(secrets ...token.Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, secrets...)
	r.behind.Store(true)
}

// forms returns the table of all secrets that are known; nil for none.
func (r *Redactor) forms() *formTable {
	if !r.behind.Load() {
		return r.table.Load()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next := new(formTable)
	if old := r.table.Load(); old != nil {
		for i, list := range old {
			next[i] = slices.Clone(list)
		}
	}
	for _, s := range r.pending {
		text := s.Reveal()
		next.addText(text)
		if strings.Contains(strings.TrimSpace(text), "\n") {
			// Such as a PEM key, which is shown line by line.
			for line := range strings.Lines(text) {
				next.addText(strings.TrimSpace(line))
			}
		}
	}
	r.table.Store(next)
	r.pending = nil
	r.behind.Store(false)
	return next
}

// addText enters all forms of one secret.
func (t *formTable) addText(text string) {
	if utf8.RuneCountInString(text) < minSecret {
		return
	}
	for _, form := range append(textForms(text), base64Forms(text)...) {
		list := t[form[0]]
		if slices.Contains(list, form) {
			continue
		}
		list = append(list, form)
		slices.SortStableFunc(list, func(a, b string) int { return len(b) - len(a) })
		t[form[0]] = list
	}
}

// textForms returns a secret as plain text, sanitised, quoted, JSON, and
// escaped for the parts of a URL.
func textForms(text string) []string {
	query := url.QueryEscape(text)
	forms := []string{
		text, Sanitize(text), inside(strconv.Quote(text)),
		query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(text),
	}
	for _, html := range []bool{true, false} {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(html)
		_ = enc.Encode(text) // a string into memory cannot fail
		form := inside(strings.TrimSuffix(out.String(), "\n"))
		forms = append(forms, form, escapeUnsafe(form, jsonEscape))
	}
	return forms
}

// inside takes the quotation marks off.
func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

// base64Forms returns a secret in base64 (RFC 4648 §4 and §5), alone and as a
// part of a longer text such as "user:password" of Basic (RFC 7617). For that,
// each of the three ways to lie on the 3-byte grid gives the characters that
// the secret alone decides.
func base64Forms(text string) []string {
	var forms []string
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		padded := enc.EncodeToString([]byte(text))
		forms = append(forms, padded, strings.TrimRight(padded, "="))
		for before := range 3 {
			whole := enc.EncodeToString(append(make([]byte, before), text...))
			first, last := (8*before+5)/6, 8*(before+len(text))/6
			forms = append(forms, whole[first:last])
		}
	}
	return forms
}

// match returns the length of the longest form that data starts with, and
// whether data is the beginning of a form that is longer than data.
func (t *formTable) match(data []byte) (length int, open bool) {
	for _, form := range t[data[0]] {
		switch {
		case len(form) > len(data):
			open = open || form[:len(data)] == string(data)
		case string(data[:len(form)]) == form:
			return len(form), open
		}
	}
	return 0, open
}

// Writer returns a writer that passes everything on to w but the secrets known
// when it is written.
func (r *Redactor) Writer(w io.Writer) *RedactedWriter {
	return &RedactedWriter{redactor: r, w: w}
}

// RedactedWriter replaces secrets by "[redacted]", also where one is spread
// over several calls of Write. It holds back only what may be the beginning of
// a secret, so a prompt without a line break comes out at once. Call Flush at
// the end. It is safe for concurrent use.
type RedactedWriter struct {
	redactor *Redactor
	mu       sync.Mutex
	w        io.Writer
	held     []byte // not yet written: may turn out to be a secret
	covered  int    // how much of held belongs to a secret already told as redacted
}

// Write implements io.Writer.
func (w *RedactedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = append(w.held, p...)
	if err := w.pass(false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what was held back.
func (w *RedactedWriter) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pass(true)
}

// pass writes what is known to be harmless, or all of it when final.
func (w *RedactedWriter) pass(final bool) error {
	out := w.held
	if table := w.redactor.forms(); table != nil {
		out = w.redact(table, final)
	} else {
		w.held = nil
	}
	if len(out) == 0 {
		return nil
	}
	_, err := w.w.Write(out)
	return err
}

// redact takes from held what can be written. Secrets that overlap become one
// "[redacted]", so that no end of one is left standing.
func (w *RedactedWriter) redact(table *formTable, final bool) []byte {
	out := make([]byte, 0, len(w.held))
	i, end := 0, w.covered
	for ; i < len(w.held); i++ {
		length, open := table.match(w.held[i:])
		if open && !final {
			break
		}
		if length > 0 {
			if i >= end {
				out = append(out, token.Secret{}.String()...)
			}
			end = max(end, i+length)
		}
		if i >= end {
			out = append(out, w.held[i])
		}
	}
	w.held = append([]byte(nil), w.held[i:]...)
	w.covered = max(0, end-i)
	return out
}
