package profile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestMistakes reads profiles that people get wrong. What they are to be told
// stands at the end of each file, in comments: "#! line:column text | hint".
func TestMistakes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "mistakes", "*.yaml"))
	if err != nil || len(files) < 43 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(data)) {
				if expected, ok := strings.CutPrefix(line, "#! "); ok {
					want = append(want, strings.TrimSuffix(expected, "\n"))
				}
			}
			got := problems(t, data)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nif the answers are right, the file ends:\n#! %s", diff, strings.Join(got, "\n#! "))
			}
			for _, said := range got {
				if strings.Contains(said, "opal-7Q") {
					t.Errorf("it shows a secret: %s", said)
				}
			}
		})
	}
}
