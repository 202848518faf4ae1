package localcloud

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

var awsManagedPattern = whole(`arn:aws:iam::aws:policy(/(?:service-role/|job-function/|aws-service-role/)?)([\w+=,.@-]{1,128})`)

// policiesSince is when AWS managed policies seem to have been made.
var policiesSince = time.Date(2015, 2, 6, 0, 0, 0, 0, time.UTC)

const lambdaLogs = `"logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"`

// awsManagedTexts are the policies of AWS whose text the local cloud has, by path and name. Others can be
// attached too: they allow nothing here, and a simulation that would have to read one is refused.
var awsManagedTexts = map[string]string{
	"/AdministratorAccess": managedText("Allow", `"*"`),
	"/AWSDenyAll":          managedText("Deny", `"*"`),
	"/service-role/AWSLambdaBasicExecutionRole":    managedText("Allow", lambdaLogs),
	"/service-role/AWSLambdaSQSQueueExecutionRole": managedText("Allow", `"sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes",`+lambdaLogs),
	"/service-role/AWSLambdaDynamoDBExecutionRole": managedText("Allow",
		`"dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams",`+lambdaLogs),
}

func managedText(effect, actions string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Action":[%s],"Resource":"*"}]}`, effect, actions)
}

// awsManaged is a policy that AWS keeps; nil: the ARN names none. The caller holds s.mu.
func (s *iamState) awsManaged(arn string) *managedPolicy {
	parts := awsManagedPattern.FindStringSubmatch(arn)
	if parts == nil {
		return nil
	}
	if p := s.ofAWS[arn]; p != nil {
		return p
	}
	p := &managedPolicy{Policy: types.Policy{
		Arn: &arn, Path: &parts[1], PolicyName: &parts[2], PolicyId: aws.String("ANPA" + randomKey(17)), IsAttachable: true,
	}}
	doc := storedPolicy{parsed: &policy{}}
	if text, known := awsManagedTexts[parts[1]+parts[2]]; known {
		doc, _ = readStored(&text, identityPolicy)
	}
	p.DefaultVersionId = p.add(doc, policiesSince)
	p.CreateDate = p.UpdateDate
	if s.ofAWS == nil {
		s.ofAWS = map[string]*managedPolicy{}
	}
	s.ofAWS[arn] = p
	return p
}

// attachable finds a policy of the account or of AWS. The caller holds s.mu.
func (s *iamState) attachable(account string, arn *string) (*managedPolicy, error) {
	if p := s.awsManaged(*arn); p != nil {
		return p, nil
	}
	return s.managed(account, arn)
}

// unread names the policies of a role whose text the local cloud does not have.
func (r *iamRole) unread() string {
	var names []string
	for _, arn := range sortedKeys(r.attached) {
		if p := r.attached[arn]; p.version(*p.DefaultVersionId).doc.text == "" {
			names = append(names, arn)
		}
	}
	return strings.Join(names, ", ")
}
