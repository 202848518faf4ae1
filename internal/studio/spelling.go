package studio

import "strings"

// Nearest is the word that was probably meant by one that is none of them, or
// "". Upper and lower case count as the same letter; three slips are another
// word.
func Nearest(got string, words []string) string {
	best, nearest := 3, ""
	for _, w := range words {
		d := slips(strings.ToLower(got), strings.ToLower(w))
		if d < best && d < len(w) {
			best, nearest = d, w
		}
	}
	return nearest
}

// slips counts the letters to insert, drop or change, at most 3.
func slips(a, b string) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
