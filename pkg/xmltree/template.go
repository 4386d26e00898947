package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// Template is a document with leaves to be filled: attribute values and pieces
// of text. The rest of it stays as it was written, byte for byte.
type Template struct {
	nodes  []node // of the document: its root and what stands around it
	leaves []string
}

// node is a piece of the document: an element if tag is set, else text or
// markup as it was written.
type node struct {
	raw   string
	leaf  *leaf // the piece is text to be filled
	tag   *tag
	nodes []node
	end   string // of an element: its end tag; empty for <a/>
}

// leaf is one value to be filled.
type leaf struct{ text string }

// tag is a start tag.
type tag struct {
	open  string // "<name"
	attrs []attr
	close string // ">" or "/>", with the blanks before it
}

type attr struct {
	raw         string // as written, with the blanks before it
	leaf        *leaf
	prefix      string // what of raw stands before the value, with the quote
	isNamespace bool
}

// Parse reads a template. placeholder says whether a value is one to be filled;
// such a value must be the whole of a text or the value of an attribute.
func Parse(text string, placeholder func(value string) bool) (*Template, error) {
	p := &parser{text: text, reader: newReader([]byte(text)), placeholder: placeholder}
	p.reader.decoder.CharsetReader = func(string, io.Reader) (io.Reader, error) {
		return nil, errors.New("the XML declaration must say UTF-8, which is what is sent")
	}
	nodes, _, err := p.content()
	if err != nil {
		return nil, err
	}
	return &Template{nodes: nodes, leaves: p.leaves}, nil
}

// Leaves returns the values to be filled, decoded, in the document's order.
func (t *Template) Leaves() []string { return t.leaves }

type parser struct {
	text        string
	reader      *reader
	placeholder func(string) bool
	leaves      []string
}

// content reads nodes up to an end tag, which it returns, or to the end of the
// document.
func (p *parser) content() (nodes []node, end string, err error) {
	for {
		line, column := p.reader.decoder.InputPos()
		from := p.reader.decoder.InputOffset()
		token, err := p.reader.next()
		if errors.Is(err, io.EOF) {
			return nodes, "", nil
		}
		if err != nil {
			return nil, "", err
		}
		raw := p.text[from:p.reader.decoder.InputOffset()]
		var n node
		switch token := token.(type) {
		case xml.EndElement:
			return nodes, raw, nil
		case xml.StartElement:
			n, err = p.element(raw, token)
		case xml.CharData:
			n = node{raw: raw, leaf: p.leaf(string(token))}
		default:
			n = node{raw: raw}
			if p.placeholder(raw) {
				err = &SyntaxError{line, column, errors.New("a placeholder stands in a text or in the value of an attribute")}
			}
		}
		if err != nil {
			return nil, "", err
		}
		nodes = append(nodes, n)
	}
}

func (p *parser) leaf(value string) *leaf {
	if !p.placeholder(value) {
		return nil
	}
	p.leaves = append(p.leaves, value)
	return &leaf{value}
}

func (p *parser) element(raw string, start xml.StartElement) (node, error) {
	n := node{tag: p.startTag(raw, start)}
	nodes, end, err := p.content()
	n.nodes, n.end = nodes, end
	return n, err
}

// startTag takes a tag apart that has been found well-formed.
func (p *parser) startTag(raw string, start xml.StartElement) *tag {
	t := &tag{}
	t.open, raw = cut(raw, strings.IndexAny(raw, " \t\r\n/>"))
	for _, a := range start.Attr {
		quote := strings.IndexAny(raw, `"'`)
		length := quote + 1 + strings.IndexByte(raw[quote+1:], raw[quote]) + 1
		one := attr{prefix: raw[:quote+1], isNamespace: isNamespace(a.Name), leaf: p.leaf(a.Value)}
		one.raw, raw = cut(raw, length)
		t.attrs = append(t.attrs, one)
	}
	t.close = raw
	return t
}

func cut(text string, at int) (before, after string) { return text[:at], text[at:] }

// Fill writes the document. fill gives the new text of a leaf, or that there is
// none: then the attribute is left out, and so is an element that has nothing
// left because of it: neither attributes, which xmlns is not, nor child
// elements nor text; and so upwards. What was written empty stays. Nothing is
// returned if nothing is left. The text arrives byte for byte; what XML cannot
// carry is an error.
func (t *Template) Fill(fill func(leaf string) (text string, present bool, err error)) ([]byte, error) {
	w := &writer{fill: fill}
	out, _, left, err := w.content(t.nodes)
	if err != nil || !left {
		return nil, err
	}
	return []byte(out), nil
}

type writer struct {
	fill func(string) (string, bool, error)
}

// content writes nodes. took says whether something was left out, left whether
// there is more than blanks and comments.
func (w *writer) content(nodes []node) (out string, took, left bool, err error) {
	var b strings.Builder
	for _, n := range nodes {
		text, present, err := w.node(n)
		if err != nil {
			return "", false, false, err
		}
		b.WriteString(text)
		took = took || !present
		left = left || present && (n.tag != nil || n.leaf != nil || isText(n.raw))
	}
	return b.String(), took, left, nil
}

// isText says whether a piece as it was written is more than blanks, comments
// and processing instructions.
func isText(raw string) bool {
	markup := strings.HasPrefix(raw, "<") && !strings.HasPrefix(raw, "<![CDATA[")
	return !markup && strings.TrimSpace(raw) != ""
}

func (w *writer) node(n node) (out string, present bool, err error) {
	switch {
	case n.tag != nil:
		return w.element(n)
	case n.leaf != nil:
		return w.leaf(n.leaf)
	default:
		return n.raw, true, nil
	}
}

func (w *writer) element(n node) (out string, present bool, err error) {
	open, tookAttrs, leftAttrs, err := w.tag(n.tag)
	if err != nil {
		return "", false, err
	}
	inner, tookNodes, leftNodes, err := w.content(n.nodes)
	if err != nil {
		return "", false, err
	}
	if (tookAttrs || tookNodes) && !leftAttrs && !leftNodes {
		return "", false, nil
	}
	return open + inner + n.end, true, nil
}

func (w *writer) tag(t *tag) (out string, took, left bool, err error) {
	var b strings.Builder
	b.WriteString(t.open)
	for _, a := range t.attrs {
		text, present, err := w.attr(a)
		if err != nil {
			return "", false, false, err
		}
		b.WriteString(text)
		took = took || !present
		left = left || present && !a.isNamespace
	}
	b.WriteString(t.close)
	return b.String(), took, left, nil
}

func (w *writer) attr(a attr) (out string, present bool, err error) {
	if a.leaf == nil {
		return a.raw, true, nil
	}
	text, present, err := w.leaf(a.leaf)
	if err != nil || !present {
		return "", false, err
	}
	return a.prefix + text + a.prefix[len(a.prefix)-1:], true, nil
}

func (w *writer) leaf(l *leaf) (out string, present bool, err error) {
	text, present, err := w.fill(l.text)
	if err != nil || !present {
		return "", false, err
	}
	out, err = escape(text)
	return out, true, err
}

// escape writes a text so that it is the same in an attribute and between
// tags: line breaks and tabs too, which a reader may change.
func escape(text string) (string, error) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !isChar(r) }) {
		// The text is not told: it can be a password.
		return "", errors.New("the value holds a character that XML cannot carry")
	}
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return "", err
	}
	return b.String(), nil
}

// isChar says whether XML 1.0 can carry a character (§2.2).
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000
}
