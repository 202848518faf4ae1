package localcloud

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

// studioDomain is a Studio domain as DescribeDomain shows it.
type studioDomain struct {
	studioapi.DescribeDomainOutput
	store   string    // id of the identity store whose users it knows; empty in IAM mode
	until   time.Time // when Status stops being Pending, Updating or Deleting
	tags    []studioapi.Tag
	nextUID int // of EFS home directories
	// signedIn counts the profiles made at a first sign-in.
	signedIn int
}

// settle ends a state whose time is over.
func (d *studioDomain) settle(now time.Time) {
	busy := d.Status == studioapi.DomainStatusPending || d.Status == studioapi.DomainStatusUpdating
	if busy && !now.Before(d.until) {
		d.Status = studioapi.DomainStatusInService
	}
}

// domain finds a domain by the id a call names.
func (p *studioPlace) domain(id *string, now time.Time) (*studioDomain, error) {
	var v constraints
	v.length("domainId", id, 0, 63)
	v.pattern("domainId", id, domainIDPattern)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	d := p.domains.get(*id)
	if d == nil {
		return nil, resourceNotFound("Domain [%s] does not exist.", *id)
	}
	d.settle(now)
	return d, nil
}

func createDomain(c *call, in *studioapi.CreateDomainInput) (*studioapi.CreateDomainOutput, error) {
	if err := checkDomain(in); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	for _, other := range p.domains.all() {
		if *other.DomainName == *in.DomainName {
			return nil, resourceInUse("Domain with name [%s] already exists.", *in.DomainName)
		}
	}
	d := &studioDomain{tags: in.Tags, until: c.now.Add(c.cloud.delay()), nextUID: 200001}
	copyMembers(&d.DescribeDomainOutput, in)
	id := "d-" + randomLower(12)
	d.DomainId = &id
	d.DomainArn = aws.String("arn:aws:sagemaker:" + c.region + ":" + c.account + ":domain/" + id)
	d.Url = aws.String("https://" + id + ".studio." + c.region + ".sagemaker.aws")
	d.HomeEfsFileSystemId = aws.String("fs-" + randomHex(17))
	d.Status, d.CreationTime, d.LastModifiedTime = studioapi.DomainStatusPending, &c.now, &c.now
	if in.AuthMode == studioapi.AuthModeSso {
		store := c.cloud.storeIn(c.account, c.region)
		if store == nil {
			return nil, validation("AuthMode SSO needs IAM Identity Center, which is not enabled in Region %s", c.region)
		}
		d.store = store.id
		d.SingleSignOnApplicationArn = store.addApplication(c, d)
	}
	d.settle(c.now)
	p.domains.add(id, d)
	p.index.tagged(*d.DomainArn, d.tags, c.now)
	return &studioapi.CreateDomainOutput{DomainArn: d.DomainArn, DomainId: d.DomainId, Url: d.Url}, nil
}

func checkDomain(in *studioapi.CreateDomainInput) error {
	var v constraints
	v.length("domainName", in.DomainName, 0, 63)
	v.pattern("domainName", in.DomainName, studioNamePattern)
	v.checkSettings("defaultUserSettings", in.DefaultUserSettings)
	v.checkDefaultSpace("defaultSpaceSettings", in.DefaultSpaceSettings)
	v.checkTags("tags", in.Tags)
	if err := v.verdict(); err != nil {
		return err
	}
	if in.DefaultUserSettings.ExecutionRole == nil {
		return validation("DefaultUserSettings.ExecutionRole is required")
	}
	return duplicateTag(in.Tags)
}

// instanceID is the id of the Identity Center instance that a store belongs to.
func (s *identityStore) instanceID() string {
	sum := sha256.Sum256([]byte(s.id))
	return "ssoins-" + hex.EncodeToString(sum[:8])
}

func describeDomain(c *call, in *studioapi.DescribeDomainInput) (*studioapi.DescribeDomainOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	d, err := c.studio().domain(in.DomainId, c.now)
	if err != nil {
		return nil, err
	}
	shown := d.DescribeDomainOutput
	return &shown, nil
}

func updateDomain(c *call, in *studioapi.UpdateDomainInput) (*studioapi.UpdateDomainOutput, error) {
	var v constraints
	v.checkSettings("defaultUserSettings", in.DefaultUserSettings)
	v.checkDefaultSpace("defaultSpaceSettings", in.DefaultSpaceSettings)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	d, err := c.studio().domain(in.DomainId, c.now)
	if err != nil {
		return nil, err
	}
	if err := d.idle(); err != nil {
		return nil, err
	}
	settings, err := merged(d.DefaultUserSettings, in.DefaultUserSettings)
	if err != nil {
		return nil, err
	}
	spaceSettings, err := merged(d.DefaultSpaceSettings, in.DefaultSpaceSettings)
	if err != nil {
		return nil, err
	}
	copyPresentMembers(&d.DescribeDomainOutput, in)
	d.DefaultUserSettings, d.DefaultSpaceSettings, d.LastModifiedTime = settings, spaceSettings, &c.now
	d.DomainSettings = changedDomainSettings(d.DomainSettings, in.DomainSettingsForUpdate)
	d.Status, d.until = studioapi.DomainStatusUpdating, c.now.Add(c.cloud.delay())
	d.settle(c.now)
	return &studioapi.UpdateDomainOutput{DomainArn: d.DomainArn}, nil
}

func changedDomainSettings(is *studioapi.DomainSettings, update *studioapi.DomainSettingsForUpdate) *studioapi.DomainSettings {
	if update == nil {
		return is
	}
	var changed studioapi.DomainSettings
	if is != nil {
		changed = *is
	}
	copyPresentMembers(&changed, update)
	return &changed
}

// idle refuses changes while another one is under way.
func (d *studioDomain) idle() error {
	switch d.Status {
	case studioapi.DomainStatusPending, studioapi.DomainStatusUpdating, studioapi.DomainStatusDeleting:
		return resourceInUse("Domain [%s] is in %s status.", *d.DomainId, d.Status)
	}
	return nil
}

// nothing is the output of operations that have none.
type nothing struct{}

func deleteDomain(c *call, in *studioapi.DeleteDomainInput) (*nothing, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	d, err := p.domain(in.DomainId, c.now)
	if err != nil {
		return nil, err
	}
	if err := d.idle(); err != nil {
		return nil, err
	}
	if p.profiles.in(*d.DomainId) > 0 {
		return nil, resourceInUse("Unable to delete Domain [%s] because UserProfile(s) are associated with it.", *d.DomainId)
	}
	if p.spaces.in(*d.DomainId) > 0 {
		return nil, resourceInUse("Unable to delete Domain [%s] because Space(s) are associated with it.", *d.DomainId)
	}
	d.Status, d.LastModifiedTime, d.until = studioapi.DomainStatusDeleting, &c.now, c.now.Add(c.cloud.delay())
	p.await(d.until, func(now time.Time) { p.forgetDomain(d, now) })
	c.cloud.dropApplication(d)
	return &nothing{}, nil
}

// forgetDomain removes a domain whose deletion is over.
func (p *studioPlace) forgetDomain(d *studioDomain, now time.Time) {
	if d.Status == studioapi.DomainStatusDeleting && !now.Before(d.until) {
		p.domains.remove(*d.DomainId)
		p.index.gone(*d.DomainArn, d.until)
	}
}

func listDomains(c *call, in *studioapi.ListDomainsInput) (*studioapi.ListDomainsOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	size, after, err := studioPage(in.MaxResults, in.NextToken, "domains", c.account, c.region)
	if err != nil {
		return nil, err
	}
	page, next := c.studio().domains.page(after, size, nil)
	out := &studioapi.ListDomainsOutput{Domains: []studioapi.DomainDetails{}, NextToken: pageToken(next, "domains", c.account, c.region)}
	for _, d := range page {
		d.settle(c.now)
		out.Domains = append(out.Domains, studioapi.DomainDetails{
			DomainId: d.DomainId, DomainArn: d.DomainArn, DomainName: d.DomainName, Url: d.Url,
			Status: d.Status, CreationTime: d.CreationTime, LastModifiedTime: d.LastModifiedTime,
		})
	}
	return out, nil
}

// SetDomainStatus puts a domain into a state such as Failed, which stays until something changes the domain.
func (c *Cloud) SetDomainStatus(account, region, domainID string, status studioapi.DomainStatus, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.nowLocked()
	d, err := c.studioIn(place{account: account, region: region}, now).domain(&domainID, now)
	if err != nil {
		return err
	}
	d.Status, d.FailureReason, d.until = status, optional(reason), forever(now)
	return nil
}

// forever is when a state ends that somebody put something into on purpose.
func forever(now time.Time) time.Time { return now.AddDate(1000, 0, 0) }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func randomHex(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)[:n]
}

// randomLower is n lower case letters and digits.
func randomLower(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails
	for i := range raw {
		raw[i] = alphabet[int(raw[i])%len(alphabet)]
	}
	return string(raw)
}
