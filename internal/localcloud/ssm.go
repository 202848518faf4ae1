package localcloud

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// keptVersions is how many versions Parameter Store keeps of a parameter.
const keptVersions = 100

// The types and tiers that a parameter can have.
const (
	openText   = "String"
	listOfText = "StringList"
	secretText = "SecureString"

	standardTier    = "Standard"
	advancedTier    = "Advanced"
	intelligentTier = "Intelligent-Tiering"
)

// parameterState is Parameter Store by account and Region; guarded by Cloud.mu.
type parameterState struct {
	places map[place]map[string]*parameter // by name
}

// parameter is a parameter with its latest versions, oldest first.
type parameter struct {
	name     string
	kind     string
	tier     string
	allowed  *string // AllowedPattern
	dataType string
	versions []parameterVersion
}

type parameterVersion struct {
	number int64
	value  string
	at     time.Time
}

// ssmService is Parameter Store of Systems Manager, as far as it keeps a configuration.
func ssmService(*Cloud) service {
	return service{
		name: "ssm", target: "AmazonSSM", version: "1.1", source: "ssm.amazonaws.com",
		ops: map[string]operation{
			"PutParameter":    handle(nil, nil, putParameter, "Name", "Value"),
			"DeleteParameter": handle(nil, nil, deleteParameter, "Name"),
			"GetParameter":    handle(nil, nil, getParameter, "Name"),
		},
	}
}

func (c *call) parameters() map[string]*parameter { return c.cloud.parameters.places[c.place()] }

type getParameterInput struct {
	Name           *string
	WithDecryption bool
}

type shownParameter struct {
	Name, ARN, DataType string
	Type                string
	Value               string
	Version             int64
	LastModifiedDate    epochSeconds
	Selector            string `json:",omitempty"`
}

type gotParameter struct{ Parameter shownParameter }

func getParameter(c *call, in *getParameterInput) (*gotParameter, error) {
	name, selector, err := c.parameterName(*in.Name)
	if err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.parameters()[name]
	if p == nil {
		return nil, errf(http.StatusBadRequest, "ParameterNotFound", "Parameter %s not found.", name)
	}
	v := p.version(selector)
	if v == nil {
		return nil, errf(http.StatusBadRequest, "ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", selector, name)
	}
	shown := shownParameter{
		Name: p.name, Type: p.kind, Value: p.shown(v, in.WithDecryption), Version: v.number, LastModifiedDate: epochSeconds(v.at),
		ARN: c.parameterARN(name), DataType: p.dataType,
	}
	if selector != "" {
		shown.Selector = ":" + selector
	}
	return &gotParameter{shown}, nil
}

func (c *call) parameterARN(name string) string {
	return "arn:aws:ssm:" + c.region + ":" + c.account + ":parameter/" + strings.TrimPrefix(name, "/")
}

// parameterName takes apart what GetParameter is asked for: a name or an ARN, and a version or a label.
func (c *call) parameterName(asked string) (name, selector string, err error) {
	var v constraints
	v.length("name", &asked, 1, 2048)
	if err := v.verdict(); err != nil {
		return "", "", err
	}
	if rest, ok := strings.CutPrefix(asked, "arn:"); ok {
		parts := strings.SplitN(rest, ":", 5)
		if len(parts) < 5 || parts[2] != c.region || parts[3] != c.account || !strings.HasPrefix(parts[4], "parameter/") {
			return "", "", errf(http.StatusBadRequest, "ParameterNotFound", "Parameter %s not found.", asked)
		}
		if asked = strings.TrimPrefix(parts[4], "parameter"); strings.Count(asked, "/") == 1 {
			asked = c.plainOrRooted(asked)
		}
	}
	name, selector, _ = strings.Cut(asked, ":")
	return name, selector, nil
}

// plainOrRooted tells /name from name: their ARNs are the same.
func (c *call) plainOrRooted(rooted string) string {
	name, _, _ := strings.Cut(rooted, ":")
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	if c.parameters()[name] != nil {
		return rooted
	}
	return strings.TrimPrefix(rooted, "/")
}

// version is the latest one, or the one with a number. There are no labels.
func (p *parameter) version(selector string) *parameterVersion {
	if selector == "" {
		return &p.versions[len(p.versions)-1]
	}
	number, err := strconv.ParseInt(selector, 10, 64)
	for i := range p.versions {
		if err == nil && p.versions[i].number == number {
			return &p.versions[i]
		}
	}
	return nil
}

// shown is a value as GetParameter gives it: a secret one that is not to be decrypted is unreadable.
func (p *parameter) shown(v *parameterVersion, decrypt bool) string {
	if p.kind != secretText || decrypt {
		return v.value
	}
	sealed := queryDigest([]string{p.name, strconv.FormatInt(v.number, 10), v.value})
	return base64.StdEncoding.EncodeToString(sealed)
}
