package token_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/token"
)

func TestParseLifetime(t *testing.T) {
	t.Parallel()
	const (
		day     = 24 * time.Hour
		form    = ": write a number and a unit, such as 90s, 15m, 10h, 30d or 1w"
		tooLong = " is too long: at most 100 years"
	)
	type result struct {
		Lifetime time.Duration
		Error    string
	}
	tests := map[string]result{
		"90s":        {Lifetime: 90 * time.Second},
		"15m":        {Lifetime: 15 * time.Minute},
		"10h":        {Lifetime: 10 * time.Hour},
		"60d":        {Lifetime: 60 * day},
		"1w":         {Lifetime: 7 * day},
		"1w2d3h4m5s": {Lifetime: 9*day + 3*time.Hour + 4*time.Minute + 5*time.Second},
		"1h30m":      {Lifetime: 90 * time.Minute},
		"0m1s":       {Lifetime: time.Second},
		"0090s":      {Lifetime: 90 * time.Second},
		"36500d":     {Lifetime: 36500 * day},

		"":                        {Error: `"" is no length of time` + form},
		"3600":                    {Error: `"3600" is no length of time` + form},
		"1h ":                     {Error: `"1h " is no length of time` + form},
		"1h\n":                    {Error: `"1h\n" is no length of time` + form},
		"-1h":                     {Error: `"-1h" is no length of time` + form},
		"+1h":                     {Error: `"+1h" is no length of time` + form},
		"1.5h":                    {Error: `"1.5h" is no length of time` + form},
		"1H":                      {Error: `"1H" is no length of time` + form},
		"30m1h":                   {Error: `"30m1h" is no length of time` + form},
		"1y":                      {Error: `"1y" is no length of time` + form},
		"１h":                      {Error: `"１h" is no length of time` + form}, // a full-width digit
		"0s":                      {Error: `"0s" is no time at all` + form},
		"0w0d0h0m0s":              {Error: `"0w0d0h0m0s" is no time at all` + form},
		"36501d":                  {Error: `"36501d"` + tooLong},
		"36500d1s":                {Error: `"36500d1s"` + tooLong},
		"99999999999999999999h":   {Error: `"99999999999999999999h"` + tooLong},
		"9223372036854775807s":    {Error: `"9223372036854775807s"` + tooLong},
		"36500d876000h52560000m":  {Error: `"36500d876000h52560000m"` + tooLong}, // the sum would overflow
		"5214w36500d876000h1m1s":  {Error: `"5214w36500d876000h1m1s"` + tooLong},
		"5214w36500d876000h2500s": {Error: `"5214w36500d876000h2500s"` + tooLong},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			lifetime, err := token.ParseLifetime(text)
			got := result{Lifetime: lifetime}
			if err != nil {
				got.Error = err.Error()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
