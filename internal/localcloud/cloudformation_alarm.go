package localcloud

import (
	"fmt"
	"maps"
)

// alarmTypes is AWS::CloudWatch::Alarm, whose properties are PutMetricAlarm's members. Tags are kept and
// not acted on.
func alarmTypes() map[string]resourceType {
	dimension := anObject(shape{"Name": aText().must(), "Value": aText().must()})
	metric := anObject(shape{"MetricName": aText(), "Namespace": aText(), "Dimensions": aList(dimension)})
	query := anObject(shape{
		"Id": aText().must(), "Expression": aText(), "Label": aText(), "ReturnData": aTruth(), "Period": aNumber(), "AccountId": aText(),
		"MetricStat": anObject(shape{"Metric": metric.must(), "Period": aNumber().must(), "Stat": aText().must(), "Unit": aText()}),
	})
	return map[string]resourceType{"AWS::CloudWatch::Alarm": {
		named: "AlarmName",
		properties: shape{
			"AlarmName": aText().unchanging(), "AlarmDescription": aText(), "ActionsEnabled": aTruth(), "AlarmActions": aList(aText()),
			"OKActions": aList(aText()), "InsufficientDataActions": aList(aText()), "ComparisonOperator": aText().must(),
			"EvaluationPeriods": aNumber().must(), "DatapointsToAlarm": aNumber(), "Threshold": aDouble(), "TreatMissingData": aText(),
			"Namespace": aText(), "MetricName": aText(), "Dimensions": aList(dimension), "Metrics": aList(query), "Statistic": aText(),
			"ExtendedStatistic": aText(), "Period": aNumber(), "Unit": aText(), "Tags": tagList(),
		},
		create: createAlarmResource, update: putAlarmResource,
		remove: func(p *provision) error {
			_, err := p.do("monitoring", "DeleteAlarms", map[string]any{"AlarmNames": []string{p.made.id}})
			return err
		},
	}}
}

// createAlarmResource refuses a name that is taken, which PutMetricAlarm would overwrite.
func createAlarmResource(p *provision) (made, error) {
	found, err := p.do("monitoring", "DescribeAlarms", map[string]any{"AlarmNames": []string{p.name}})
	if err != nil {
		return made{}, err
	}
	if alarms, _ := found["MetricAlarms"].([]any); len(alarms) > 0 {
		return made{}, fmt.Errorf("%s already exists", p.name)
	}
	return putAlarmResource(p)
}

func putAlarmResource(p *provision) (made, error) {
	members := maps.Clone(p.properties)
	delete(members, "Tags")
	members["AlarmName"] = p.name
	_, err := p.do("monitoring", "PutMetricAlarm", members)
	return made{id: p.name, atts: map[string]any{"Arn": alarmNameARN(p.call, p.name)}}, err
}
