package studio

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Settings are UserSettings as canonical JSON: an object with sorted keys and
// no white space, without ExecutionRole. "" stands for no settings. Two equal
// Settings are the same string.
type Settings string

// ParseSettings canonicalises a JSON object. It refuses anything else, keys
// written twice, null values, and ExecutionRole, which is the row's own.
func ParseSettings(text []byte) (Settings, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := readStrict(d, "settings")
	if err != nil {
		return "", err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("settings: more text follows the JSON object")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return "", errors.New("settings: want a JSON object of UserSettings")
	}
	if _, ok := object["ExecutionRole"]; ok {
		return "", errors.New("settings: ExecutionRole is given by the row's role, not here")
	}
	return canonical(object)
}

// SplitSettings takes the execution role out of UserSettings as SageMaker
// answers them.
func SplitSettings(userSettings []byte) (role string, s Settings, err error) {
	d := json.NewDecoder(bytes.NewReader(userSettings))
	d.UseNumber()
	object := map[string]any{}
	if err := d.Decode(&object); err != nil {
		return "", "", fmt.Errorf("UserSettings: %w", err)
	}
	role, _ = object["ExecutionRole"].(string)
	delete(object, "ExecutionRole")
	s, err = canonical(object)
	return role, s, err
}

// WithRole is the inverse of SplitSettings: the UserSettings to send.
func (s Settings) WithRole(role string) json.RawMessage {
	object := s.object()
	if role != "" {
		object["ExecutionRole"] = role
	}
	text, _ := json.Marshal(object) // values that came from JSON always go back
	return text
}

// Differences lists the paths at which have lacks what s asks for, sorted.
// Fields that s does not name are not compared, an empty list or object that s
// asks for is met by an absent one, and lists of plain values are compared
// without regard to order: SageMaker answers security groups in any order.
func (s Settings) Differences(have Settings) []string {
	var paths []string
	compare("", s.object(), have.object(), &paths)
	slices.Sort(paths)
	return paths
}

// Digest identifies a role with its settings in few characters that a tag
// value may hold: one part for each, so that a change of role can be told.
func Digest(role string, s Settings) string {
	return part(role) + "." + part(string(s))
}

// SameRole reports whether a digest was made for the role, whatever the settings.
func SameRole(digest, role string) bool {
	made, _, _ := strings.Cut(digest, ".")
	return made == part(role)
}

func part(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// lingering are lists that SageMaker keeps when an update leaves them out, and
// that give something to whoever has them: code that runs at start, or a way
// into a network.
var lingering = [][]string{
	{"SecurityGroups"},
	{"JupyterServerAppSettings", "LifecycleConfigArns"},
	{"KernelGatewayAppSettings", "LifecycleConfigArns"},
	{"JupyterLabAppSettings", "LifecycleConfigArns"},
	{"CodeEditorAppSettings", "LifecycleConfigArns"},
}

// Resetting adds an explicit empty list for each lingering one that have holds
// and s does not speak of: what came with an earlier group must not stay.
func (s Settings) Resetting(have Settings) Settings {
	want, had := s.object(), have.object()
	for _, path := range lingering {
		if list, _ := at(had, path).([]any); len(list) > 0 && at(want, path) == nil {
			put(want, path)
		}
	}
	out, _ := canonical(want) // values that came from JSON always go back
	return out
}

func at(object map[string]any, path []string) any {
	v := object[path[0]]
	if inner, ok := v.(map[string]any); ok && len(path) > 1 {
		return at(inner, path[1:])
	}
	if len(path) > 1 {
		return nil
	}
	return v
}

func put(object map[string]any, path []string) {
	if len(path) == 1 {
		object[path[0]] = []any{}
		return
	}
	inner, ok := object[path[0]].(map[string]any)
	if !ok {
		inner = map[string]any{}
		object[path[0]] = inner
	}
	put(inner, path[1:])
}

func (s Settings) object() map[string]any {
	object := map[string]any{}
	if s == "" {
		return object
	}
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	_ = d.Decode(&object) // s is canonical JSON by construction
	return object
}

func canonical(object map[string]any) (Settings, error) {
	if len(object) == 0 {
		return "", nil
	}
	text, err := json.Marshal(object)
	return Settings(text), err
}

func compare(path string, want, have any, out *[]string) {
	switch w := want.(type) {
	case map[string]any:
		h, _ := have.(map[string]any)
		for key, value := range w {
			compare(join(path, key), value, h[key], out)
		}
	case []any:
		h, _ := have.([]any)
		if !sameList(w, h) {
			*out = append(*out, path)
		}
	default:
		if want != have {
			*out = append(*out, path)
		}
	}
}

func sameList(a, b []any) bool {
	x, y := texts(a), texts(b)
	if !slices.ContainsFunc(a, isObject) {
		slices.Sort(x)
		slices.Sort(y)
	}
	return slices.Equal(x, y)
}

func isObject(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

func texts(list []any) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		text, _ := json.Marshal(v)
		out = append(out, string(text))
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// readStrict reads one JSON value, refusing what encoding/json lets pass.
func readStrict(d *json.Decoder, path string) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("%s: not valid JSON: %w", path, err)
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return readObject(d, path)
		}
		return readList(d, path)
	case nil:
		return nil, fmt.Errorf("%s: null says nothing; leave the field out, or give an empty list to reset one", path)
	default:
		return t, nil
	}
}

func readObject(d *json.Decoder, path string) (any, error) {
	object := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%s: not valid JSON: %w", path, err)
		}
		key := token.(string) // the decoder yields nothing else here
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("%s.%s is written twice", path, key)
		}
		if object[key], err = readStrict(d, join(path, key)); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return object, err
}

func readList(d *json.Decoder, path string) (any, error) {
	list := []any{}
	for d.More() {
		v, err := readStrict(d, fmt.Sprintf("%s[%d]", path, len(list)))
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}
