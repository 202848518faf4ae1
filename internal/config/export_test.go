package config

import "strings"

// What the tests of the schema, which stand outside, share with these.
const (
	Sound   = sound
	Minimal = minimal
)

// BadInput is a text with something wrong in it.
type BadInput struct{ Name, Text string }

// BadInputs are the bad inputs as whole texts.
func BadInputs() []BadInput {
	var all []BadInput
	for _, b := range badInputs {
		all = append(all, BadInput{b.name, strings.Replace(sound, b.instead, b.write, 1)})
	}
	return all
}
