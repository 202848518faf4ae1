package studio

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// MaxProfileName is SageMaker's limit for UserProfileName, in characters.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateUserProfile.html
const MaxProfileName = 63

// hashLength is how many base32 characters of the hash a profile name carries.
const hashLength = 10

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ProfileHash is the part of a profile's name that identifies its user for
// good: it depends on ids alone, so it survives renames and deletion, and a
// list of profiles can be filtered by it.
func ProfileHash(storeID, userID string) string {
	sum := sha256.Sum256([]byte(storeID + "\x00" + userID))
	return base32Lower.EncodeToString(sum[:])[:hashLength]
}

// ProfileName is the name of the profile made for a user: what can be kept of
// the UserName, then ProfileHash. It is a valid UserProfileName for every
// UserName, and lower case, because SageMaker's names are not case sensitive.
func ProfileName(storeID string, u User) string {
	hash := ProfileHash(storeID, u.ID)
	readable := readablePart(u.UserName, MaxProfileName-len(hash)-1)
	if readable == "" {
		readable = "user"
	}
	return readable + "-" + hash
}

// letters spells common Latin letters in ASCII, so that names stay readable.
var letters = strings.NewReplacer(
	"à", "a", "á", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ą", "a", "æ", "ae",
	"ç", "c", "ć", "c", "č", "c", "ď", "d", "đ", "d", "ð", "d",
	"è", "e", "é", "e", "ê", "e", "ë", "e", "ę", "e", "ě", "e",
	"ğ", "g", "ì", "i", "í", "i", "î", "i", "ï", "i", "ı", "i", "ł", "l",
	"ñ", "n", "ń", "n", "ň", "n", "ò", "o", "ó", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o", "ő", "o", "œ", "oe",
	"ř", "r", "ś", "s", "š", "s", "ş", "s", "ß", "ss", "ť", "t", "þ", "th",
	"ù", "u", "ú", "u", "û", "u", "ü", "u", "ů", "u", "ű", "u", "ý", "y", "ÿ", "y", "ź", "z", "ż", "z", "ž", "z",
)

func readablePart(name string, limit int) string {
	var b strings.Builder
	gap := false
	for _, r := range letters.Replace(strings.ToLower(name)) {
		if !asciiAlphanumeric(r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
	}
	s := b.String()
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.TrimRight(s, "-")
}

func asciiAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
