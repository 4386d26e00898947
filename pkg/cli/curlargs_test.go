package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

func atAPI() func(string) (string, error) {
	pass := session.Pass{API: mustParse("https://api.example.com/v1/"), Reach: token.Reach{"https://api.example.com:443", "https://*.files.example.com:443"}}
	return placeURL(pass.API, pass.Admits)
}

func TestParseCurl(t *testing.T) {
	t.Parallel()
	type result struct {
		Args       string
		URLs       string
		Repeatable bool
		PlainBody  bool
	}
	tests := map[string]result{
		"/me":                           {"https://api.example.com/v1/me", "https://api.example.com/v1/me", true, true},
		"https://api.example.com/x?y#z": {"https://api.example.com/x?y#z", "https://api.example.com/x?y#z", true, true},
		"https://a.files.example.com/":  {"https://a.files.example.com/", "https://a.files.example.com/", true, true},
		"-sSf /me":                      {"-sSf https://api.example.com/v1/me", "https://api.example.com/v1/me", true, true},
		"-sXPOST -d @body /me":          {"-sXPOST -d @body https://api.example.com/v1/me", "https://api.example.com/v1/me", true, true},
		"-d @- /me":                     {"-d @- https://api.example.com/v1/me", "https://api.example.com/v1/me", false, true},
		"-Ff=<- /me":                    {"-Ff=<- https://api.example.com/v1/me", "https://api.example.com/v1/me", false, true},
		"-T. /me":                       {"-T. https://api.example.com/v1/me", "https://api.example.com/v1/me", false, true},
		"-o - /me":                      {"-o - https://api.example.com/v1/me", "https://api.example.com/v1/me", true, false},
		"-i /me":                        {"-i https://api.example.com/v1/me", "https://api.example.com/v1/me", true, false},
		"-D h /me":                      {"-D h https://api.example.com/v1/me", "https://api.example.com/v1/me", false, true},
		"/a /b":                         {"https://api.example.com/v1/a https://api.example.com/v1/b", "https://api.example.com/v1/a https://api.example.com/v1/b", false, true},
		"/{a,b}":                        {"https://api.example.com/v1/{a,b}", "https://api.example.com/v1/{a,b}", false, true},
		"--url /me":                     {"https://api.example.com/v1/me", "https://api.example.com/v1/me", true, true},
		"--data x --no-buffer /me":      {"--data x --no-buffer https://api.example.com/v1/me", "https://api.example.com/v1/me", true, true},
		"-H -L -- /me":                  {"-H -L -- https://api.example.com/v1/me", "https://api.example.com/v1/me", true, true},
		"-dX: /me":                      {"-dX: https://api.example.com/v1/me", "https://api.example.com/v1/me", true, true},
	}
	for line, want := range tests {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			c, err := parseCurl(strings.Fields(line), atAPI())
			if err != nil {
				t.Fatal(err)
			}
			got := result{strings.Join(c.args, " "), strings.Join(c.urls, " "), c.repeatable(), c.plainBody()}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestThreat03_CurlGoesNowhereElse gives what would lead curl, but perhaps not a
// careless reader, to another host, or the token to a file.
func TestThreat03_CurlGoesNowhereElse(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"https://evil.test/", "http://api.example.com/", "https://api.example.com:444/", "https://api.example.com@evil.test/",
		"https://evil.test#@api.example.com/", `https://evil.test\@api.example.com/`, "https://api.example.com.evil.test/", "https://files.example.com/",
		"https://{api.example.com,evil.test}/", "https://api.example.com{/,@evil.test/}", "https://[a-z].files.example.com/", "https://a,b.files.example.com/", "https:/evil.test/", "https:///evil.test/",
		"evil.test", "api.example.com/me", "//evil.test/../..:x@evil", "ftp://api.example.com/", "file:///etc/passwd", "https://%65vil.test/", "https://api.example.com%2f@evil.test/",
		"--url https://evil.test/", "/a https://evil.test/", "-o x https://evil.test/", "-- https://evil.test/", "-sSo x https://evil.test/",
		"-L /a", "-sL /a", "--location /a", "--loc /a", "--location-trusted /a", "--follow /a", "-K x /a", "-Kx /a", "--config x /a", "-: /a", "--next /a",
		"-k /a", "--insecure /a", "--no-insecure /a", "--connect-to ::evil.test:443 /a", "--resolve *:443:127.0.0.1 /a", "--unix-socket x /a", "--trace x /a", "--trace-ascii - /a",
		"--libcurl x /a", "--stderr x /a", "--noproxy x /a", "-n /a", "-u a:b /a", "--oauth2-bearer x /a", "--variable x /a", "--expand-url x /a", "--unknown /a", "-é /a",
		"-HHost:evil.test /a", "-H host:evil.test /a", "-H @file /a", "-d", "--data",
	} {
		placed, err := parseCurl(strings.Fields(line), atAPI())
		if line == "//evil.test/../..:x@evil" { // is a path, after a host that stays
			if err != nil || placed.urls[0] != "https://api.example.com/v1"+line {
				t.Errorf("%s: %v", line, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("curl %s was taken, as %q", line, placed.args)
		}
	}
}

// TestCurlKnowsItsOptions compares our list with the curl that is here: each
// option takes a value there if it does here.
func TestCurlKnowsItsOptions(t *testing.T) {
	t.Parallel()
	help, err := exec.Command("curl", "--help", "all").Output()
	if err != nil {
		t.Skip("curl is not here")
	}
	language, seen := newCurlLanguage(), 0
	for line := range strings.Lines(string(help)) {
		_, rest, found := strings.Cut(line, "--")
		if !found {
			continue
		}
		name, rest, _ := strings.Cut(rest, " ")
		takes, known := language.takes[strings.TrimPrefix(name, "no-")]
		if !known {
			takes, known = language.takes[name]
		}
		if !known {
			continue
		}
		seen++
		if there := strings.HasPrefix(rest, "<") || strings.HasPrefix(rest, "["); there != takes {
			t.Errorf("--%s takes a value: %v here, %v in curl", name, takes, there)
		}
		if short := strings.TrimSpace(line)[:2]; short[1] != '-' && language.short[rune(short[1])] != name {
			t.Errorf("%s is %q here and --%s in curl", short, language.short[rune(short[1])], name)
		}
	}
	if seen < 100 {
		t.Errorf("only %d options were compared", seen)
	}
}
