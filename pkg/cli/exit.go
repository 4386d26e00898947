package cli

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
)

// exitRow is one line of the contract between authctl and scripts.
type exitRow struct {
	code    int
	meaning string
	kinds   []fault.Kind
}

// exitTable is the one place where errors become exit codes. README and the
// help of every command print it.
func exitTable() []exitRow {
	return []exitRow{
		{0, "done", nil},
		{1, "anything else", []fault.Kind{fault.Other}},
		{2, "usage", []fault.Kind{fault.Usage}},
		{3, "login needed: no session, or it is over and cannot be renewed without a person", []fault.Kind{fault.LoginNeeded}},
		{4, "refused by the server: wrong credentials, token rejected, too many requests", []fault.Kind{fault.Refused, fault.RateLimited}},
		{5, "store unavailable, locked, full or damaged", []fault.Kind{fault.Store}},
		{6, "server unreachable, TLS failure, timeout", []fault.Kind{fault.Unreachable}},
		{7, "server answered something unusable (5xx, not JSON, no token in it)", []fault.Kind{fault.BadAnswer}},
		{8, "profile or configuration wrong", []fault.Kind{fault.Profile}},
		{9, "token not valid", []fault.Kind{fault.NotValid}},
		{130, "interrupted", []fault.Kind{fault.Interrupted}},
	}
}

// exitCode returns the exit code for an error; nil stands for a defect.
func exitCode(err error) int {
	var child childExit
	if errors.As(err, &child) {
		return int(child)
	}
	kind := fault.Other
	if err != nil {
		kind = fault.KindOf(err)
	}
	for _, row := range exitTable() {
		for _, k := range row.kinds {
			if k == kind {
				return row.code
			}
		}
	}
	return 1
}

// usageError gives an error of the command line its kind and the way to help.
func usageError(root *cobra.Command, err error, args []string) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	hint := "authctl --help"
	if cmd, rest, findErr := root.Find(args); findErr == nil {
		hint = cmd.CommandPath() + " --help"
	} else if len(rest) > 0 {
		if near := cmd.SuggestionsFor(rest[0]); len(near) > 0 {
			hint = "did you mean " + cmd.CommandPath() + " " + near[0] + "?"
		}
	}
	return &fault.Error{Kind: fault.Usage, Err: err, Hint: hint}
}

// printError prints an error for a person, or as JSON where the command was
// asked for JSON.
func (a *app) printError(err error) {
	var child childExit
	if errors.As(err, &child) || slices.Contains(a.silent, fault.KindOf(err)) {
		return
	}
	if a.output == outputJSON {
		// Where standard error cannot be written there is nobody to tell.
		_ = console.PrintErrorJSON(a.err, err, exitCode(err))
		return
	}
	console.PrintError(a.err, err)
}
