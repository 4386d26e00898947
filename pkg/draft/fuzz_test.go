package draft_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authctl/authctl/pkg/draft"
)

// seeds are the inputs of the table tests.
func seeds(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		input, _, _ := strings.Cut(string(data), "\n---\n")
		f.Add(input)
	}
}

// Whatever is pasted: an error, or a profile that loads and has no mistake.
func FuzzFromCurl(f *testing.F) {
	seeds(f, "testdata/curl/*.txt")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := draft.FromCurl(text)
		if err != nil {
			return
		}
		d.Name = draft.SuggestName(d.Host())
		d.Expect()
		valid(t, d.Text())
		if d.Asks() {
			valid(t, d.Probe())
		}
	})
}

// Likewise for a password in a form, in JSON and in Basic: it never gets into
// the profile.
func FuzzSecretStaysOut(f *testing.F) {
	for _, secret := range []string{"s3cr3t-Pa$$word", `quo"te`, "${x}", "<tag>", "a&b=c", "my-dog-rex", "{{password}}", "0123456789012345"} {
		f.Add(secret)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		if strings.ContainsAny(secret, "'\\\r\n^`\x00“”‘’\u00a0") {
			return
		}
		const mark = "zq7"
		secret = mark + secret
		for _, command := range []string{
			`curl https://api.acme.test/v1/login -u 'ada:` + secret + `'`,
			`curl https://api.acme.test/v1/login --data-urlencode 'user=ada' --data-urlencode 'pass=` + secret + `'`,
			`curl https://api.acme.test/v1/login -H "Authorization: Basic ` + base64.StdEncoding.EncodeToString([]byte("ada:"+secret)) + `"`,
			`curl https://api.acme.test/v1/me -H 'Authorization: Bearer ` + secret + `'`,
		} {
			d, err := draft.FromCurl(command)
			if err != nil {
				continue
			}
			d.Name = "acme"
			d.Expect()
			if strings.Contains(strings.ToLower(d.Text()+strings.Join(d.Notes, "")), mark) {
				t.Errorf("%q stays in the profile:\n%s", secret, d.Text())
			}
		}
	})
}

// Whatever a document says: an error, or a profile that loads.
func FuzzOpenAPI(f *testing.F) {
	seeds(f, "testdata/openapi/*.txt")
	f.Fuzz(func(t *testing.T, text string) {
		api, err := draft.ParseOpenAPI(text, "https://api.acme.test/openapi.json")
		if err != nil {
			return
		}
		logins := []*draft.Login{nil}
		for i := range api.Logins {
			logins = append(logins, &api.Logins[i])
		}
		for _, login := range logins {
			d, err := api.Draft(login, "")
			if err != nil {
				continue
			}
			d.Name = "acme"
			d.Expect()
			valid(t, d.Text())
		}
	})
}

// Whatever an answer holds: nothing, or readings that can be written.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{`{"data":{"token":"eyJhbGciOi.eyJzdWIi.x"}}`, "HTTP/1.1 200 OK\nX-Auth-Token: abc\n\n{}", "opaque", `[{"a-b":{"access_token":"x"}}]`} {
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		d, err := draft.FromCurl(`curl https://api.acme.test/token -d grant_type=password -d username=x -d password=y`)
		if err != nil {
			t.Fatal(err)
		}
		d.Name = "acme"
		d.Look(draft.ParseAnswer(answer), false)
		d.Expect()
		valid(t, d.Text())
	})
}
