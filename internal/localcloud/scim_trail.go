package localcloud

import (
	"encoding/json"
	"strings"
	"time"
)

// trail gives what the CloudTrail record of a call says of who called, what was asked and what came of it. Names,
// addresses and members are hidden.
func (p *scimProtocol) trail(made *call, output []byte, failure *apiError) (who UserIdentity, parameters, elements map[string]any) {
	who = UserIdentity{Type: "WebIdentityUser", AccountID: made.account, AccessKeyID: p.tenant}
	if failure != nil {
		who.Type = "Unknown"
	}
	parameters = map[string]any{"tenantId": p.tenant}
	if len(p.path) == 2 {
		parameters["id"] = p.path[1]
	}
	if p.body != nil {
		parameters["httpBody"] = trailSCIM(p.body)
	}
	var answered map[string]any
	if json.Unmarshal(output, &answered) == nil {
		elements = trailSCIM(answered)
	}
	return who, parameters, elements
}

// trailSCIM hides what a body says, except for what tells nothing of a person.
func trailSCIM(body map[string]any) map[string]any {
	to := map[string]any{}
	for name, value := range body {
		switch name {
		case "active", "id", "members", "schemas", "meta":
			to[name] = trailPlain(name, value)
		case "Operations":
			to["operations"] = trailPatches(value)
		case "name":
			if object, is := value.(map[string]any); is {
				to[name] = trailSCIM(object)
			}
		default:
			to[name] = hidden
		}
	}
	if body["Operations"] != nil {
		to["schemas"] = []any{hidden}
	}
	return to
}

func trailPlain(name string, value any) any {
	switch name {
	case "members":
		if len(asList(value)) > 0 {
			return hidden
		}
	case "meta":
		meta := map[string]any{}
		object, _ := value.(map[string]any)
		for part, text := range object {
			meta[part] = trailDate(text)
		}
		return meta
	}
	return value
}

// trailDate writes a time as these records do, and everything else as it is.
func trailDate(value any) any {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return value
	}
	return at.UTC().Format("Jan 2, 2006, 3:04:05 PM")
}

func trailPatches(value any) []any {
	all := []any{}
	for _, one := range asList(value) {
		given, _ := one.(map[string]any)
		to := map[string]any{}
		if op, is := given["op"].(string); is {
			to["op"] = strings.ToUpper(op)
		}
		if path, is := given["path"].(string); is {
			// What stands in brackets is a person's.
			to["path"], _, _ = strings.Cut(path, "[")
		}
		if given["value"] != nil {
			to["value"] = hidden
		}
		all = append(all, to)
	}
	return all
}
