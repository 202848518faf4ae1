package scim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"

	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/provision"
	"studiokeeper/internal/scim"
)

func memberOf(m types.MemberId) string { return m.(*types.MemberIdMemberUserId).Value }

func TestACreationWhoseAnswerWasLostIsFoundAgain(t *testing.T) {
	for name, fault := range map[string]localcloud.Fault{
		"dropped":                {Drop: true, Effect: localcloud.After},
		"cut off":                {Truncate: true},
		"an error that was none": {Code: "InternalServerException", Effect: localcloud.After},
		"nothing was made":       {Code: "InternalServerException", Effect: localcloud.Before},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				w := newWorld(t, &localcloud.Cloud{})
				for _, operation := range []string{"CreateUser", "CreateGroup"} {
					f := fault
					f.Service, f.Operation, f.Times = "scim", operation, 1
					w.cloud.Inject(f)
				}
				id, err := w.client().CreateUser(ctx, person("alice"))
				w.must(err)
				if got := w.users(); len(got) != 1 || got[0].ID != id {
					t.Errorf("the id is %s, the users are %v", id, got)
				}
				group, err := w.client().CreateGroup(ctx, directory.TargetGroup{Name: "ml", ExternalID: "guid-ml"})
				w.must(err)
				w.must(w.client().AddMembers(ctx, group, []string{id}))
			})
		})
	}
}

func TestWhoeverElseHasTheNameIsNotTakenForOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := newWorld(t, &localcloud.Cloud{})
		other := person("alice")
		other.ExternalID = "other"
		_, err := w.client().CreateUser(ctx, other)
		w.must(err)
		w.cloud.Inject(localcloud.Fault{Service: "scim", Operation: "CreateUser", Times: 1, Drop: true})
		if id, err := w.client().CreateUser(ctx, person("alice")); !errors.Is(err, provision.ErrTaken) || id != "" {
			t.Errorf("got %s, %v", id, err)
		}
		w.cloud.ClearFaults()
		w.cloud.Inject(localcloud.Fault{Service: "scim", Operation: "CreateUser", Times: 1, Drop: true})
		w.cloud.Inject(localcloud.Fault{Service: "scim", Operation: "ListUsers", Code: "AccessDeniedException"})
		if _, err := w.client().CreateUser(ctx, person("alice")); err == nil || !strings.Contains(err.Error(), "could not be found out") {
			t.Errorf("when looking fails: %v", err)
		}
	})
}

// asking answers some requests itself and passes the rest on.
type asking struct {
	times  atomic.Int64
	status int
	header map[string]string
	next   http.RoundTripper
}

func (a *asking) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.times.Add(-1) < 0 {
		return a.next.RoundTrip(r)
	}
	reply := httptest.NewRecorder()
	for name, value := range a.header {
		reply.Header().Set(name, value)
	}
	reply.WriteHeader(a.status)
	return reply.Result(), nil
}

func TestWaitsAsLongAsTheEndpointAsks(t *testing.T) {
	for name, row := range map[string]struct {
		after       func() string
		least, most time.Duration
	}{
		"seconds":    {func() string { return "7" }, 14 * time.Second, 15 * time.Second},
		"a date":     {func() string { return time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat) }, 28 * time.Second, 32 * time.Second},
		"far away":   {func() string { return "100000" }, 10 * time.Minute, 11 * time.Minute},
		"not at all": {func() string { return "" }, 750 * time.Millisecond, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, &localcloud.Cloud{})
				busy := &asking{status: http.StatusTooManyRequests, header: map[string]string{"Retry-After": row.after()}, next: w.http.Transport}
				busy.times.Store(2)
				w.http = &http.Client{Transport: busy}
				began := time.Now()
				w.must(w.client().DeleteUser(context.Background(), nobody))
				if took := time.Since(began); took < row.least || took > row.most {
					t.Errorf("took %s, want %s to %s", took, row.least, row.most)
				}
			})
		})
	}
}

func TestGivesUpAfterEightAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &localcloud.Cloud{})
		w.cloud.Inject(localcloud.Fault{Service: "scim", Code: "InternalServerException"})
		err := w.client().DeleteUser(context.Background(), nobody)
		if err == nil || !strings.Contains(err.Error(), "run it again later") || !strings.Contains(err.Error(), "attempt 8") {
			t.Errorf("got %v", err)
		}
		if n := w.cloud.CallCounts()["scim.DeleteUser"]; n != 8 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestAnEndedContextEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &localcloud.Cloud{})
		w.cloud.Inject(localcloud.Fault{Service: "scim", Operation: "DeleteUser", Code: "InternalServerException"})
		w.cloud.Inject(localcloud.Fault{Service: "scim", Operation: "PatchUser", Delay: time.Hour})
		for name, do := range map[string]func(context.Context, *scim.Client) error{
			"between attempts": func(ctx context.Context, c *scim.Client) error { return c.DeleteUser(ctx, nobody) },
			"during one": func(ctx context.Context, c *scim.Client) error {
				return c.UpdateUser(ctx, directory.Person{ID: nobody}, person("x"))
			},
			"waiting for a turn": func(ctx context.Context, c *scim.Client) error {
				return c.RemoveMembers(ctx, nobody, targets(slices.Repeat([]string{nobody}, 300)...))
			},
		} {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			began := time.Now()
			err := do(ctx, w.client())
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 3*time.Second {
				t.Errorf("%s: %v after %s", name, err, time.Since(began))
			}
		}
		time.Sleep(2 * time.Hour) // the delayed call ends
	})
}

func TestAnAttemptThatHangsIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &localcloud.Cloud{})
		w.cloud.Inject(localcloud.Fault{Service: "scim", Operation: "CreateUser", Times: 1, Delay: time.Hour})
		began := time.Now()
		_, err := w.client().CreateUser(context.Background(), person("alice"))
		w.must(err)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("took %s", took)
		}
		time.Sleep(2 * time.Hour) // the delayed call ends
	})
}

func TestTheTokenGoesNowhereElse(t *testing.T) {
	ctx := context.Background()
	var seen atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer elsewhere.Close()
	const token = "the-secret-token"
	redirecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer redirecting.Close()
	echoing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"detail":"bad %s","exceptionRequestId":"%s"}`, r.Header.Get("Authorization"), token)
	}))
	defer echoing.Close()
	for name, row := range map[string]struct{ endpoint, says string }{
		"a redirect":       {redirecting.URL + "/t/scim/v2/", "redirect"},
		"an echo":          {echoing.URL, "[token]"},
		"http":             {"http://example.com/t/scim/v2/", "https only"},
		"no address":       {"://", "directory.scim.endpoint"},
		"with credentials": {"https://a:b@example.com/", "directory.scim.endpoint"},
	} {
		c := scim.New(config.SCIM{Endpoint: row.endpoint}, token, nil)
		_, err := c.CreateUser(ctx, person("alice"))
		if err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", name, err)
		}
		if shown := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(shown, token) {
			t.Errorf("%s: the client shows its token: %s", name, shown)
		}
	}
	if seen.Load() != 0 {
		t.Error("a redirect was followed")
	}
	for _, token := range []string{"", " ", "two words", "line\nbreak"} {
		c := scim.New(config.SCIM{Endpoint: "https://scim.us-east-1.amazonaws.com/t/scim/v2/"}, token, nil)
		if err := c.DeleteUser(ctx, nobody); err == nil || !strings.Contains(err.Error(), "directory.scim.token") {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

func TestAnswersThatAreNoSCIMAreRefused(t *testing.T) {
	ctx := context.Background()
	for name, row := range map[string]struct {
		status int
		body   string
		says   string
	}{
		"a proxy's 404":   {404, "<html>not found</html>", "proxy"},
		"a proxy's 409":   {409, "{}", "proxy"},
		"a page":          {200, "<html>welcome</html>", "no SCIM"},
		"without an id":   {201, "{}", "without an id"},
		"one without end": {200, strings.Repeat("x", 2<<20), "longer than"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(row.status)
			fmt.Fprint(w, row.body)
		}))
		c := scim.New(config.SCIM{Endpoint: server.URL}, "x", nil)
		_, err := c.CreateUser(ctx, person("alice"))
		if err == nil || !strings.Contains(err.Error(), row.says) || errors.Is(err, provision.ErrTaken) {
			t.Errorf("%s: creating: %v", name, err)
		}
		if err := c.DeleteUser(ctx, nobody); row.status == 404 && (err == nil || errors.Is(err, provision.ErrGone)) {
			t.Errorf("%s: deleting: %v", name, err)
		}
		server.Close()
	}
}

func TestACertificateThatIsNotTrustedIsFinal(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the handshake
	server.StartTLS()
	defer server.Close()
	began := time.Now()
	err := scim.New(config.SCIM{Endpoint: server.URL}, "x", nil).DeleteUser(context.Background(), nobody)
	if err == nil || !strings.Contains(err.Error(), "certificate") || time.Since(began) > time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
