package inspect

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/doctor"
)

func lambdaAPI() awscloud.API {
	return awscloud.API{ID: "Lambda", Signing: "lambda", Host: "lambda"}
}

// functionConfiguration is GetFunctionConfiguration's wire form.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html
type functionConfiguration struct {
	State, LastUpdateStatus string
	Timeout                 int
	Environment             struct {
		Variables map[string]string
		Error     struct{ ErrorCode, Message string }
	}
}

// Function implements doctor.Deployment.
func (d *Deployment) Function(ctx context.Context, name string) (doctor.Function, error) {
	var is functionConfiguration
	path := "/2015-03-31/functions/" + url.PathEscape(name) + "/configuration"
	if err := d.Session.Get(ctx, lambdaAPI(), d.At, "GetFunctionConfiguration", path, "function "+name, &is); err != nil {
		return doctor.Function{}, err
	}
	if hidden := is.Environment.Error; hidden.ErrorCode != "" {
		err := fmt.Errorf("its environment cannot be read: %s: %s", hidden.ErrorCode, hidden.Message)
		return doctor.Function{}, d.Session.Failed("lambda:GetFunctionConfiguration", "function "+name, d.At, err)
	}
	found := doctor.Function{State: is.State, LastUpdate: is.LastUpdateStatus, Timeout: time.Duration(is.Timeout) * time.Second}
	for variable, value := range is.Environment.Variables {
		if value != "" {
			found.Environment = append(found.Environment, variable)
		}
	}
	var err error
	found.Sources, err = d.sources(ctx, name)
	return found, err
}

// listedMappings is ListEventSourceMappings' wire form.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html
type listedMappings struct {
	EventSourceMappings []struct{ UUID, EventSourceArn, State string }
	NextMarker          string
}

func (d *Deployment) sources(ctx context.Context, function string) ([]doctor.Source, error) {
	var found []doctor.Source
	query := url.Values{"FunctionName": {function}}
	for {
		var page listedMappings
		path := "/2015-03-31/event-source-mappings/?" + query.Encode()
		if err := d.Session.Get(ctx, lambdaAPI(), d.At, "ListEventSourceMappings", path, "function "+function, &page); err != nil {
			return nil, err
		}
		for _, m := range page.EventSourceMappings {
			found = append(found, doctor.Source{ID: m.UUID, ARN: m.EventSourceArn, State: m.State})
		}
		if page.NextMarker == "" {
			return found, nil
		}
		query.Set("Marker", page.NextMarker)
	}
}
