package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

const media = "application/scim+json"

// request is one call of an API.
type request struct {
	what   string // what it is for, for errors: "creating user \"alice\""
	api    string // as Identity Center counts them
	method string
	path   []string // below the endpoint
	query  url.Values
	body   any
	counts int // for how many requests it counts, where that is more than one
}

// do sends a request until it is answered with success, which is read into out,
// or fails for good. lost tells whether an attempt came to nothing that may have
// been carried out all the same.
func (c *Client) do(ctx context.Context, r request, out any) (lost bool, err error) {
	if c.broken != nil {
		return false, fmt.Errorf("%s over SCIM: %w", r.what, c.broken)
	}
	for attempt := 1; ; attempt++ {
		if err := c.pace.wait(ctx, r.api, r.method == http.MethodGet, max(1, r.counts)); err != nil {
			return lost, fmt.Errorf("%s over SCIM: %w", r.what, err)
		}
		err := c.send(ctx, r, out)
		if err == nil {
			return lost, nil
		}
		failed, ours := errors.AsType[*failure](err)
		lost = lost || ours && failed.lost()
		if stopped := ctx.Err(); stopped != nil {
			return lost, fmt.Errorf("%s over SCIM, which may have been done: %w", r.what, stopped)
		}
		if !ours || !failed.passing() || attempt == attempts {
			return lost, fmt.Errorf("%s over SCIM, attempt %d: %w", r.what, attempt, err)
		}
		if stopped := sleep(ctx, pause(attempt, failed.after)); stopped != nil {
			return lost, fmt.Errorf("%s over SCIM: %w, before another attempt after %w", r.what, stopped, err)
		}
	}
}

// send makes one attempt.
func (c *Client) send(ctx context.Context, r request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sent, err := c.httpRequest(ctx, r)
	if err != nil {
		return err
	}
	reply, err := c.http.Do(sent)
	if err != nil {
		return &failure{cause: err}
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxAnswer+1))
	switch {
	case err != nil:
		return &failure{cause: fmt.Errorf("the answer broke off: %w", err)}
	case reply.StatusCode < 200 || reply.StatusCode >= 300:
		return c.failureOf(reply, body)
	case len(body) > maxAnswer:
		return fmt.Errorf("the answer is longer than %d bytes: is directory.scim.endpoint Identity Center's own?", maxAnswer)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("an answer that is no SCIM (%w): is directory.scim.endpoint Identity Center's own?", err)
	}
	return nil
}

func (c *Client) httpRequest(ctx context.Context, r request) (*http.Request, error) {
	for _, step := range r.path {
		if step == "" {
			return nil, errors.New("without an id of the identity store there is nothing to ask for")
		}
	}
	var body bytes.Buffer
	if r.body != nil {
		encoder := json.NewEncoder(&body)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(r.body); err != nil {
			return nil, err
		}
	}
	to := *c.base
	for _, step := range r.path {
		to = *to.JoinPath(url.PathEscape(step))
	}
	to.RawQuery = r.query.Encode()
	sent, err := http.NewRequestWithContext(ctx, r.method, to.String(), &body)
	if err != nil {
		return nil, err
	}
	sent.Header.Set("Authorization", "Bearer "+c.token())
	sent.Header.Set("Accept", media)
	if r.body != nil {
		sent.Header.Set("Content-Type", media)
	}
	return sent, nil
}
