package simulation

import (
	"encoding/json"
	"iter"
	"strings"
)

// known is how ids begin that are the same in each telling of a story.
const known = "00000000-"

const uuidLength = 36

// words cuts a text into words, which ids are, and what is between them.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for from := 0; from < len(text); {
			to := from + 1
			for inside := isWord[text[from]]; inside && to < len(text) && isWord[text[to]]; {
				to++
			}
			if !yield(text[from:to]) {
				return
			}
			from = to
		}
	}
}

// isWord has the bytes that words are made of.
var isWord = func() (is [256]bool) {
	for _, c := range "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		is[c] = true
	}
	return is
}()

// plain is a word without what is drawn anew each time, and means nothing; called
// has what is to be said in place of others.
func plain(word string, called map[string]string) string {
	if len(word) < 14 {
		return word
	}
	if name, yes := called[word]; yes {
		return name
	}
	if at := len(word) - uuidLength; at >= 0 && isUUID(word[at:]) {
		if strings.HasPrefix(word[at:], known) {
			return word
		}
		return word[:at] + "*"
	}
	switch {
	case len(word) == 26 && only(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
		len(word) == 64 && only(word, hex),
		len(word) == 20 && strings.HasPrefix(word, "apl-") && only(word[4:], hex),
		len(word) == 20 && strings.HasPrefix(word, "fs-") && only(word[3:], hex):
		return "*"
	}
	return word
}

const hex = "0123456789abcdef"

func only(word, of string) bool { return strings.Trim(word, of) == "" }

func isUUID(word string) bool {
	return len(word) == uuidLength && word[8] == '-' && word[13] == '-' && word[18] == '-' && word[23] == '-' && only(word, hex+"-")
}

// label is a request with everything left out that differs from one telling of a
// story to the next.
func label(body []byte, called map[string]string) string {
	var sorted any
	if json.Unmarshal(body, &sorted) == nil {
		body, _ = json.Marshal(sorted) // what was decoded can be encoded
	}
	var out strings.Builder
	for word := range words(string(body)) {
		out.WriteString(plain(word, called))
	}
	return out.String()
}

// content is a number for what a label says, in whatever order it says it.
func content(body []byte, called map[string]string) (sum uint64) {
	for word := range words(string(body)) {
		sum += hashed(plain(word, called))
	}
	return sum
}

// hashed is FNV-1a of a word.
func hashed(word string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(word) {
		h = (h ^ uint64(word[i])) * 1099511628211
	}
	return mixed(h)
}

// mixed makes one number of several.
func mixed(numbers ...uint64) (x uint64) {
	for _, n := range numbers {
		x = (x ^ n) * 0xff51afd7ed558ccd
		x ^= x >> 33
		x *= 0xc4ceb9fe1a85ec53
		x ^= x >> 29
	}
	return x
}
