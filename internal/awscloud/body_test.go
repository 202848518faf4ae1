package awscloud

import (
	"io"
	"net/http"
	"testing"

	"studiokeeper/internal/localcloud"
)

// late asks bodies once more after their answers, as net/http does when an answer overtakes it.
type late struct {
	cloud  *localcloud.Cloud
	bodies []io.ReadCloser
}

func (l *late) Do(r *http.Request) (*http.Response, error) {
	l.bodies = append(l.bodies, r.Body)
	return localcloud.Transport{Cloud: l.cloud}.RoundTrip(r)
}

// An answer that is there before net/http is done with the request is not lost.
func TestAnAnswerMayOvertakeItsRequest(t *testing.T) {
	cloud, s := newCloud(t)
	client := &late{cloud: cloud}
	s.base.HTTPClient = client
	directory(t, cloud, []string{"alice@example.com"}, nil)
	for _, call := range []func() error{
		func() error { _, err := s.CallerIdentity(t.Context(), Place{}); return err },
		func() error { _, err := identityStore(s).User(t.Context(), identity(1)); return err },
	} {
		must(t, call())
	}
	for n, body := range client.bodies {
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Errorf("body %d ends the connection: %v", n, err)
		}
	}
	if len(client.bodies) != 2 {
		t.Errorf("%d calls", len(client.bodies))
	}
}
