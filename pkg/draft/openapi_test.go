package draft_test

import (
	"testing"

	"github.com/authctl/authctl/pkg/draft"
)

// Documents of different shapes, and the whole profile that each gives.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/openapi/*.txt", 5, func(t *testing.T, document string) string {
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
		return d.Text()
	})
}
