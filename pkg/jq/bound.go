package jq

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// The time and the memory of an expression are watched between the steps of
// gojq, but one step can already be too much: "x" * 1e9, .[1e8] = 1, or
// comparing two arrays that hold themselves doubled 40 times. So the parsed
// expression is changed before it is compiled. Every value that it makes passes
// through __bounded, which refuses the large ones, so that every step begins
// with values of bounded size; and the steps that take or give much more than
// they are given pass through __fits first (guards).

// guard returns the definition that stands in for one of jq's own functions or
// operators, by name and number of arguments; empty if none does. Such a name
// cannot be defined anew, nor can any that begins with two underscores.
func guard(key string) string {
	switch key {
	case "now/0":
		return `def __now: __clock;`

	case "*/2":
		return `def __times($r; $l): $l | __fits("multiply"; $r) | . * $r;`
	case "-/2":
		return `def __minus($r; $l): $l | __fits("search"; $r) | . - $r;`

	case "=/2":
		return `def __assign(p; f): __fits("paths"; [path(p)]) | p = f;`
	case "|=/2":
		return `def __modify(p; f): __fits("paths"; [path(p)]) | p |= f;`
	case "+=/2":
		return `def __add(p; f): __fits("paths"; [path(p)]) | p += f;`
	case "/=/2":
		return `def __divide(p; f): __fits("paths"; [path(p)]) | p /= f;`
	case "%=/2":
		return `def __modulo(p; f): __fits("paths"; [path(p)]) | p %= f;`
	case "//=/2":
		return `def __default(p; f): __fits("paths"; [path(p)]) | p //= f;`
	case "*=/2":
		return `def __multiply(p; f): __fits("paths"; [path(p)]) | f as $x | p |= (__fits("multiply"; $x) | . * $x);`
	case "-=/2":
		return `def __subtract(p; f): __fits("paths"; [path(p)]) | f as $x | p |= (__fits("search"; $x) | . - $x);`

	case "setpath/2":
		return `def __setpath($p; $v): __fits("paths"; [$p]) | setpath($p; $v);`
	case "getpath/1":
		return `def __getpath($p): __fits("paths"; [$p]) | getpath($p);`
	case "nth/1":
		return `def __nth($n): __fits("paths"; [[$n]]) | nth($n);`
	case "pick/1":
		return `def __pick(f): __fits("paths"; [path(f)]) | pick(f);`
	case "fromstream/1":
		return `def __fromstream(f): fromstream(f | __fits("paths"; [.[0]]));`

	case "transpose/0":
		return `def __transpose: __fits("transpose"; null) | transpose;`
	case "join/1":
		return `def __join($x): __fits("join"; $x) | join($x);`
	case "tonumber/0":
		return `def __tonumber: __fits("number"; null) | tonumber;`
	case "indices/1":
		return `def __indices($x): __fits("search"; $x) | indices($x);`
	case "index/1":
		return `def __index($x): __fits("search"; $x) | index($x);`
	case "rindex/1":
		return `def __rindex($x): __fits("search"; $x) | rindex($x);`
	case "contains/1":
		return `def __contains($x): __fits("search"; $x) | contains($x);`
	case "inside/1":
		return `def __inside($x): __fits("search"; $x) | inside($x);`

	case "strftime/1":
		return `def __strftime($f): __fits("format"; $f) | strftime($f);`
	case "strflocaltime/1":
		return `def __strflocaltime($f): __fits("format"; $f) | strflocaltime($f);`
	case "strptime/1":
		return `def __strptime($f): __fits("format"; $f) | strptime($f);`

	case "test/1":
		return `def __test($re): __fits("match"; [$re]) | test($re);`
	case "test/2":
		return `def __test($re; $f): __fits("match"; [$re, $f]) | test($re; $f);`
	case "match/1":
		return `def __match($re): __fits("match"; [$re]) | match($re);`
	case "match/2":
		return `def __match($re; $f): __fits("match"; [$re, $f]) | match($re; $f);`
	case "capture/1":
		return `def __capture($re): __fits("match"; [$re]) | capture($re);`
	case "capture/2":
		return `def __capture($re; $f): __fits("match"; [$re, $f]) | capture($re; $f);`
	case "scan/1":
		return `def __scan($re): __fits("match"; [$re, "g"]) | scan($re);`
	case "scan/2":
		return `def __scan($re; $f): __fits("match"; [$re, "g"]) | scan($re; $f);`
	case "split/2":
		return `def __split($re; $f): __fits("match"; [$re, "g"]) | split($re; $f);`
	case "splits/1":
		return `def __splits($re): __fits("match"; [$re, "g"]) | splits($re);`
	case "splits/2":
		return `def __splits($re; $f): __fits("match"; [$re, "g"]) | splits($re; $f);`
	case "sub/2":
		return `def __sub($re; f): __fits("match"; [$re]) | sub($re; f);`
	case "sub/3":
		return `def __sub($re; with; $f): __fits("match"; [$re, $f]) | sub($re; with; $f);`
	case "gsub/2":
		return `def __gsub($re; f): __fits("match"; [$re, "g"]) | gsub($re; f);`
	case "gsub/3":
		return `def __gsub($re; with; $f): __fits("match"; [$re, "g"]) | gsub($re; with; $f);`
	}
	return ""
}

// refused is a name that an expression may not use or define.
type refused struct{ name, why string }

func (e *refused) Error() string { return e.name + " " + e.why }

// bounder walks through a parsed expression and changes it.
type bounder struct {
	defined map[string]bool // by the expression, in this scope: name/arity
	used    map[string]*gojq.FuncDef
	err     *refused // the first
}

// bound puts the bounds into an expression.
func bound(q *gojq.Query) *refused {
	b := &bounder{defined: map[string]bool{}, used: map[string]*gojq.FuncDef{}}
	if len(q.Imports) > 0 {
		return &refused{"import", "is not allowed"}
	}
	b.query(q)
	for _, def := range b.used {
		q.FuncDefs = append([]*gojq.FuncDef{def}, q.FuncDefs...)
	}
	return b.err
}

func (b *bounder) refuse(name, why string) {
	if b.err == nil {
		b.err = &refused{name, why}
	}
}

func (b *bounder) query(q *gojq.Query) {
	if q == nil {
		return
	}
	if len(q.FuncDefs) > 0 {
		defer func(outer map[string]bool) { b.defined = outer }(b.defined)
		b.defined = maps.Clone(b.defined)
		for _, def := range q.FuncDefs {
			b.definition(def)
		}
	}
	b.term(q.Term)
	b.query(q.Left)
	b.patterns(q.Patterns)
	b.query(q.Right)
	b.operator(q)
}

func (b *bounder) definition(def *gojq.FuncDef) {
	b.define(def.Name, len(def.Args))
	outer := b.defined
	b.defined = maps.Clone(b.defined)
	for _, arg := range def.Args {
		b.define(strings.TrimPrefix(arg, "$"), 0)
	}
	b.query(def.Body)
	b.defined = outer
}

func (b *bounder) define(name string, arity int) {
	key := fmt.Sprintf("%s/%d", name, arity)
	if guard(key) != "" || strings.HasPrefix(name, "__") {
		b.refuse(name, "cannot be defined anew")
	}
	b.defined[key] = true
}

// operator changes operators. Those that only choose or compare are left.
func (b *bounder) operator(q *gojq.Query) {
	left, right := q.Left, q.Right
	switch q.Op {
	case gojq.OpMul, gojq.OpSub:
		left, right = right, left // jq works out the right side first
	case gojq.OpAssign, gojq.OpModify, gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateMul,
		gojq.OpUpdateDiv, gojq.OpUpdateMod, gojq.OpUpdateAlt:
	case gojq.OpAdd, gojq.OpDiv, gojq.OpMod:
		term := &gojq.Term{Type: gojq.TermTypeQuery, Query: &gojq.Query{Left: left, Right: right, Op: q.Op}}
		q.Term, q.Left, q.Right, q.Op = bounded(term), nil, nil, 0
		return
	default:
		return
	}
	term := function(b.use(q.Op.String()+"/2"), left, right)
	q.Term, q.Left, q.Right, q.Op = bounded(term), nil, nil, 0
}

// use returns the name of a guard and sees to its definition.
func (b *bounder) use(key string) string {
	def := b.used[key]
	if def == nil {
		query, err := gojq.Parse(guard(key) + " .")
		if err != nil {
			panic(err) // our own text; a test compiles all of them
		}
		def = query.FuncDefs[0]
		b.used[key] = def
	}
	return def.Name
}

func (b *bounder) term(t *gojq.Term) {
	if t == nil {
		return
	}
	for _, suffix := range t.SuffixList {
		b.index(suffix.Index)
	}
	switch t.Type {
	case gojq.TermTypeFunc:
		b.call(t)
	case gojq.TermTypeIndex:
		b.index(t.Index)
	case gojq.TermTypeQuery:
		b.query(t.Query)
	case gojq.TermTypeUnary:
		b.term(t.Unary.Term)
	case gojq.TermTypeArray:
		b.query(t.Array.Query)
		*t = *bounded(t)
	case gojq.TermTypeObject:
		b.object(t.Object)
		*t = *bounded(t)
	case gojq.TermTypeFormat:
		if !knownFormat(t.Format) {
			b.refuse(t.Format, "is not a format")
		}
		b.text(t.Str)
		*t = *bounded(t)
	case gojq.TermTypeString:
		b.text(t.Str)
		if t.Str.Queries != nil {
			*t = *bounded(t)
		}
	default:
		b.control(t)
	}
}

// knownFormat says whether jq has a format; gojq asks only when it runs.
func knownFormat(name string) bool {
	return slices.Contains([]string{"@text", "@json", "@html", "@uri", "@urid", "@csv", "@tsv", "@sh", "@base64", "@base64d"}, name)
}

func (b *bounder) control(t *gojq.Term) {
	switch t.Type {
	case gojq.TermTypeIf:
		b.query(t.If.Cond)
		b.query(t.If.Then)
		for _, elif := range t.If.Elif {
			b.query(elif.Cond)
			b.query(elif.Then)
		}
		b.query(t.If.Else)
	case gojq.TermTypeTry:
		b.query(t.Try.Body)
		b.query(t.Try.Catch)
	case gojq.TermTypeReduce:
		b.query(t.Reduce.Query)
		b.patterns(t.Reduce.Patterns)
		b.query(t.Reduce.Start)
		b.query(t.Reduce.Update)
	case gojq.TermTypeForeach:
		b.query(t.Foreach.Query)
		b.patterns(t.Foreach.Patterns)
		b.query(t.Foreach.Start)
		b.query(t.Foreach.Update)
		b.query(t.Foreach.Extract)
	case gojq.TermTypeLabel:
		b.query(t.Label.Body)
	}
}

func (b *bounder) call(t *gojq.Term) {
	f := t.Func
	for _, arg := range f.Args {
		b.query(arg)
	}
	key := fmt.Sprintf("%s/%d", f.Name, len(f.Args))
	switch {
	case strings.HasPrefix(f.Name, "$"), b.defined[key]:
		return // a variable, or what has its bounds inside
	case strings.HasPrefix(f.Name, "_"), f.Name == "modulemeta":
		b.refuse(f.Name, "is not allowed")
	case guard(key) != "":
		t.Func = &gojq.Func{Name: b.use(key), Args: f.Args}
	}
	*t = *bounded(t)
}

func (b *bounder) index(i *gojq.Index) {
	if i == nil {
		return
	}
	b.text(i.Str)
	b.query(i.Start)
	b.query(i.End)
	if i.Start != nil && !i.IsSlice {
		i.Start = &gojq.Query{Left: i.Start, Op: gojq.OpPipe, Right: &gojq.Query{Term: function("__key")}}
	}
}

func (b *bounder) object(o *gojq.Object) {
	for _, member := range o.KeyVals {
		b.text(member.KeyString)
		b.query(member.KeyQuery)
		b.query(member.Val)
	}
}

func (b *bounder) text(s *gojq.String) {
	if s == nil {
		return
	}
	for _, query := range s.Queries {
		b.query(query)
	}
}

func (b *bounder) patterns(list []*gojq.Pattern) {
	for _, p := range list {
		if p == nil {
			continue
		}
		b.patterns(p.Array)
		for _, member := range p.Object {
			b.text(member.KeyString)
			b.query(member.KeyQuery)
			b.patterns([]*gojq.Pattern{member.Val})
		}
	}
}

// bounded returns (t | __bounded), with the suffixes of t after it.
func bounded(t *gojq.Term) *gojq.Term {
	inner := *t
	inner.SuffixList = nil
	return &gojq.Term{
		Type: gojq.TermTypeQuery,
		Query: &gojq.Query{
			Left: &gojq.Query{Term: &inner}, Op: gojq.OpPipe, Right: &gojq.Query{Term: function("__bounded")},
		},
		SuffixList: t.SuffixList,
	}
}

func function(name string, args ...*gojq.Query) *gojq.Term {
	return &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}
}
