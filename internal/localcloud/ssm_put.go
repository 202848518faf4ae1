package localcloud

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// How many bytes a parameter's value may have.
const (
	standardValue = 4096
	advancedValue = 8192
)

var (
	parameterNamePattern = whole(`[a-zA-Z0-9_.\-/]+`)
	parameterKeyPattern  = whole(`[a-zA-Z0-9:/_-]+`)
)

type putParameterInput struct {
	Name, Description, AllowedPattern *string
	Value                             *sensitive
	Type, Tier, DataType              *string
	KeyId, Policies                   *string
	Overwrite                         bool
	Tags                              []struct{ Key, Value string }
}

type putParameterOutput struct {
	Tier    string
	Version int64
}

func putParameter(c *call, in *putParameterInput) (*putParameterOutput, error) {
	if err := checkParameter(in); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p, err := c.writable(in)
	if err != nil {
		return nil, err
	}
	if err := p.take(in); err != nil {
		return nil, err
	}
	number := int64(1)
	if n := len(p.versions); n > 0 {
		number = p.versions[n-1].number + 1
	}
	p.versions = append(p.versions, parameterVersion{number: number, value: string(*in.Value), at: c.now})
	if len(p.versions) > keptVersions {
		p.versions = p.versions[len(p.versions)-keptVersions:]
	}
	c.keepParameter(p)
	return &putParameterOutput{Tier: p.tier, Version: number}, nil
}

func (c *call) keepParameter(p *parameter) {
	all := &c.cloud.parameters
	if all.places == nil {
		all.places = map[place]map[string]*parameter{}
	}
	if all.places[c.place()] == nil {
		all.places[c.place()] = map[string]*parameter{}
	}
	all.places[c.place()][p.name] = p
}

// checkParameter refuses what can be told from the request alone.
func checkParameter(in *putParameterInput) error {
	var v constraints
	v.length("name", in.Name, 1, 2048)
	v.length("description", in.Description, 0, 1024)
	v.length("value", (*string)(in.Value), 1, 32768)
	v.length("allowedPattern", in.AllowedPattern, 0, 1024)
	v.length("keyId", in.KeyId, 1, 256)
	v.pattern("keyId", in.KeyId, parameterKeyPattern)
	v.oneOf("type", in.Type, openText, listOfText, secretText)
	v.oneOf("tier", in.Tier, standardTier, advancedTier, intelligentTier)
	if err := v.verdict(); err != nil {
		return err
	}
	switch {
	case in.Policies != nil:
		return validation("the local cloud has no parameter policies")
	case in.KeyId != nil && aws.ToString(in.Type) != secretText:
		return validation("KeyId is required for SecureString type parameter only.")
	case len(in.Tags) > 0 && in.Overwrite:
		return validation("Invalid request: tags and overwrite can't be used together.")
	case strings.Contains(string(*in.Value), "{{"):
		return validation("Parameter value can't nest another parameter: it must not contain {{.")
	case in.DataType != nil && *in.DataType != "text":
		return validation("the local cloud takes parameters of the data type text only")
	}
	return checkParameterName(*in.Name)
}

func checkParameterName(name string) error {
	plain := strings.ToLower(strings.TrimPrefix(name, "/"))
	switch {
	case !parameterNamePattern.MatchString(name):
		return validation("Invalid parameter name. Please use correct syntax for referencing a version/label: only a-z, A-Z, 0-9, '.', '-', '_' and '/' are allowed.")
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return validation("Parameter name must be a fully qualified name.")
	case strings.HasSuffix(name, "/") || strings.Contains(name, "//"):
		return validation("Invalid parameter name: a level of its hierarchy is empty.")
	case strings.HasPrefix(plain, "aws") || strings.HasPrefix(plain, "ssm"):
		return validation(`Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`)
	case strings.Count(name, "/") > 15:
		return errf(http.StatusBadRequest, "HierarchyLevelLimitExceededException", "A parameter name can have at most 15 levels.")
	}
	return nil
}

// writable is the parameter that is to get a new version, a copy while it may be refused.
func (c *call) writable(in *putParameterInput) (*parameter, error) {
	there := c.parameters()[*in.Name]
	switch {
	case there == nil && in.Type == nil:
		return nil, validation("A parameter type is required when you create a parameter.")
	case there == nil:
		return &parameter{name: *in.Name, kind: *in.Type, dataType: "text"}, nil
	case !in.Overwrite:
		return nil, errf(http.StatusBadRequest, "ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case in.Type != nil && *in.Type != there.kind:
		return nil, errf(http.StatusBadRequest, "HierarchyTypeMismatchException", "Parameter Store doesn't support changing a parameter type: %s is a %s.", *in.Name, there.kind)
	}
	changed := *there
	return &changed, nil
}

// take gives the parameter the tier and the pattern that a new value comes with, if the value fits them.
func (p *parameter) take(in *putParameterInput) error {
	if err := p.setTier(aws.ToString(in.Tier), len(*in.Value)); err != nil {
		return err
	}
	if in.AllowedPattern != nil {
		p.allowed = in.AllowedPattern
	}
	if aws.ToString(p.allowed) == "" {
		return nil
	}
	pattern, err := regexp.Compile(*p.allowed)
	switch {
	case err != nil:
		return errf(http.StatusBadRequest, "InvalidAllowedPatternException", "The AllowedPattern is no regular expression: %v", err)
	case !pattern.MatchString(string(*in.Value)):
		return errf(http.StatusBadRequest, "ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", *p.allowed)
	}
	return nil
}

// setTier takes a value's size into account. An advanced parameter stays one.
func (p *parameter) setTier(asked string, size int) error {
	const upgrade = "To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
	switch {
	case p.tier == advancedTier && asked == standardTier:
		return validation("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier.")
	case asked == advancedTier, asked == intelligentTier && size > standardValue:
		p.tier = advancedTier
	case p.tier == "":
		p.tier = standardTier
	}
	switch {
	case p.tier == standardTier && size > standardValue:
		return validation("Standard tier parameters support a maximum parameter value of %d characters. %s", standardValue, upgrade)
	case size > advancedValue:
		return validation("Advanced tier parameters support a maximum parameter value of %d characters.", advancedValue)
	}
	return nil
}

type deleteParameterInput struct{ Name *string }

func deleteParameter(c *call, in *deleteParameterInput) (*nothing, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	if c.parameters()[*in.Name] == nil {
		return nil, errf(http.StatusBadRequest, "ParameterNotFound", "Parameter %s not found.", *in.Name)
	}
	delete(c.parameters(), *in.Name)
	return &nothing{}, nil
}
