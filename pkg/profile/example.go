package profile

import _ "embed" // for the example

// example is a copy of profiles.example.yaml: files above this folder cannot be
// embedded. A test compares the two.
//
//go:embed example.yaml
var example string

// Example returns the example profiles, which teach the language.
func Example() string { return example }
