package studio_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"studiokeeper/internal/studio"
)

const store = "d-906716eb24"

// validName is SageMaker's pattern for UserProfileName.
var validName = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`)

func TestProfileNameKeepsWhatIsReadable(t *testing.T) {
	for userName, want := range map[string]string{
		"alice@example.com":                 "alice-example-com-",
		"Jürgen.Groß@example.com":           "jurgen-gross-example-com-",
		"__x__":                             "x-",
		"田中太郎":                              "user-",
		"":                                  "user-",
		strings.Repeat("long.", 25) + "end": strings.Repeat("long-", 10) + "lo-",
	} {
		got := studio.ProfileName(store, studio.User{ID: "u-1", UserName: userName})
		if got[:len(got)-10] != want {
			t.Errorf("ProfileName(%q) = %q, want %s and a hash", userName, got, want)
		}
	}
}

func TestProfileNamesThatCollideAfterCleaningDiffer(t *testing.T) {
	names := map[string]string{}
	for id, userName := range map[string]string{
		"u-1": "a.b@x", "u-2": "a-b@x", "u-3": "A.B@x", "u-4": "a.b@X", "u-5": "山田", "u-6": "田中",
		"u-7": strings.Repeat("x", 128), "u-8": strings.Repeat("x", 127),
	} {
		name := strings.ToLower(studio.ProfileName(store, studio.User{ID: id, UserName: userName}))
		if other, taken := names[name]; taken {
			t.Errorf("%s and %s both get %s", other, userName, name)
		}
		names[name] = userName
	}
}

func TestProfileNameIsAlwaysValidAndFoundByItsHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[0-9a-f]{10}-[0-9a-f]{8}`).Draw(t, "id")
		before := studio.User{ID: id, UserName: rapid.String().Draw(t, "name")}
		after := studio.User{ID: id, UserName: rapid.String().Draw(t, "new name")}
		for _, u := range []studio.User{before, after} {
			name := studio.ProfileName(store, u)
			if !validName.MatchString(name) {
				t.Fatalf("%q is not a UserProfileName", name)
			}
			if !strings.Contains(name, studio.ProfileHash(store, id)) {
				t.Fatalf("%q does not hold the hash of its user", name)
			}
		}
	})
}

func TestProfileHashDependsOnTheStoreToo(t *testing.T) {
	if studio.ProfileHash("d-1", "2u") == studio.ProfileHash("d-12", "u") {
		t.Error("two users of two stores share a hash")
	}
}
