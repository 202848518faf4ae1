package awscloud

import (
	"context"
	"errors"
	"strings"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// Spaces is reconcile.SpaceReader on SageMaker, in the accounts and Regions that the domains name.
type Spaces struct {
	Session *Session
}

var _ reconcile.SpaceReader = (*Spaces)(nil)

// listSpaces and listedSpaces are ListSpaces' wire forms.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListSpaces.html
type listSpaces struct {
	DomainID   string `json:"DomainIdEquals"`
	MaxResults int
	NextToken  *string `json:",omitempty"`
}

type listedSpaces struct {
	Spaces    []listedSpace
	NextToken *string
}

type listedSpace struct {
	SpaceName, Status           string
	OwnershipSettingsSummary    struct{ OwnerUserProfileName string }
	SpaceSharingSettingsSummary struct{ SharingType string }
}

// Spaces implements reconcile.SpaceReader. Spaces in every state are there, failed ones included: they stand
// in the way of deleting the profile.
func (s *Spaces) Spaces(ctx context.Context, d studio.Domain, profile string) ([]studio.Space, error) {
	if profile == "" {
		return nil, nil
	}
	return spacesOf(ctx, s.Session, d, profile)
}

// SpaceApps implements reconcile.SpaceReader. A space that is gone by now has none: it is only gone once its
// apps are.
func (s *Spaces) SpaceApps(ctx context.Context, d studio.Domain, space string) ([]studio.App, error) {
	if space == "" {
		return nil, studioRequest(d, "ListApps", ownerIn(d, "", space)).failed(errors.New("the space has no name"), nil)
	}
	apps, err := (&Apps{s.Session}).appsOf(ctx, d, "", space)
	if errors.Is(err, reconcile.ErrGone) {
		return nil, nil
	}
	return apps, err
}

// spacesOf lists the spaces that a profile owns, or all of them for "". Owners cannot be asked for, so the
// whole domain is listed.
func spacesOf(ctx context.Context, s *Session, d studio.Domain, profile string) ([]studio.Space, error) {
	const operation = "ListSpaces"
	on := "the spaces of domain " + d.ID
	r := studioRequest(d, operation, on)
	var owned []studio.Space
	err := everyPage(r, func(token *string) (*string, error) {
		var page listedSpaces
		if err := callStudio(ctx, s, d, operation, on, listSpaces{d.ID, studioPage, token}, &page); err != nil {
			return nil, err
		}
		for _, is := range page.Spaces {
			if profile != "" && !is.ownedBy(profile) {
				continue
			}
			if is.SpaceName == "" || is.Status == "" {
				return nil, r.broken("a space of %q has name %q and status %q", profile, is.SpaceName, is.Status)
			}
			owned = append(owned, is.space())
		}
		return page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return owned, nil
}

// ownedBy reports whether the space is the profile's; one without an owner is nobody's.
func (is listedSpace) ownedBy(profile string) bool {
	owner := is.OwnershipSettingsSummary.OwnerUserProfileName
	return owner != "" && strings.EqualFold(owner, profile)
}

// space takes whatever is not said to be private for shared: only private spaces are ever deleted unasked.
func (is listedSpace) space() studio.Space {
	return studio.Space{
		Name: is.SpaceName, Owner: is.OwnershipSettingsSummary.OwnerUserProfileName,
		Shared: is.SpaceSharingSettingsSummary.SharingType != "Private", Status: studio.ProfileStatus(is.Status),
	}
}
