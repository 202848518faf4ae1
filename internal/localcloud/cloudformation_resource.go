package localcloud

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
)

// resourceType is how CloudFormation makes, changes and removes the resources of a type.
type resourceType struct {
	properties shape
	// named is the property that names the resource; without it the resource is named after stack and logical id.
	named  string
	create func(*provision) (made, error)
	// update changes the resource to p.properties from p.old; nil: it is replaced.
	update func(p *provision) (made, error)
	remove func(*provision) error
}

// made is a resource as the template sees it.
type made struct {
	id   string         // its physical id
	ref  string         // what Ref gives; empty: the id
	atts map[string]any // what Fn::GetAtt gives
}

// provision is one step on one resource, made as the caller of the stack's operation.
type provision struct {
	call       *call
	kind       string // AWS::SQS::Queue
	logical    string
	name       string // what it is to be called
	made       made   // what it is, unless it is being created
	properties map[string]any
	old        map[string]any // before an update
}

// resourceTypes lists what templates may hold.
func resourceTypes() map[string]resourceType {
	types := map[string]resourceType{}
	for _, family := range []map[string]resourceType{
		queueTypes(), tableTypes(), eventTypes(), accessTypes(), parameterTypes(), functionTypes(), alarmTypes(), keptTypes(),
	} {
		maps.Copy(types, family)
	}
	return types
}

// do calls an operation of the cloud, as anybody would, and gives its answer.
func (p *provision) do(service, operation string, members map[string]any) (map[string]any, error) {
	return p.call.perform(service, operation, members)
}

// text is a property that is a text, empty when it is left out.
func (p *provision) text(name string) string {
	text, _ := p.properties[name].(string)
	return text
}

// perform calls an operation in the name of c's caller: with its permissions, faults, records and log.
func (c *call) perform(service, operation string, members map[string]any) (map[string]any, error) {
	body, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("calling %s %s: %w", service, operation, err)
	}
	own := *c
	own.service, own.operation, own.body, own.requestID, own.now = service, operation, body, newRequestID(), c.cloud.Now()
	in := &incoming{call: &own, body: body, proto: directProtocol{}}
	for _, s := range c.cloud.table {
		if s.name == service {
			in.service = s
		}
	}
	if in.service == nil || in.service.ops[operation].run == nil {
		return nil, fmt.Errorf("the local cloud's %s has no operation %s", service, operation)
	}
	op := in.service.ops[operation]
	in.op = &op
	fault := c.cloud.faultFor(in)
	fault.wait(own.ctx)
	out, failure := c.cloud.execute(in, fault)
	c.cloud.logCall(&own, failure)
	c.cloud.recordCall(in, out, failure)
	if failure != nil {
		return nil, fmt.Errorf("%s (Service: %s, Operation: %s, Error Code: %s)", failure.Message, service, operation, failure.Code)
	}
	return parseJSON(out)
}

// directProtocol hands trees to an operation and gets trees back, whatever its service speaks on the wire.
type directProtocol struct{ jsonProtocol }

func (d directProtocol) decode(in *incoming) (any, error) {
	if in.op.input != nil {
		return d.jsonProtocol.decode(in)
	}
	tree, err := parseJSON(in.body)
	if err != nil {
		return nil, err
	}
	for _, name := range in.op.required {
		if tree[name] == nil {
			return nil, errf(http.StatusBadRequest, "ValidationError", "Value null at '%s' failed to satisfy constraint: Member must not be null", lowerFirst(name))
		}
	}
	input := in.op.newInput()
	if err := json.Unmarshal(in.body, input); err != nil {
		return nil, serializationError("%v", err)
	}
	return input, nil
}

func (d directProtocol) encode(in *incoming, output any) ([]byte, error) {
	if in.op.output != nil || in.op.input != nil {
		return d.jsonProtocol.encode(in, output)
	}
	return json.Marshal(output)
}
