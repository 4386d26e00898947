package profile_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/profile"
)

func TestExampleIsTheFile(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../../profiles.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(file), profile.Example()); diff != "" {
		t.Errorf("pkg/profile/example.yaml is old: run make examples\n%s", diff)
	}
}
