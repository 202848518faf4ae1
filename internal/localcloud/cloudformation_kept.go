package localcloud

import "fmt"

// keptTypes are made by being remembered: the local cloud has no service that would act on them. Their
// names are taken as AWS's are. A log group and a dashboard are named once in an account and Region;
// policies of buses are not evaluated.
func keptTypes() map[string]resourceType {
	return map[string]resourceType{
		"AWS::Logs::LogGroup": kept("LogGroupName", "log-group:%s:*", shape{
			"LogGroupName": aText().unchanging(), "RetentionInDays": aNumber(), "KmsKeyId": aText(), "LogGroupClass": aText(),
			"DataProtectionPolicy": aDocument(), "DeletionProtectionEnabled": aTruth(), "Tags": tagList(),
		}),
		"AWS::CloudWatch::Dashboard": kept("DashboardName", "dashboard/%s", shape{
			"DashboardName": aText().unchanging(), "DashboardBody": aText().must(),
		}),
		"AWS::Events::EventBusPolicy": kept("", "", shape{
			"EventBusName": aText().unchanging(), "StatementId": aText().must().unchanging(), "Statement": aDocument(),
			"Action": aText(), "Principal": aText(), "Condition": aDocument(),
		}),
	}
}

// kept is a type that is remembered. arn is the end of its ARN, empty when it has none.
func kept(named, arn string, properties shape) resourceType {
	describe := func(p *provision) made {
		m := made{id: p.name, atts: map[string]any{}}
		if arn != "" {
			m.atts["Arn"] = p.keptARN(fmt.Sprintf(arn, p.name))
		}
		return m
	}
	return resourceType{
		named: named, properties: properties,
		create: func(p *provision) (made, error) {
			if named != "" && !p.claim() {
				return made{}, fmt.Errorf("%s already exists", p.name)
			}
			return describe(p), nil
		},
		update: func(p *provision) (made, error) { return describe(p), nil },
		remove: func(p *provision) error {
			delete(p.call.cloud.stacks.names, p.keptName())
			return nil
		},
	}
}

func (p *provision) keptARN(end string) string {
	service := map[byte]string{'l': "logs", 'd': "cloudwatch"}[end[0]]
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, p.call.region, p.call.account, end)
}

// keptName is a name in its account, Region and type.
func (p *provision) keptName() string {
	return fmt.Sprintf("%s/%s/%s/%s", p.call.account, p.call.region, p.kind, p.name)
}

// claim takes a name, unless another resource of the type has it.
func (p *provision) claim() bool {
	s := &p.call.cloud.stacks
	if s.names == nil {
		s.names = map[string]bool{}
	}
	if s.names[p.keptName()] {
		return false
	}
	s.names[p.keptName()] = true
	return true
}

// parameterTypes is AWS::SSM. Tags are kept and not acted on.
func parameterTypes() map[string]resourceType {
	return map[string]resourceType{"AWS::SSM::Parameter": {
		named: "Name",
		properties: shape{
			"Name": aText().unchanging(), "Type": aText().must().unchanging(), "Value": aText().must(), "Description": aText(),
			"AllowedPattern": aText(), "Tier": aText(), "DataType": aText(), "Tags": aDocument(),
		},
		create: func(p *provision) (made, error) { return p.putParameter(false) },
		update: func(p *provision) (made, error) { return p.putParameter(true) },
		remove: func(p *provision) error {
			_, err := p.do("ssm", "DeleteParameter", map[string]any{"Name": p.made.id})
			return err
		},
	}}
}

func (p *provision) putParameter(overwrite bool) (made, error) {
	members := pickMembers(p.properties, "Type", "Value", "Description", "AllowedPattern", "Tier", "DataType")
	members["Name"], members["Overwrite"] = p.name, overwrite
	_, err := p.do("ssm", "PutParameter", members)
	return made{id: p.name, atts: map[string]any{"Type": p.properties["Type"], "Value": p.properties["Value"]}}, err
}
