package deploy

import (
	"fmt"
	"path/filepath"

	"studiokeeper/internal/config"
)

// DirectoryName is the name of the function that carries Active Directory into
// Identity Center, and of its role and rule.
const DirectoryName = "studiokeeper-active-directory"

// Directory is the template of that function, in subnets that Active Directory
// and AWS can be reached from. The state table is that of the main stack.
func Directory(c *config.Config, o Options) (*Template, error) {
	g, err := newGenerator(c, o)
	if err != nil {
		return nil, err
	}
	if err := g.directoryFits(); err != nil {
		return nil, fmt.Errorf("generate the directory's function: %w: %w", config.ErrInvalid, err)
	}
	policies, err := pack(DirectoryName, "What the directory's function of studiokeeper deployment "+g.Deployment+" may do", g.directoryStatements())
	if err != nil {
		return nil, err
	}
	t := &Template{
		description: "studiokeeper, deployment " + g.Deployment + ": carries Active Directory into IAM Identity Center",
		header:      fmt.Sprintf(directoryHeader, g.Deployment, g.region(), g.region()),
	}
	directoryParameters(t)
	t.add("DirectoryDeadQueue", "AWS::SQS::Queue", append(g.anyQueue(DirectoryName+deadSuffix), field{"MessageRetentionPeriod", fortnight}))
	g.directoryRole(t, policies)
	g.directoryFunction(t)
	g.directorySchedule(t)
	g.directoryAlarms(t)
	return t, nil
}

const directoryHeader = `studiokeeper, deployment %s: the directory's function. Deploy it after the main stack, in %s.
Upload the zip of "studiokeeper deploy package --directory" to a bucket in that Region, then:
  aws cloudformation deploy --region %s --stack-name studiokeeper-active-directory \
    --template-file FILE --capabilities CAPABILITY_NAMED_IAM \
    --parameter-overrides CodeBucket=BUCKET CodeKey=KEY SubnetIds=SUBNET,SUBNET SecurityGroupIds=GROUP
From the subnets it must reach the domain controllers, and over 443 the endpoints of Identity Store, DynamoDB,
Secrets Manager and, where they are used, Parameter Store and SCIM.
`

// directoryFits refuses a configuration that the function could not work with:
// it has no environment of anybody's, and no files but those of its zip.
func (g *generator) directoryFits() error {
	d := g.Config.Directory
	if d == nil {
		return fmt.Errorf("directory is missing")
	}
	if g.IdentityCenter.AssumeRole.RoleARN != "" {
		return fmt.Errorf("identityCenter.assumeRole is set, and this function assumes no role: deploy it in Identity Center's account or one that administers it, with a configuration of its own")
	}
	for what, secret := range directorySecrets(d) {
		if store, _ := secret.Reference(); store != config.SecretInManager {
			return fmt.Errorf("%s refers to a secret that the function could not read: keep it in Secrets Manager, and refer to it with secretsmanager:ARN", what)
		}
	}
	if ca := d.LDAP.CAFile; ca != "" && !filepath.IsLocal(ca) {
		return fmt.Errorf("directory.ldap.caFile is %s, which the function's zip cannot hold: name it relative to the working directory", ca)
	}
	return nil
}

func directorySecrets(d *config.Directory) map[string]config.Secret {
	secrets := map[string]config.Secret{"directory.ldap.password": d.LDAP.Password}
	if d.SCIM != nil {
		secrets["directory.scim.token"] = d.SCIM.Token
	}
	return secrets
}

func directoryParameters(t *Template) {
	list := func(name, kind, description string) {
		t.parameters = append(t.parameters, field{name, object{{"Type", "List<AWS::EC2::" + kind + "::Id>"}, {"Description", description}}})
	}
	t.parameter("CodeBucket", required, "Bucket in this Region that holds the function's zip")
	t.parameter("CodeKey", required, "Key of the function's zip; give every version a key of its own, so that an update is noticed")
	list("SubnetIds", "Subnet", "Subnets from which Active Directory and AWS can be reached, in two zones at least")
	list("SecurityGroupIds", "SecurityGroup", "Security groups that let the function reach the domain controllers (636, or 389 with StartTLS) and 443")
	t.parameter("Schedule", "rate(15 minutes)", "How often the directory is carried over, as an EventBridge schedule expression")
	t.parameter("Architecture", "arm64", "Architecture that the zip was built for", field{"AllowedValues", []string{"arm64", "x86_64"}})
	t.parameter("KeyArn", "", "Customer key for the queue, tables, secrets, logs and the function; its policy must let logs use it. Empty: keys of AWS")
	t.parameter("AlarmTopicArn", "", "SNS topic that alarms are sent to. Empty: none")
	t.parameters = append(t.parameters, field{"LogRetention", object{
		{"Type", "Number"}, {"Description", "Days that logs are kept"}, {"Default", 90},
		{"AllowedValues", []int{7, 14, 30, 60, 90, 180, 365, 731, 1827, 3653}}}})
	t.when("HasKey", not(equals("KeyArn", "")))
	t.when("HasTopic", not(equals("AlarmTopicArn", "")))
}

// directoryStatements are what the function may do: reading the identity store,
// writing it only where no other way in is configured, and its part of the state.
func (g *generator) directoryStatements() []Statement {
	state := g.tables()[:1]
	if g.Mapping.Table != "" && len(g.Config.Directory.Groups) == 0 {
		state = g.tables()
	}
	statements := []Statement{
		allow("WriteLogs", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, g.here("logs", "log-group:/aws/lambda/"+DirectoryName+":*")),
		allow("KeepFailed", []string{"sqs:SendMessage"}, g.here("sqs", DirectoryName+deadSuffix)),
	}
	statements = append(append(statements, g.networkInterfaces()...), state...)
	if g.Parameter != "" {
		statements = append(statements, g.configuration())
	}
	var secrets []string
	for _, s := range directorySecrets(g.Config.Directory) {
		_, arn := s.Reference()
		secrets = append(secrets, arn)
	}
	statements = append(statements, allow("ReadSecrets", []string{"secretsmanager:GetSecretValue"}, secrets...))
	return append(statements, g.directoryIdentity()...)
}

// networkInterfaces lets Lambda connect the function to its subnets. The code of
// the function may not do what Lambda may.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
func (g *generator) networkInterfaces() []Statement {
	actions := []string{
		"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
		"ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
	}
	code := allow("NotItsCode", actions, "*").where(is("ArnLike", "lambda:SourceFunctionArn", "arn:"+g.partition()+":lambda:"+g.region()+":*:function:"+DirectoryName))
	code.Effect = "Deny"
	return []Statement{allow("JoinSubnets", actions, "*"), code}
}

func (g *generator) directoryIdentity() []Statement {
	store := "arn:" + g.partition() + ":identitystore::*:identitystore/" + orAny(g.IdentityCenter.IdentityStoreID)
	in := "arn:" + g.partition() + ":identitystore:::"
	on := []string{store, in + "user/*", in + "group/*", in + "membership/*"}
	statements := []Statement{allow("ReadIdentityStore", []string{
		"identitystore:DescribeUser", "identitystore:ListGroupMemberships", "identitystore:ListGroups", "identitystore:ListUsers",
	}, on...)}
	if g.IdentityCenter.IdentityStoreID == "" {
		statements = append(statements, allow("FindIdentityCenter", []string{"sso:ListInstances"}, "*"))
	}
	if g.Config.Directory.SCIM == nil && g.Mode != "observe" {
		statements = append(statements, allow("WriteIdentityStore", []string{
			"identitystore:CreateGroup", "identitystore:CreateGroupMembership", "identitystore:CreateUser", "identitystore:DeleteGroupMembership",
			"identitystore:DeleteUser", "identitystore:UpdateGroup", "identitystore:UpdateUser",
		}, on...))
	}
	return statements
}

func (g *generator) directoryRole(t *Template, policies []Policy) {
	attached := managed(t, "DirectoryPolicy", policies)
	t.add("DirectoryKeyPolicy", "AWS::IAM::ManagedPolicy", object{
		{"ManagedPolicyName", DirectoryName + "-key"}, {"Description", "The customer key of queue, tables and secrets"},
		{"PolicyDocument", document(allow("UseKey", []string{"kms:Decrypt", "kms:GenerateDataKey"}, "${KeyArn}")).object()},
	}, field{"Condition", "HasKey"})
	t.add("DirectoryRole", "AWS::IAM::Role", object{
		{"RoleName", DirectoryName}, {"Description", "studiokeeper, deployment " + g.Deployment + ": the directory's function runs under it"},
		{"AssumeRolePolicyDocument", trust(object{{"Service", "lambda.amazonaws.com"}}, []string{"sts:AssumeRole"}, nil)},
		{"ManagedPolicyArns", append(attached, only("HasKey", ref("DirectoryKeyPolicy")))},
		{"Tags", g.tags()},
	})
}

func (g *generator) directoryFunction(t *Template) {
	t.add("DirectoryLog", "AWS::Logs::LogGroup", object{
		{"LogGroupName", "/aws/lambda/" + DirectoryName}, {"RetentionInDays", ref("LogRetention")}, {"KmsKeyId", only("HasKey", ref("KeyArn"))}, {"Tags", g.tags()},
	}, field{"DeletionPolicy", "Delete"}, field{"UpdateReplacePolicy", "Delete"})
	t.add("DirectoryFunction", "AWS::Lambda::Function", object{
		{"FunctionName", DirectoryName}, {"Description", "studiokeeper, deployment " + g.Deployment + ": carries Active Directory into Identity Center"},
		{"Runtime", "provided.al2023"}, {"Handler", "bootstrap"}, {"Architectures", []any{ref("Architecture")}},
		{"Code", object{{"S3Bucket", ref("CodeBucket")}, {"S3Key", ref("CodeKey")}}},
		{"Role", attribute("DirectoryRole", "Arn")}, {"MemorySize", 512}, {"Timeout", PassTimeout},
		{"KmsKeyArn", only("HasKey", ref("KeyArn"))},
		{"VpcConfig", object{{"SubnetIds", ref("SubnetIds")}, {"SecurityGroupIds", ref("SecurityGroupIds")}}},
		{"DeadLetterConfig", object{{"TargetArn", attribute("DirectoryDeadQueue", "Arn")}}},
		{"Environment", object{{"Variables", object{{envConfig, g.configurationRef()}}}}},
		{"Tags", g.tags()},
	}, field{"DependsOn", []string{"DirectoryLog"}})
	t.output("DirectoryFunctionArn", "The function "+DirectoryName, attribute("DirectoryFunction", "Arn"))
	t.output("DirectoryDeadQueueUrl", "Runs of the function that failed, three times each", ref("DirectoryDeadQueue"))
}

// directorySchedule starts the function; two runs never work at once, because
// the second finds the lease taken.
func (g *generator) directorySchedule(t *Template) {
	t.add("DirectoryRule", "AWS::Events::Rule", object{
		{"Name", DirectoryName}, {"Description", "Has the directory carried over"}, {"ScheduleExpression", ref("Schedule")},
		{"Targets", []any{object{{"Id", "function"}, {"Arn", attribute("DirectoryFunction", "Arn")}}}},
	})
	t.add("DirectoryPermission", "AWS::Lambda::Permission", object{
		{"Action", "lambda:InvokeFunction"}, {"FunctionName", ref("DirectoryFunction")},
		{"Principal", "events.amazonaws.com"}, {"SourceArn", attribute("DirectoryRule", "Arn")},
	})
}

func (g *generator) directoryAlarms(t *Template) {
	g.alarm(t, alarm{
		"DirectoryFailing", "directory-failing", "The directory is not carried over, or in part only. Read the log of " + DirectoryName + ".",
		"AWS/Lambda", "Errors", "FunctionName", DirectoryName, "Sum", 60 * minutes, 1, 0,
	}, "GreaterThanThreshold", "notBreaching")
	g.alarm(t, alarm{
		"DirectoryDead", "directory-dead-letters", "Runs failed three times. Read the log of " + DirectoryName + "; the next run goes on by itself.",
		"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", DirectoryName + deadSuffix, "Maximum", 5 * minutes, 1, 0,
	}, "GreaterThanThreshold", "notBreaching")
	g.alarm(t, alarm{
		"DirectoryIdle", "directory-idle", "The directory's function was not started for a day. Look at the rule " + DirectoryName + ".",
		"AWS/Lambda", "Invocations", "FunctionName", DirectoryName, "Sum", 24 * 60 * minutes, 1, 1,
	}, "LessThanThreshold", "breaching")
}
