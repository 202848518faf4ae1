package deploy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// alarm is a CloudWatch alarm on one metric; it rings at more than threshold.
type alarm struct {
	id, name, todo    string
	namespace, metric string
	dimension, value  string
	statistic         string
	period, periods   int
	threshold         int
}

const minutes = 60

func (g *generator) alarms(t *Template) {
	all := append(serviceAlarms(), ownAlarms(g.Deployment)...)
	for _, a := range all {
		g.alarm(t, a, "GreaterThanThreshold", "notBreaching")
	}
	g.alarm(t, alarm{
		id: "NoPass", name: noPass, todo: "No pass has succeeded for 3 hours, so lost events stay unnoticed. Read the log of " + PassName + ", then run studiokeeper doctor.",
		namespace: "studiokeeper", metric: "PassSucceeded", dimension: "deployment", value: g.Deployment, statistic: "Sum", period: 60 * minutes, periods: 3, threshold: 1,
	}, "LessThanThreshold", "breaching")
}

// serviceAlarms are on what AWS measures.
func serviceAlarms() []alarm {
	var all []alarm
	for _, f := range []struct {
		id, name string
		age      int
	}{{"Events", EventsName, 15 * minutes}, {"Pass", PassName, 180 * minutes}} {
		short := strings.TrimPrefix(f.name, "studiokeeper-")
		all = append(all,
			alarm{f.id + "Dead", short + "-dead-letters", "Messages could not be handled. studiokeeper queue inspect shows why; repair it, then studiokeeper queue redrive.",
				"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", f.name + deadSuffix, "Maximum", 5 * minutes, 1, 0},
			alarm{f.id + "Late", short + "-late", "Messages wait long. Look for throttles and errors of the function " + f.name + ".",
				"AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", f.name, "Maximum", 5 * minutes, 3, f.age},
			alarm{f.id + "Failing", short + "-failing", "The function ends in errors. Read the log of " + f.name + ".",
				"AWS/Lambda", "Errors", "FunctionName", f.name, "Sum", 5 * minutes, 3, 0},
			alarm{f.id + "Throttled", short + "-throttled", "The account has no concurrency left for " + f.name + ". Raise the quota, or lower what others use.",
				"AWS/Lambda", "Throttles", "FunctionName", f.name, "Sum", 5 * minutes, 3, 0})
	}
	for _, r := range []struct{ id, name string }{{"Membership", RuleName}, {"FullPass", FullPassName}, {"DeepPass", DeepPassName}} {
		all = append(all, alarm{r.id + "Undelivered", strings.TrimPrefix(r.name, "studiokeeper-") + "-undelivered",
			"EventBridge cannot reach the queue. Compare the queue's and the key's policy with the template, then run a pass.",
			"AWS/Events", "FailedInvocations", "RuleName", r.name, "Sum", 5 * minutes, 1, 0})
	}
	return all
}

// ownAlarms are on what the function measures.
func ownAlarms(deployment string) []alarm {
	var all []alarm
	for _, a := range []struct {
		metric, name, todo string
		periods            int
	}{
		{"Errors", "errors", "People could not be brought in step. Each is named in the functions' logs.", 3},
		{"RemovalsHeld", "removals-held", "Removals wait for a decision: studiokeeper removals list, then approve or reject.", 1},
		{"ChangesHeld", "changes-held", "Changes of an edited row wait for a decision: studiokeeper removals list, then approve or reject.", 1},
		{"Conflicts", "conflicts", "People are in conflict and get no new role: studiokeeper explain USER says why.", 3},
		{"DeletionsFailed", "deletions-failed", "A profile or space could not be deleted. Read the log and delete it by hand.", 1},
		{"QuarantineFailed", "quarantine-failed", "A leaver may still have a role. Read the log at once, and stop their apps by hand.", 1},
		{"TagsRemoved", "tags-removed", "Somebody took our tags from a profile. Find out who in CloudTrail.", 1},
	} {
		all = append(all, alarm{a.metric, a.name, a.todo, "studiokeeper", a.metric, "deployment", deployment, "Sum", 5 * minutes, a.periods, 0})
	}
	return all
}

func (g *generator) alarm(t *Template, a alarm, comparison, missing string) {
	t.add(a.id+"Alarm", "AWS::CloudWatch::Alarm", object{
		{"AlarmName", alarmPrefix + a.name}, {"AlarmDescription", a.todo},
		{"Namespace", a.namespace}, {"MetricName", a.metric},
		{"Dimensions", []any{object{{"Name", a.dimension}, {"Value", a.value}}}},
		{"Statistic", a.statistic}, {"Period", a.period}, {"EvaluationPeriods", a.periods},
		{"Threshold", a.threshold}, {"ComparisonOperator", comparison}, {"TreatMissingData", missing},
		{"AlarmActions", only("HasTopic", []any{ref("AlarmTopicArn")})},
		{"OKActions", only("HasTopic", []any{ref("AlarmTopicArn")})},
	})
}

// dashboard shows what an operator looks at in the morning.
func (g *generator) dashboard(t *Template) error {
	widget := func(n int, title string, metrics ...[]string) map[string]any {
		return map[string]any{"type": "metric", "x": n % 2 * 12, "y": n / 2 * 6, "width": 12, "height": 6, "properties": map[string]any{
			"title": title, "region": g.region(), "metrics": metrics, "stat": "Sum", "period": 300, "view": "timeSeries",
		}}
	}
	own := func(metric string) []string { return []string{"studiokeeper", metric, "deployment", g.Deployment} }
	widgets := []any{
		widget(0, "Users ready", own("UsersReady"), own("PassSucceeded")),
		widget(1, "Waiting for a person", own("RemovalsHeld"), own("ChangesHeld"), own("Conflicts")),
		widget(2, "Failures", own("Errors"), own("DeletionsFailed"), own("QuarantineFailed"), own("TagsRemoved")),
		widget(3, "Dead letters", []string{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", EventsName + deadSuffix},
			[]string{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", PassName + deadSuffix}),
	}
	body, err := json.Marshal(map[string]any{"widgets": widgets})
	if err != nil {
		return fmt.Errorf("write the dashboard: %w", err)
	}
	t.add("Dashboard", "AWS::CloudWatch::Dashboard", object{{"DashboardName", "studiokeeper"}, {"DashboardBody", string(body)}})
	return nil
}
