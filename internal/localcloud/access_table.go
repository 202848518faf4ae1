package localcloud

// ARNs of what operations are about, as templates.
const (
	domainARN      = "arn:aws:sagemaker:{region}:{account}:domain/{DomainId}"
	profileARN     = "arn:aws:sagemaker:{region}:{account}:user-profile/{DomainId}/{UserProfileName}"
	spaceARN       = "arn:aws:sagemaker:{region}:{account}:space/{DomainId}/{SpaceName}"
	appARN         = "arn:aws:sagemaker:{region}:{account}:app/{DomainId}/{UserProfileName/SpaceName}/{AppType|lower}/{AppName}"
	taggedARN      = "{ResourceArn}"
	storeARN       = "arn:aws:identitystore::{IdentityStoreId|store}"
	userARN        = "arn:aws:identitystore:::user/{UserId/MemberId}"
	groupARN       = "arn:aws:identitystore:::group/{GroupId}"
	groupsARN      = "arn:aws:identitystore:::group/{GroupIds}"
	memberARN      = "arn:aws:identitystore:::membership/{MembershipId}"
	anyUser        = "arn:aws:identitystore:::user/*"
	anyGroup       = "arn:aws:identitystore:::group/*"
	anyMember      = "arn:aws:identitystore:::membership/*"
	instanceARN    = "{InstanceArn}"
	appInstance    = "arn:aws:sso:::instance/{ApplicationArn|instance}"
	applicationARN = "{ApplicationArn}"
	tableARN       = "arn:aws:dynamodb:{region}:{account}:table/{TableName|last}"
	batchARN       = "arn:aws:dynamodb:{region}:{account}:table/{RequestItems|last}"
	itemARN        = "arn:aws:dynamodb:{region}:{account}:table/"
	queueOfURL     = "arn:aws:sqs:{region}:{QueueUrl|queue}"
	queueNamed     = "arn:aws:sqs:{region}:{account}:{QueueName}"
	paramARN       = "arn:aws:ssm:{region}:{account}:parameter/{Name|parameter}"
	trailARN       = "arn:aws:cloudtrail:{region}:{account}:trail/{Name/TrailName|last}"
	alarmARN       = "arn:aws:cloudwatch:{region}:{account}:alarm:"
	stackARN       = "arn:aws:cloudformation:{region}:{account}:stack/{StackName|stack}/*"
	bucketARN      = "arn:aws:s3:::{Bucket}"
	objectARN      = "arn:aws:s3:::{Bucket}/{Key}"
	policyNamed    = "arn:aws:iam::{account}:policy{Path|path}{PolicyName}"
)

// on is an operation that asks for its own action on some resources, all of which must be allowed.
func on(resources ...string) []permission { return []permission{{resources: resources}} }

// alsoTags is what SageMaker asks for besides when a resource is made with tags.
func alsoTags(operation, resource string) permission {
	return permission{
		action: "sagemaker:AddTags", resources: []string{resource}, tagged: true,
		keys: map[string]string{"sagemaker:TaggingAction": operation},
	}
}

// passing is what a service asks for when it is given roles.
func passing(service string) permission {
	return permission{action: "iam:PassRole", find: passedRoles, keys: map[string]string{"iam:PassedToService": service}}
}

// acting is another action than the operation's own.
func acting(action string, resources ...string) permission {
	return permission{action: action, resources: resources}
}

// transacted is the action that an item of a transaction asks for.
func transacted(action, kind string) permission {
	return permission{
		action: action, resources: []string{itemARN + "{TransactItems." + kind + ".TableName|last}"},
		keys: map[string]string{"dynamodb:EnclosingOperation": "TransactWriteItems"},
	}
}

// actionPrefix is how actions of a service begin, which is not always its signing name.
func actionPrefix(service string) string {
	switch service {
	case "tagging":
		return "tag"
	case "monitoring":
		return "cloudwatch"
	}
	return service
}

const passedToStudio = "sagemaker.amazonaws.com"

// accessTable says what each operation asks a caller's policies for: AWS's Service Authorization Reference,
// by signing name and operation. An operation that is not here is refused to callers who have policies; one
// with an empty entry needs no permission.
var accessTable = map[string]map[string][]permission{
	"sagemaker": {
		"CreateDomain":        append(on(domainARN), alsoTags("CreateDomain", domainARN), passing(passedToStudio)),
		"DescribeDomain":      on(domainARN),
		"UpdateDomain":        append(on(domainARN), passing(passedToStudio)),
		"DeleteDomain":        on(domainARN),
		"ListDomains":         on(),
		"CreateUserProfile":   append(on(profileARN), alsoTags("CreateUserProfile", profileARN), passing(passedToStudio)),
		"DescribeUserProfile": on(profileARN),
		"UpdateUserProfile":   append(on(profileARN), passing(passedToStudio)),
		"DeleteUserProfile":   on(profileARN),
		"ListUserProfiles":    on(),
		"CreateSpace":         append(on(spaceARN), alsoTags("CreateSpace", spaceARN)),
		"DescribeSpace":       on(spaceARN),
		"UpdateSpace":         on(spaceARN),
		"DeleteSpace":         on(spaceARN),
		"ListSpaces":          on(),
		"CreateApp":           append(on(appARN), alsoTags("CreateApp", appARN)),
		"DescribeApp":         on(appARN),
		"DeleteApp":           on(appARN),
		"ListApps":            on(),
		"AddTags":             on(taggedARN),
		"ListTags":            on(taggedARN),
		"DeleteTags":          on(taggedARN),
	},
	"identitystore": {
		"CreateUser":                    on(storeARN),
		"DescribeUser":                  on(storeARN, userARN),
		"UpdateUser":                    on(storeARN, userARN),
		"DeleteUser":                    on(storeARN, userARN),
		"ListUsers":                     on(storeARN, anyUser),
		"GetUserId":                     on(storeARN, anyUser),
		"CreateGroup":                   on(storeARN),
		"DescribeGroup":                 on(storeARN, groupARN),
		"UpdateGroup":                   on(storeARN, groupARN),
		"DeleteGroup":                   on(storeARN, groupARN),
		"ListGroups":                    on(storeARN, anyGroup),
		"GetGroupId":                    on(storeARN, anyGroup),
		"CreateGroupMembership":         on(storeARN, groupARN, userARN),
		"DescribeGroupMembership":       on(storeARN, memberARN, anyGroup, anyUser),
		"GetGroupMembershipId":          on(storeARN, groupARN, userARN, anyMember),
		"DeleteGroupMembership":         on(storeARN, memberARN, anyGroup, anyUser),
		"ListGroupMemberships":          on(storeARN, groupARN, anyMember),
		"ListGroupMembershipsForMember": on(storeARN, userARN, anyMember),
		"IsMemberInGroups":              on(storeARN, userARN, groupsARN, anyMember),
	},
	"sso": {
		"ListInstances":                          on(),
		"DescribeInstance":                       on(instanceARN),
		"ListApplications":                       on(instanceARN),
		"DescribeApplication":                    on(applicationARN),
		"ListApplicationAssignments":             on(applicationARN),
		"ListApplicationAssignmentsForPrincipal": on(instanceARN),
		"CreateApplicationAssignment":            on(applicationARN, appInstance),
		"DescribeApplicationAssignment":          on(applicationARN, appInstance),
		"DeleteApplicationAssignment":            on(applicationARN, appInstance),
		"GetApplicationAssignmentConfiguration":  on(applicationARN),
		"PutApplicationAssignmentConfiguration":  on(applicationARN),
	},
	// AssumeRole asks by itself: the role's trust policy has to be heard too.
	"sts":     {"GetCallerIdentity": {}, "AssumeRole": {}},
	"iam":     iamAccess,
	"events":  eventsAccess,
	"tagging": {"GetResources": on()},
	"ssm":     {"GetParameter": on(paramARN), "PutParameter": on(paramARN), "DeleteParameter": on(paramARN)},
	"secretsmanager": {
		"CreateSecret": byFinding(secretToBe), "GetSecretValue": byFinding(secretOf), "PutSecretValue": byFinding(secretOf),
		"DescribeSecret": byFinding(secretOf), "DeleteSecret": byFinding(secretOf),
	},
	"cloudtrail": {
		"CreateTrail": on(trailARN), "DeleteTrail": on(trailARN), "DescribeTrails": on(), "GetEventSelectors": on(trailARN),
		"GetTrailStatus": on(trailARN), "PutEventSelectors": on(trailARN), "StartLogging": on(trailARN), "StopLogging": on(trailARN),
	},
	"monitoring": {
		"DeleteAlarms": on(alarmARN + "{AlarmNames}"), "DescribeAlarms": on(alarmARN + "*"),
		"PutMetricAlarm": on(alarmARN + "{AlarmName}"), "SetAlarmState": on(alarmARN + "{AlarmName}"),
	},
	"servicequotas": {"GetServiceQuota": on()},
	// SCIM asks for a token and for no policies.
	"scim": {
		"CreateUser": nil, "GetUser": nil, "ListUsers": nil, "PatchUser": nil, "PutUser": nil, "DeleteUser": nil,
		"CreateGroup": nil, "GetGroup": nil, "ListGroups": nil, "PatchGroup": nil, "DeleteGroup": nil,
		"ServiceProviderConfig": nil, "ListResourceTypes": nil, "ListSchemas": nil, "GetSchema": nil,
	},
	"lambda": {
		"CreateFunction":              {{find: functionNamed}, passing(lambdaService), {action: "s3:GetObject", find: codeNamed}},
		"GetFunction":                 byFinding(functionNamed),
		"GetFunctionConfiguration":    byFinding(functionNamed),
		"GetFunctionConcurrency":      byFinding(functionNamed),
		"ListFunctions":               on(),
		"ListEventSourceMappings":     on(),
		"UpdateFunctionCode":          {{find: functionNamed}, {action: "s3:GetObject", find: codeNamed}},
		"UpdateFunctionConfiguration": byFinding(functionNamed, passing(lambdaService)),
		"DeleteFunction":              byFinding(functionNamed),
		"Invoke":                      {{action: "lambda:InvokeFunction", find: functionNamed}},
	},
	"s3": {
		"ListBuckets":             {acting("s3:ListAllMyBuckets")},
		"CreateBucket":            on(bucketARN),
		"HeadBucket":              {acting("s3:ListBucket", bucketARN)},
		"GetBucketLocation":       on(bucketARN),
		"DeleteBucket":            on(bucketARN),
		"ListObjectsV2":           {acting("s3:ListBucket", bucketARN)},
		"PutObject":               on(objectARN),
		"GetObject":               on(objectARN),
		"HeadObject":              {acting("s3:GetObject", objectARN)},
		"DeleteObject":            on(objectARN),
		"CreateMultipartUpload":   {acting("s3:PutObject", objectARN)},
		"UploadPart":              {acting("s3:PutObject", objectARN)},
		"CompleteMultipartUpload": {acting("s3:PutObject", objectARN)},
		"AbortMultipartUpload":    on(objectARN),
	},
	"cloudformation": {
		"CreateStack": on(stackARN), "DeleteStack": on(stackARN), "DescribeStackEvents": on(stackARN), "DescribeStackResources": on(stackARN),
		"UpdateStack": on(stackARN), "CreateChangeSet": on(stackARN), "DescribeChangeSet": on(stackARN), "ExecuteChangeSet": on(stackARN),
		"DeleteChangeSet": on(stackARN), "GetTemplateSummary": on(stackARN),
		"DescribeStacks": on(stackARN), "GetTemplate": on(stackARN), "ListStackResources": on(stackARN), "ValidateTemplate": on(),
	},
	"sqs": {
		"CreateQueue":                  on(queueNamed),
		"GetQueueUrl":                  on(queueNamed),
		"GetQueueAttributes":           on(queueOfURL),
		"SetQueueAttributes":           on(queueOfURL),
		"ListQueues":                   on(),
		"DeleteQueue":                  on(queueOfURL),
		"PurgeQueue":                   on(queueOfURL),
		"SendMessage":                  on(queueOfURL),
		"SendMessageBatch":             {acting("sqs:SendMessage", queueOfURL)},
		"ReceiveMessage":               on(queueOfURL),
		"DeleteMessage":                on(queueOfURL),
		"DeleteMessageBatch":           {acting("sqs:DeleteMessage", queueOfURL)},
		"ChangeMessageVisibility":      on(queueOfURL),
		"ChangeMessageVisibilityBatch": {acting("sqs:ChangeMessageVisibility", queueOfURL)},
	},
	"dynamodb": {
		"CreateTable":        on(tableARN),
		"DescribeTable":      on(tableARN),
		"ListTables":         on(),
		"DeleteTable":        on(tableARN),
		"UpdateTable":        on(tableARN),
		"UpdateTimeToLive":   on(tableARN),
		"DescribeTimeToLive": on(tableARN),
		"PutItem":            on(tableARN),
		"GetItem":            on(tableARN),
		"UpdateItem":         on(tableARN),
		"DeleteItem":         on(tableARN),
		"Query":              on(tableARN),
		"Scan":               on(tableARN),
		"BatchGetItem":       on(batchARN),
		"BatchWriteItem":     on(batchARN),
		// A transaction has no action of its own.
		"TransactWriteItems": {
			transacted("dynamodb:PutItem", "Put"), transacted("dynamodb:UpdateItem", "Update"),
			transacted("dynamodb:DeleteItem", "Delete"), transacted("dynamodb:ConditionCheckItem", "ConditionCheck"),
		},
	},
}
