package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth bounds the nesting of an answer.
const maxDepth = 200

// decodeJSON reads one JSON value strictly: no key twice, nothing after
// it, numbers exact. encoding/json alone would take the last of two tokens
// without a word (threat 11).
func decodeJSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := decodeValue(decoder, maxDepth)
	if err != nil {
		return nil, plainJSONError(data, decoder, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	return value, nil
}

// plainJSONError says where the text stops being JSON, without quoting it.
func plainJSONError(data []byte, decoder *json.Decoder, err error) error {
	if errors.Is(err, errDuplicate) {
		return err
	}
	offset := min(int(decoder.InputOffset()), len(data))
	line := 1 + bytes.Count(data[:offset], []byte("\n"))
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it ends too early, in line %d", line)
	}
	return fmt.Errorf("it stops being JSON in line %d", line)
}

func decodeValue(decoder *json.Decoder, depth int) (any, error) {
	if depth == 0 {
		return nil, errors.New("nested too deeply")
	}
	next, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch next {
	case json.Delim('{'):
		return decodeObject(decoder, depth-1)
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			item, err := decodeValue(decoder, depth-1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := decoder.Token()
		return list, err
	default:
		return next, nil
	}
}

func decodeObject(decoder *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		next, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		key, isText := next.(string)
		if !isText {
			return nil, errors.New("a key is not a string")
		}
		if _, twice := object[key]; twice {
			return nil, errDuplicate
		}
		if object[key], err = decodeValue(decoder, depth); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return object, err
}
