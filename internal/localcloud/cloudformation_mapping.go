package localcloud

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

func createMappingResource(p *provision) (made, error) {
	var end context.CancelFunc
	var err error
	if p.properties["Enabled"] != false {
		end, err = p.startMapping()
	}
	if err != nil {
		return made{}, err
	}
	id := p.call.cloud.functions.keepMapping(p.call.place(), mappingShown{
		EventSourceArn: p.text("EventSourceArn"), FunctionArn: p.functionARN(),
	}, end)
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", p.call.region, p.call.account, id)
	return made{id: id, atts: map[string]any{"Id": id, "EventSourceMappingArn": arn}}, nil
}

func (p *provision) startMapping() (context.CancelFunc, error) {
	types, _ := p.properties["FunctionResponseTypes"].([]any)
	for _, kind := range types {
		if kind != "ReportBatchItemFailures" {
			return nil, fmt.Errorf("Value '%v' at 'functionResponseTypes' failed to satisfy constraint: Member must satisfy enum value set: [ReportBatchItemFailures]", kind)
		}
	}
	source := p.text("EventSourceArn")
	switch reports := len(types) > 0; {
	case strings.HasPrefix(source, "arn:aws:sqs:"):
		scaling, _ := p.properties["ScalingConfig"].(map[string]any)
		return p.call.cloud.mapQueue(EventSourceMapping{
			QueueArn: source, Function: p.functionARN(), BatchSize: number(p.properties, "BatchSize"),
			Window: p.window(), ReportBatchItemFailures: reports, MaximumConcurrency: number(scaling, "MaximumConcurrency"),
		})
	case strings.HasPrefix(source, "arn:aws:dynamodb:"):
		m, err := p.streamMapping()
		if err != nil {
			return nil, err
		}
		m.ReportBatchItemFailures = reports
		end, _, err := p.call.cloud.mapStream(m)
		return end, err
	}
	return nil, fmt.Errorf("Unrecognized event source: the local cloud maps queues and streams of DynamoDB, not %q", source)
}

func (p *provision) window() time.Duration {
	return time.Duration(number(p.properties, "MaximumBatchingWindowInSeconds")) * time.Second
}

func (p *provision) streamMapping() (StreamMapping, error) {
	m := StreamMapping{
		StreamArn: p.text("EventSourceArn"), Function: p.functionARN(), BatchSize: number(p.properties, "BatchSize"),
		BisectBatchOnFunctionError: p.properties["BisectBatchOnFunctionError"] == true,
	}
	switch position := p.text("StartingPosition"); position {
	case "TRIM_HORIZON":
		m.FromStart = true
	case "LATEST":
	default:
		return m, fmt.Errorf("1 validation error detected: Value '%s' at 'startingPosition' failed to satisfy constraint: a stream's is LATEST or TRIM_HORIZON", position)
	}
	if p.window() > 0 {
		return m, errors.New("the local cloud knows MaximumBatchingWindowInSeconds of queues only")
	}
	if p.properties["MaximumRetryAttempts"] != nil {
		most := number(p.properties, "MaximumRetryAttempts")
		m.MaximumRetryAttempts = &most
	}
	destination, _ := p.properties["DestinationConfig"].(map[string]any)
	failed, _ := destination["OnFailure"].(map[string]any)
	m.OnFailureQueueArn, _ = failed["Destination"].(string)
	return m, nil
}

// functionARN is the mapped function, which the template may call by its name or ARN.
func (p *provision) functionARN() string {
	name := p.text("FunctionName")
	if _, _, ok := functionARN(name); ok {
		return name
	}
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", p.call.region, p.call.account, name)
}

func removeMappingResource(p *provision) error {
	p.call.cloud.functions.endMapping(p.made.id)
	return nil
}
