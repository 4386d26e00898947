// Package xmltree reads XML as a tree that expressions can walk and fills XML
// templates. What it reads and writes is XML 1.0 without a document type: no
// entity is ever defined or fetched.
package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// maxDepth is how deep elements may stand in each other.
const maxDepth = 200

// SyntaxError is XML that cannot be read, with the place in the text.
type SyntaxError struct {
	Line, Column int // from 1; the column counts bytes
	Err          error
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %v", e.Line, e.Column, e.Err)
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Decode reads a document as {"root": …}. An element without attributes and
// child elements is its text, exactly. Any other is an object: "@name" is an
// attribute, "#text" its own text, trimmed and only if there is any, and the
// rest its children; one that is repeated becomes an array. Names are local:
// prefixes are dropped and xmlns attributes too, because the prefix is the
// server's free choice and may change with each answer.
func Decode(data []byte) (any, error) {
	text, err := toUTF8(data)
	if err != nil {
		return nil, err
	}
	r := newReader(text)
	var tree map[string]any
	for {
		token, err := r.next()
		if errors.Is(err, io.EOF) {
			return tree, nil
		}
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok {
			value, err := r.element(start)
			if err != nil {
				return nil, err
			}
			tree = map[string]any{start.Name.Local: value}
		}
	}
}

// toUTF8 turns UTF-16 into UTF-8; it is told by its first bytes alone
// (XML 1.0, appendix F). Other encodings are told by the declaration.
func toUTF8(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte{0xfe, 0xff}) && !bytes.HasPrefix(data, []byte{0xff, 0xfe}) {
		return bytes.TrimPrefix(data, []byte("\ufeff")), nil
	}
	text, err := unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
	if err != nil {
		return nil, &SyntaxError{1, 1, errors.New("it is not UTF-16")}
	}
	if bytes.ContainsRune(text, encodedWrongly) {
		return nil, &SyntaxError{1, 1, errors.New("it is not UTF-16")}
	}
	return text, nil
}

// encodedWrongly is what a decoder writes for bytes that are no character.
const encodedWrongly = '\ufffd'

// charset decodes what the declaration names.
func charset(label string, input io.Reader) (io.Reader, error) {
	encodings := map[string]encoding.Encoding{
		"iso-8859-1": charmap.ISO8859_1, "latin1": charmap.ISO8859_1, "us-ascii": charmap.ISO8859_1,
		"windows-1252": charmap.Windows1252, "cp1252": charmap.Windows1252,
	}
	label = strings.ToLower(label)
	if label == "utf-16" { // and decoded before
		return input, nil
	}
	if known, ok := encodings[label]; ok {
		return known.NewDecoder().Reader(input), nil
	}
	return nil, errors.New("the encoding is neither UTF-8, UTF-16, ISO-8859-1 nor Windows-1252")
}

// reader gives the tokens of one well-formed document. It adds what
// encoding/xml leaves to its caller: one root, no document type, unique
// attributes, a depth.
type reader struct {
	decoder *xml.Decoder
	depth   int
	roots   int
	begun   bool // something has been read
}

func newReader(text []byte) *reader {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.CharsetReader = charset
	return &reader{decoder: decoder}
}

// next returns a token; io.EOF at the end of a document that is whole.
func (r *reader) next() (xml.Token, error) {
	line, column := r.decoder.InputPos()
	token, err := r.decoder.Token()
	if err == nil {
		err = r.check(token)
	} else if errors.Is(err, io.EOF) && r.roots == 0 {
		err = errors.New("there is no element")
	} else if !errors.Is(err, io.EOF) {
		line, column = r.decoder.InputPos()
		err = plain(err)
	}
	r.begun = true
	if err == nil || errors.Is(err, io.EOF) {
		return token, err
	}
	return nil, &SyntaxError{line, column, err}
}

// plain takes the library's name and the line, which is told anyway, out of its
// message, and what stands after an & that should be written &amp;: that is
// text. Else it quotes only the names of elements.
func plain(err error) error {
	const entity = "invalid character entity"
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		if strings.HasPrefix(syntax.Msg, entity) {
			return errors.New(entity)
		}
		return errors.New(syntax.Msg)
	}
	text := strings.TrimPrefix(err.Error(), "xml: ")
	if at := strings.LastIndex(text, ": "); at >= 0 {
		text = text[at+2:]
	}
	return errors.New(text)
}

func (r *reader) check(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return r.open(token)
	case xml.EndElement:
		r.depth--
	case xml.CharData:
		if r.depth == 0 && len(bytes.TrimSpace(token)) > 0 {
			return errors.New("there is text outside the root element")
		}
	case xml.Directive:
		return errors.New("a document type (<!DOCTYPE>) is not taken")
	case xml.ProcInst:
		if r.begun && strings.EqualFold(token.Target, "xml") {
			return errors.New("the XML declaration is not at the start")
		}
	}
	return nil
}

func (r *reader) open(start xml.StartElement) error {
	if r.depth == 0 {
		r.roots++
	}
	r.depth++
	switch {
	case r.roots > 1:
		return errors.New("there is a second root element")
	case r.depth > maxDepth:
		return fmt.Errorf("more than %d elements stand in each other", maxDepth)
	}
	seen := map[xml.Name]bool{}
	for _, attr := range start.Attr {
		if seen[attr.Name] {
			return fmt.Errorf("the attribute %s stands twice", attr.Name.Local)
		}
		seen[attr.Name] = true
	}
	return nil
}

// element reads what stands in an element, up to its end.
func (r *reader) element(start xml.StartElement) (any, error) {
	object, err := r.attributes(start)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	for {
		token, err := r.next()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			child, err := r.element(token)
			if err != nil {
				return nil, err
			}
			add(object, token.Name.Local, child)
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			return fold(object, text.String()), nil
		}
	}
}

func (r *reader) attributes(start xml.StartElement) (map[string]any, error) {
	object := map[string]any{}
	for _, attr := range start.Attr {
		if isNamespace(attr.Name) {
			continue
		}
		key := "@" + attr.Name.Local
		if _, taken := object[key]; taken {
			line, column := r.decoder.InputPos()
			return nil, &SyntaxError{line, column, fmt.Errorf("the attribute %s stands twice, with different prefixes", attr.Name.Local)}
		}
		object[key] = attr.Value
	}
	return object, nil
}

// isNamespace says whether an attribute declares a namespace.
func isNamespace(name xml.Name) bool {
	return name.Space == "xmlns" || name.Space == "" && name.Local == "xmlns"
}

// add enters a child; the second of a name makes an array. A child is never an
// array by itself.
func add(object map[string]any, name string, child any) {
	switch old := object[name].(type) {
	case nil:
		object[name] = child
	case []any:
		object[name] = append(old, child)
	default:
		object[name] = []any{old, child}
	}
}

func fold(object map[string]any, text string) any {
	if len(object) == 0 {
		return text
	}
	if text = strings.TrimSpace(text); text != "" {
		object["#text"] = text
	}
	return object
}
