package jq

import (
	"context"
	"time"
)

// Mark names an expression.
type Mark struct{ Name, Expr string }

// Marked is a stub.
func Marked(ctx context.Context, in Input, marks []Mark) (string, []Mark) {
	return Shape(in.Value), nil
}

// TOTP is a stub.
func TOTP(secret string, at time.Time) (string, error) { return secret, nil }
