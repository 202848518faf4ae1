package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/studio"
)

func TestAnswersToPick(t *testing.T) {
	names := []string{"alpha", "beta", "a, b", "2", "none", "10-12"}
	for answer, want := range map[string][]int{
		"1": {0}, "1,2": {0, 1}, "2 , 1": {0, 1}, "1-3": {0, 1, 2}, "2-2": {1}, "beta": {1}, "beta,1": {0, 1}, "a, b": {2}, "all": {0, 1, 2, 3, 4, 5}, "ALL": {0, 1, 2, 3, 4, 5},
		"none": nil, "10-12": {5}, "3,3": {2}, "1-2,6": {0, 1, 5},
	} {
		got, err := selection(answer, names)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %v, %v; want %v", answer, got, err, want)
		}
	}
	for _, answer := range []string{"0", "7", "3-1", "1-9", "-1", "Alpha", "alp", "1,,2", "1,x", "a", "1 2", ""} {
		if got, err := selection(answer, names); err == nil {
			t.Errorf("%q was taken for %v", answer, got)
		}
	}
}

func TestOfManyChoicesPartsOfNamesShowMore(t *testing.T) {
	var names []string
	for n := range 30 {
		names = append(names, fmt.Sprintf("team-%02d", n))
	}
	names = append(names, "Finance\x1b[2J")
	var said bytes.Buffer
	got, err := newAsker(t.Context(), strings.NewReader("fin\nnobody\n31,team-02\n"), &said).pick("Which", names, noneOfThem)
	if err != nil || !slices.Equal(got, []int{2, 30}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, want := range []string{
		"  20  team-19\n  … and 11 more;", "[none]:   31  Finance\ufffd[2J\n", `there is no "nobody" (give numbers`, "  team-02, Finance\ufffd[2J\n",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said.String())
		}
	}
	if strings.Contains(said.String(), "\x1b") {
		t.Error("a name steers the terminal")
	}
}

func TestNamesOfRoles(t *testing.T) {
	groups := []awscloud.FoundGroup{
		{ID: "00000000-0000-4000-8000-000000000001", Name: "R D"}, {ID: "00000000-0000-4000-8000-000000000002", Name: "R-D"},
		{ID: "00000000-0000-4000-8000-000000000003", Name: "R&D"}, {ID: "00000000-0000-4000-8000-000000000004", Name: "Team"},
		{ID: "00000000-0000-4000-8000-000000000005", Name: "team"}, {ID: "00000000-0000-4000-8000-000000000006", Name: "数据"},
		{ID: "00000000-0000-4000-8000-000000000007", Name: "a=b,c.d@e_f+g-"}, {ID: "00000000-0000-4000-8000-000000000008", Name: strings.Repeat("x", 70)},
	}
	want := []string{"R-D-000001", "R-D", "R-D-000003", "Team", "team-000005", "group", "a=b,c.d@e_f+g-", strings.Repeat("x", 64)}
	got := roleNames(groups, 64)
	for i, g := range groups {
		if got[g.ID] != want[i] {
			t.Errorf("%q: got %q, want %q", g.Name, got[g.ID], want[i])
		}
	}
}

func TestNoTwoGroupsShareARole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.StringMatching(`[aAbB &-]{1,4}`), rapid.StringMatching(`x{60,70}`)), 1, 40).Draw(t, "names")
		most := rapid.IntRange(20, 64).Draw(t, "most")
		var groups []awscloud.FoundGroup
		for i, name := range names {
			groups = append(groups, awscloud.FoundGroup{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Name: name})
		}
		roles := map[string]bool{}
		for id, name := range roleNames(groups, most) {
			if _, err := studio.ParseRole("arn:aws:iam::111122223333:role/studio/" + name); err != nil || len(name) > most {
				t.Fatalf("%s gets %q: %v", id, name, err)
			}
			roles[strings.ToLower(name)] = true
		}
		if len(roles) != len(groups) {
			t.Fatalf("%d groups have %d roles", len(groups), len(roles))
		}
	})
}

func TestTheFenceOpensNoMoreThanIsGiven(t *testing.T) {
	domains := []studio.Domain{{Name: "a", Account: "111122223333"}, {Name: "b", Account: "111122223333"}}
	rows := []starterRow{{Role: "arn:aws:iam::111122223333:role/x"}, {Role: "arn:aws:iam::111122223333:role/x"}}
	const role = "arn:aws:iam::111122223333:role/"
	for template, want := range map[string][]string{
		"arn:aws:iam::{account}:role/studio/{group}":          {role + "studio/*"},
		"arn:aws:iam::{account}:role/studio/{domain}/{group}": {role + "studio/a/*", role + "studio/b/*"},
		"arn:aws:iam::{account}:role/studio/sm-{group}":       {role + "studio/*"},
		"arn:aws:iam::{account}:role/studio/everybody":        {role + "studio/everybody"},
		"arn:aws:iam::{account}:role/everybody-{domain}":      {role + "everybody-a", role + "everybody-b"},
		"arn:aws:iam::{account}:role/{group}":                 {role + "x"},
	} {
		if got := fence(template, domains, rows); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", template, got, want)
		}
	}
}
