package profile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/profile"
)

func TestVariables(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		name string
		env  profile.Pairs
		want [][2]string
	}{
		"after the profile": {"haut-ai", nil, [][2]string{{"HAUT_AI_TOKEN", "{{token}}"}}},
		"a digit first":     {"2captcha", nil, [][2]string{{"_2CAPTCHA_TOKEN", "{{token}}"}}},
		"authctl's own":     {"authctl.x", nil, [][2]string{{"_AUTHCTL_X_TOKEN", "{{token}}"}}},
		"as written": {
			"p", profile.Pairs{{Name: profile.Template{Text: "A"}, Value: profile.Template{Text: "{{base_url}}"}}},
			[][2]string{{"A", "{{base_url}}"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &profile.Profile{Name: test.name, Env: profile.Env{Pairs: test.env}}
			var got [][2]string
			for _, pair := range p.Variables() {
				got = append(got, [2]string{pair.Name.Text, pair.Value.Text})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
