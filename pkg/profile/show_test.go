package profile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/profile"
)

// shownAgain writes a profile, reads that, and writes it again.
func shownAgain(t *testing.T, p *profile.Profile) (first, second string) {
	t.Helper()
	text, err := p.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if mistakes(t, text) {
		t.Fatalf("%q in\n%s", problems(t, text), text)
	}
	catalog, err := profile.Parse("shown.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := catalog.Profile(p.Name)
	if err != nil {
		t.Fatal(err)
	}
	repeated, err := again.YAML()
	if err != nil {
		t.Fatal(err)
	}
	return string(text), string(repeated)
}

// TestShownProfileIsAProfile: what is shown is valid, and showing that shows
// the same.
func TestShownProfileIsAProfile(t *testing.T) {
	t.Parallel()
	schema := compiled(t)
	for file, root := range rightFiles(t) {
		for name, one := range oneByOne(root) {
			t.Run(file+"/"+name, func(t *testing.T) {
				t.Parallel()
				catalog, err := profile.Parse("p.yaml", marshal(t, one))
				if err != nil {
					t.Fatal(err)
				}
				p, err := catalog.Profile(name)
				if err != nil {
					t.Fatal(err)
				}
				first, second := shownAgain(t, p)
				if diff := cmp.Diff(first, second); diff != "" {
					t.Error(diff)
				}
				if err := schema.Validate(instance(t, unmarshal(t, first))); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestShownDefaults shows everything that may be left out, and odd texts.
func TestShownDefaults(t *testing.T) {
	t.Parallel()
	p := parse(t, []byte(`version: 1
profiles:
  x:
    base_url: https://{{tenant}}.example/
    inputs: {tenant: Tenant, note: {optional: true, default: "no"}}
    token: .t
    refresh_token: .r
    login: {request: "POST /login?a=b", json: {u: "{{username}}", n: "{{note}}", "yes": [0, 1.50, null, "1", true]}}
    refresh: {request: POST /refresh, form: {t: "{{refresh_token}}", list: ["1", "2"]}}
    whoami: {request: GET /me}
    tokens: {list: {request: GET /t}, create: {request: POST /t, text: "{{name}}\n"}}
`))
	first, second := shownAgain(t, p)
	want := `version: 1
profiles:
  x:
    base_url: "https://{{tenant}}.example/"
    inputs:
      tenant: {label: Tenant, secret: false, optional: false}
      note: {label: note, secret: false, optional: true, default: no}
      username: {label: User name, secret: false, optional: false}
    login:
      request: POST /login?a=b
      json: {u: "{{username}}", n: "{{note}}", yes: [0, 1.50, null, "1", true]}
      with_token: false
    refresh:
      request: POST /refresh
      form: {t: "{{refresh_token}}", list: ["1", "2"]}
      with_token: false
    whoami:
      request: GET /me
      with_token: true
    tokens:
      create:
        request: POST /t
        text: |
          {{name}}
        with_token: true
        id: .id?
      list:
        request: GET /t
        with_token: true
        expires_at: .expires_at?
        items: .
        id: .id?
        name: .name?
        created_at: .created_at?
    send: "Authorization: Bearer {{token}}"
    expired: $status == 401
    success: $status >= 200 and $status < 300
    token: .t
    refresh_token: .r
`
	if diff := cmp.Diff([]string{want, want}, []string{first, second}); diff != "" {
		t.Error(diff)
	}
}
