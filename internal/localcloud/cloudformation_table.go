package localcloud

import "reflect"

// tableTypes is AWS::DynamoDB. Point-in-time recovery, encryption, table class and tags are kept and not
// acted on.
func tableTypes() map[string]resourceType {
	return map[string]resourceType{"AWS::DynamoDB::Table": {
		named: "TableName",
		properties: shape{
			"TableName":            aText().unchanging(),
			"AttributeDefinitions": aList(anObject(shape{"AttributeName": aText().must(), "AttributeType": aText().must()})).unchanging(),
			"KeySchema":            aList(anObject(shape{"AttributeName": aText().must(), "KeyType": aText().must()})).must().unchanging(),
			"BillingMode":          aText().unchanging(),
			"ProvisionedThroughput": anObject(shape{
				"ReadCapacityUnits": aNumber().must(), "WriteCapacityUnits": aNumber().must(),
			}).unchanging(),
			"DeletionProtectionEnabled": aTruth(),
			"StreamSpecification":       anObject(shape{"StreamViewType": aText().must()}),
			"TimeToLiveSpecification":   anObject(shape{"AttributeName": aText(), "Enabled": aTruth().must()}),
			"PointInTimeRecoverySpecification": anObject(shape{
				"PointInTimeRecoveryEnabled": aTruth(), "RecoveryPeriodInDays": aNumber(),
			}),
			"SSESpecification": anObject(shape{"SSEEnabled": aTruth().must(), "SSEType": aText(), "KMSMasterKeyId": aText()}),
			"TableClass":       aText(), "Tags": tagList(),
		},
		create: createTableResource, update: updateTableResource,
		remove: func(p *provision) error {
			_, err := p.do("dynamodb", "DeleteTable", map[string]any{"TableName": p.made.id})
			return err
		},
	}}
}

func createTableResource(p *provision) (made, error) {
	members := pickMembers(p.properties, "AttributeDefinitions", "KeySchema", "BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled")
	members["TableName"] = p.name
	if stream := streamMembers(p.properties); stream != nil {
		members["StreamSpecification"] = stream
	}
	if _, err := p.do("dynamodb", "CreateTable", members); err != nil {
		return made{}, err
	}
	p.made = made{id: p.name}
	if err := p.setTimeToLive(); err != nil {
		return p.made, err
	}
	return p.describeTable()
}

func streamMembers(properties map[string]any) map[string]any {
	stream, ok := properties["StreamSpecification"].(map[string]any)
	if !ok {
		return nil
	}
	return map[string]any{"StreamEnabled": true, "StreamViewType": stream["StreamViewType"]}
}

// setTimeToLive brings time to live from what it was to what is wanted.
func (p *provision) setTimeToLive() error {
	is, _ := p.old["TimeToLiveSpecification"].(map[string]any)
	wanted, _ := p.properties["TimeToLiveSpecification"].(map[string]any)
	if reflect.DeepEqual(is, wanted) {
		return nil
	}
	for _, spec := range []map[string]any{is, wanted} {
		if spec["Enabled"] != true {
			continue
		}
		enabled := reflect.DeepEqual(spec, wanted)
		_, err := p.do("dynamodb", "UpdateTimeToLive", map[string]any{"TableName": p.made.id,
			"TimeToLiveSpecification": map[string]any{"AttributeName": spec["AttributeName"], "Enabled": enabled}})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *provision) describeTable() (made, error) {
	out, err := p.do("dynamodb", "DescribeTable", map[string]any{"TableName": p.made.id})
	if err != nil {
		return p.made, err
	}
	table := out["Table"].(map[string]any)
	p.made.atts = map[string]any{"Arn": table["TableArn"]}
	if table["LatestStreamArn"] != nil {
		p.made.atts["StreamArn"] = table["LatestStreamArn"]
	}
	return p.made, nil
}

func updateTableResource(p *provision) (made, error) {
	members := map[string]any{"TableName": p.made.id, "DeletionProtectionEnabled": p.properties["DeletionProtectionEnabled"] == true}
	is, wanted := streamMembers(p.old), streamMembers(p.properties)
	switch {
	case reflect.DeepEqual(is, wanted):
	case wanted == nil:
		members["StreamSpecification"] = map[string]any{"StreamEnabled": false}
	default:
		members["StreamSpecification"] = wanted
	}
	if _, err := p.do("dynamodb", "UpdateTable", members); err != nil {
		return p.made, err
	}
	if err := p.setTimeToLive(); err != nil {
		return p.made, err
	}
	return p.describeTable()
}
