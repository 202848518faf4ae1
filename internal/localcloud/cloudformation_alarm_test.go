package localcloud_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"studiokeeper/internal/localcloud"
)

const alarmStack = `
Parameters:
  Name: {Type: String, Default: dead-letters}
  Threshold: {Type: String, Default: "0.5"}
Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Ref Name
      Namespace: AWS/SQS
      MetricName: ApproximateNumberOfMessagesVisible
      Dimensions: [{Name: QueueName, Value: work}]
      Statistic: Maximum
      Period: "60"
      EvaluationPeriods: 1
      Threshold: !Ref Threshold
      ComparisonOperator: GreaterThanThreshold
      AlarmActions: [!If [Never, none, "arn:aws:sns:us-east-1:111122223333:page"]]
Conditions:
  Never: !Equals [a, b]
Outputs:
  Alarm: {Value: !Ref Alarm}
  Arn: {Value: !GetAtt Alarm.Arn}
`

// alarms is what DescribeAlarms shows.
func (w *world) alarms() []localcloud.MetricAlarm {
	w.t.Helper()
	target := map[string]string{"X-Amz-Target": "GraniteServiceVersion20100801.DescribeAlarms", "Authorization": signed("monitoring")}
	status, _, reply := w.post(target, "{}")
	var out struct{ MetricAlarms []localcloud.MetricAlarm }
	if err := json.Unmarshal([]byte(reply), &out); err != nil || status != 200 {
		w.t.Fatalf("DescribeAlarms answers %d: %s", status, reply)
	}
	return out.MetricAlarms
}

func TestTheAlarmsOfAStackAreCloudWatchs(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	s := w.complete(stackInput(alarmStack))
	found := w.alarms()
	if len(found) != 1 || found[0].AlarmName != "dead-letters" || found[0].Threshold != 0.5 || found[0].Period != 60 || !*found[0].ActionsEnabled ||
		found[0].Dimensions[0].Value != "work" || found[0].AlarmActions[0] != "arn:aws:sns:us-east-1:111122223333:page" {
		t.Fatalf("after the stack was made the alarms are %+v", found)
	}
	for _, o := range s.Outputs {
		if want := map[string]string{"Alarm": "dead-letters", "Arn": found[0].AlarmArn}[*o.OutputKey]; *o.OutputValue != want {
			t.Errorf("output %s is %s, want %s", *o.OutputKey, *o.OutputValue, want)
		}
	}
	if s := w.update(updateInput(alarmStack, "Threshold", "2")); s.StackStatus != cftypes.StackStatusUpdateComplete {
		t.Fatalf("the stack is %s: %s", s.StackStatus, w.reasons(s.StackId))
	}
	if found := w.alarms(); len(found) != 1 || found[0].Threshold != 2 {
		t.Errorf("after the update the alarms are %+v", found)
	}
	w.update(updateInput(alarmStack, "Name", "letters"))
	if found := w.alarms(); len(found) != 1 || found[0].AlarmName != "letters" {
		t.Errorf("after the alarm got another name the alarms are %+v", found)
	}
	_, err := w.stacks().DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("small")})
	w.wantCode("DeleteStack", err, "")
	if found := w.alarms(); len(found) != 0 {
		t.Errorf("the stack is gone and the alarms are %+v", found)
	}
}

func TestAnAlarmThatIsThereIsNotTakenOver(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.complete(stackInput(alarmStack))
	second := stackInput(alarmStack, "Threshold", "9")
	second.StackName = aws.String("second")
	if s := w.stack(second); !strings.Contains(w.reasons(s.StackId), "dead-letters already exists") {
		t.Errorf("the second stack is %s: %s", s.StackStatus, w.reasons(s.StackId))
	}
	if found := w.alarms(); len(found) != 1 || found[0].Threshold != 0.5 {
		t.Errorf("the alarms are %+v", found)
	}
}

func TestAThresholdIsANumber(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	if s := w.stack(stackInput(alarmStack, "Threshold", "many")); !strings.Contains(w.reasons(s.StackId), "Threshold must be a Double") {
		t.Errorf("the stack is %s: %s", s.StackStatus, w.reasons(s.StackId))
	}
}
