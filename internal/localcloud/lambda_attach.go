package localcloud

import (
	"fmt"
	"net/http"
)

// VPCConfig is where a function is connected to a network. The local cloud has none: it is kept, shown, and
// asks of the function's role what joining the subnets asks of it.
type VPCConfig struct {
	SubnetIds        []string `json:",omitempty"`
	SecurityGroupIds []string `json:",omitempty"`
}

// DeadLetterConfig names the queue that takes the events of asynchronous invocations that failed for good.
type DeadLetterConfig struct {
	TargetArn string `json:",omitempty"`
}

// joining is what a role needs for functions in subnets.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
var joining = []string{
	"CreateNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets", "DeleteNetworkInterface",
	"AssignPrivateIpAddresses", "UnassignPrivateIpAddresses",
}

// attaches refuses a function whose role lacks what Lambda needs for its subnets and its dead-letter queue.
func (f *Function) attaches(c *Cloud) error {
	fn := &function{Function: *f, cloud: c}
	lacks := func(service, operation, resource, of string) error {
		if fn.asFunction(service, operation, resource, false) == nil {
			return nil
		}
		return errf(http.StatusBadRequest, "InvalidParameterValueException", "The provided execution role does not have permissions to call %s on %s", operation, of)
	}
	if len(f.VPC.SubnetIds) > 0 {
		for _, operation := range joining {
			if err := lacks("ec2", operation, "*", "EC2"); err != nil {
				return err
			}
		}
	}
	if f.DeadLetters.TargetArn == "" {
		return nil
	}
	return lacks("sqs", "SendMessage", f.DeadLetters.TargetArn, "SQS")
}

// bury puts an event that failed for good into the function's dead-letter queue, if it has one and may.
func (fn *function) bury(payload []byte) {
	f, _ := fn.settings()
	if f.DeadLetters.TargetArn == "" || fn.asFunction("sqs", "SendMessage", f.DeadLetters.TargetArn, true) != nil {
		return
	}
	_ = fn.cloud.enqueue(f.DeadLetters.TargetArn, payload, "", "") // to a queue that has gone
}

// textsOf is a list of texts.
func textsOf(value any) []string {
	list, _ := value.([]any)
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = fmt.Sprint(item)
	}
	return texts
}

// attached is where a declared function is connected, and where its dead letters go.
func (p *provision) attached() (VPCConfig, DeadLetterConfig) {
	vpc, _ := p.properties["VpcConfig"].(map[string]any)
	dead, _ := p.properties["DeadLetterConfig"].(map[string]any)
	target, _ := dead["TargetArn"].(string)
	return VPCConfig{SubnetIds: textsOf(vpc["SubnetIds"]), SecurityGroupIds: textsOf(vpc["SecurityGroupIds"])}, DeadLetterConfig{TargetArn: target}
}
