package token_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/token"
)

// TestThreat01_OriginHasOneForm compares origins as the rule "exact match
// before any secret" does.
func TestThreat01_OriginHasOneForm(t *testing.T) {
	t.Parallel()
	type result struct {
		Origin token.Origin
		Error  string
	}
	tests := map[string]result{
		"https://api.example.com":             {Origin: "https://api.example.com:443"},
		"https://api.example.com/":            {Origin: "https://api.example.com:443"},
		"HTTPS://API.Example.COM/a?b#c":       {Origin: "https://api.example.com:443"},
		"https://api.example.com:443":         {Origin: "https://api.example.com:443"},
		"https://api.example.com:":            {Origin: "https://api.example.com:443"},
		"https://api.example.com.":            {Origin: "https://api.example.com:443"},
		"https://api.example.com:444":         {Origin: "https://api.example.com:444"},
		"https://api.example.com:0443":        {Origin: "https://api.example.com:0443"}, // not taken for equal
		"https://user:pw@api.example.com":     {Origin: "https://api.example.com:443"},
		"https://api.example.com@evil.test/":  {Origin: "https://evil.test:443"},
		"https://api.example.com:80@evil/":    {Origin: "https://evil:443"},
		"https://api.example.com.evil.test":   {Origin: "https://api.example.com.evil.test:443"},
		"http://api.example.com":              {Origin: "http://api.example.com:80"},
		"http://127.0.0.1:8080/api":           {Origin: "http://127.0.0.1:8080"},
		"http://[::1]:8080":                   {Origin: "http://[::1]:8080"},
		"http://[::1]":                        {Origin: "http://[::1]:80"},
		"https://[2001:DB8::1]":               {Origin: "https://[2001:db8::1]:443"},
		"ftp://api.example.com":               {Error: `"ftp://api.example.com" is neither https nor http`},
		"file:///etc/passwd":                  {Error: `"file:///etc/passwd" names no host`},
		"/login":                              {Error: `"/login" names no host`},
		"https:api.example.com":               {Error: `"https:api.example.com" names no host`},
		"javascript:alert(1)":                 {Error: `"javascript:alert(1)" names no host`},
		"gopher://user:opal-7Q@example.com/x": {Error: `"gopher://user:xxxxx@example.com/x" is neither https nor http`},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			origin, err := token.OriginOf(u)
			got := result{Origin: origin}
			if err != nil {
				got.Error = err.Error()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKeyID writes down the names under which sessions are stored: a change
// here would log everybody out.
func TestKeyID(t *testing.T) {
	t.Parallel()
	key := token.Key{Origin: "https://api.example.com:443", Profile: "p", Environment: "e", Account: "default"}
	if got, want := key.ID(), "v1.3e8c1fa1b9f27fdd1dfcd451edf29c473e570393899eecd8361f9ddaea351a66"; got != want {
		t.Errorf("ID is %s, want %s", got, want)
	}
	// Parts that run into each other, or hold what separates them, stay apart.
	keys := []token.Key{
		key,
		{Origin: "https://api.example.com:443", Profile: "pe", Account: "default"},
		{Origin: "https://api.example.com:443", Profile: "p", Environment: "", Account: "edefault"},
		{Origin: "https://api.example.com:443", Profile: `p","e`, Account: "default"},
		{Origin: "https://api.example.com:444", Profile: "p", Environment: "e", Account: "default"},
		{Origin: "http://api.example.com:443", Profile: "p", Environment: "e", Account: "default"},
		{Origin: "https://api.example.com:443", Profile: "P", Environment: "e", Account: "default"},
		{Origin: "https://api.example.com:443", Profile: "p", Environment: "e", Account: "default "},
		{},
	}
	seen := map[string]token.Key{}
	for _, k := range keys {
		if other, twice := seen[k.ID()]; twice {
			t.Errorf("%+v and %+v have the same ID", k, other)
		}
		seen[k.ID()] = k
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		at   time.Time
		ttl  time.Duration
		want bool
	}{
		"no end is known":         {time.Time{}, time.Hour, true},
		"a second left":           {now.Add(time.Second), 0, true},
		"over just now":           {now, 0, false},
		"over":                    {now.Add(-time.Second), 0, false},
		"lasts longer than asked": {now.Add(time.Hour + time.Second), time.Hour, true},
		"lasts exactly as asked":  {now.Add(time.Hour), time.Hour, false},
		"another zone":            {now.Add(time.Second).In(time.FixedZone("x", 3600)), 0, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (token.Expiry{At: test.at}).Live(now, test.ttl); got != test.want {
				t.Errorf("live: %v, want %v", got, test.want)
			}
		})
	}
}

// TestInfoAsJSON pins the JSON that scripts read.
func TestInfoAsJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		info token.Info
		want string
	}{
		"little": {
			token.Info{Key: token.Key{Origin: "https://x:443", Profile: "p", Account: "default"}, Expiry: token.Expiry{Source: token.FromNothing}, ObtainedAt: at},
			`{"origin":"https://x:443","profile":"p","account":"default","expiry_source":"nothing said","obtained_at":"2026-01-02T12:00:00Z","long_lived":false}`,
		},
		"all": {
			token.Info{
				Key:    token.Key{Origin: "https://x:443", Profile: "p", Environment: "e", Account: "a"},
				Expiry: token.Expiry{At: at, Source: token.FromJWT}, ObtainedAt: at,
				Via: "sso", User: "u", LongLived: true, TokenID: "7", Renewable: "refresh",
			},
			`{"origin":"https://x:443","profile":"p","environment":"e","account":"a","expires_at":"2026-01-02T12:00:00Z","expiry_source":"JWT exp",` +
				`"obtained_at":"2026-01-02T12:00:00Z","via":"sso","user":"u","long_lived":true,"token_id":"7","renewable":"refresh"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(test.info)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
