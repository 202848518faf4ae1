package localcloud_test

import (
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/localcloud"
)

func TestPatternMatch(t *testing.T) {
	for _, row := range []struct{ about, pattern, event, want string }{
		{"an exact string", `{"source":["aws.sso"]}`, `{"source":"aws.sso","x":1}`, "match"},
		{"strings are case sensitive", `{"source":["aws.sso"]}`, `{"source":"AWS.sso"}`, "no"},
		{"any of the values", `{"a":["x","y"]}`, `{"a":"y"}`, "match"},
		{"every field must be there", `{"a":["x"],"b":["y"]}`, `{"a":"x"}`, "no"},
		{"nested objects", `{"detail":{"b":{"c":["x"]}}}`, `{"detail":{"b":{"c":"x"}}}`, "match"},
		{"a number is not its string", `{"a":[1]}`, `{"a":"1"}`, "no"},
		{"plain numbers compare as written", `{"a":[300]}`, `{"a":300.0}`, "no"},
		{"numbers written the same", `{"a":[300]}`, `{"a":300}`, "match"},
		{"a boolean", `{"a":[true]}`, `{"a":true}`, "match"},
		{"null", `{"a":[null]}`, `{"a":null}`, "match"},
		{"null is not the empty string", `{"a":[null]}`, `{"a":""}`, "no"},
		{"null is not absence", `{"a":[null]}`, `{"b":1}`, "no"},
		{"the empty string", `{"a":[""]}`, `{"a":""}`, "match"},

		{"numeric equality is by value", `{"a":[{"numeric":["=",300]}]}`, `{"a":3.0e2}`, "match"},
		{"numeric is for numbers only", `{"a":[{"numeric":["=",300]}]}`, `{"a":"300"}`, "no"},
		{"numeric below", `{"a":[{"numeric":["<",10]}]}`, `{"a":9.99}`, "match"},
		{"numeric below is strict", `{"a":[{"numeric":["<",10]}]}`, `{"a":10}`, "no"},
		{"a range takes its closed end", `{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":5}`, "match"},
		{"a range leaves out its open end", `{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":0}`, "no"},
		{"numbers beyond 5e9 are out of reach", `{"a":[{"numeric":[">",0]}]}`, `{"a":6000000000}`, "no"},

		{"a prefix", `{"a":[{"prefix":"us-"}]}`, `{"a":"us-east-1"}`, "match"},
		{"not a prefix", `{"a":[{"prefix":"us-"}]}`, `{"a":"eu-us-1"}`, "no"},
		{"a prefix whatever the case", `{"a":[{"prefix":{"equals-ignore-case":"EventB"}}]}`, `{"a":"eventbridge"}`, "match"},
		{"a suffix", `{"a":[{"suffix":".png"}]}`, `{"a":"x.png"}`, "match"},
		{"not a suffix", `{"a":[{"suffix":".png"}]}`, `{"a":"x.PNG"}`, "no"},
		{"a suffix whatever the case", `{"a":[{"suffix":{"equals-ignore-case":".PnG"}}]}`, `{"a":"x.png"}`, "match"},
		{"a prefix whatever the case of a letter that has three", `{"a":[{"prefix":{"equals-ignore-case":"ΟΔΟΣ"}}]}`, `{"a":"οδος-1"}`, "match"},
		{"a suffix whatever the case of a letter that has three", `{"a":[{"suffix":{"equals-ignore-case":"ΟΔΟΣ"}}]}`, `{"a":"1-οδος"}`, "match"},
		{"equality whatever the case", `{"a":[{"equals-ignore-case":"alice"}]}`, `{"a":"ALICE"}`, "match"},
		{"equality whatever the case is no prefix", `{"a":[{"equals-ignore-case":"alice"}]}`, `{"a":"alices"}`, "no"},

		{"a wildcard in the middle", `{"a":[{"wildcard":"dir/*.png"}]}`, `{"a":"dir/a/b.png"}`, "match"},
		{"a wildcard matches nothing, too", `{"a":[{"wildcard":"a*b*c"}]}`, `{"a":"abc"}`, "match"},
		{"a wildcard needs its ends", `{"a":[{"wildcard":"a*b"}]}`, `{"a":"xab"}`, "no"},
		{"wildcard ends may not overlap", `{"a":[{"wildcard":"aa*aa"}]}`, `{"a":"aaa"}`, "no"},
		{"an escaped asterisk is one", `{"a":[{"wildcard":"a\\*b"}]}`, `{"a":"a*b"}`, "match"},
		{"an escaped asterisk is nothing else", `{"a":[{"wildcard":"a\\*b"}]}`, `{"a":"axb"}`, "no"},
		{"a wildcard without asterisks", `{"a":[{"wildcard":"ab"}]}`, `{"a":"ab"}`, "match"},

		{"something exists", `{"a":[{"exists":true}]}`, `{"a":null}`, "match"},
		{"exists sees leaves only", `{"a":[{"exists":true}]}`, `{"a":{"b":1}}`, "no"},
		{"something does not exist", `{"detail":{"errorCode":[{"exists":false}]}}`, `{"detail":{"eventName":"x"}}`, "match"},
		{"something exists after all", `{"detail":{"errorCode":[{"exists":false}]}}`, `{"detail":{"errorCode":"AccessDenied"}}`, "no"},
		{"absence below an absent object", `{"detail":{"a":{"b":[{"exists":false}]}}}`, `{"detail":{}}`, "match"},
		{"absent or of a value", `{"a":[{"exists":false},"x"]}`, `{"a":"x"}`, "match"},
		{"absent or of a value, and it is another", `{"a":[{"exists":false},"x"]}`, `{"a":"y"}`, "no"},

		{"anything but a value", `{"a":[{"anything-but":"x"}]}`, `{"a":"y"}`, "match"},
		{"anything but this value", `{"a":[{"anything-but":"x"}]}`, `{"a":"x"}`, "no"},
		{"anything but needs the field", `{"a":[{"anything-but":"x"}]}`, `{"b":"y"}`, "no"},
		{"anything but strings of a list", `{"a":[{"anything-but":["x","y"]}]}`, `{"a":"y"}`, "no"},
		{"anything but numbers of a list", `{"a":[{"anything-but":[100,200]}]}`, `{"a":300}`, "match"},
		{"anything but a string takes a number", `{"a":[{"anything-but":"1"}]}`, `{"a":1}`, "match"},
		{"anything but a prefix", `{"a":[{"anything-but":{"prefix":"init"}}]}`, `{"a":"initializing"}`, "no"},
		{"anything but a suffix", `{"a":[{"anything-but":{"suffix":".png"}}]}`, `{"a":"x.jpg"}`, "match"},
		{"anything but one of several suffixes", `{"a":[{"anything-but":{"suffix":[".png",".jpg"]}}]}`, `{"a":"x.jpg"}`, "no"},
		{"anything but whatever the case", `{"a":[{"anything-but":{"equals-ignore-case":["x","y"]}}]}`, `{"a":"Y"}`, "no"},
		{"anything but a wildcard", `{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"a":"/usr/lib/x"}`, "no"},
		{"anything but a wildcard, elsewhere", `{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"a":"/usr/bin/x"}`, "match"},

		{"an address in a network", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.255"}`, "match"},
		{"an address outside it", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.1.0"}`, "no"},
		{"an IPv6 address", `{"a":[{"cidr":"2001:db8::/32"}]}`, `{"a":"2001:db8::1"}`, "match"},

		{"or, the first", `{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"a":"x"}`, "match"},
		{"or, the second", `{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y","a":"q"}`, "match"},
		{"or, neither", `{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"a":"y","b":"x"}`, "no"},
		{"or beside another field", `{"s":["1"],"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, "no"},
		{"or inside an object", `{"detail":{"$or":[{"a":["x"]},{"b":[{"numeric":[">",1]}]}]}}`, `{"detail":{"b":2}}`, "match"},

		{"any element of an array", `{"a":["x"]}`, `{"a":["q","x"]}`, "match"},
		{"no element of an array", `{"a":["x"]}`, `{"a":["q"]}`, "no"},
		{"an empty array has no value", `{"a":[{"exists":true}]}`, `{"a":[]}`, "no"},
		{"an array in an array", `{"a":["x"]}`, `{"a":[["q"],["x"]]}`, "match"},
		{"anything but is met by another element", `{"a":[{"anything-but":"x"}]}`, `{"a":["x","y"]}`, "match"},
		{"an array of objects", `{"a":{"b":["x"]}}`, `{"a":[{"b":"q"},{"b":"x"}]}`, "match"},
		{"one object of an array must have both", `{"a":{"b":["x"],"c":["y"]}}`, `{"a":[{"b":"x","c":"q"},{"b":"q","c":"y"}]}`, "no"},
		{"one object of an array has both", `{"a":{"b":["x"],"c":["y"]}}`, `{"a":[{"b":"x","c":"q"},{"b":"x","c":"y"}]}`, "match"},
		{"absence in the object that matched", `{"a":{"b":["x"],"z":[{"exists":false}]}}`, `{"a":[{"b":"x"},{"z":1}]}`, "match"},
		{"absence in all objects", `{"a":{"z":[{"exists":false}]}}`, `{"a":[{"b":"x"},{"z":1}]}`, "no"},

		{"an event that is no object", `{"a":["x"]}`, `["x"]`, "no"},
		{"an event that is no JSON", `{"a":["x"]}`, `{"a":`, "no"},
	} {
		t.Run(row.about, func(t *testing.T) {
			p, err := localcloud.CompilePattern([]byte(row.pattern))
			if err != nil {
				t.Fatal(err)
			}
			got := "no"
			if p.Match([]byte(row.event)) {
				got = "match"
			}
			if got != row.want {
				t.Errorf("%s against %s: %s, want %s", row.pattern, row.event, got, row.want)
			}
		})
	}
}

func TestPatternRefused(t *testing.T) {
	for _, row := range []struct{ about, pattern, want string }{
		{"a string where a list is needed", `{"detail":{"eventName":"AddMemberToGroup"}}`, `"detail.eventName": must be an object or an array`},
		{"a number where a list is needed", `{"a":1}`, `"a": must be an object or an array`},
		{"no object", `["a"]`, "not an object"},
		{"no JSON", `{"a":[`, "JSON"},
		{"something after it", `{"a":["x"]} {}`, "after the pattern"},
		{"an empty pattern", `{}`, "Empty objects"},
		{"an empty object", `{"a":{}}`, `"a": Empty objects`},
		{"an empty list", `{"a":[]}`, `"a": Empty arrays`},
		{"a list in a list", `{"a":[["x"]]}`, `"a": match value must be`},
		{"an unknown operator", `{"a":[{"regex":"x"}]}`, "Unrecognized match type regex"},
		{"two operators at once", `{"a":[{"prefix":"x","suffix":"y"}]}`, "Only one key"},
		{"exists of a string", `{"a":[{"exists":"true"}]}`, "true or false"},
		{"a prefix of a number", `{"a":[{"prefix":1}]}`, "prefix match pattern must be a string"},
		{"a suffix of another operator", `{"a":[{"suffix":{"wildcard":"x"}}]}`, "suffix match pattern"},
		{"equals-ignore-case of a list", `{"a":[{"equals-ignore-case":["x"]}]}`, "must be a string"},
		{"numeric without a number", `{"a":[{"numeric":["=","1"]}]}`, "must be a number"},
		{"numeric out of range", `{"a":[{"numeric":["=",6e9]}]}`, "5.0e9"},
		{"numeric of an unknown operator", `{"a":[{"numeric":["!=",1]}]}`, "Unrecognized numeric"},
		{"numeric of three", `{"a":[{"numeric":[">",1,"<"]}]}`, "numeric match pattern"},
		{"a range upside down", `{"a":[{"numeric":[">",5,"<",1]}]}`, "Bottom must be less than top"},
		{"a range of two bottoms", `{"a":[{"numeric":[">",1,">",5]}]}`, "Bad numeric range"},
		{"two asterisks in a row", `{"a":[{"wildcard":"a**"}]}`, "Consecutive wildcard"},
		{"a wrong escape", `{"a":[{"wildcard":"a\\b"}]}`, "escape"},
		{"anything-but of mixed types", `{"a":[{"anything-but":["x",1]}]}`, "mixed type"},
		{"anything-but of nothing", `{"a":[{"anything-but":[]}]}`, "anything but"},
		{"anything-but of an empty prefix", `{"a":[{"anything-but":{"prefix":""}}]}`, "Null prefix"},
		{"anything-but of numeric", `{"a":[{"anything-but":{"numeric":["=",1]}}]}`, "Unsupported anything-but"},
		{"or of one", `{"$or":[{"a":["x"]}]}`, `"$or": must be an array of at least two`},
		{"or of values", `{"detail":{"$or":["a","b"]}}`, `"detail.$or": must be an array of non-empty objects`},
		{"an error inside or", `{"$or":[{"a":["x"]},{"b":"y"}]}`, `"b": must be an object or an array`},
		{"a network that is none", `{"a":[{"cidr":"10.0.0.0"}]}`, "CIDR"},
		{"too many combinations", `{` + tenOrs("a") + `,"x":{` + tenOrs("b") + `,"y":{` + tenOrs("c") + `,"z":{` + tenOrs("d") + `}}}}`, "too complex"},
	} {
		t.Run(row.about, func(t *testing.T) {
			_, err := localcloud.CompilePattern([]byte(row.pattern))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: got %v, want an error with %q", row.pattern, err, row.want)
			}
		})
	}
}

// tenOrs is a "$or" of ten objects.
func tenOrs(field string) string {
	return `"$or":[` + strings.TrimSuffix(strings.Repeat(`{"`+field+`":["x"]},`, 10), ",") + `]`
}

func TestPatternOnLargeArrays(t *testing.T) {
	p, err := localcloud.CompilePattern([]byte(`{"a":["x"],"b":["x"],"c":{"d":["x"],"e":["x"]},"f":{"g":["x"],"h":["x"]},"z":["never"]}`))
	if err != nil {
		t.Fatal(err)
	}
	list := `["x"` + strings.Repeat(`,"x"`, 500) + `]`
	objects := `[{"d":"x","e":"x","g":"x","h":"x"}` + strings.Repeat(`,{"d":"x","e":"x","g":"x","h":"x"}`, 500) + `]`
	event := []byte(`{"a":` + list + `,"b":` + list + `,"c":` + objects + `,"f":` + objects + `,"z":["q"]}`)
	began := time.Now()
	if p.Match(event) {
		t.Error("it matched")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("saying no took %v", took)
	}
}
