package localcloud

import (
	"bytes"
	"crypto/rand"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/uuid"
)

// Limits of Secrets Manager.
const (
	maxSecret       = 65_536 // bytes
	standardWindow  = 30     // days in which a deleted secret can be restored
	shortestWindow  = 7
	secretARNSuffix = 6 // characters that keep the ARN of a secret apart from that of an earlier one
)

var secretNamePattern = whole(`[A-Za-z0-9/_+=.@-]{1,512}`)

type createSecretInput struct {
	Name, ClientRequestToken string
	Description, KmsKeyId    string
	SecretString             *string
	SecretBinary             []byte
	Tags                     []secretTag
}

type madeSecret struct {
	ARN, Name     string
	VersionId     string   `json:",omitempty"`
	VersionStages []string `json:",omitempty"`
}

func createSecret(c *call, in *createSecretInput) (*madeSecret, error) {
	if !secretNamePattern.MatchString(in.Name) {
		return nil, validation("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	there, err := c.secretNamed(in.Name)
	switch {
	case err == nil && !there.ends.IsZero():
		return nil, secretError("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
	case err == nil:
		return nil, secretError("ResourceExistsException", "The operation failed because the secret %s already exists.", in.Name)
	}
	s := &secret{
		name: in.Name, arn: c.secretARN(in.Name + "-" + rand.Text()[:secretARNSuffix]), description: in.Description, key: in.KmsKeyId,
		tags: in.Tags, made: c.now, changed: c.now,
	}
	out := &madeSecret{ARN: s.arn, Name: s.name}
	if in.SecretString != nil || in.SecretBinary != nil {
		v, err := s.put(in.ClientRequestToken, in.SecretString, in.SecretBinary, nil, c.now)
		if err != nil {
			return nil, err
		}
		out.VersionId = v.id
	}
	c.keepSecret(s)
	return out, nil
}

func (c *call) keepSecret(s *secret) {
	all := &c.cloud.secrets
	if all.places == nil {
		all.places = map[place]map[string]*secret{}
	}
	if all.places[c.place()] == nil {
		all.places[c.place()] = map[string]*secret{}
	}
	all.places[c.place()][s.name] = s
}

// put adds a version with its labels, AWSCURRENT unless others are asked for. A token that comes again with
// the same content is the same version; with another it is refused.
func (s *secret) put(token string, text *string, binary []byte, stages []string, now time.Time) (*secretVersion, error) {
	switch {
	case (text == nil) == (binary == nil):
		return nil, secretError("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	case len(aws.ToString(text))+len(binary) > maxSecret:
		return nil, validation("The secret value is longer than %d bytes.", maxSecret)
	case token == "":
		token = uuid.NewString()
	case len(token) < 32 || len(token) > 64:
		return nil, secretError("InvalidParameterException", "ClientRequestToken must be 32-64 characters long.")
	}
	for _, v := range s.versions {
		switch {
		case v.id != token:
		case aws.ToString(v.text) == aws.ToString(text) && bytes.Equal(v.binary, binary):
			return v, nil
		default:
			return nil, secretError("ResourceExistsException", "You can't modify an existing version, you can only create a new version.")
		}
	}
	if len(stages) == 0 {
		stages = []string{stageCurrent}
	}
	v := &secretVersion{id: token, text: text, binary: binary, made: now}
	for _, stage := range stages {
		s.move(stage, v)
	}
	s.versions, s.changed = append(s.versions, v), now
	return v, nil
}

// move takes a label from the version that has it. What was current becomes the previous one.
func (s *secret) move(stage string, to *secretVersion) {
	for _, v := range s.versions {
		at := slices.Index(v.stages, stage)
		if at < 0 {
			continue
		}
		v.stages = slices.Delete(v.stages, at, at+1)
		if stage == stageCurrent {
			s.move(stagePrevious, v)
		}
		break
	}
	to.stages = append(to.stages, stage)
}

type putSecretValueInput struct {
	SecretId, ClientRequestToken string
	SecretString                 *string
	SecretBinary                 []byte
	VersionStages                []string
}

func putSecretValue(c *call, in *putSecretValueInput) (*madeSecret, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.usableSecret(in.SecretId)
	if err != nil {
		return nil, err
	}
	v, err := s.put(in.ClientRequestToken, in.SecretString, in.SecretBinary, in.VersionStages, c.now)
	if err != nil {
		return nil, err
	}
	return &madeSecret{ARN: s.arn, Name: s.name, VersionId: v.id, VersionStages: v.stages}, nil
}

type deleteSecretInput struct {
	SecretId                   string
	RecoveryWindowInDays       *int
	ForceDeleteWithoutRecovery bool
}

type deletedSecret struct {
	ARN, Name    string
	DeletionDate epochSeconds
}

// deleteSecret lets a secret be restored for a while, unless it is told not to.
func deleteSecret(c *call, in *deleteSecretInput) (*deletedSecret, error) {
	days := standardWindow
	switch given := in.RecoveryWindowInDays; {
	case given != nil && in.ForceDeleteWithoutRecovery:
		return nil, secretError("InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case given != nil && (*given < shortestWindow || *given > standardWindow):
		return nil, secretError("InvalidParameterException", "RecoveryWindowInDays value must be between %d and %d days (inclusive).", shortestWindow, standardWindow)
	case given != nil:
		days = *given
	case in.ForceDeleteWithoutRecovery:
		days = 0
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.usableSecret(in.SecretId)
	if err != nil {
		return nil, err
	}
	s.ends = c.now.Add(time.Duration(days) * 24 * time.Hour)
	return &deletedSecret{ARN: s.arn, Name: s.name, DeletionDate: epochSeconds(s.ends)}, nil
}
