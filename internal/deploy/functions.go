package deploy

// The environment of the function.
const (
	envConfig    = "STUDIOKEEPER_CONFIG"
	envQueue     = "STUDIOKEEPER_QUEUE_URL"
	envPassQueue = "STUDIOKEEPER_PASS_QUEUE_URL"
)

// makeTables keeps the tables when the stack goes: the journal is in one of them.
func (g *generator) makeTables(t *Template) {
	if g.Mapping.Table != "" {
		g.makeTable(t, "MappingTable", g.Mapping.Table, "group", "domain", field{"StreamSpecification", object{{"StreamViewType", "KEYS_ONLY"}}})
	}
	g.makeTable(t, "StateTable", g.State.Table, "pk", "sk",
		field{"TimeToLiveSpecification", object{{"AttributeName", "expires"}, {"Enabled", true}}})
}

func (g *generator) makeTable(t *Template, id, name, hash, sort string, more field) {
	attribute := func(name string) object { return object{{"AttributeName", name}, {"AttributeType", "S"}} }
	key := func(name, kind string) object { return object{{"AttributeName", name}, {"KeyType", kind}} }
	t.add(id, "AWS::DynamoDB::Table", object{
		{"TableName", name}, {"BillingMode", "PAY_PER_REQUEST"},
		{"AttributeDefinitions", []any{attribute(hash), attribute(sort)}},
		{"KeySchema", []any{key(hash, "HASH"), key(sort, "RANGE")}},
		{"PointInTimeRecoverySpecification", object{{"PointInTimeRecoveryEnabled", true}}},
		{"DeletionProtectionEnabled", true},
		{"SSESpecification", only("HasKey", object{{"SSEEnabled", true}, {"SSEType", "KMS"}, {"KMSMasterKeyId", ref("KeyArn")}})},
		more,
		{"Tags", g.tags()},
	}, field{"Condition", "CreatesTables"}, field{"DeletionPolicy", "Retain"}, field{"UpdateReplacePolicy", "Retain"})
	t.output(id+"Name", "The "+name+" table", name)
}

func (g *generator) role(t *Template, policies []Policy) {
	attached := managed(t, "FunctionPolicy", policies)
	t.add("KeyPolicy", "AWS::IAM::ManagedPolicy", object{
		{"ManagedPolicyName", RoleName + "-key"}, {"Description", "The customer key of queues and tables"},
		{"PolicyDocument", document(allow("UseKey", []string{"kms:Decrypt", "kms:GenerateDataKey"}, "${KeyArn}")).object()},
	}, field{"Condition", "HasKey"})
	t.add("FunctionRole", "AWS::IAM::Role", object{
		{"RoleName", RoleName}, {"Description", "studiokeeper, deployment " + g.Deployment + ": both functions run under it"},
		{"AssumeRolePolicyDocument", trust(object{{"Service", "lambda.amazonaws.com"}}, []string{"sts:AssumeRole"}, nil)},
		{"ManagedPolicyArns", append(attached, only("HasKey", ref("KeyPolicy")))},
		{"Tags", g.tags()},
	})
	t.output("FunctionRoleArn", "The role that the roles of other accounts trust", attribute("FunctionRole", "Arn"))
}

// managed adds the policies and answers references to them.
func managed(t *Template, id string, policies []Policy) []any {
	var refs []any
	for n, p := range policies {
		name := id + string(rune('1'+n))
		t.add(name, "AWS::IAM::ManagedPolicy", object{
			{"ManagedPolicyName", p.Name}, {"Description", p.Description}, {"PolicyDocument", p.Document.object()},
		})
		refs = append(refs, ref(name))
	}
	return refs
}

// trust is a trust policy for one principal.
func trust(principal object, actions []string, condition object) object {
	s := object{{"Effect", "Allow"}, {"Principal", principal}, {"Action", actions}}
	if condition != nil {
		s = append(s, field{"Condition", condition})
	}
	return object{{"Version", "2012-10-17"}, {"Statement", []any{s}}}
}

func (g *generator) functions(t *Template) {
	g.function(t, "Events", EventsName, "one person at a time, within seconds", EventsTimeout)
	g.function(t, "Pass", PassName, "bulk: passes, first onboarding, ended grace", PassTimeout)
	// Concurrency is bounded where the queue is read: reserving it would fail in
	// accounts with the smallest quota, and throttled receives would end as dead letters.
	g.queueMapping(t, "Events", 10)
	g.queueMapping(t, "Pass", 2)
	if g.Mapping.Table == "" {
		return
	}
	t.add("RowsMapping", "AWS::Lambda::EventSourceMapping", object{
		{"FunctionName", ref("EventsFunction")},
		{"EventSourceArn", choose("CreatesTables", attribute("MappingTable", "StreamArn"), ref("MappingStreamArn"))},
		{"StartingPosition", "LATEST"}, {"BatchSize", 100},
		{"BisectBatchOnFunctionError", true}, {"MaximumRetryAttempts", receives},
		{"DestinationConfig", object{{"OnFailure", object{{"Destination", attribute("EventsDeadQueue", "Arn")}}}}},
		{"FunctionResponseTypes", []string{"ReportBatchItemFailures"}},
	})
}

func (g *generator) function(t *Template, id, name, what string, timeout int) {
	t.add(id+"Log", "AWS::Logs::LogGroup", object{
		{"LogGroupName", "/aws/lambda/" + name}, {"RetentionInDays", ref("LogRetention")}, {"KmsKeyId", only("HasKey", ref("KeyArn"))}, {"Tags", g.tags()},
	}, field{"DeletionPolicy", "Delete"}, field{"UpdateReplacePolicy", "Delete"})
	t.add(id+"Function", "AWS::Lambda::Function", object{
		{"FunctionName", name}, {"Description", "studiokeeper, deployment " + g.Deployment + ": " + what},
		{"Runtime", "provided.al2023"}, {"Handler", "bootstrap"}, {"Architectures", []any{ref("Architecture")}},
		{"Code", object{{"S3Bucket", ref("CodeBucket")}, {"S3Key", ref("CodeKey")}}},
		{"Role", attribute("FunctionRole", "Arn")}, {"MemorySize", 256}, {"Timeout", timeout},
		{"KmsKeyArn", only("HasKey", ref("KeyArn"))},
		{"Environment", object{{"Variables", object{
			{envConfig, g.configurationRef()}, {envQueue, ref("EventsQueue")}, {envPassQueue, ref("PassQueue")},
		}}}},
		{"Tags", g.tags()},
	}, field{"DependsOn", []string{id + "Log"}})
	t.output(id+"FunctionArn", "The function "+name, attribute(id+"Function", "Arn"))
}

func (g *generator) queueMapping(t *Template, id string, concurrency int) {
	t.add(id+"Mapping", "AWS::Lambda::EventSourceMapping", object{
		{"FunctionName", ref(id + "Function")}, {"EventSourceArn", attribute(id+"Queue", "Arn")},
		{"BatchSize", 10}, {"FunctionResponseTypes", []string{"ReportBatchItemFailures"}},
		{"ScalingConfig", object{{"MaximumConcurrency", concurrency}}},
	})
}
