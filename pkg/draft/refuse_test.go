package draft_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/draft"
	"github.com/authctl/authctl/pkg/fault"
)

// told is an error as a person sees it.
type told struct{ Message, Hint string }

func tell(err error) told {
	if err == nil {
		return told{}
	}
	return told{err.Error(), fault.HintOf(err)}
}

// What no profile can say, or nobody can read, is told with the word.
func TestFromCurlRefuses(t *testing.T) {
	t.Parallel()
	const whole = "paste the whole command"
	tests := map[string]told{
		"":                                  {"no curl command was found", "paste the command as the vendor's page shows it"},
		"wget https://x.test":               {"no curl command was found", "paste the command as the vendor's page shows it"},
		"curl -X POST":                      {"the curl command names no address", "paste the whole command, with its https://… address"},
		"curl -X":                           {"nothing follows curl's option -X", whole},
		"curl --header":                     {"nothing follows curl's option --header", whole},
		"curl https://x.test -X 'GET /'":    {"-X: no method follows", "write -X POST"},
		"curl https://x.test -d 'a":         {"the command cannot be read: a ' is opened and not closed", whole},
		`curl https://x.test -d "a`:         {`the command cannot be read: a " is opened and not closed`, whole},
		"T=$(curl https://x.test":           {"the command cannot be read: a command is opened by $( or ` and not closed", whole},
		"curl https://x.test -d @- <<EOF\n": {"the command cannot be read: <<EOF: the line EOF that ends the text is missing", whole},
		"curl --wibble=s3cr3t https://x.test": {
			"curl's option --wibble is not known here", "leave it out if the request is the same without it",
		},
		"curl -sZs3cr3t https://x.test":                       {"curl's option -Z is not known here", "leave it out if the request is the same without it"},
		"curl https://x.test -F a=s3cr3t":                     {"-F sends a multipart form, and a profile cannot say that", "if the API takes a plain form too, write the fields with -d"},
		"curl https://x.test --digest":                        {"--digest: authctl knows HTTP Basic, headers and bodies", "look for another login of this API"},
		"curl https://x.test -d @body.json":                   {"-d @body.json: the file is not looked at", "paste what stands in the file in place of @body.json"},
		"curl https://x.test -H @headers":                     {"-H @file: the file is not looked at", "write the lines of the file with -H"},
		"curl https://x.test -H 'a b: c'":                     {"-H: what stands before the colon is no name for a header", "write -H 'Name: value'"},
		"curl https://x.test s3cr3t":                          {"the curl command names two addresses, or a word too many", "put a text with blanks in quotes, and write one address to a command"},
		"curl ftp://x.test":                                   {"ftp: is no scheme that authctl speaks", "paste a command whose address begins with https://"},
		"curl https://":                                       {"the address names no host that can be read, or another scheme than https", "write https://host/path"},
		"curl https://x.test/" + strings.Repeat("a", 300<<10): {"the command cannot be read: it is longer than 256 KiB", whole},
		"curl " + strings.Repeat("$(curl ", 20) + "https://x.test" + strings.Repeat(")", 20): {"the command cannot be read: commands stand in commands too deep", whole},
	}
	for command, want := range tests {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			_, err := draft.FromCurl(command)
			if diff := cmp.Diff(want, tell(err)); diff != "" {
				t.Errorf("%.80s\n%s", command, diff)
			}
			if err != nil && (fault.KindOf(err) != fault.Usage || strings.Contains(err.Error()+fault.HintOf(err), "s3cr3t")) {
				t.Errorf("%.80s: kind %v, or a secret in %q", command, fault.KindOf(err), err)
			}
		})
	}
}

func TestOpenAPIRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]told{
		"[":                         {"this is no OpenAPI document: it cannot be read", "name a file in JSON or YAML"},
		"just text":                 {"this is no OpenAPI document: it cannot be read", "name a file in JSON or YAML"},
		"info: {}":                  {"this is no OpenAPI document: neither openapi: nor swagger: stands in it", "it says openapi: 3.x or swagger: 2.0 in its first lines"},
		"openapi: 3.0.0\npaths: {}": {"the OpenAPI document does not say where the API is", "give it with --base-url https://…"},
		"openapi: 3.0.0\nservers: [{url: \"ftp://x.test\"}]": {"the address names no host that can be read, or another scheme than https", "write https://host/path"},
	}
	for document, want := range tests {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			api, err := draft.ParseOpenAPI(document, "")
			if err == nil {
				_, err = api.Draft(nil, "")
			}
			if diff := cmp.Diff(want, tell(err)); diff != "" {
				t.Errorf("%s\n%s", document, diff)
			}
		})
	}
}

// Schemas that name each other do not keep the program busy.
func TestOpenAPIBounds(t *testing.T) {
	t.Parallel()
	document := "openapi: 3.0.0\nservers: [{url: https://x.test}]\npaths: {/login: {post: {requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}}}\ncomponents: {schemas: {A: {required: [password], properties: {password: {type: string}"
	for _, name := range strings.Split("bcdefghijklmnopqrstuvwxyz", "") {
		document += ", " + name + ": {$ref: '#/components/schemas/A'}"
	}
	api, err := draft.ParseOpenAPI(document+"}}}}", "")
	if err != nil {
		t.Fatal(err)
	}
	login, _ := api.Choose("")
	if login == nil {
		t.Fatal("no login was found")
	}
	d, err := api.Draft(login, "")
	if err != nil {
		t.Fatal(err)
	}
	d.Name = "x"
	d.Expect()
	valid(t, d.Text())
}

// A ready profile with one's own name and host; its path and comments stay.
func TestAdapt(t *testing.T) {
	t.Parallel()
	const one = "version: 1\nprofiles:\n  apic: # Cisco\n    base_url: \"https://apic.example.org/api\"\n    login: {request: POST /aaaLogin, token: .t}\n"
	const two = "version: 1\nprofiles:\n  acme:\n    # two places\n    environments:\n      test: https://test.acme.test/v1\n      # the real one\n      production: https://acme.test/v1\n    login: {request: POST /login, token: .t}\n"
	tests := map[string]struct{ text, from, name, base, want string }{
		"nothing": {two, "acme", "acme", "", two},
		"host": {
			two, "acme", "mine", "https://acme.lab.test/",
			"version: 1\nprofiles:\n  mine:\n    # two places\n    base_url: https://acme.lab.test/v1\n    login: {request: POST /login, token: .t}\n",
		},
		"path": {
			one, "apic", "lab", "https://lab.test/apic/api",
			"version: 1\nprofiles:\n  lab: # Cisco\n    base_url: https://lab.test/apic/api\n    login: {request: POST /aaaLogin, token: .t}\n",
		},
		"host alone": {
			one, "apic", "apic", "https://lab.test:8443",
			"version: 1\nprofiles:\n  apic: # Cisco\n    base_url: https://lab.test:8443/api\n    login: {request: POST /aaaLogin, token: .t}\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := draft.Adapt(test.text, test.from, test.name, test.base)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			valid(t, got)
		})
	}
}
