package draft_test

import (
	"strings"
	"testing"

	"github.com/authctl/authctl/pkg/draft"
)

// Constants that are secrets by their looks or by the name of their field do not
// stay in the profile, wherever they stand; each holds "zq7".
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{
		"looks, unknown field":   `curl https://x.test/login -d '{"foo":"zq7f86d081884c7d659a2feaa0c55ad015"}'`,
		"looks, list":            `curl https://x.test/login -d '{"foo":["zq7f86d081884c7d659a2feaa0c55ad015"]}'`,
		"looks, within a text":   `curl https://x.test/login -H 'X-Foo: <a>zq7f86d081884c7d659a2feaa0c55ad015'`,
		"looks, path":            `curl -X POST https://x.test/login/zq7f86d081884c7d659a2feaa0c55ad015`,
		"looks, query":           `curl -X POST 'https://x.test/login?foo=zq7f86d081884c7d659a2feaa0c55ad015'`,
		"name, signature":        `curl https://x.test/login -d 'signature=Zq7-short'`,
		"name, number":           `curl https://x.test/login -d '{"pin":0.0, "password": 7707, "x_secret":"zq7"}'`,
		"name, XML":              `curl https://x.test/login -d '<l><password>zq7</password><s:pin xmlns:s="u">Zq7</s:pin></l>'`,
		"cookie":                 `curl -X POST https://x.test/login -b 'sid=zq7'`,
		"userinfo":               `curl https://ada:zq7@x.test/login`,
		"braces":                 `curl https://x.test/login -d '{"foo":"{{zq7"}'`,
		"a variable's own value": "KEY=zq7\ncurl https://x.test/login -d \"key=$KEY\"",
		"bearer oauth2":          `curl https://x.test/me --oauth2-bearer zq7`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := draft.FromCurl(command)
			if err != nil {
				t.Fatal(err)
			}
			d.Name = "x"
			d.Expect()
			valid(t, d.Text())
			if strings.Contains(strings.ToLower(d.Text()+strings.Join(d.Notes, " ")), "zq7") {
				t.Errorf("a secret stays:\n%s", d.Text())
			}
		})
	}
}

// A key of an answer that is longer than any name tends to be a token itself.
func TestLongKeysStayOut(t *testing.T) {
	t.Parallel()
	d, err := draft.FromCurl(`curl https://x.test/login -d user=a -d password=b`)
	if err != nil {
		t.Fatal(err)
	}
	if d.Look(draft.ParseAnswer(`{"`+strings.Repeat("zq7", 20)+`":{"token":"abc"}}`), false) {
		t.Errorf("a key is shown: %s", d.Token)
	}
}
