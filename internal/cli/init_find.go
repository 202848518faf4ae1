package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
	"studiokeeper/internal/studio"
)

// findings are what an account shows, and what was chosen of it.
type findings struct {
	account   string
	partition string // aws, aws-cn …
	instance  awscloud.FoundInstance
	domains   []studio.Domain // that can be looked after, by the names that they get; then those chosen
	left      []leftOut
	noted     map[string]string // what is to be known of some domains, by id
	groups    []awscloud.FoundGroup
	wanted    map[string][]awscloud.FoundGroup // by domain: who gets a row
}

// leftOut is a domain that cannot be looked after.
type leftOut struct {
	awscloud.FoundDomain
	Why string
}

// String names the domain and the reason.
func (l leftOut) String() string {
	return fmt.Sprintf("%s (%s, %s): %s", cmp.Or(l.Name, "a domain without a name"), l.ID, l.Region, l.Why)
}

// undescribed are the errors of domains of which nothing could be learned.
func (f findings) undescribed() error {
	var errs []error
	for _, l := range f.left {
		if l.Err != nil {
			errs = append(errs, fmt.Errorf("domain %s is left out: %w", l.ID, l.Err))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return codeError{exitPartial, errors.Join(errs...)}
}

// look reads what there is to choose from.
func (s *starter) look(ctx context.Context) (findings, error) {
	if len(s.regions) == 0 {
		s.regions = []string{s.find.Region()}
	}
	if s.regions[0] == "" {
		return findings{}, usage("there is no AWS Region; name those with Studio domains with --region, or set AWS_REGION")
	}
	who, err := s.find.Session.CallerIdentity(ctx, awscloud.Place{Region: s.regions[0]})
	if err != nil {
		return findings{}, err
	}
	f := findings{account: who.Account, partition: partitionOf(who.ARN), noted: map[string]string{}, wanted: map[string][]awscloud.FoundGroup{}}
	if f.instance, err = s.findInstance(ctx); err != nil {
		return findings{}, err
	}
	if err := s.findDomains(ctx, &f); err != nil {
		return findings{}, err
	}
	if err := s.findGroups(ctx, &f); err != nil {
		return findings{}, err
	}
	s.tell(f)
	return f, nil
}

// tell says what there is.
func (s *starter) tell(f findings) {
	s.say("Account %s: identity store %s in %s, Studio domains that can be looked after: %d, groups: %d.",
		f.account, f.instance.StoreID, f.instance.Region, len(f.domains), len(f.groups))
	for _, l := range f.left {
		s.say("  left out: %s", plain(l.String()))
	}
	for _, note := range f.notes() {
		s.say("  %s", note)
	}
}

// notes are what is to be known of the domains.
func (f findings) notes() []string {
	var notes []string
	for _, d := range f.domains {
		if note := f.noted[d.ID]; note != "" {
			notes = append(notes, note)
		}
	}
	return notes
}

// partitionOf is the AWS partition of an ARN.
func partitionOf(arn string) string {
	fields := strings.SplitN(arn, ":", 3)
	if len(fields) < 3 {
		return "aws"
	}
	return fields[1]
}

// identityCenter is how Identity Center is reached in a Region.
func (s *starter) identityCenter(region string) awscloud.Place {
	return awscloud.Place{Region: region, Role: s.identityRole}
}

// findInstance finds the one instance: the only one, or the one that is named.
func (s *starter) findInstance(ctx context.Context) (awscloud.FoundInstance, error) {
	regions := s.regions
	if s.identityRegion != "" {
		regions = []string{s.identityRegion}
	}
	for _, region := range regions {
		all, err := s.find.Instances(ctx, s.identityCenter(region))
		if err != nil {
			return awscloud.FoundInstance{}, fmt.Errorf("find IAM Identity Center: %w", err)
		}
		if len(all) > 0 {
			return s.oneInstance(all)
		}
	}
	return awscloud.FoundInstance{}, usage("these credentials see no instance of IAM Identity Center in %s; name its Region with --identity-region, and where it lies in another account a role there with --identity-role",
		strings.Join(regions, ", "))
}

func (s *starter) oneInstance(all []awscloud.FoundInstance) (awscloud.FoundInstance, error) {
	stores := make([]string, len(all))
	for i, one := range all {
		stores[i] = one.StoreID
	}
	amongThem := func(store string) error {
		if !slices.Contains(stores, store) {
			return fmt.Errorf("there is no identity store %q in %s (there are: %s)", store, all[0].Region, strings.Join(stores, ", "))
		}
		return nil
	}
	switch {
	case s.identityStore != "":
		if err := amongThem(s.identityStore); err != nil {
			return awscloud.FoundInstance{}, usage("--identity-store: %w", err)
		}
	case len(all) == 1:
		s.identityStore = stores[0]
	case s.ask == nil:
		return awscloud.FoundInstance{}, usage("there are %d identity stores in %s: %s; choose one with --identity-store", len(all), all[0].Region, strings.Join(stores, ", "))
	default:
		var err error
		if s.identityStore, err = s.ask.text("Identity store, one of "+strings.Join(stores, ", "), stores[0], amongThem); err != nil {
			return awscloud.FoundInstance{}, err
		}
	}
	return all[slices.Index(stores, s.identityStore)], nil
}

// findDomains sorts the domains into those that can be looked after and others.
func (s *starter) findDomains(ctx context.Context, f *findings) error {
	for i, region := range s.regions {
		if slices.Contains(s.regions[:i], region) {
			continue
		}
		all, err := s.find.Domains(ctx, awscloud.Place{Region: region, Account: f.account})
		if err != nil {
			return fmt.Errorf("find Studio domains: %w", err)
		}
		for _, d := range all {
			if why := unfit(d, f.instance); why != "" {
				f.left = append(f.left, leftOut{d, why})
				continue
			}
			f.domains = append(f.domains, d.Domain)
			if d.Instance == "" {
				f.noted[d.ID] = d.ID + " names no application, as those made before October 2023: assign its groups in the console, or write signIn: none"
			}
		}
	}
	nameApart(f.domains)
	return nil
}

// unfit says why a domain cannot be looked after; "" when it can be.
func unfit(d awscloud.FoundDomain, center awscloud.FoundInstance) string {
	switch is := d.Facts; {
	case d.Err != nil:
		return "it could not be described"
	case is.Unified:
		return "it belongs to SageMaker Unified Studio, which manages its own users"
	case is.AuthMode != "SSO":
		return fmt.Sprintf("its AuthMode is %s: nobody signs in to it through IAM Identity Center", is.AuthMode)
	case d.Instance != "" && d.Instance != center.ID:
		return fmt.Sprintf("it belongs to another instance of IAM Identity Center, %s", d.Instance)
	case is.Status == "Failed" || is.Status == "Deleting" || is.Status == "Delete_Failed":
		return fmt.Sprintf("its status is %s", is.Status)
	}
	return ""
}

// nameApart gives every domain a name of its own that the configuration takes:
// SageMaker's where it can be, with the Region or the id behind it where several
// have the same.
func nameApart(domains []studio.Domain) {
	fits := config.Spellings()["domains[].name"].Check
	count := map[string]int{}
	for _, d := range domains {
		count[d.Name]++
		count[d.Name+"-"+d.Region]++
	}
	for i, d := range domains {
		name := d.Name
		switch {
		case count[name] > 1 && count[name+"-"+d.Region] == 1:
			name += "-" + d.Region
		case count[name] > 1:
			name += "-" + d.ID
		}
		if fits(name) != nil {
			name = d.ID
		}
		domains[i].Name = name
	}
}

// toldEvery is after how many groups people are told how far it is.
const toldEvery = 500

func (s *starter) findGroups(ctx context.Context, f *findings) error {
	var err error
	f.groups, err = s.find.Groups(ctx, s.identityCenter(f.instance.Region), f.instance.StoreID, func(n int) {
		if n%toldEvery == 0 {
			s.say("%d groups so far", n)
		}
	})
	if err != nil {
		return fmt.Errorf("list the groups: %w (where the identity store lies in another account, --identity-role names a role there)", err)
	}
	slices.SortFunc(f.groups, func(a, b awscloud.FoundGroup) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return nil
}
