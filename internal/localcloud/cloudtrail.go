package localcloud

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The events that the cloud delivers do not depend on its trails, although AWS's do: a trail is here for
// programs that check that there is one.

// trailsState is CloudTrail by account; guarded by Cloud.mu. A trail of all Regions is in each.
type trailsState struct {
	accounts map[string][]*auditTrail
}

// auditTrail is one trail.
type auditTrail struct {
	Trail
	logging   bool
	began     time.Time
	stopped   time.Time
	selectors []EventSelector
	advanced  []AdvancedEventSelector
}

// Trail is a CloudTrail trail, as DescribeTrails shows it.
type Trail struct {
	Name, S3BucketName         string
	TrailARN                   string
	HomeRegion                 string
	IsMultiRegionTrail         bool
	IsOrganizationTrail        bool
	IncludeGlobalServiceEvents bool
	HasCustomEventSelectors    bool
}

// EventSelector says in CloudTrail's older form what a trail records.
type EventSelector struct {
	ReadWriteType                 string // All, ReadOnly or WriteOnly
	IncludeManagementEvents       *bool
	ExcludeManagementEventSources []string
}

// AdvancedEventSelector says the same in the newer one.
type AdvancedEventSelector struct {
	Name           string `json:",omitempty"`
	FieldSelectors []FieldSelector
}

// FieldSelector is a condition on a field of events.
type FieldSelector struct {
	Field     string
	Equals    []string `json:",omitempty"`
	NotEquals []string `json:",omitempty"`
}

func cloudTrailService(*Cloud) service {
	return service{
		name: "cloudtrail", target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", version: "1.1",
		ops: map[string]operation{
			"CreateTrail":       handle(nil, nil, createTrail, "Name", "S3BucketName"),
			"DeleteTrail":       handle(nil, nil, deleteTrail, "Name"),
			"StartLogging":      handle(nil, nil, startLogging, "Name"),
			"StopLogging":       handle(nil, nil, stopLogging, "Name"),
			"PutEventSelectors": handle(nil, nil, putEventSelectors, "TrailName"),
			"DescribeTrails":    handle(nil, nil, describeTrails),
			"GetTrailStatus":    handle(nil, nil, getTrailStatus, "Name"),
			"GetEventSelectors": handle(nil, nil, getEventSelectors, "TrailName"),
		},
	}
}

type createTrailInput struct {
	Name, S3BucketName         string
	IsMultiRegionTrail         bool
	IsOrganizationTrail        bool
	IncludeGlobalServiceEvents *bool
}

func createTrail(c *call, in *createTrailInput) (*Trail, error) {
	made := &auditTrail{Trail: Trail{
		Name: in.Name, S3BucketName: in.S3BucketName, HomeRegion: c.region, IsMultiRegionTrail: in.IsMultiRegionTrail,
		IsOrganizationTrail:        in.IsOrganizationTrail,
		IncludeGlobalServiceEvents: in.IncludeGlobalServiceEvents == nil || *in.IncludeGlobalServiceEvents,
		TrailARN:                   "arn:aws:cloudtrail:" + c.region + ":" + c.account + ":trail/" + in.Name,
	}, selectors: []EventSelector{{ReadWriteType: "All"}}}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	if found, _ := c.trailNamed(in.Name); found != nil {
		return nil, errf(http.StatusBadRequest, "TrailAlreadyExistsException", "Trail %s already exists for customer: %s", in.Name, c.account)
	}
	if c.cloud.trails.accounts == nil {
		c.cloud.trails.accounts = map[string][]*auditTrail{}
	}
	c.cloud.trails.accounts[c.account] = append(c.cloud.trails.accounts[c.account], made)
	return &made.Trail, nil
}

type trailName struct{ Name string }

// trailNamed finds a trail by name or ARN among those of its home Region. The caller holds Cloud.mu.
func (c *call) trailNamed(name string) (*auditTrail, error) {
	for _, t := range c.cloud.trails.accounts[c.account] {
		if t.TrailARN == name || t.Name == name && t.HomeRegion == c.region {
			return t, nil
		}
	}
	return nil, errf(http.StatusBadRequest, "TrailNotFoundException", "Unknown trail: %s for the user: %s", name, c.account)
}

func deleteTrail(c *call, in *trailName) (*nothing, error) {
	return c.changeTrail(in.Name, func(gone *auditTrail) {
		c.cloud.trails.accounts[c.account] = slices.DeleteFunc(c.cloud.trails.accounts[c.account], func(t *auditTrail) bool { return t == gone })
	})
}

func startLogging(c *call, in *trailName) (*nothing, error) {
	return c.changeTrail(in.Name, func(t *auditTrail) { t.logging, t.began = true, c.now })
}

func stopLogging(c *call, in *trailName) (*nothing, error) {
	return c.changeTrail(in.Name, func(t *auditTrail) { t.logging, t.stopped = false, c.now })
}

func (c *call) changeTrail(name string, change func(*auditTrail)) (*nothing, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	t, err := c.trailNamed(name)
	if err != nil {
		return nil, err
	}
	if t.HomeRegion != c.region {
		return nil, errf(http.StatusBadRequest, "InvalidHomeRegionException", "The trail %s has its home in %s", t.TrailARN, t.HomeRegion)
	}
	change(t)
	return &nothing{}, nil
}

type eventSelectorsInput struct {
	TrailName              string
	EventSelectors         []EventSelector
	AdvancedEventSelectors []AdvancedEventSelector
}

type eventSelectors struct {
	TrailARN               string
	EventSelectors         []EventSelector         `json:",omitempty"`
	AdvancedEventSelectors []AdvancedEventSelector `json:",omitempty"`
}

func putEventSelectors(c *call, in *eventSelectorsInput) (*eventSelectors, error) {
	if (len(in.EventSelectors) == 0) == (len(in.AdvancedEventSelectors) == 0) {
		return nil, errf(http.StatusBadRequest, "InvalidEventSelectorsException", "Specify either event selectors or advanced event selectors")
	}
	var out eventSelectors
	_, err := c.changeTrail(in.TrailName, func(t *auditTrail) {
		t.selectors, t.advanced, t.HasCustomEventSelectors = in.EventSelectors, in.AdvancedEventSelectors, true
		out = eventSelectors{t.TrailARN, t.selectors, t.advanced}
	})
	return &out, err
}

type describeTrailsInput struct {
	TrailNameList       []string `json:"trailNameList"`
	IncludeShadowTrails *bool    `json:"includeShadowTrails"`
}

type describedTrails struct {
	TrailList []Trail `json:"trailList"`
}

// describeTrails shows the Region's own trails and, unless it is told not to, those that record all Regions.
func describeTrails(c *call, in *describeTrailsInput) (*describedTrails, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	out := &describedTrails{TrailList: []Trail{}}
	shadows := in.IncludeShadowTrails == nil || *in.IncludeShadowTrails
	for _, t := range c.cloud.trails.accounts[c.account] {
		here := t.HomeRegion == c.region || t.IsMultiRegionTrail && shadows
		wanted := len(in.TrailNameList) == 0 || slices.Contains(in.TrailNameList, t.Name) || slices.Contains(in.TrailNameList, t.TrailARN)
		if here && wanted {
			out.TrailList = append(out.TrailList, t.Trail)
		}
	}
	slices.SortFunc(out.TrailList, func(a, b Trail) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.TrailARN, b.TrailARN))
	})
	return out, nil
}

type trailStatus struct {
	IsLogging        bool
	StartLoggingTime *epochSeconds `json:",omitempty"`
	StopLoggingTime  *epochSeconds `json:",omitempty"`
}

func getTrailStatus(c *call, in *trailName) (*trailStatus, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	t, err := c.trailNamed(in.Name)
	if err != nil {
		return nil, err
	}
	return &trailStatus{IsLogging: t.logging, StartLoggingTime: epochOf(t.began), StopLoggingTime: epochOf(t.stopped)}, nil
}

func epochOf(t time.Time) *epochSeconds {
	if t.IsZero() {
		return nil
	}
	seconds := epochSeconds(t)
	return &seconds
}

func getEventSelectors(c *call, in *eventSelectorsInput) (*eventSelectors, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	t, err := c.trailNamed(in.TrailName)
	if err != nil {
		return nil, err
	}
	return &eventSelectors{t.TrailARN, t.selectors, t.advanced}, nil
}
