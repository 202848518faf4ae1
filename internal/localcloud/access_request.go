package localcloud

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

// templatePart is {Member}, {One/Other} or {Member|form} in a template.
var templatePart = regexp.MustCompile(`\{([^}|]+)(?:\|([a-z]+))?\}`)

// expandTemplate makes ARNs of a template: {region}, {account} and members of the request are filled in. A
// member of a list makes one ARN for each item, none if there is none; any other that is missing is a *.
func (made *call) expandTemplate(template string, input any) []string {
	all := []string{template}
	for _, part := range templatePart.FindAllStringSubmatch(template, -1) {
		values := made.templateValues(part[1], part[2], input)
		var next []string
		for _, so := range all {
			for _, value := range values {
				next = append(next, strings.Replace(so, part[0], value, 1))
			}
		}
		all = next
	}
	return all
}

// expandKey makes values of a condition key; a member that is missing makes none.
func (made *call) expandKey(template string, input any) []string {
	path, ok := strings.CutPrefix(template, "{")
	if !ok {
		return []string{template}
	}
	values, _ := membersOf(reflect.ValueOf(input), strings.Split(strings.TrimSuffix(path, "}"), "."))
	return values
}

func (made *call) templateValues(names, form string, input any) []string {
	switch names {
	case "region":
		return []string{made.region}
	case "account":
		return []string{made.account}
	}
	listed := false
	for name := range strings.SplitSeq(names, "/") {
		values, many := membersOf(reflect.ValueOf(input), strings.Split(name, "."))
		listed = listed || many
		if len(values) > 0 {
			for i, value := range values {
				values[i] = made.formed(value, form)
			}
			slices.Sort(values)
			return slices.Compact(values)
		}
	}
	if listed {
		return nil
	}
	return []string{missingForm(form)}
}

// storeOwner is the account of an identity store; of one that is not there, the caller's.
func (c *Cloud) storeOwner(id, otherwise string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.stores.byID[id]; s != nil {
		return s.account
	}
	return otherwise
}

// missingForm stands for a member that the request lacks.
func missingForm(form string) string {
	if form == "path" {
		return "/"
	}
	return "*"
}

// formed brings a member into the form that ARNs have.
func (made *call) formed(value, form string) string {
	parts := strings.Split(value, "/")
	switch form {
	case "last": // what stands behind the last slash: tables may be named by their ARN
		return parts[len(parts)-1]
	case "stack": // the name of one that is named by its ARN
		if len(parts) > 1 {
			return parts[1]
		}
	case "lower":
		return strings.ToLower(value)
	case "queue": // account:name of a queue's URL
		if len(parts) < 2 {
			return made.account + ":" + value
		}
		return strings.Join(parts[len(parts)-2:], ":")
	case "store": // account:identitystore/id
		return made.cloud.storeOwner(value, made.account) + ":identitystore/" + value
	case "parameter":
		if name, _, err := made.parameterName(value); err == nil {
			value = name
		}
		return strings.TrimPrefix(value, "/")
	case "instance": // of an application's ARN
		if len(parts) == 3 {
			return parts[1]
		}
		return "*"
	}
	return value
}

// membersOf is the text at a path of an SDK structure: every item's of a list, every key of a map. many tells
// that a list or a map lies on the way.
func membersOf(v reflect.Value, path []string) (values []string, many bool) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil, false
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			item, _ := membersOf(v.Index(i), path)
			values = append(values, item...)
		}
		return values, true
	case reflect.Map:
		for _, key := range v.MapKeys() {
			values = append(values, key.String())
		}
		return values, true
	case reflect.Struct:
		return membersOfStruct(v, path)
	case reflect.String:
		if len(path) == 0 && v.Len() > 0 {
			return []string{v.String()}, false
		}
	}
	return nil, false
}

// membersOfStruct goes on into a member; a union's is its value.
func membersOfStruct(v reflect.Value, path []string) ([]string, bool) {
	name, rest := "Value", path
	if len(path) > 0 {
		name, rest = path[0], path[1:]
	}
	field := v.FieldByName(name)
	if !field.IsValid() {
		return nil, false
	}
	return membersOf(field, rest)
}

// requestKeys are the condition keys that the request itself has: the tags it brings or takes away.
func requestKeys(input any) contextKeys {
	keys := contextKeys{}
	v := reflect.ValueOf(input).Elem()
	names, _ := membersOf(v, []string{"TagKeys"})
	if tags := v.FieldByName("Tags"); tags.IsValid() && tags.Kind() == reflect.Slice {
		for i := range tags.Len() {
			key, _ := membersOf(tags.Index(i), []string{"Key"})
			value := tags.Index(i).FieldByName("Value")
			if len(key) == 1 && value.Kind() == reflect.Pointer && !value.IsNil() {
				names = append(names, key[0])
				keys["aws:requesttag/"+strings.ToLower(key[0])] = []string{value.Elem().String()}
			}
		}
	}
	if len(names) > 0 {
		keys["aws:tagkeys"] = names
	}
	return keys
}

// resourceKeys are the condition keys that a resource has, as it is stored: its tags, and a space's owner and
// sharing type.
func (made *call) resourceKeys(arn string, input any) contextKeys {
	switch {
	case strings.Contains(arn, ":sagemaker:"):
		return made.studioKeys(arn, input)
	case strings.Contains(arn, ":role/"):
		return made.roleKeys(arn)
	}
	return nil
}

func (made *call) roleKeys(arn string) contextKeys {
	keys := contextKeys{}
	made.cloud.access.mu.Lock()
	defer made.cloud.access.mu.Unlock()
	if r := made.cloud.access.roleByARN(arn); r != nil {
		for _, tag := range r.Tags {
			keys.tag("iam", *tag.Key, *tag.Value)
		}
	}
	return keys
}

// tag adds a resource's tag, which services also offer under their own prefix.
func (k contextKeys) tag(service, key, value string) {
	k["aws:resourcetag/"+strings.ToLower(key)] = []string{value}
	k[service+":resourcetag/"+strings.ToLower(key)] = []string{value}
}

func (made *call) studioKeys(arn string, input any) contextKeys {
	keys := contextKeys{}
	made.cloud.mu.Lock()
	defer made.cloud.mu.Unlock()
	studio := made.studio()
	if found, err := studio.tagged(made, &arn); err == nil {
		for _, tag := range *found.tags {
			keys.tag("sagemaker", *tag.Key, *tag.Value)
		}
	}
	sharing, owner := studio.ownershipOf(input)
	if sharing != "" {
		keys["sagemaker:spacesharingtype"] = []string{string(sharing)}
	}
	if owner != "" {
		domain, _ := membersOf(reflect.ValueOf(input), []string{"DomainId"})
		keys["sagemaker:owneruserprofilearn"] = []string{fmt.Sprintf("arn:aws:sagemaker:%s:%s:user-profile/%s/%s",
			made.region, made.account, strings.Join(domain, ""), owner)}
	}
	return keys
}

// ownershipOf is the sharing type and the owner of the space that a request names: of the stored one, or of
// the one it is to make.
func (p *studioPlace) ownershipOf(input any) (sharing studioapi.SharingType, owner string) {
	v := reflect.ValueOf(input)
	text := func(path ...string) string {
		values, _ := membersOf(v, path)
		return strings.Join(values, "")
	}
	if space := p.spaces.get(spaceKey(text("DomainId"), text("SpaceName"))); space != nil {
		if space.SpaceSharingSettings != nil {
			sharing = space.SpaceSharingSettings.SharingType
		}
		if space.OwnershipSettings != nil {
			owner = aws.ToString(space.OwnershipSettings.OwnerUserProfileName)
		}
		return sharing, owner
	}
	return studioapi.SharingType(text("SpaceSharingSettings", "SharingType")), text("OwnershipSettings", "OwnerUserProfileName")
}

// passedRoles finds every role's ARN anywhere in a request.
func passedRoles(_ *call, in any) []string {
	found := collectRoles(reflect.ValueOf(in), nil)
	slices.Sort(found)
	return slices.Compact(found)
}

func collectRoles(v reflect.Value, found []string) []string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return collectRoles(v.Elem(), found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "Tags" {
				found = collectRoles(v.Field(i), found)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			found = collectRoles(v.Index(i), found)
		}
	case reflect.Map:
		for items := v.MapRange(); items.Next(); {
			found = collectRoles(items.Value(), found)
		}
	case reflect.String:
		if studioRolePattern.MatchString(v.String()) {
			found = append(found, v.String())
		}
	}
	return found
}
