package localcloud

import (
	"encoding/json"
	"fmt"
	"time"
)

// functionTypes is AWS::Lambda. Cloud.Host says what runs. Keys, subnets, tracing and tags are kept and not acted on,
// and a permission lets nobody do what they could not do before.
func functionTypes() map[string]resourceType {
	return map[string]resourceType{
		"AWS::Lambda::Function": {
			named: "FunctionName",
			properties: shape{
				"FunctionName": aText().unchanging(), "Description": aText(), "Runtime": aText(), "Handler": aText(),
				"Architectures": aList(aText()), "Role": aText().must(), "MemorySize": aNumber(), "Timeout": aNumber(),
				"Code":                         anObject(shape{"S3Bucket": aText(), "S3Key": aText(), "S3ObjectVersion": aText(), "ZipFile": aText()}).must(),
				"Environment":                  anObject(shape{"Variables": aDocument()}),
				"ReservedConcurrentExecutions": aNumber(), "KmsKeyArn": aText(), "PackageType": aText(),
				"VpcConfig":        anObject(shape{"SubnetIds": aList(aText()), "SecurityGroupIds": aList(aText()), "Ipv6AllowedForDualStack": aTruth()}),
				"DeadLetterConfig": anObject(shape{"TargetArn": aText()}),
				"EphemeralStorage": anObject(shape{"Size": aNumber().must()}), "TracingConfig": anObject(shape{"Mode": aText()}),
				"LoggingConfig": anObject(shape{"LogFormat": aText(), "LogGroup": aText(), "ApplicationLogLevel": aText(), "SystemLogLevel": aText()}),
				"Tags":          tagList(),
			},
			create: createFunctionResource, update: updateFunctionResource, remove: removeFunctionResource,
		},
		"AWS::Lambda::EventSourceMapping": {
			properties: shape{
				"FunctionName": aText().must(), "EventSourceArn": aText().must().unchanging(), "Enabled": aTruth(), "BatchSize": aNumber(),
				"MaximumBatchingWindowInSeconds": aNumber(), "FunctionResponseTypes": aList(aText()),
				"ScalingConfig":    anObject(shape{"MaximumConcurrency": aNumber()}),
				"StartingPosition": aText().unchanging(), "BisectBatchOnFunctionError": aTruth(), "MaximumRetryAttempts": aNumber(),
				"DestinationConfig": anObject(shape{"OnFailure": anObject(shape{"Destination": aText()})}), "Tags": tagList(),
			},
			create: createMappingResource, remove: removeMappingResource,
		},
		"AWS::Lambda::Permission": kept("", "", shape{
			"Action": aText().must().unchanging(), "FunctionName": aText().must().unchanging(), "Principal": aText().must().unchanging(),
			"SourceArn": aText().unchanging(), "SourceAccount": aText().unchanging(), "PrincipalOrgID": aText().unchanging(),
		}),
	}
}

// number is a property that is a number, 0 when it is left out.
func number(properties map[string]any, name string) int {
	n, _ := properties[name].(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func createFunctionResource(p *provision) (made, error) {
	f, about, err := p.declaredFunction()
	if err != nil {
		return made{}, err
	}
	fn, err := p.call.cloud.startFunction(f)
	if err != nil {
		return made{}, err
	}
	fn.describe(about)
	return made{id: p.name, atts: map[string]any{"Arn": fn.arn}}, nil
}

// updateFunctionResource changes a function in its place: what is mapped to it stays so.
func updateFunctionResource(p *provision) (made, error) {
	f, about, err := p.declaredFunction()
	if err != nil {
		return p.made, err
	}
	fn, err := p.call.cloud.function(fmt.Sprint(p.made.atts["Arn"]))
	if err != nil {
		return p.made, err
	}
	if err := fn.reconfigure(f); err != nil {
		return p.made, err
	}
	fn.describe(about)
	return p.made, nil
}

// declaredFunction is a function as the template declares it and the cloud's host runs it.
func (p *provision) declaredFunction() (Function, functionAbout, error) {
	f := Function{
		Name: p.name, Account: p.call.account, Region: p.call.region, Role: p.text("Role"),
		Timeout: time.Duration(number(p.properties, "Timeout")) * time.Second, Memory: number(p.properties, "MemorySize"),
		Concurrency: number(p.properties, "ReservedConcurrentExecutions"), Architecture: "x86_64",
	}
	f.VPC, f.DeadLetters = p.attached()
	f.standard()
	if names, _ := p.properties["Architectures"].([]any); len(names) > 0 {
		f.Architecture = fmt.Sprint(names[0])
	}
	about := functionAbout{description: p.text("Description"), runtime: p.text("Runtime"), handler: p.text("Handler"), modified: p.call.cloud.Now()}
	var err error
	if about.variables, err = p.variables(); err != nil {
		return f, about, err
	}
	code := p.properties["Code"].(map[string]any)
	bucket, _ := code["S3Bucket"].(string)
	key, _ := code["S3Key"].(string)
	f.Env = about.variables.pairs()
	if zipped, missing := p.call.cloud.objects.read(bucket, key); missing == nil { // a host may run without it
		about.holds(zipped)
	}
	f, err = p.call.cloud.host(f, bucket, key)
	return f, about, err
}

// variables are a function's own.
func (p *provision) variables() (variables, error) {
	environment, _ := p.properties["Environment"].(map[string]any)
	declared, _ := environment["Variables"].(map[string]any)
	set := variables{}
	for name := range declared {
		value, err := scalarText(declared[name])
		if err != nil {
			return nil, wrongKind("Environment.Variables."+name, "a String", declared[name])
		}
		set[name] = value
	}
	return set, nil
}

func removeFunctionResource(p *provision) error {
	if fn, err := p.call.cloud.function(fmt.Sprint(p.made.atts["Arn"])); err == nil {
		p.call.cloud.functions.drop(fn)
	}
	return nil
}
