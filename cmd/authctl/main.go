// Command authctl logs in to token APIs, stores the tokens, keeps them alive
// and inspects them.
package main

import (
	"os"

	"github.com/authctl/authctl/pkg/cli"
)

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

func main() {
	os.Exit(cli.Main(cli.System(version)))
}
