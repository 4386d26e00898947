//go:build !linux

package cli

import (
	"context"

	"github.com/authctl/authctl/pkg/fault"
)

// execFresh needs files in memory that others can open by their path.
func (a *app) execFresh(context.Context, string, []string, []string, []*grant) error {
	return fault.New(fault.Usage, "let the program run authctl token", "--refresh-file needs Linux")
}
