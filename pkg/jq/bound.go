package jq

import (
	"fmt"
	"maps"
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

// guards are definitions in place of jq's own functions and operators, by
// name and number of arguments. Their names cannot be defined anew, nor can
// any that begins with two underscores.
func guards() map[string]string {
	return map[string]string{
		"now/0": `def __now: __clock;`,

		"*/2": `def __times($r; $l): $l | __fits("multiply"; $r) | . * $r;`,
		"-/2": `def __minus($r; $l): $l | __fits("search"; $r) | . - $r;`,

		"=/2":   `def __assign(p; f): __fits("paths"; [path(p)]) | p = f;`,
		"|=/2":  `def __modify(p; f): __fits("paths"; [path(p)]) | p |= f;`,
		"+=/2":  `def __add(p; f): __fits("paths"; [path(p)]) | p += f;`,
		"/=/2":  `def __divide(p; f): __fits("paths"; [path(p)]) | p /= f;`,
		"%=/2":  `def __modulo(p; f): __fits("paths"; [path(p)]) | p %= f;`,
		"//=/2": `def __default(p; f): __fits("paths"; [path(p)]) | p //= f;`,
		"*=/2":  `def __multiply(p; f): __fits("paths"; [path(p)]) | f as $x | p |= (__fits("multiply"; $x) | . * $x);`,
		"-=/2":  `def __subtract(p; f): __fits("paths"; [path(p)]) | f as $x | p |= (__fits("search"; $x) | . - $x);`,

		"setpath/2":    `def __setpath($p; $v): __fits("paths"; [$p]) | setpath($p; $v);`,
		"getpath/1":    `def __getpath($p): __fits("paths"; [$p]) | getpath($p);`,
		"nth/1":        `def __nth($n): __fits("paths"; [[$n]]) | nth($n);`,
		"pick/1":       `def __pick(f): __fits("paths"; [path(f)]) | pick(f);`,
		"fromstream/1": `def __fromstream(f): fromstream(f | __fits("paths"; [.[0]]));`,

		"transpose/0": `def __transpose: __fits("transpose"; null) | transpose;`,
		"join/1":      `def __join($x): __fits("join"; $x) | join($x);`,
		"tonumber/0":  `def __tonumber: __fits("number"; null) | tonumber;`,
		"indices/1":   `def __indices($x): __fits("search"; $x) | indices($x);`,
		"index/1":     `def __index($x): __fits("search"; $x) | index($x);`,
		"rindex/1":    `def __rindex($x): __fits("search"; $x) | rindex($x);`,
		"contains/1":  `def __contains($x): __fits("search"; $x) | contains($x);`,
		"inside/1":    `def __inside($x): __fits("search"; $x) | inside($x);`,

		"strftime/1":      `def __strftime($f): __fits("format"; $f) | strftime($f);`,
		"strflocaltime/1": `def __strflocaltime($f): __fits("format"; $f) | strflocaltime($f);`,
		"strptime/1":      `def __strptime($f): __fits("format"; $f) | strptime($f);`,

		"test/1":    `def __test($re): __fits("match"; [$re]) | test($re);`,
		"test/2":    `def __test($re; $f): __fits("match"; [$re, $f]) | test($re; $f);`,
		"match/1":   `def __match($re): __fits("match"; [$re]) | match($re);`,
		"match/2":   `def __match($re; $f): __fits("match"; [$re, $f]) | match($re; $f);`,
		"capture/1": `def __capture($re): __fits("match"; [$re]) | capture($re);`,
		"capture/2": `def __capture($re; $f): __fits("match"; [$re, $f]) | capture($re; $f);`,
		"scan/1":    `def __scan($re): __fits("match"; [$re, "g"]) | scan($re);`,
		"scan/2":    `def __scan($re; $f): __fits("match"; [$re, "g"]) | scan($re; $f);`,
		"split/2":   `def __split($re; $f): __fits("match"; [$re, "g"]) | split($re; $f);`,
		"splits/1":  `def __splits($re): __fits("match"; [$re, "g"]) | splits($re);`,
		"splits/2":  `def __splits($re; $f): __fits("match"; [$re, "g"]) | splits($re; $f);`,
		"sub/2":     `def __sub($re; f): __fits("match"; [$re]) | sub($re; f);`,
		"sub/3":     `def __sub($re; f; $f): __fits("match"; [$re, $f]) | sub($re; f; $f);`,
		"gsub/2":    `def __gsub($re; f): __fits("match"; [$re, "g"]) | gsub($re; f);`,
		"gsub/3":    `def __gsub($re; f; $f): __fits("match"; [$re, "g"]) | gsub($re; f; $f);`,
	}
}

// refused is a name that an expression may not use or define.
type refused struct{ name, why string }

func (e *refused) Error() string { return e.name + " " + e.why }

// bounder walks through a parsed expression and changes it.
type bounder struct {
	guards  map[string]string
	defined map[string]bool // by the expression, in this scope: name/arity
	used    map[string]*gojq.FuncDef
	err     *refused // the first
}

// bound puts the bounds into an expression.
func bound(q *gojq.Query) *refused {
	b := &bounder{guards: guards(), defined: map[string]bool{}, used: map[string]*gojq.FuncDef{}}
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
	if _, guarded := b.guards[key]; guarded || strings.HasPrefix(name, "__") {
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
	term := function(b.guard(q.Op.String()+"/2"), left, right)
	q.Term, q.Left, q.Right, q.Op = bounded(term), nil, nil, 0
}

// guard returns the name of a guard and sees to its definition.
func (b *bounder) guard(key string) string {
	def := b.used[key]
	if def == nil {
		query, err := gojq.Parse(b.guards[key] + " .")
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
	case gojq.TermTypeFormat, gojq.TermTypeString:
		b.text(t.Str)
		if t.Type == gojq.TermTypeFormat || t.Str.Queries != nil {
			*t = *bounded(t)
		}
	default:
		b.control(t)
	}
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
	switch _, guarded := b.guards[key]; {
	case strings.HasPrefix(f.Name, "$"), b.defined[key]:
		return // a variable, or what has its bounds inside
	case strings.HasPrefix(f.Name, "_"), f.Name == "modulemeta":
		b.refuse(f.Name, "is not allowed")
	case guarded:
		t.Func = &gojq.Func{Name: b.guard(key), Args: f.Args}
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
