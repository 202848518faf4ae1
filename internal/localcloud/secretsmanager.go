package localcloud

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The staging labels that Secrets Manager moves by itself.
const (
	stageCurrent  = "AWSCURRENT"
	stagePrevious = "AWSPREVIOUS"
)

// secretState is Secrets Manager by account and Region; guarded by Cloud.mu.
type secretState struct {
	places map[place]map[string]*secret // by name
}

// secret is a secret with its versions, oldest first. One that is deleted can be told of until its window ends.
type secret struct {
	name, arn        string
	description, key string
	tags             []secretTag
	versions         []*secretVersion
	made, changed    time.Time
	ends             time.Time // zero: it is not deleted
}

type secretTag struct{ Key, Value string }

type secretVersion struct {
	id     string
	text   *string
	binary []byte
	stages []string
	made   time.Time
}

// secretsManagerService is Secrets Manager, as far as it keeps passwords and tokens. Keys are kept and not
// acted on.
func secretsManagerService(*Cloud) service {
	return service{
		name: "secretsmanager", target: "secretsmanager", version: "1.1",
		ops: map[string]operation{
			"CreateSecret":   handle(nil, nil, createSecret, "Name"),
			"GetSecretValue": handle(nil, nil, getSecretValue, "SecretId"),
			"PutSecretValue": handle(nil, nil, putSecretValue, "SecretId"),
			"DescribeSecret": handle(nil, nil, describeSecret, "SecretId"),
			"DeleteSecret":   handle(nil, nil, deleteSecret, "SecretId"),
		},
	}
}

// secretNamed finds a secret of the caller's account and Region by its name, its ARN, or its ARN without the
// six characters that Secrets Manager adds. The caller holds Cloud.mu.
func (c *call) secretNamed(id string) (*secret, error) {
	here := c.cloud.secrets.places[c.place()]
	for _, name := range sortedKeys(here) {
		s := here[name]
		if !s.ends.IsZero() && !c.now.Before(s.ends) {
			delete(here, name)
			continue
		}
		if s.name == id || s.arn == id || s.arn[:len(s.arn)-len("-AbCdEf")] == id {
			return s, nil
		}
	}
	return nil, secretError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// usableSecret is a secret that is not deleted.
func (c *call) usableSecret(id string) (*secret, error) {
	s, err := c.secretNamed(id)
	if err == nil && !s.ends.IsZero() {
		return nil, secretError("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	}
	return s, err
}

func secretError(code, format string, args ...any) *apiError {
	return errf(http.StatusBadRequest, code, format, args...)
}

// secretOf is the ARN of the secret that a request is about, of one that is not there as its policies would name it.
func secretOf(made *call, in any) []string {
	id := requestText(in, "SecretId")
	made.cloud.mu.Lock()
	defer made.cloud.mu.Unlock()
	if s, err := made.secretNamed(id); err == nil {
		return []string{s.arn}
	}
	if !strings.HasPrefix(id, "arn:") {
		id = made.secretARN(id + "-*")
	}
	return []string{id}
}

// secretToBe is the ARN that a secret is about to get; what Secrets Manager adds to it nobody knows before.
func secretToBe(made *call, in any) []string {
	return []string{made.secretARN(requestText(in, "Name") + "-??????")}
}

func (c *call) secretARN(named string) string {
	return "arn:aws:secretsmanager:" + c.region + ":" + c.account + ":secret:" + named
}

type secretValueInput struct{ SecretId, VersionId, VersionStage string }

type gotSecretValue struct {
	ARN, Name, VersionId string
	SecretString         *string `json:",omitempty"`
	SecretBinary         []byte  `json:",omitempty"`
	VersionStages        []string
	CreatedDate          epochSeconds
}

func getSecretValue(c *call, in *secretValueInput) (*gotSecretValue, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.usableSecret(in.SecretId)
	if err != nil {
		return nil, err
	}
	v, err := s.version(in.VersionId, in.VersionStage)
	if err != nil {
		return nil, err
	}
	return &gotSecretValue{
		ARN: s.arn, Name: s.name, VersionId: v.id, SecretString: v.text, SecretBinary: v.binary, VersionStages: v.stages, CreatedDate: epochSeconds(v.made),
	}, nil
}

// version is the one with an id, with a label, with both, or the current one.
func (s *secret) version(id, stage string) (*secretVersion, error) {
	what := "VersionId: " + id
	if id == "" && stage == "" {
		stage = stageCurrent
	}
	if stage != "" {
		what = "staging label: " + stage
	}
	for _, v := range s.versions {
		if (id == "" || v.id == id) && (stage == "" || slices.Contains(v.stages, stage)) {
			return v, nil
		}
	}
	return nil, secretError("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for %s", what)
}

type secretInput struct{ SecretId string }

type describedSecret struct {
	ARN, Name             string
	Description, KmsKeyId string `json:",omitempty"`
	CreatedDate           epochSeconds
	LastChangedDate       epochSeconds
	DeletedDate           *epochSeconds `json:",omitempty"`
	Tags                  []secretTag   `json:",omitempty"`
	VersionIdsToStages    map[string][]string
}

// describeSecret tells of a deleted secret too, as long as it can be restored.
func describeSecret(c *call, in *secretInput) (*describedSecret, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.secretNamed(in.SecretId)
	if err != nil {
		return nil, err
	}
	out := &describedSecret{
		ARN: s.arn, Name: s.name, Description: s.description, KmsKeyId: s.key, Tags: s.tags,
		CreatedDate: epochSeconds(s.made), LastChangedDate: epochSeconds(s.changed), DeletedDate: epochOf(s.ends), VersionIdsToStages: map[string][]string{},
	}
	for _, v := range s.versions {
		if len(v.stages) > 0 {
			out.VersionIdsToStages[v.id] = v.stages
		}
	}
	return out, nil
}
