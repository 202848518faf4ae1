package localcloud

import (
	"reflect"
	"slices"
	"strings"
)

// The access table goes on here with services that name their resources in ways that no template can tell.

func byFinding(find func(*call, any) []string, also ...permission) []permission {
	return append([]permission{{find: find}}, also...)
}

var eventsAccess = map[string][]permission{
	"CreateEventBus":    byFinding(eventBuses),
	"DescribeEventBus":  byFinding(eventBuses),
	"PutRule":           byFinding(eventRule, passing("events.amazonaws.com")),
	"DescribeRule":      byFinding(eventRule),
	"ListRules":         byFinding(eventRule),
	"EnableRule":        byFinding(eventRule),
	"DisableRule":       byFinding(eventRule),
	"DeleteRule":        byFinding(eventRule),
	"PutTargets":        byFinding(eventRule, passing("events.amazonaws.com")),
	"ListTargetsByRule": byFinding(eventRule),
	"RemoveTargets":     byFinding(eventRule),
	"PutEvents": {{find: eventBuses, keys: map[string]string{
		"events:source": "{Entries.Source}", "events:detail-type": "{Entries.DetailType}",
	}}},
	"TestEventPattern": on(),
}

var iamAccess = map[string][]permission{
	"CreateRole":               {{find: roleNamed, keys: map[string]string{"iam:PermissionsBoundary": "{PermissionsBoundary}"}}},
	"GetRole":                  byFinding(roleNamed),
	"ListRoles":                on(),
	"UpdateRole":               byFinding(roleNamed),
	"DeleteRole":               byFinding(roleNamed),
	"UpdateAssumeRolePolicy":   byFinding(roleNamed),
	"TagRole":                  byFinding(roleNamed),
	"UntagRole":                byFinding(roleNamed),
	"ListRoleTags":             byFinding(roleNamed),
	"PutRolePolicy":            byFinding(roleNamed),
	"GetRolePolicy":            byFinding(roleNamed),
	"ListRolePolicies":         byFinding(roleNamed),
	"DeleteRolePolicy":         byFinding(roleNamed),
	"CreatePolicy":             on(policyNamed),
	"GetPolicy":                on("{PolicyArn}"),
	"CreatePolicyVersion":      on("{PolicyArn}"),
	"GetPolicyVersion":         on("{PolicyArn}"),
	"DeletePolicy":             on("{PolicyArn}"),
	"AttachRolePolicy":         {{find: roleNamed, keys: map[string]string{"iam:PolicyARN": "{PolicyArn}"}}},
	"DetachRolePolicy":         {{find: roleNamed, keys: map[string]string{"iam:PolicyARN": "{PolicyArn}"}}},
	"ListAttachedRolePolicies": byFinding(roleNamed),
	"SimulatePrincipalPolicy":  on("{PolicySourceArn}"),
}

// requestText is a member of a request; "" when it is missing.
func requestText(in any, path ...string) string {
	values, _ := membersOf(reflect.ValueOf(in), path)
	return strings.Join(values, "")
}

// busNamed is a bus's ARN; it may be named by its name, its ARN or not at all.
func (made *call) busNamed(name string) string {
	if name == "" {
		name = defaultBus
	}
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:events:" + made.region + ":" + made.account + ":event-bus/" + name
}

// eventBuses are the buses that a request is about: one, or one for each event.
func eventBuses(made *call, in any) []string {
	entries := reflect.ValueOf(in).Elem().FieldByName("Entries")
	if !entries.IsValid() {
		return []string{made.busNamed(requestText(in, "EventBusName") + requestText(in, "Name"))}
	}
	var buses []string
	for i := range entries.Len() {
		name, _ := membersOf(entries.Index(i), []string{"EventBusName"})
		buses = append(buses, made.busNamed(strings.Join(name, "")))
	}
	slices.Sort(buses)
	return slices.Compact(buses)
}

// eventRule is the rule that a request is about. A rule of the default bus does not name the bus.
func eventRule(made *call, in any) []string {
	bus := made.busNamed(requestText(in, "EventBusName"))
	prefix, name, _ := strings.Cut(bus, "event-bus/")
	rule := requestText(in, "Name") + requestText(in, "Rule")
	if rule == "" {
		rule = "*"
	}
	if name == defaultBus {
		return []string{prefix + "rule/" + rule}
	}
	return []string{prefix + "rule/" + name + "/" + rule}
}

// roleNamed is the role that a request is about, with the path it has or is to have.
func roleNamed(made *call, in any) []string {
	name := requestText(in, "RoleName")
	made.cloud.access.mu.Lock()
	defer made.cloud.access.mu.Unlock()
	if r, err := made.cloud.access.role(made.account, &name); err == nil {
		return []string{*r.Arn}
	}
	path := requestText(in, "Path")
	if path == "" {
		path = "/"
	}
	return []string{iamARN(made.account, "role", &path, &name)}
}

// functionNamed is the function that a request names, by its name or ARN.
func functionNamed(made *call, in any) []string {
	name := requestText(in, "FunctionName")
	if strings.HasPrefix(name, "arn:") {
		return []string{name}
	}
	return []string{"arn:aws:lambda:" + made.region + ":" + made.account + ":function:" + name}
}

// codeNamed is the object in S3 that a function's code is taken from, if there is one.
func codeNamed(_ *call, in any) []string {
	request := in.(*functionInput)
	bucket, key := request.S3Bucket+request.Code.S3Bucket, request.S3Key+request.Code.S3Key
	if bucket == "" {
		return nil
	}
	return []string{"arn:aws:s3:::" + bucket + "/" + key}
}
