package localcloud

import (
	"fmt"
	"strconv"
)

// queueTypes is AWS::SQS. Tags are kept and not acted on.
func queueTypes() map[string]resourceType {
	return map[string]resourceType{
		"AWS::SQS::Queue": {
			named: "QueueName",
			properties: shape{
				"QueueName": aText().unchanging(), "VisibilityTimeout": aNumber(), "DelaySeconds": aNumber(), "MessageRetentionPeriod": aNumber(),
				"ReceiveMessageWaitTimeSeconds": aNumber(), "MaximumMessageSize": aNumber(), "RedrivePolicy": aDocument(),
				"RedriveAllowPolicy": aDocument(), "KmsMasterKeyId": aText(), "KmsDataKeyReusePeriodSeconds": aNumber(),
				"SqsManagedSseEnabled": aTruth(), "Tags": tagList(),
			},
			create: createQueueResource, update: updateQueueResource,
			remove: func(p *provision) error {
				_, err := p.do("sqs", "DeleteQueue", map[string]any{"QueueUrl": p.made.id})
				return err
			},
		},
		"AWS::SQS::QueuePolicy": {
			properties: shape{"PolicyDocument": aDocument().must(), "Queues": aList(aText()).must().unchanging()},
			create:     putQueuePolicy, update: putQueuePolicy,
			remove: func(p *provision) error { return p.setQueuePolicy("") },
		},
	}
}

// queueAttributes writes properties as attributes; those of old that are left out get their default.
func queueAttributes(properties, old map[string]any) map[string]any {
	attributes := map[string]any{}
	for name := range old {
		attributes[name] = ""
		if a, ok := numberAttributeOf(name); ok {
			attributes[name] = strconv.Itoa(a.standard)
		}
	}
	for name, value := range properties {
		switch value := value.(type) {
		case map[string]any:
			attributes[name] = documentText(value)
		default:
			attributes[name] = fmt.Sprint(value)
		}
	}
	delete(attributes, "QueueName")
	delete(attributes, "Tags")
	return attributes
}

func createQueueResource(p *provision) (made, error) {
	if _, err := p.do("sqs", "GetQueueUrl", map[string]any{"QueueName": p.name}); err == nil {
		return made{}, fmt.Errorf("Resource of type 'AWS::SQS::Queue' with identifier '%s' already exists.", p.name)
	}
	out, err := p.do("sqs", "CreateQueue", map[string]any{"QueueName": p.name, "Attributes": queueAttributes(p.properties, nil)})
	if err != nil {
		return made{}, err
	}
	url := fmt.Sprint(out["QueueUrl"])
	return made{id: url, atts: map[string]any{"Arn": queueARN(p.call.place(), p.name), "QueueName": p.name, "QueueUrl": url}}, nil
}

func updateQueueResource(p *provision) (made, error) {
	_, err := p.do("sqs", "SetQueueAttributes", map[string]any{"QueueUrl": p.made.id, "Attributes": queueAttributes(p.properties, p.old)})
	return p.made, err
}

func putQueuePolicy(p *provision) (made, error) {
	if p.made.id == "" {
		p.made.id = p.name
	}
	return p.made, p.setQueuePolicy(documentText(p.properties["PolicyDocument"]))
}

func (p *provision) setQueuePolicy(text string) error {
	for _, url := range p.properties["Queues"].([]any) {
		if _, err := p.do("sqs", "SetQueueAttributes", map[string]any{"QueueUrl": url, "Attributes": map[string]any{"Policy": text}}); err != nil {
			return err
		}
	}
	return nil
}
