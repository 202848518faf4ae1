package awscloud

import "context"

// API describes a service that speaks AWS JSON, to the adapters beside this package.
type API struct {
	ID      string // the SDK's service id
	Target  string // what comes before the operation in X-Amz-Target
	Signing string // service name in the signature
	Host    string // what comes before .<region>.amazonaws.com
}

// Call asks such a service; on is what errors say it was about.
func (s *Session) Call(ctx context.Context, api API, at Place, operation, on string, in, out any) error {
	client := s.jsonAt(jsonAPI{id: api.ID, target: api.Target, signing: api.Signing, host: api.Host}, at)
	if err := client.call(ctx, operation, in, out); err != nil {
		return request{action: api.Signing + ":" + operation, on: on, at: s.where(at)}.failed(err, nil)
	}
	return nil
}
