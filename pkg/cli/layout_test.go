package cli_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/authctl/authctl/"

// layers lists our packages from the bottom to the top: each may import those
// above it in this list and no others.
func layers() []string {
	return []string{
		"pkg/fault", "pkg/token", "pkg/jwt", "pkg/jq", "pkg/xmltree", "pkg/console", "pkg/store", "pkg/profile", "pkg/draft",
		"pkg/place", "pkg/call", "pkg/jwks", "pkg/gallery", "pkg/session", "pkg/authctl", "pkg/cli", "cmd/authctl",
	}
}

// homes says which packages may import a library outside the standard library
// and golang.org/x.
func homes() map[string][]string {
	return map[string][]string{
		"filippo.io/age":                {"pkg/store"},
		"github.com/agnivade/":          {"pkg/profile"},
		"github.com/fatih/color":        {"pkg/console"},
		"github.com/godbus/dbus":        {"pkg/store", "cmd/authbench/direct"},
		"github.com/gofrs/flock":        {"pkg/store"},
		"github.com/golang-jwt/jwt":     {"pkg/jwt", "pkg/sim"},
		"github.com/google/renameio":    {"pkg/store"},
		"github.com/google/uuid":        {"pkg/jq"},
		"github.com/itchyny/gojq":       {"pkg/jq"},
		"github.com/mattn/go-":          {"pkg/console"},
		"github.com/pquerna/otp":        {"pkg/jq"},
		"github.com/spf13/cobra":        {"pkg/cli", "cmd/authsim"},
		"github.com/spf13/viper":        {"pkg/cli"},
		"github.com/zalando/go-keyring": {"pkg/store"},
		"go.yaml.in/yaml":               {"pkg/profile", "pkg/draft"},
	}
}

type goPackage struct {
	ImportPath string
	Doc        string
	Imports    []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Doc,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// Imports go one way, and every package says what it is for.
func TestLayout(t *testing.T) {
	t.Parallel()
	order := layers()
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if p.Doc == "" {
			t.Errorf("%s has no package comment", name)
		}
		place := slices.Index(order, name)
		for _, imported := range p.Imports {
			inner, ours := strings.CutPrefix(imported, module)
			if ours && place >= 0 && !(slices.Index(order, inner) >= 0 && slices.Index(order, inner) < place) {
				t.Errorf("%s imports %s, which is not below it", name, inner)
			}
			if !ours {
				checkHome(t, name, imported)
			}
		}
	}
}

// Each library lives in one package, so that it can be exchanged there.
func checkHome(t *testing.T, name, imported string) {
	t.Helper()
	host, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(host, ".") || host == "golang.org" || name == "pkg/store/storetest" {
		return
	}
	for library, packages := range homes() {
		if strings.HasPrefix(imported, library) {
			if !slices.Contains(packages, name) {
				t.Errorf("%s imports %s, which belongs in %v", name, imported, packages)
			}
			return
		}
	}
	t.Errorf("%s imports %s, which has no home", name, imported)
}

// What only the tests and the simulation need is not in the program.
func TestProgramHoldsNoSimulation(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", module+"cmd/authctl").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{"pkg/sim", "storetest", "testing", "net/http/httptest"} {
		for line := range strings.Lines(string(out)) {
			if line = strings.TrimSpace(line); line == unwanted || strings.HasPrefix(line, module) && strings.Contains(line, unwanted) {
				t.Errorf("authctl is linked with %s", line)
			}
		}
	}
}
