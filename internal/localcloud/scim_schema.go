package localcloud

import "net/http"

func scimServiceProviderConfig(_ *call, in *scimRequest) (*scimAnswer, error) {
	supported := func(yes bool) map[string]any { return map[string]any{"supported": yes} }
	return &scimAnswer{status: http.StatusOK, body: map[string]any{
		"schemas":          []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"documentationUri": "https://docs.aws.amazon.com/singlesignon/latest/userguide/manage-your-identity-source-idp.html",
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "OAuth Bearer Token", "primary": true,
			"description": "Authentication scheme using the OAuth Bearer Token Standard", "specUri": "https://www.rfc-editor.org/info/rfc6750",
		}},
		"patch": supported(true), "changePassword": supported(false), "sort": supported(false), "etag": supported(false),
		"bulk":   map[string]any{"supported": false, "maxOperations": 1, "maxPayloadSize": 1048576},
		"filter": map[string]any{"supported": true, "maxResults": 100},
		"meta":   map[string]any{"resourceType": "ServiceProviderConfig", "location": in.base + "/ServiceProviderConfig"},
	}}, nil
}

func scimListResourceTypes(_ *call, in *scimRequest) (*scimAnswer, error) {
	kind := func(name, schema string) map[string]any {
		return map[string]any{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": name, "name": name, "endpoint": "/" + name + "s",
			"schema": schema, "meta": map[string]any{"resourceType": "ResourceType", "location": in.base + "/ResourceTypes/" + name},
		}
	}
	user := kind("User", scimUserSchema)
	user["schemaExtensions"] = []any{map[string]any{"schema": scimEnterpriseSchema, "required": false}}
	return scimAll(user, kind("Group", scimGroupSchema)), nil
}

// scimAll answers a list that has one page.
func scimAll(resources ...any) *scimAnswer {
	return &scimAnswer{status: http.StatusOK, body: map[string]any{
		"schemas": []string{scimListSchema}, "totalResults": len(resources), "itemsPerPage": len(resources), "startIndex": 1, "Resources": resources,
	}}
}

// scimSchemas are the schemas with the names of their attributes; those of users and groups that are required.
var scimSchemas = []struct {
	id, name             string
	required, attributes []string
}{
	{scimUserSchema, "User", []string{"userName", "name", "displayName"}, []string{
		"nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone", "active", "emails", "phoneNumbers", "roles", "addresses",
	}},
	{scimGroupSchema, "Group", []string{"displayName"}, []string{"members"}},
	{scimEnterpriseSchema, "EnterpriseUser", nil, []string{
		"employeeNumber", "costCenter", "organization", "division", "department", "manager",
	}},
}

// scimSchema shows the schema at an index.
func scimSchema(i int, base string) map[string]any {
	s := scimSchemas[i]
	attributes := []any{}
	for _, name := range s.required {
		attributes = append(attributes, scimAttribute(name, true))
	}
	for _, name := range s.attributes {
		attributes = append(attributes, scimAttribute(name, false))
	}
	return map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": s.id, "name": s.name, "attributes": attributes,
		"meta": map[string]any{"resourceType": "Schema", "location": base + "/Schemas/" + s.id},
	}
}

func scimAttribute(name string, required bool) map[string]any {
	kind := "string"
	switch {
	case name == "active":
		kind = "boolean"
	case name == "name" || name == "manager" || name == "members" || scimLists[name]:
		kind = "complex"
	}
	return map[string]any{
		"name": name, "type": kind, "multiValued": name == "members" || scimLists[name], "required": required, "mutability": "readWrite", "returned": "default",
	}
}

func scimListSchemas(_ *call, in *scimRequest) (*scimAnswer, error) {
	var all []any
	for i := range scimSchemas {
		all = append(all, scimSchema(i, in.base))
	}
	return scimAll(all...), nil
}

func scimGetSchema(_ *call, in *scimRequest) (*scimAnswer, error) {
	for i, s := range scimSchemas {
		if s.id == in.id {
			return &scimAnswer{status: http.StatusOK, body: scimSchema(i, in.base)}, nil
		}
	}
	return nil, errf(http.StatusNotFound, "ResourceNotFoundException", "Schema %s not found.", in.id)
}
