package localcloud

import (
	"net/http"
	"slices"
	"strings"
)

// alarmState is CloudWatch's alarms by account and Region; guarded by Cloud.mu. No metrics are kept: an
// alarm's state is what SetAlarmState says last.
type alarmState struct {
	places map[place]map[string]*MetricAlarm // by name
}

// MetricAlarm is an alarm, as PutMetricAlarm takes and DescribeAlarms shows it.
type MetricAlarm struct {
	AlarmName               string
	AlarmDescription        string `json:",omitempty"`
	AlarmArn                string
	ActionsEnabled          *bool
	OKActions               []string
	AlarmActions            []string
	InsufficientDataActions []string
	Namespace               string      `json:",omitempty"`
	MetricName              string      `json:",omitempty"`
	Statistic               string      `json:",omitempty"`
	ExtendedStatistic       string      `json:",omitempty"`
	Dimensions              []Dimension `json:",omitempty"`
	Metrics                 []any       `json:",omitempty"`
	Period                  int         `json:",omitempty"`
	Unit                    string      `json:",omitempty"`
	EvaluationPeriods       int
	DatapointsToAlarm       int `json:",omitempty"`
	Threshold               float64
	ComparisonOperator      string
	TreatMissingData        string `json:",omitempty"`
	StateValue              string
	StateReason             string
}

// Dimension is one of a metric's.
type Dimension struct{ Name, Value string }

func cloudWatchService(*Cloud) service {
	return service{
		name: "monitoring", target: "GraniteServiceVersion20100801", version: "1.0",
		ops: map[string]operation{
			"PutMetricAlarm": handle(nil, nil, putMetricAlarm, "AlarmName", "EvaluationPeriods", "ComparisonOperator"),
			"SetAlarmState":  handle(nil, nil, setAlarmState, "AlarmName", "StateValue", "StateReason"),
			"DescribeAlarms": handle(nil, nil, describeAlarms),
			"DeleteAlarms":   handle(nil, nil, deleteAlarms, "AlarmNames"),
		},
	}
}

// putMetricAlarm makes or replaces an alarm, which keeps its state.
func putMetricAlarm(c *call, in *MetricAlarm) (*nothing, error) {
	made := *in
	made.AlarmArn = alarmNameARN(c, in.AlarmName)
	made.StateValue, made.StateReason = "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation"
	if made.ActionsEnabled == nil {
		enabled := true
		made.ActionsEnabled = &enabled
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	alarms := &c.cloud.alarms
	if alarms.places == nil {
		alarms.places = map[place]map[string]*MetricAlarm{}
	}
	if alarms.places[c.place()] == nil {
		alarms.places[c.place()] = map[string]*MetricAlarm{}
	}
	if known := alarms.places[c.place()][in.AlarmName]; known != nil {
		made.StateValue, made.StateReason = known.StateValue, known.StateReason
	}
	alarms.places[c.place()][in.AlarmName] = &made
	return &nothing{}, nil
}

func alarmNameARN(c *call, name string) string {
	return "arn:aws:cloudwatch:" + c.region + ":" + c.account + ":alarm:" + name
}

type alarmStateInput struct{ AlarmName, StateValue, StateReason string }

func setAlarmState(c *call, in *alarmStateInput) (*nothing, error) {
	if !slices.Contains([]string{"OK", "ALARM", "INSUFFICIENT_DATA"}, in.StateValue) {
		return nil, validation("Value '%s' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]", in.StateValue)
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	alarm := c.cloud.alarms.places[c.place()][in.AlarmName]
	if alarm == nil {
		return nil, errf(http.StatusNotFound, "ResourceNotFound", "Alarm %s does not exist", in.AlarmName)
	}
	alarm.StateValue, alarm.StateReason = in.StateValue, in.StateReason
	return &nothing{}, nil
}

type describeAlarmsInput struct {
	AlarmNames      []string
	AlarmNamePrefix string
	StateValue      string
	MaxRecords      int
	NextToken       string
}

type describedAlarms struct {
	MetricAlarms []MetricAlarm
	NextToken    string `json:",omitempty"`
}

// alarmPage is the longest page of DescribeAlarms, and half of it the default.
const alarmPage = 100

func describeAlarms(c *call, in *describeAlarmsInput) (*describedAlarms, error) {
	size := in.MaxRecords
	if size == 0 {
		size = alarmPage / 2
	}
	if size < 1 || size > alarmPage {
		return nil, validation("Value '%d' at 'maxRecords' failed to satisfy constraint: Member must have value between 1 and %d", size, alarmPage)
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	out := &describedAlarms{MetricAlarms: []MetricAlarm{}}
	for _, name := range sortedKeys(c.cloud.alarms.places[c.place()]) {
		alarm := c.cloud.alarms.places[c.place()][name]
		if name <= in.NextToken || !in.wants(alarm) {
			continue
		}
		if len(out.MetricAlarms) == size {
			out.NextToken = out.MetricAlarms[size-1].AlarmName
			break
		}
		out.MetricAlarms = append(out.MetricAlarms, *alarm)
	}
	return out, nil
}

func (in *describeAlarmsInput) wants(a *MetricAlarm) bool {
	return strings.HasPrefix(a.AlarmName, in.AlarmNamePrefix) &&
		(in.StateValue == "" || in.StateValue == a.StateValue) &&
		(len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, a.AlarmName))
}

type deleteAlarmsInput struct{ AlarmNames []string }

func deleteAlarms(c *call, in *deleteAlarmsInput) (*nothing, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	for _, name := range in.AlarmNames {
		delete(c.cloud.alarms.places[c.place()], name)
	}
	return &nothing{}, nil
}
