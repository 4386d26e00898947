package jq

import (
	"encoding/json"
	"math/big"
	"regexp/syntax"
	"strings"

	"github.com/itchyny/gojq"
)

const (
	// maxSearch bounds the work of steps that compare each part of one value
	// with each of another.
	maxSearch = 1 << 26
	// maxIndex bounds the sum of the numbers in one path that is written to:
	// jq fills an array up to the index.
	maxIndex = 1 << 20
	// maxSought bounds an array that is sought in another, as .[[1, 2]] does.
	maxSought = 16
	// maxDigits bounds numbers with which jq calculates exactly.
	maxDigits = 1 << 12
	// maxFormat bounds the format of a time, in bytes.
	maxFormat = 1 << 10
	// maxMatch bounds the work of one regular expression on one text, and
	// maxMatches that of finding all places: jq counts the characters before
	// each of them.
	maxMatch   = 1 << 23
	maxMatches = 1 << 27
)

// weigh returns how much of left remains after value has been taken off it; it
// stops when nothing does. The weight is the least that JSON needs for it. A
// part that stands in several places counts in each: so it does for the steps
// that walk through the value.
func weigh(value any, left int) int {
	switch v := value.(type) {
	case string:
		if len(v) > maxString {
			return -1
		}
		return left - 2 - len(v)
	case json.Number:
		return left - number(len(v))
	case *big.Int:
		return left - 1 - number(v.BitLen()/3)
	case []any:
		left -= 2
		for i := 0; i < len(v) && left >= 0; i++ {
			left = weigh(v[i], left)
		}
		return left
	case map[string]any:
		left -= 2
		for key, part := range v {
			if left = weigh(part, left-3-len(key)); left < 0 {
				break
			}
		}
		return left
	default:
		return left - 1
	}
}

// number is the weight of digits: more than maxDigits are refused.
func number(digits int) int {
	if digits > maxDigits {
		return maxWeight + 1
	}
	return digits
}

// weight is what a value weighs, or more than maxWeight if it is too large.
func weight(value any) int {
	return maxWeight - weigh(value, maxWeight)
}

// passLight gives its input on if it is not too large.
func passLight(value any, _ []any) any {
	if weigh(value, maxWeight) < 0 {
		return errLarge()
	}
	return value
}

// passFitting gives its input on if the step of the kind args[0] with it and
// args[1] takes bounded time and memory. Where the types are wrong it lets the
// step say so.
func passFitting(value any, args []any) any {
	kind, _ := args[0].(string)
	if !fits(kind, value, args[1]) {
		return errLarge()
	}
	return value
}

// passKey gives an index on if it is not a long array.
func passKey(key any, _ []any) any {
	if !fitsKey(key) {
		return errLarge()
	}
	return key
}

func fitsKey(key any) bool {
	list, _ := key.([]any)
	return len(list) <= maxSought
}

func fits(kind string, value, arg any) bool {
	switch kind {
	case "multiply":
		return fitsMultiply(value, arg) && fitsMultiply(arg, value)
	case "search":
		return weight(value)*weight(arg) <= maxSearch
	case "paths":
		return fitsPaths(arg)
	case "transpose":
		return fitsTranspose(value)
	case "join":
		list, _ := value.([]any)
		return len(list)*weight(arg) <= maxWeight
	case "number":
		text, _ := value.(string)
		return len(text) <= maxDigits
	case "format":
		format, _ := arg.(string)
		return len(format) <= maxFormat
	default:
		return fitsMatch(value, arg)
	}
}

// fitsMultiply looks at text * number, which is the text many times.
func fitsMultiply(text, number any) bool {
	s, isText := text.(string)
	times, isNumber := gojq.ToFloat64(number)
	return !isText || !isNumber || float64(len(s))*times <= maxString
}

// fitsPaths looks at a list of paths.
func fitsPaths(paths any) bool {
	list, _ := paths.([]any)
	for _, path := range list {
		sum := 0
		keys, _ := path.([]any)
		for _, key := range keys {
			if !fitsKey(key) {
				return false
			}
			if index, ok := gojq.ToInt(key); ok {
				sum = min(sum, maxIndex) + min(max(index, 0), maxIndex+1)
			}
		}
		if sum > maxIndex {
			return false
		}
	}
	return true
}

func fitsTranspose(value any) bool {
	rows, _ := value.([]any)
	longest := 0
	for _, row := range rows {
		list, _ := row.([]any)
		longest = max(longest, len(list))
	}
	return len(rows)*longest <= maxIndex
}

// fitsMatch looks at a regular expression and the text it is asked of. args are
// the two arguments of match, or the first alone, which can hold both.
func fitsMatch(value, args any) bool {
	text, _ := value.(string)
	list, _ := args.([]any)
	if nested, ok := list[0].([]any); ok {
		list = nested
	}
	if len(list) == 0 {
		return true
	}
	pattern, _ := list[0].(string)
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return true
	}
	if steps(parsed)*(len(text)+1) > maxMatch {
		return false
	}
	flags, _ := list[len(list)-1].(string)
	all := len(list) > 1 && strings.Contains(flags, "g")
	return !all || len(text)*len(text)*(parsed.MaxCap()+1) <= maxMatches
}

// steps estimates the length of the program that a regular expression becomes:
// repetitions are written out.
func steps(re *syntax.Regexp) int {
	sum := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		sum += steps(sub)
	}
	if re.Op == syntax.OpRepeat {
		sum *= max(re.Min, re.Max, 1)
	}
	return min(sum, maxMatch+1)
}
