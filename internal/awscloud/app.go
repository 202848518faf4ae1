package awscloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// appCalls is how many lists of one profile's apps are under way at once.
const appCalls = 4

// Apps is reconcile.AppReader and AppWriter on SageMaker, in the accounts and Regions that the domains name.
type Apps struct {
	Session *Session
}

var (
	_ reconcile.AppReader = (*Apps)(nil)
	_ reconcile.AppWriter = (*Apps)(nil)

	_ reconcile.DomainLister = (*Apps)(nil)
)

// listApps and the types below are the wire forms of ListApps and DeleteApp.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListApps.html
type listApps struct {
	DomainIDEquals        string `json:"DomainIdEquals"`
	UserProfileNameEquals string `json:",omitempty"`
	SpaceNameEquals       string `json:",omitempty"`
	MaxResults            int
	NextToken             *string `json:",omitempty"`
}

type listedApps struct {
	Apps []struct {
		UserProfileName, SpaceName string
		AppType, AppName, Status   string
		CreationTime               epoch
	}
	NextToken *string
}

type deleteApp struct {
	DomainID        string `json:"DomainId"`
	UserProfileName string `json:",omitempty"`
	SpaceName       string `json:",omitempty"`
	AppType         string
	AppName         string
}

// Apps implements reconcile.AppReader in two rounds: the profile's own apps beside the domain's spaces, then
// the apps of its private spaces.
func (a *Apps) Apps(ctx context.Context, d studio.Domain, profile string) ([]studio.App, error) {
	var own []studio.App
	var spaces []string
	first, round := errgroup.WithContext(ctx)
	first.Go(func() (err error) { own, err = a.appsOf(round, d, profile, ""); return err })
	first.Go(func() (err error) { spaces, err = a.privateSpaces(round, d, profile); return err })
	if err := first.Wait(); err != nil {
		return nil, err
	}
	inSpaces := make([][]studio.App, len(spaces))
	second, round := errgroup.WithContext(ctx)
	second.SetLimit(appCalls)
	for n, space := range spaces {
		second.Go(func() (err error) {
			if inSpaces[n], err = a.appsOf(round, d, "", space); errors.Is(err, reconcile.ErrGone) {
				return nil // and a space is only gone once its apps are
			}
			return err
		})
	}
	if err := second.Wait(); err != nil {
		return nil, err
	}
	return append(own, slices.Concat(inSpaces...)...), nil
}

// appsOf lists the apps of a profile or of a space: SageMaker takes one of the two. An app that a profile's
// list shows in a space is left to the space's own list.
func (a *Apps) appsOf(ctx context.Context, d studio.Domain, profile, space string) ([]studio.App, error) {
	const operation = "ListApps"
	on := fmt.Sprintf("the apps of %s", ownerIn(d, profile, space))
	var found []studio.App
	err := everyPage(studioRequest(d, operation, on), func(token *string) (*string, error) {
		var page listedApps
		in := listApps{d.ID, profile, space, studioPage, token}
		if err := callStudio(ctx, a.Session, d, operation, on, in, &page); err != nil {
			return nil, err
		}
		for _, is := range page.Apps {
			if is.AppName == "" || is.AppType == "" || is.Status == "" {
				return nil, studioRequest(d, operation, on).broken("an app has name %q, type %q and status %q", is.AppName, is.AppType, is.Status)
			}
			all := profile == "" && space == ""
			ours := all || strings.EqualFold(is.SpaceName, space) && (space != "" || strings.EqualFold(is.UserProfileName, profile))
			if !ours || is.Status == "Deleted" || is.Status == "Failed" {
				continue
			}
			found = append(found, studio.App{
				Profile: cmp.Or(profile, is.UserProfileName), Space: is.SpaceName, Type: is.AppType, Name: is.AppName,
				Status: studio.AppStatus(is.Status), Created: is.CreationTime.time(),
			})
		}
		return page.NextToken, nil
	})
	return found, err
}

// DomainApps implements reconcile.DomainLister.
func (a *Apps) DomainApps(ctx context.Context, d studio.Domain) ([]studio.App, error) {
	return a.appsOf(ctx, d, "", "")
}

// DomainSpaces implements reconcile.DomainLister.
func (a *Apps) DomainSpaces(ctx context.Context, d studio.Domain) ([]studio.Space, error) {
	return spacesOf(ctx, a.Session, d, "")
}

// privateSpaces names the private spaces that a profile owns. In shared spaces its role does not apply.
func (a *Apps) privateSpaces(ctx context.Context, d studio.Domain, profile string) ([]string, error) {
	spaces, err := spacesOf(ctx, a.Session, d, profile)
	var private []string
	for _, space := range spaces {
		if !space.Shared {
			private = append(private, space.Name)
		}
	}
	return private, err
}

// StopApp implements reconcile.AppWriter.
func (a *Apps) StopApp(ctx context.Context, d studio.Domain, app studio.App) error {
	in := deleteApp{DomainID: d.ID, SpaceName: app.Space, AppType: app.Type, AppName: app.Name}
	if app.Space == "" {
		in.UserProfileName = app.Profile
	}
	on := fmt.Sprintf("%s app %q of %s", app.Type, app.Name, ownerIn(d, app.Profile, app.Space))
	err := callStudio(ctx, a.Session, d, "DeleteApp", on, in, nil)
	if errors.Is(err, reconcile.ErrGone) {
		return nil
	}
	return err
}

func ownerIn(d studio.Domain, profile, space string) string {
	if profile == "" && space == "" {
		return "domain " + d.ID
	}
	if space == "" {
		return profileIn(d, profile)
	}
	return fmt.Sprintf("space %q in domain %s", space, d.ID)
}
