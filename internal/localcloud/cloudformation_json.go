package localcloud

import (
	"encoding/json"
	"fmt"
	"strings"
)

// readTree makes the tree of a template, which may be YAML or JSON: objects, lists, strings, booleans, null and
// json.Number. All JSON is YAML too, but to read it as what it is takes a fraction of the work.
func readTree(text string) (any, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") || !json.Valid([]byte(text)) {
		return readYAML(text)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return jsonTree(d, text)
}

// jsonTree reads the next value. A key that stands twice is refused, as in YAML.
func jsonTree(d *json.Decoder, text string) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("Template format error: JSON not well-formed: %w", err)
	}
	switch token {
	case json.Delim('{'):
		return jsonObject(d, text)
	case json.Delim('['):
		return jsonList(d, text)
	}
	return token, nil
}

func jsonObject(d *json.Decoder, text string) (any, error) {
	object := map[string]any{}
	for d.More() {
		key, err := jsonTree(d, text)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprint(key)
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("Template format error: the key %s stands twice (line %d)", name, 1+strings.Count(text[:d.InputOffset()], "\n"))
		}
		if object[name], err = jsonTree(d, text); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return object, err
}

func jsonList(d *json.Decoder, text string) (any, error) {
	list := []any{}
	for d.More() {
		item, err := jsonTree(d, text)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := d.Token()
	return list, err
}
