package carry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
)

// Secrets read what the configuration only refers to. No error repeats a secret.
type Secrets struct {
	Lookup  func(string) (string, bool)
	Session *awscloud.Session
}

// Read gives the secret that is referred to. A line's end after it is not part of
// it.
func (s Secrets) Read(ctx context.Context, ref config.Secret) (string, error) {
	store, name := ref.Reference()
	text, err := s.read(ctx, store, name)
	if err != nil {
		return "", fmt.Errorf("read a secret that the configuration refers to: %w", err)
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return "", fmt.Errorf("read a secret that the configuration refers to: there is nothing in %s %s", store, name)
	}
	return text, nil
}

func (s Secrets) read(ctx context.Context, store config.SecretStore, name string) (string, error) {
	switch store {
	case config.SecretInEnvironment:
		value, set := s.Lookup(name)
		if !set {
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		return value, nil
	case config.SecretInFile:
		text, err := os.ReadFile(name)
		return string(text), err
	case config.SecretInManager:
		return s.Session.SecretValue(ctx, awscloud.Place{Region: regionOf(name)}, name)
	default:
		return "", errors.New("the configuration refers to none")
	}
}

// regionOf is the Region in an ARN: a secret may lie in another than Identity
// Center.
func regionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) < 5 {
		return ""
	}
	return parts[3]
}
