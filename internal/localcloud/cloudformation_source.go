package localcloud

import (
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// maxTemplate is how long a template may be that comes with the request, maxStoredTemplate one from S3.
const (
	maxTemplate       = 51_200
	maxStoredTemplate = 1_000_000
)

// templateOf reads the template that a request brings or that lies in S3.
func (c *call) templateOf(body, url *string) (*template, error) {
	switch {
	case aws.ToString(body) != "" && aws.ToString(url) != "":
		return nil, validationError("You cannot specify both TemplateBody and TemplateURL.")
	case aws.ToString(url) != "":
		return c.storedTemplate(*url)
	case aws.ToString(body) == "":
		return nil, validationError("Either Template URL or Template Body must be specified.")
	case len(*body) > maxTemplate:
		return nil, validationError("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to %d", maxTemplate)
	}
	return readTemplate(*body)
}

// storedTemplate reads a template from S3 in the name of the caller.
func (c *call) storedTemplate(address string) (*template, error) {
	at, err := url.Parse(address)
	bucket, key := "", ""
	if err == nil {
		bucket, key = bucketAndKey(at.Host, at)
	}
	if bucket == "" || key == "" {
		return nil, validationError("TemplateURL must be a supported URL.")
	}
	if _, err := c.perform("s3", "GetObject", map[string]any{"Bucket": bucket, "Key": key}); err != nil {
		return nil, validationError("S3 error: %v", err)
	}
	text, err := c.cloud.objects.read(bucket, key)
	if err != nil {
		return nil, validationError("S3 error: %s", asAPIError(err).Message)
	}
	if len(text) > maxStoredTemplate {
		return nil, validationError("Template may not exceed %d bytes in size.", maxStoredTemplate)
	}
	return readTemplate(string(text))
}

// order is what a stack is asked to be.
type order struct {
	template *template
	texts    map[string]string // of every parameter, as given or by default
	values   map[string]any    // as Ref gives them
	tags     []types.Tag
}

// ordered works a request out; before is what the stack is now, nil for one that is not there yet.
func (t *template) ordered(in []types.Parameter, tags []types.Tag, capabilities []types.Capability, before *stack) (*order, error) {
	if err := t.acknowledged(capabilities); err != nil {
		return nil, err
	}
	o := &order{template: t, texts: map[string]string{}, tags: tags}
	if before != nil && tags == nil {
		o.tags = before.Tags
	}
	for _, p := range in {
		name, text := aws.ToString(p.ParameterKey), aws.ToString(p.ParameterValue)
		if aws.ToBool(p.UsePreviousValue) {
			known := false
			if before != nil {
				text, known = before.ordered.texts[name]
			}
			if !known {
				return nil, validationError("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", name)
			}
		}
		o.texts[name] = text
	}
	var err error
	if o.values, err = t.parameterValues(o.texts); err != nil {
		return nil, err
	}
	for name, p := range t.parameters {
		if _, given := o.texts[name]; !given {
			o.texts[name] = *p.standard
		}
	}
	return o, nil
}

// describes brings what DescribeStacks shows in line with the order.
func (o *order) describes(st *stack) {
	st.Parameters, st.Tags, st.Description = o.template.shownParameters(o.values), o.tags, nil
	if o.template.description != "" {
		st.Description = &o.template.description
	}
}
