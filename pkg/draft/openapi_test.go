package draft_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authctl/authctl/pkg/draft"
)

// Documents of different shapes, and the whole profile that each gives.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/openapi/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			document, _, _ := strings.Cut(string(data), "\n---\n")
			document = strings.TrimRight(document, "\n")
			api, err := draft.ParseOpenAPI(document, "")
			if err != nil {
				t.Fatal(err)
			}
			login, among := api.Choose("")
			if login == nil && len(among) > 0 {
				t.Fatalf("%d logins to choose from: %v", len(among), among)
			}
			d, err := api.Draft(login, "")
			if err != nil {
				t.Fatal(err)
			}
			d.Name = "acme"
			d.Expect()
			valid(t, d.Text())
			compare(t, file, document, d.Text())
		})
	}
}
