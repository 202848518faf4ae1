package localcloud

import "fmt"

// eventTypes is AWS::Events. A rule's retry policy and tags are kept and not acted on.
func eventTypes() map[string]resourceType {
	target := shape{
		"Id": aText().must(), "Arn": aText().must(), "Input": aText(), "InputPath": aText(), "RoleArn": aText(),
		"DeadLetterConfig": anObject(shape{"Arn": aText()}),
		"RetryPolicy":      anObject(shape{"MaximumRetryAttempts": aNumber(), "MaximumEventAgeInSeconds": aNumber()}),
	}
	return map[string]resourceType{"AWS::Events::Rule": {
		named: "Name",
		properties: shape{
			"Name": aText().unchanging(), "EventBusName": aText().unchanging(), "Description": aText(), "EventPattern": aDocument(),
			"ScheduleExpression": aText(), "State": aText(), "RoleArn": aText(), "Targets": aList(anObject(target)), "Tags": tagList(),
		},
		create: createRuleResource, update: updateRuleResource, remove: removeRuleResource,
	}}
}

// ruleKey names a rule to the API.
func (p *provision) ruleKey(member string) map[string]any {
	key := pickMembers(p.properties, "EventBusName")
	key[member] = p.name
	return key
}

func createRuleResource(p *provision) (made, error) {
	if _, err := p.do("events", "DescribeRule", p.ruleKey("Name")); err == nil {
		return made{}, fmt.Errorf("Resource of type 'AWS::Events::Rule' with identifier '%s' already exists.", p.name)
	}
	return updateRuleResource(p)
}

func updateRuleResource(p *provision) (made, error) {
	members := p.ruleKey("Name")
	for name, value := range pickMembers(p.properties, "Description", "ScheduleExpression", "State", "RoleArn") {
		members[name] = value
	}
	if pattern := p.properties["EventPattern"]; pattern != nil {
		members["EventPattern"] = documentText(pattern)
	}
	out, err := p.do("events", "PutRule", members)
	if err != nil {
		return p.made, err
	}
	p.made = made{id: p.name, atts: map[string]any{"Arn": out["RuleArn"]}}
	return p.made, p.setTargets()
}

// setTargets takes the old targets away and puts the new ones.
func (p *provision) setTargets() error {
	if err := p.removeTargets(p.old); err != nil {
		return err
	}
	targets, _ := p.properties["Targets"].([]any)
	if len(targets) == 0 {
		return nil
	}
	members := p.ruleKey("Rule")
	members["Targets"] = targets
	_, err := p.do("events", "PutTargets", members)
	return err
}

func (p *provision) removeTargets(properties map[string]any) error {
	var ids []any
	targets, _ := properties["Targets"].([]any)
	for _, t := range targets {
		ids = append(ids, t.(map[string]any)["Id"])
	}
	if len(ids) == 0 {
		return nil
	}
	members := p.ruleKey("Rule")
	members["Ids"] = ids
	_, err := p.do("events", "RemoveTargets", members)
	return err
}

func removeRuleResource(p *provision) error {
	if err := p.removeTargets(p.properties); err != nil {
		return err
	}
	_, err := p.do("events", "DeleteRule", p.ruleKey("Name"))
	return err
}
