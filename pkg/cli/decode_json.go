package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jq"
	"github.com/authctl/authctl/pkg/jwt"
)

// decoded is the JSON form of a token.
type decoded struct {
	Name              string               `json:"name,omitempty"` // where it stood in the input
	Kind              jwt.Kind             `json:"kind"`
	Reason            string               `json:"reason,omitempty"`
	Length            int                  `json:"length"`
	Header            json.RawMessage      `json:"header,omitempty"`
	Claims            json.RawMessage      `json:"claims,omitempty"`
	Payload           string               `json:"payload,omitempty"`
	Inner             *decoded             `json:"inner,omitempty"`
	Times             map[string]time.Time `json:"times,omitempty"`
	SignaturePresent  bool                 `json:"signature_present"`
	SignatureVerified bool                 `json:"signature_verified"`
	Valid             *bool                `json:"valid,omitempty"` // only with --verify
	Checks            []jwt.Check          `json:"checks,omitempty"`
	Warnings          []jwt.Warning        `json:"warnings"`
}

// printJSON writes one object, in one line where there are many tokens.
func (d *decoder) printJSON(found jwt.Found, t *jwt.Token, verdict *jwt.Verdict, many bool) error {
	form := d.jsonForm(t)
	form.Name = found.Name
	if verdict != nil {
		valid := verdict.Valid()
		form.Valid, form.Checks, form.SignatureVerified = &valid, verdict.Checks, verdict.Passed(jwt.CheckSignature)
	}
	if many {
		return console.WriteJSONLine(d.out, form)
	}
	return console.WriteJSON(d.out, form)
}

func (d *decoder) jsonForm(t *jwt.Token) *decoded {
	form := &decoded{
		Kind: t.Kind, Reason: t.Reason, Length: t.Length, Header: t.HeaderJSON, Claims: t.ClaimsJSON,
		Payload: string(t.Payload), SignaturePresent: t.HasSignature, Warnings: t.Warnings(d.now),
		Times: map[string]time.Time{},
	}
	if form.Warnings == nil {
		form.Warnings = []jwt.Warning{}
	}
	for _, c := range t.Claims {
		if !c.Time.IsZero() {
			form.Times[c.Name] = c.Time
		}
	}
	if t.Inner != nil {
		form.Inner = d.jsonForm(t.Inner)
	}
	return form
}

// printClaim prints what a path leads to: text as it is, all else as JSON.
func (d *decoder) printClaim(ctx context.Context, t *jwt.Token) error {
	if t.Kind != jwt.KindJWT {
		return fault.New(fault.Other, "authctl decode shows what it is", "the token has no claims")
	}
	claims := json.NewDecoder(bytes.NewReader(t.ClaimsJSON))
	claims.UseNumber()
	var value any
	if err := claims.Decode(&value); err != nil {
		return err
	}
	result, err := jq.First(ctx, d.o.claim, jq.Input{Value: value, Now: d.now})
	switch text, isText := result.(string); {
	case err != nil:
		return fault.New(fault.Other, "", "--claim %s: %w", d.o.claim, err)
	case result == nil:
		return fault.New(fault.Other, "authctl decode shows all claims", "the token has no %s", d.o.claim)
	case isText && d.output != outputJSON:
		_, err := io.WriteString(d.out, fmt.Sprintln(console.Sanitize(text)))
		return err
	}
	return console.WriteJSONLine(d.out, result)
}
