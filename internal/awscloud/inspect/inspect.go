// Package inspect implements doctor's own ports on AWS: reads that no function
// needs, so that the Lambda does not link them.
package inspect

import (
	"context"
	"slices"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/doctor"
	"studiokeeper/internal/studio"
)

// Trails is doctor.Trails on CloudTrail.
type Trails struct {
	Session *awscloud.Session
	At      awscloud.Place // Identity Center's Region
}

var _ doctor.Trails = (*Trails)(nil)

func (t *Trails) call(ctx context.Context, operation, on string, in, out any) error {
	api := awscloud.API{ID: "CloudTrail", Target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", Signing: "cloudtrail", Host: "cloudtrail"}
	return t.Session.Call(ctx, api, t.At, operation, on, in, out)
}

// describedTrails is DescribeTrails' wire form.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
type describedTrails struct {
	TrailList []struct{ Name, TrailARN string } `json:"trailList"`
}

// Trails implements doctor.Trails.
func (t *Trails) Trails(ctx context.Context) ([]doctor.Trail, error) {
	var is describedTrails
	if err := t.call(ctx, "DescribeTrails", "the trails", struct{}{}, &is); err != nil {
		return nil, err
	}
	var found []doctor.Trail
	for _, one := range is.TrailList {
		var status struct{ IsLogging bool }
		if err := t.call(ctx, "GetTrailStatus", "trail "+one.Name, map[string]string{"Name": one.TrailARN}, &status); err != nil {
			return nil, err
		}
		var picks selectors
		if err := t.call(ctx, "GetEventSelectors", "trail "+one.Name, map[string]string{"TrailName": one.TrailARN}, &picks); err != nil {
			return nil, err
		}
		found = append(found, doctor.Trail{Name: one.TrailARN, Logging: status.IsLogging, Writes: picks.writes()})
	}
	return found, nil
}

// selectors is GetEventSelectors' wire form.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html
type selectors struct {
	EventSelectors []struct {
		ReadWriteType           string
		IncludeManagementEvents *bool
	}
	AdvancedEventSelectors []struct{ FieldSelectors []fieldSelector }
}

type fieldSelector struct {
	Field             string
	Equals, NotEquals []string
}

// writes tells whether management events that change something are recorded.
func (s selectors) writes() bool {
	for _, one := range s.EventSelectors {
		if one.ReadWriteType != "ReadOnly" && (one.IncludeManagementEvents == nil || *one.IncludeManagementEvents) {
			return true
		}
	}
	for _, one := range s.AdvancedEventSelectors {
		if slices.ContainsFunc(one.FieldSelectors, fieldSelector.management) && !slices.ContainsFunc(one.FieldSelectors, fieldSelector.readsOnly) {
			return true
		}
	}
	return false
}

func (f fieldSelector) management() bool {
	return f.Field == "eventCategory" && slices.Contains(f.Equals, "Management")
}

func (f fieldSelector) readsOnly() bool {
	return f.Field == "readOnly" && slices.Contains(f.Equals, "true")
}

// Quotas is doctor.Quotas on Service Quotas.
type Quotas struct{ Session *awscloud.Session }

var _ doctor.Quotas = (*Quotas)(nil)

// profileQuota is the quota of user profiles in an account and Region.
const profileQuota = "L-AC46C40F"

// Profiles implements doctor.Quotas.
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
func (q *Quotas) Profiles(ctx context.Context, d studio.Domain) (int, error) {
	api := awscloud.API{ID: "Service Quotas", Target: "ServiceQuotasV20190624", Signing: "servicequotas", Host: "servicequotas"}
	at := awscloud.Place{Region: d.Region, Account: d.Account, Role: d.AssumeRole}
	var is struct{ Quota struct{ Value float64 } }
	err := q.Session.Call(ctx, api, at, "GetServiceQuota", "the quota of user profiles", map[string]string{"ServiceCode": "sagemaker", "QuotaCode": profileQuota}, &is)
	return int(is.Quota.Value), err
}
