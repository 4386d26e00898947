package sim

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"maps"
	"net/http"
	"slices"
)

// drop closes the connection; no byte more is sent. net/http keeps quiet about
// this panic, and unlike a hijacked connection this one still counts for a
// Shutdown.
func (c *call) drop() { panic(http.ErrAbortHandler) }

// htmlAnswer is a page of a proxy or a captive portal.
func htmlAnswer(status int, title string) answer {
	page := "<!DOCTYPE html>\n<html><head><title>" + title + "</title></head>\n<body><h1>" + title + "</h1></body></html>\n"
	return answer{status: status, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, data: []byte(page)}
}

// problemAnswer is an error of the API.
func (c *call) problemAnswer(status int, text string) answer {
	return jsonAnswer(status, c.api.problem(status, text))
}

func runSlow(c *call, f Fault, next func() answer) {
	if !c.wait(f.For) {
		c.drop()
		return
	}
	c.write(next())
}

func runDropped(c *call, _ Fault, _ func() answer) { c.drop() }

func runLost(c *call, _ Fault, next func() answer) {
	next()
	c.drop()
}

// runTruncated promises the whole answer and returns after half of it, on which
// net/http closes the connection.
func runTruncated(c *call, _ Fault, next func() answer) {
	a := next()
	c.head(a)
	_, _ = c.w.Write(a.data[:len(a.data)/2])
}

func runDrip(c *call, f Fault, next func() answer) {
	a := next()
	c.head(a)
	for i := range a.data {
		if _, err := c.w.Write(a.data[i : i+1]); err != nil || !c.flush() || !c.wait(f.For) {
			return
		}
	}
}

// flush sends what was written so far.
func (c *call) flush() bool { return http.NewResponseController(c.w).Flush() == nil }

func runStatus(c *call, f Fault, _ func() answer) {
	c.write(c.problemAnswer(f.Status, "Simulated fault"))
}

func run500(c *call, _ Fault, _ func() answer) {
	c.write(c.problemAnswer(http.StatusInternalServerError, "Internal server error"))
}

func run502(c *call, _ Fault, _ func() answer) {
	c.write(htmlAnswer(http.StatusBadGateway, "502 Bad Gateway"))
}

func run429(c *call, f Fault, _ func() answer) { c.retryAfter(seconds(f.For)) }

func run429Date(c *call, f Fault, _ func() answer) {
	c.retryAfter(c.now.Add(f.For).UTC().Format(http.TimeFormat))
}

// retryAfter refuses for now (RFC 9110 §10.2.3).
func (c *call) retryAfter(when string) {
	a := c.problemAnswer(http.StatusTooManyRequests, "Too many requests")
	a.header.Set("Retry-After", when)
	c.write(a)
}

// runEscapes tries a terminal (ESC, C1), a reader (bidi), and a CI system
// (a line that begins with a command).
func runEscapes(c *call, _ Fault, _ func() answer) {
	const text = "\x1b[2J\x1b]0;title\x07 \u009b31m \u202egnp.exe\u202c\u200b\r\n::error::hello\n##vso[task.setvariable]x\x00"
	c.write(c.problemAnswer(http.StatusBadRequest, text))
}

func runRedirect(c *call, f Fault, _ func() answer) {
	c.write(answer{status: f.Status, header: http.Header{"Location": {f.URL}}})
}

func runHTML(c *call, _ Fault, _ func() answer) {
	c.write(htmlAnswer(http.StatusOK, "Welcome to the hotel's network"))
}

func runEmpty(c *call, _ Fault, _ func() answer) {
	c.write(answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}})
}

// fillerSize is how much of an answer that is too large is made at a time.
const fillerSize = 1 << 20

// What stands around the fillers, so that the whole is JSON.
const (
	jsonOpening = `{"padding":"`
	jsonClosing = `"}`
)

// runEndless sends spaces in a JSON text until the client has enough.
func runEndless(c *call, _ Fault, _ func() answer) {
	c.stream("")
	_, _ = c.w.Write([]byte(jsonOpening)) // the next write fails as well
	filler := bytes.Repeat([]byte(" "), fillerSize)
	for c.r.Context().Err() == nil && !c.closing() {
		if _, err := c.w.Write(filler); err != nil {
			return
		}
	}
}

// closing says whether Close was called.
func (c *call) closing() bool {
	select {
	case <-c.s.done:
		return true
	default:
		return false
	}
}

// stream begins an answer of unknown length.
func (c *call) stream(encoding string) {
	h := c.w.Header()
	h.Set("Date", c.now.UTC().Format(http.TimeFormat))
	h.Set("Content-Type", "application/json")
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	c.w.WriteHeader(http.StatusOK)
}

// bombFillers is how often a bomb holds the filler.
const bombFillers = 200

// runBomb sends one gzip file (RFC 1952 §2.3) whose middle is the same few bytes
// again and again, so that it costs next to nothing here: a flushed part of a
// DEFLATE stream says "spaces, as before" wherever spaces came before it.
func runBomb(c *call, _ Fault, _ func() answer) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	must(err) // the level is a good one
	sum := crc32.NewIEEE()
	filler := bytes.Repeat([]byte(" "), fillerSize)
	pack := func(data []byte) []byte {
		packed.Reset()
		_, _ = sum.Write(data) // never fails, and so do the next two: a buffer takes everything
		_, _ = w.Write(data)
		_ = w.Flush()
		return bytes.Clone(packed.Bytes())
	}
	parts := [][]byte{{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, pack([]byte(jsonOpening)), pack(filler)}
	same := pack(filler)
	parts = append(parts, slices.Repeat([][]byte{same}, bombFillers-1)...)
	for range bombFillers - 2 {
		_, _ = sum.Write(filler)
	}
	parts = append(parts, pack([]byte(jsonClosing)), []byte{1, 0, 0, 0xff, 0xff}) // an empty last block
	trailer := binary.LittleEndian.AppendUint32(nil, sum.Sum32())
	size := len(jsonOpening) + bombFillers*fillerSize + len(jsonClosing)
	parts = append(parts, binary.LittleEndian.AppendUint32(trailer, uint32(size)))
	c.stream("gzip")
	for _, part := range parts {
		if _, err := c.w.Write(part); err != nil {
			return
		}
	}
}

// runMalformed leaves out a comma, as the example on Zūm Rails' page does. An
// answer without a comma loses its last brace.
func runMalformed(c *call, _ Fault, next func() answer) {
	a := next()
	var b bytes.Buffer
	if json.Indent(&b, a.data, "", "    ") == nil {
		a.data = b.Bytes()
	}
	if i := bytes.LastIndex(a.data, []byte(",\n")); i >= 0 {
		a.data = slices.Delete(a.data, i, i+1)
	} else if len(a.data) > 0 {
		a.data = a.data[:len(a.data)-1]
	}
	c.write(a)
}

func runTrailing(c *call, _ Fault, next func() answer) {
	a := next()
	a.data = append(a.data, []byte(`{"more":true}`)...)
	c.write(a)
}

func runNoDate(c *call, _ Fault, next func() answer) {
	a := next()
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header["Date"] = nil // net/http then adds none
	c.write(a)
}

func runDuplicateKeys(c *call, _ Fault, next func() answer) {
	a := next()
	if value, ok := decode(a.data); ok {
		a.data = appendTwice(nil, value)
	}
	c.write(a)
}

// appendTwice writes JSON in which every member of every object is there twice;
// the second time texts differ.
func appendTwice(b []byte, value any) []byte {
	object, ok := value.(map[string]any)
	if !ok {
		data, err := json.Marshal(value)
		must(err) // it came out of JSON
		return append(b, data...)
	}
	b = append(b, '{')
	for _, name := range slices.Sorted(maps.Keys(object)) {
		inner, again := object[name], object[name]
		if text, isText := inner.(string); isText {
			again = text + "-again"
		}
		for _, v := range []any{inner, again} {
			b = append(appendTwice(b, name), ':')
			b = append(appendTwice(b, v), ',')
		}
	}
	return append(bytes.TrimSuffix(b, []byte(",")), '}')
}

func runNullToken(c *call, _ Fault, next func() answer) {
	c.withTokens(next, func(object map[string]any, name string) { object[name] = nil })
}

func runEmptyToken(c *call, _ Fault, next func() answer) {
	c.withTokens(next, func(object map[string]any, name string) { object[name] = "" })
}

func runNoToken(c *call, _ Fault, next func() answer) {
	c.withTokens(next, func(object map[string]any, name string) { delete(object, name) })
}

// withTokens changes every member of the API's answer that holds a token.
func (c *call) withTokens(next func() answer, change func(object map[string]any, name string)) {
	a := next()
	value, ok := decode(a.data)
	if ok {
		c.changeTokens(value, change)
		a.data = jsonAnswer(a.status, value).data
	}
	c.write(a)
}

// changeTokens looks into a value and what is in it.
func (c *call) changeTokens(value any, change func(map[string]any, string)) {
	object, ok := value.(map[string]any)
	if !ok {
		return
	}
	for name, inner := range object {
		if text, isText := inner.(string); isText && c.s.isIssued(text) {
			change(object, name)
		}
		c.changeTokens(inner, change)
	}
}

// decode reads JSON and keeps numbers as they are.
func decode(data []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var value any
	err := d.Decode(&value)
	return value, err == nil
}
