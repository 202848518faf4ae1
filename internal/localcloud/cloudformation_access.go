package localcloud

import (
	"fmt"
	"maps"
	"slices"
)

// accessTypes is AWS::IAM.
func accessTypes() map[string]resourceType {
	inline := anObject(shape{"PolicyName": aText().must(), "PolicyDocument": aDocument().must()})
	return map[string]resourceType{
		"AWS::IAM::Role": {
			named: "RoleName",
			properties: shape{
				"RoleName": aText().unchanging(), "Path": aText().unchanging(), "Description": aText(), "MaxSessionDuration": aNumber(),
				"AssumeRolePolicyDocument": aDocument().must(), "PermissionsBoundary": aText().unchanging(),
				"Policies": aList(inline), "ManagedPolicyArns": aList(aText()), "Tags": tagList(),
			},
			create: createRoleResource, update: updateRoleResource, remove: removeRoleResource,
		},
		"AWS::IAM::ManagedPolicy": {
			named: "ManagedPolicyName",
			properties: shape{
				"ManagedPolicyName": aText().unchanging(), "Path": aText().unchanging(), "Description": aText().unchanging(),
				"PolicyDocument": aDocument().must(), "Roles": aList(aText()),
			},
			create: createPolicyResource, update: updatePolicyResource, remove: removePolicyResource,
		},
	}
}

func (p *provision) access(operation string, members map[string]any) error {
	_, err := p.do("iam", operation, members)
	return err
}

func createRoleResource(p *provision) (made, error) {
	members := pickMembers(p.properties, "Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags")
	members["RoleName"], members["AssumeRolePolicyDocument"] = p.name, documentText(p.properties["AssumeRolePolicyDocument"])
	out, err := p.do("iam", "CreateRole", members)
	if err != nil {
		return made{}, err
	}
	role := out["Role"].(map[string]any)
	p.made = made{id: p.name, atts: map[string]any{"Arn": role["Arn"], "RoleId": role["RoleId"]}}
	return p.made, p.setPolicies()
}

// inlinePolicies is a role's inline policies by name.
func inlinePolicies(properties map[string]any) map[string]string {
	policies := map[string]string{}
	list, _ := properties["Policies"].([]any)
	for _, item := range list {
		policy := item.(map[string]any)
		policies[policy["PolicyName"].(string)] = documentText(policy["PolicyDocument"])
	}
	return policies
}

// setPolicies brings a role's policies from p.old to p.properties.
func (p *provision) setPolicies() error {
	is, wanted := inlinePolicies(p.old), inlinePolicies(p.properties)
	for _, name := range sortedKeys(wanted) {
		members := map[string]any{"RoleName": p.made.id, "PolicyName": name, "PolicyDocument": wanted[name]}
		if err := p.access("PutRolePolicy", members); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(is) {
		if _, stays := wanted[name]; stays {
			continue
		}
		if err := p.access("DeleteRolePolicy", map[string]any{"RoleName": p.made.id, "PolicyName": name}); err != nil {
			return err
		}
	}
	return p.setAttached("ManagedPolicyArns", func(arn any) map[string]any {
		return map[string]any{"RoleName": p.made.id, "PolicyArn": arn}
	})
}

// setAttached attaches and detaches what a list property names.
func (p *provision) setAttached(property string, members func(item any) map[string]any) error {
	is, _ := p.old[property].([]any)
	wanted, _ := p.properties[property].([]any)
	for _, item := range wanted {
		if !slices.Contains(is, item) {
			if err := p.access("AttachRolePolicy", members(item)); err != nil {
				return err
			}
		}
	}
	for _, item := range is {
		if !slices.Contains(wanted, item) {
			if err := p.access("DetachRolePolicy", members(item)); err != nil {
				return err
			}
		}
	}
	return nil
}

func updateRoleResource(p *provision) (made, error) {
	members := map[string]any{"RoleName": p.made.id}
	maps.Copy(members, pickMembers(p.properties, "Description", "MaxSessionDuration"))
	if err := p.access("UpdateRole", members); err != nil {
		return p.made, err
	}
	trust := map[string]any{"RoleName": p.made.id, "PolicyDocument": documentText(p.properties["AssumeRolePolicyDocument"])}
	if err := p.access("UpdateAssumeRolePolicy", trust); err != nil {
		return p.made, err
	}
	if tags, ok := p.properties["Tags"].([]any); ok && len(tags) > 0 {
		if err := p.access("TagRole", map[string]any{"RoleName": p.made.id, "Tags": tags}); err != nil {
			return p.made, err
		}
	}
	return p.made, p.setPolicies()
}

func removeRoleResource(p *provision) error {
	bare := *p
	bare.old, bare.properties = p.properties, nil
	if err := bare.setPolicies(); err != nil {
		return err
	}
	return p.access("DeleteRole", map[string]any{"RoleName": p.made.id})
}

func createPolicyResource(p *provision) (made, error) {
	members := pickMembers(p.properties, "Path", "Description")
	members["PolicyName"], members["PolicyDocument"] = p.name, documentText(p.properties["PolicyDocument"])
	out, err := p.do("iam", "CreatePolicy", members)
	if err != nil {
		return made{}, err
	}
	arn := out["Policy"].(map[string]any)["Arn"]
	p.made = made{id: fmt.Sprint(arn), atts: map[string]any{"PolicyArn": arn}}
	return p.made, p.attachToRoles()
}

func (p *provision) attachToRoles() error {
	return p.setAttached("Roles", func(role any) map[string]any {
		return map[string]any{"RoleName": role, "PolicyArn": p.made.id}
	})
}

func updatePolicyResource(p *provision) (made, error) {
	text := documentText(p.properties["PolicyDocument"])
	if text != documentText(p.old["PolicyDocument"]) {
		members := map[string]any{"PolicyArn": p.made.id, "PolicyDocument": text, "SetAsDefault": true}
		if err := p.access("CreatePolicyVersion", members); err != nil {
			return p.made, err
		}
	}
	return p.made, p.attachToRoles()
}

func removePolicyResource(p *provision) error {
	bare := *p
	bare.old, bare.properties = p.properties, nil
	if err := bare.attachToRoles(); err != nil {
		return err
	}
	return p.access("DeletePolicy", map[string]any{"PolicyArn": p.made.id})
}
