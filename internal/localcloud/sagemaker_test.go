package localcloud_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
)

func (w *world) profile(domain, name string) *sagemaker.DescribeUserProfileOutput {
	w.t.Helper()
	out, err := w.studio().DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: &domain, UserProfileName: &name})
	return must(w, out, err)
}

func TestProfileTakesTimeForEveryChange(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.user("alice@example.com")
	domain := w.domain("research", types.AuthModeSso)
	_, err := w.studio().CreateUserProfile(ctx, newProfile(domain, "Alice", "alice@example.com"))
	w.wantCode("creating", err, "")
	created := w.cloud.Now()

	if got := w.profile(domain, "alice"); got.Status != types.UserProfileStatusPending || *got.UserProfileName != "Alice" {
		t.Errorf("right after the creation: %s %s, want Alice Pending", *got.UserProfileName, got.Status)
	}
	update := &sagemaker.UpdateUserProfileInput{
		DomainId: &domain, UserProfileName: aws.String("ALICE"),
		UserSettings: &types.UserSettings{ExecutionRole: aws.String(plainRole)},
	}
	_, err = w.studio().UpdateUserProfile(ctx, update)
	w.wantCode("updating a pending profile", err, "ResourceInUse")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	got := w.profile(domain, "Alice")
	if got.Status != types.UserProfileStatusInService || *got.UserSettings.ExecutionRole != studyRole || !got.CreationTime.Equal(created) {
		t.Errorf("after the delay: %+v, want InService with %s", got, studyRole)
	}
	if *got.SingleSignOnUserValue != "alice@example.com" || *got.HomeEfsFileSystemUid == "" {
		t.Errorf("sign-on value and home directory are missing: %+v", got)
	}

	_, err = w.studio().UpdateUserProfile(ctx, update)
	w.wantCode("updating", err, "")
	if got := w.profile(domain, "Alice"); got.Status != types.UserProfileStatusUpdating || *got.UserSettings.ExecutionRole != plainRole {
		t.Errorf("right after the update: %s with %s", got.Status, *got.UserSettings.ExecutionRole)
	}
	remove := &sagemaker.DeleteUserProfileInput{DomainId: &domain, UserProfileName: aws.String("Alice")}
	_, err = w.studio().DeleteUserProfile(ctx, remove)
	w.wantCode("deleting while it is updating", err, "ResourceInUse")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	_, err = w.studio().DeleteUserProfile(ctx, remove)
	w.wantCode("deleting", err, "")
	if got := w.profile(domain, "Alice").Status; got != types.UserProfileStatusDeleting {
		t.Errorf("right after the deletion: %s, want Deleting", got)
	}
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	_, err = w.studio().DescribeUserProfile(ctx, &sagemaker.DescribeUserProfileInput{DomainId: &domain, UserProfileName: aws.String("Alice")})
	w.wantCode("describing the deleted profile", err, "ResourceNotFound")
	_, err = w.studio().CreateUserProfile(ctx, newProfile(domain, "Alice", "alice@example.com"))
	w.wantCode("creating it again", err, "")
	if again := w.profile(domain, "Alice"); *again.HomeEfsFileSystemUid == *got.HomeEfsFileSystemUid {
		t.Error("the profile made again has the old home directory's uid")
	}
}

func TestCreateUserProfileRefuses(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.user("alice@example.com")
	w.user("bob@example.com")
	domain := w.domain("research", types.AuthModeSso)
	_, err := w.studio().CreateUserProfile(ctx, newProfile(domain, "alice", "alice@example.com"))
	w.wantCode("creating alice", err, "")
	tag := func(key, value string) []types.Tag { return []types.Tag{{Key: &key, Value: &value}} }
	rows := []struct {
		name string
		edit func(*sagemaker.CreateUserProfileInput)
		want string
	}{
		{"a name that differs only in case", func(in *sagemaker.CreateUserProfileInput) { in.UserProfileName = aws.String("ALICE") }, "ResourceInUse"},
		{"a user who has a profile", func(in *sagemaker.CreateUserProfileInput) { in.SingleSignOnUserValue = aws.String("alice@example.com") }, "ResourceInUse"},
		{"a user who does not exist", func(in *sagemaker.CreateUserProfileInput) { in.SingleSignOnUserValue = aws.String("eve@example.com") }, "ValidationException"},
		{"no user", func(in *sagemaker.CreateUserProfileInput) {
			in.SingleSignOnUserIdentifier, in.SingleSignOnUserValue = nil, nil
		}, "ValidationException"},
		{"another identifier", func(in *sagemaker.CreateUserProfileInput) { in.SingleSignOnUserIdentifier = aws.String("UserId") }, "ValidationException"},
		{"a name with a dot", func(in *sagemaker.CreateUserProfileInput) { in.UserProfileName = aws.String("bob.example") }, "ValidationException"},
		{"a name that ends in a hyphen", func(in *sagemaker.CreateUserProfileInput) { in.UserProfileName = aws.String("bob-") }, "ValidationException"},
		{"a name of 64 characters", func(in *sagemaker.CreateUserProfileInput) { in.UserProfileName = aws.String(strings.Repeat("b", 64)) }, "ValidationException"},
		{"a role that is none", func(in *sagemaker.CreateUserProfileInput) {
			in.UserSettings.ExecutionRole = aws.String("arn:aws:iam::111122223333:user/ad-group-1")
		}, "ValidationException"},
		{"a tag value with an ampersand", func(in *sagemaker.CreateUserProfileInput) { in.Tags = tag("group", "R&D") }, "ValidationException"},
		{"a tag value of 257 characters", func(in *sagemaker.CreateUserProfileInput) { in.Tags = tag("group", strings.Repeat("x", 257)) }, "ValidationException"},
		{"a tag reserved for AWS", func(in *sagemaker.CreateUserProfileInput) { in.Tags = tag("aws:group", "x") }, "ValidationException"},
		{"a tag twice", func(in *sagemaker.CreateUserProfileInput) { in.Tags = append(tag("a", "1"), tag("a", "2")...) }, "ValidationException"},
		{"51 tags", func(in *sagemaker.CreateUserProfileInput) { in.Tags = manyTags(51) }, "ValidationException"},
		{"a domain that is not there", func(in *sagemaker.CreateUserProfileInput) { in.DomainId = aws.String("d-none") }, "ResourceNotFound"},
		{"a setting outside its values", func(in *sagemaker.CreateUserProfileInput) { in.UserSettings.StudioWebPortal = "MAYBE" }, "ValidationException"},
	}
	for _, row := range rows {
		in := newProfile(domain, "bob", "bob@example.com")
		row.edit(in)
		_, err := w.studio().CreateUserProfile(ctx, in)
		w.wantCode(row.name, err, row.want)
	}
	in := newProfile(domain, strings.Repeat("b", 63), "bob@example.com")
	in.Tags = manyTags(50)
	_, err = w.studio().CreateUserProfile(ctx, in)
	w.wantCode("63 characters and 50 tags", err, "")
}

func manyTags(n int) []types.Tag {
	tags := make([]types.Tag, n)
	for i := range tags {
		tags[i] = types.Tag{Key: aws.String(fmt.Sprintf("key-%02d", i)), Value: aws.String("")}
	}
	return tags
}

func TestProfileQuota(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{ProfileQuota: 1, ProfileDelay: -1})
	w.user("alice@example.com")
	w.user("bob@example.com")
	domain := w.domain("research", types.AuthModeSso)
	_, err := w.studio().CreateUserProfile(ctx, newProfile(domain, "alice", "alice@example.com"))
	w.wantCode("the first", err, "")
	if got := w.profile(domain, "alice").Status; got != types.UserProfileStatusInService {
		t.Errorf("without a delay the profile is %s, want InService", got)
	}
	_, err = w.studio().CreateUserProfile(ctx, newProfile(domain, "bob", "bob@example.com"))
	w.wantCode("the second", err, "ResourceLimitExceeded")
}

func TestUpdateLeavesOutWhatItDoesNotName(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	w.user("alice@example.com")
	domain := w.domain("research", types.AuthModeSso)
	in := newProfile(domain, "alice", "alice@example.com")
	in.UserSettings.SecurityGroups = []string{"sg-1"}
	in.UserSettings.JupyterLabAppSettings = &types.JupyterLabAppSettings{
		LifecycleConfigArns: []string{"arn:aws:sagemaker:us-east-1:111122223333:studio-lifecycle-config/x"},
		DefaultResourceSpec: &types.ResourceSpec{InstanceType: types.AppInstanceTypeMlT3Medium},
	}
	in.UserSettings.CustomFileSystemConfigs = []types.CustomFileSystemConfig{
		&types.CustomFileSystemConfigMemberEFSFileSystemConfig{Value: types.EFSFileSystemConfig{FileSystemId: aws.String("fs-1")}},
	}
	_, err := w.studio().CreateUserProfile(ctx, in)
	w.wantCode("creating", err, "")
	_, err = w.studio().UpdateUserProfile(ctx, &sagemaker.UpdateUserProfileInput{
		DomainId: &domain, UserProfileName: aws.String("alice"),
		UserSettings: &types.UserSettings{
			ExecutionRole:         aws.String(plainRole),
			JupyterLabAppSettings: &types.JupyterLabAppSettings{LifecycleConfigArns: []string{}},
		},
	})
	w.wantCode("updating", err, "")
	got := w.profile(domain, "alice").UserSettings
	if *got.ExecutionRole != plainRole || !cmp.Equal(got.SecurityGroups, []string{"sg-1"}) ||
		got.JupyterLabAppSettings.DefaultResourceSpec.InstanceType != types.AppInstanceTypeMlT3Medium {
		t.Errorf("settings the update left out have changed: %+v", got)
	}
	if arns := got.JupyterLabAppSettings.LifecycleConfigArns; arns == nil || len(arns) != 0 {
		t.Errorf("the explicit empty list did not empty the lifecycle configurations: %v", arns)
	}
	efs, ok := got.CustomFileSystemConfigs[0].(*types.CustomFileSystemConfigMemberEFSFileSystemConfig)
	if !ok || *efs.Value.FileSystemId != "fs-1" {
		t.Errorf("the file system configuration is %+v, want fs-1", got.CustomFileSystemConfigs)
	}
}

func TestListUserProfiles(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.domain("research", types.AuthModeSso)
	for i := range 12 {
		userName := fmt.Sprintf("user%02d@example.com", i)
		w.user(userName)
		w.cloud.Advance(time.Second)
		_, err := w.studio().CreateUserProfile(ctx, newProfile(domain, fmt.Sprintf("User%02d", i), userName))
		w.wantCode("creating", err, "")
	}
	_, err := w.studio().UpdateUserProfile(ctx, &sagemaker.UpdateUserProfileInput{DomainId: &domain, UserProfileName: aws.String("User03")})
	w.wantCode("updating", err, "")

	rows := []struct {
		name        string
		in          sagemaker.ListUserProfilesInput
		first, last string
		count       int
	}{
		{"ten a page unless asked", sagemaker.ListUserProfilesInput{}, "User00", "User09", 10},
		{"names match whatever their case", sagemaker.ListUserProfilesInput{UserProfileNameContains: aws.String("uSER1")}, "User10", "User11", 2},
		{"the youngest first", sagemaker.ListUserProfilesInput{SortOrder: types.SortOrderDescending, MaxResults: aws.Int32(2)}, "User11", "User10", 2},
		{"the last modified last", sagemaker.ListUserProfilesInput{SortBy: types.UserProfileSortKeyLastModifiedTime, MaxResults: aws.Int32(100)}, "User00", "User03", 12},
	}
	for _, row := range rows {
		row.in.DomainIdEquals = &domain
		out, err := w.studio().ListUserProfiles(ctx, &row.in)
		got := must(w, out, err).UserProfiles
		if len(got) != row.count || *got[0].UserProfileName != row.first || *got[len(got)-1].UserProfileName != row.last {
			t.Errorf("%s: got %d from %s to %s, want %d from %s to %s", row.name,
				len(got), *got[0].UserProfileName, *got[len(got)-1].UserProfileName, row.count, row.first, row.last)
		}
	}
	pages := sagemaker.NewListUserProfilesPaginator(w.studio(), &sagemaker.ListUserProfilesInput{SortOrder: types.SortOrderDescending, MaxResults: aws.Int32(5)})
	seen := map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		for _, p := range must(w, page, err).UserProfiles {
			seen[*p.UserProfileName] = true
		}
	}
	if len(seen) != 12 {
		t.Errorf("paging backwards finds %d profiles, want 12", len(seen))
	}
	for name, in := range map[string]*sagemaker.ListUserProfilesInput{
		"101 a page": {MaxResults: aws.Int32(101)}, "0 a page": {MaxResults: aws.Int32(0)}, "a token that is garbage": {NextToken: aws.String("x")},
	} {
		_, err := w.studio().ListUserProfiles(ctx, in)
		w.wantCode(name, err, "ValidationException")
	}
}

func TestDomain(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	out, err := w.studio().CreateDomain(ctx, newDomain("research", types.AuthModeSso))
	domain := must(w, out, err).DomainId
	describe := &sagemaker.DescribeDomainInput{DomainId: domain}
	got, err := w.studio().DescribeDomain(ctx, describe)
	if must(w, got, err).Status != types.DomainStatusPending {
		t.Errorf("right after the creation: %s, want Pending", got.Status)
	}
	_, err = w.studio().DeleteDomain(ctx, &sagemaker.DeleteDomainInput{DomainId: domain})
	w.wantCode("deleting a pending domain", err, "ResourceInUse")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	got, err = w.studio().DescribeDomain(ctx, describe)
	must(w, got, err)
	if got.Status != types.DomainStatusInService || got.AuthMode != types.AuthModeSso || *got.DefaultUserSettings.ExecutionRole != plainRole ||
		!strings.HasPrefix(*got.SingleSignOnApplicationArn, "arn:aws:sso::"+account+":application/ssoins-") ||
		*got.Url != "https://"+*domain+".studio.us-east-1.sagemaker.aws" || !strings.HasPrefix(*got.HomeEfsFileSystemId, "fs-") {
		t.Errorf("described domain: %+v", got)
	}
	_, err = w.studio().CreateDomain(ctx, newDomain("research", types.AuthModeIam))
	w.wantCode("a second domain with the name", err, "ResourceInUse")
	_, err = w.studio().UpdateDomain(ctx, &sagemaker.UpdateDomainInput{DomainId: domain, DefaultUserSettings: &types.UserSettings{SecurityGroups: []string{"sg-1"}}})
	w.wantCode("updating", err, "")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	got, err = w.studio().DescribeDomain(ctx, describe)
	if must(w, got, err); *got.DefaultUserSettings.ExecutionRole != plainRole || len(got.DefaultUserSettings.SecurityGroups) != 1 {
		t.Errorf("the update of the default settings gave %+v", got.DefaultUserSettings)
	}

	w.user("alice@example.com")
	_, err = w.studio().CreateUserProfile(ctx, newProfile(*domain, "alice", "alice@example.com"))
	w.wantCode("creating a profile", err, "")
	_, err = w.studio().DeleteDomain(ctx, &sagemaker.DeleteDomainInput{DomainId: domain})
	w.wantCode("deleting a domain with a profile", err, "ResourceInUse")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	_, err = w.studio().DeleteUserProfile(ctx, &sagemaker.DeleteUserProfileInput{DomainId: domain, UserProfileName: aws.String("alice")})
	w.wantCode("deleting the profile", err, "")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	_, err = w.studio().DeleteDomain(ctx, &sagemaker.DeleteDomainInput{DomainId: domain})
	w.wantCode("deleting the empty domain", err, "")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	list, err := w.studio().ListDomains(ctx, &sagemaker.ListDomainsInput{})
	if len(must(w, list, err).Domains) != 0 {
		t.Errorf("the deleted domain is still listed: %+v", list.Domains)
	}
}

func TestDomainsOfAccountsAndRegions(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	w.user("alice@example.com")
	domain := w.domain("research", types.AuthModeSso)
	for name, config := range map[string]aws.Config{"account": w.as(member, home), "Region": w.as(account, "eu-west-1")} {
		_, err := sagemaker.NewFromConfig(config).DescribeDomain(ctx, &sagemaker.DescribeDomainInput{DomainId: &domain})
		w.wantCode("the domain from another "+name, err, "ResourceNotFound")
	}
	_, err := sagemaker.NewFromConfig(w.as(account, "eu-west-1")).CreateDomain(ctx, newDomain("research", types.AuthModeSso))
	w.wantCode("AuthMode SSO in a Region without Identity Center", err, "ValidationException")

	other := sagemaker.NewFromConfig(w.as(member, home))
	out, err := other.CreateDomain(ctx, newDomain("research", types.AuthModeSso))
	theirs := must(w, out, err).DomainId
	_, err = other.CreateUserProfile(ctx, newProfile(*theirs, "alice", "alice@example.com"))
	w.wantCode("a profile in a member account for the organisation's user", err, "")

	plain := w.domain("plain", types.AuthModeIam)
	_, err = w.studio().CreateUserProfile(ctx, newProfile(plain, "alice", "alice@example.com"))
	w.wantCode("a sign-on user in a domain with AuthMode IAM", err, "ValidationException")
	_, err = w.studio().CreateUserProfile(ctx, &sagemaker.CreateUserProfileInput{DomainId: &plain, UserProfileName: aws.String("alice")})
	w.wantCode("a profile in a domain with AuthMode IAM", err, "")
}

func TestTags(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	w.user("alice@example.com")
	domain := w.domain("research", types.AuthModeSso)
	out, err := w.studio().CreateUserProfile(ctx, newProfile(domain, "alice", "alice@example.com"))
	arn := must(w, out, err).UserProfileArn
	if got, want := w.tags(*arn), map[string]string{"studiokeeper:deployment": "prod"}; !cmp.Equal(got, want) {
		t.Errorf("tags after creation: %v, want %v", got, want)
	}
	_, err = w.studio().AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: arn, Tags: []types.Tag{
		{Key: aws.String("studiokeeper:deployment"), Value: aws.String("test")}, {Key: aws.String("team"), Value: aws.String("ml")},
	}})
	w.wantCode("adding", err, "")
	_, err = w.studio().DeleteTags(ctx, &sagemaker.DeleteTagsInput{ResourceArn: arn, TagKeys: []string{"team", "absent"}})
	w.wantCode("deleting", err, "")
	if got, want := w.tags(*arn), map[string]string{"studiokeeper:deployment": "test"}; !cmp.Equal(got, want) {
		t.Errorf("tags after changes: %v, want %v", got, want)
	}
	_, err = w.studio().AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: arn, Tags: manyTags(50)})
	w.wantCode("51 tags together", err, "ValidationException")
	_, err = w.studio().AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: arn, Tags: manyTags(49)})
	w.wantCode("50 tags together", err, "")

	rows := map[string]struct {
		config aws.Config
		arn    string
		want   string
	}{
		"a profile that is not there":  {w.as(account, home), *arn + "x", "ResourceNotFound"},
		"another account":              {w.as(member, home), *arn, "ResourceNotFound"},
		"another Region":               {w.as(account, "eu-west-1"), *arn, "ResourceNotFound"},
		"an ARN that is none":          {w.as(account, home), "alice", "ValidationException"},
		"a domain":                     {w.as(account, home), "arn:aws:sagemaker:us-east-1:111122223333:domain/" + domain, ""},
		"the profile in upper case":    {w.as(account, home), strings.Replace(*arn, "alice", "ALICE", 1), ""},
		"something we know nothing of": {w.as(account, home), "arn:aws:sagemaker:us-east-1:111122223333:model/m", "ResourceNotFound"},
	}
	for name, row := range rows {
		_, err := sagemaker.NewFromConfig(row.config).ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: &row.arn})
		w.wantCode(name, err, row.want)
	}
	_, err = w.studio().ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: arn, MaxResults: aws.Int32(10)})
	w.wantCode("pages under 50", err, "ValidationException")
}

func (w *world) tags(arn string) map[string]string {
	w.t.Helper()
	out, err := w.studio().ListTags(context.Background(), &sagemaker.ListTagsInput{ResourceArn: &arn})
	tags := map[string]string{}
	for _, tag := range must(w, out, err).Tags {
		tags[*tag.Key] = *tag.Value
	}
	return tags
}

func TestFailedStateStays(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	w.user("alice@example.com")
	domain := w.domain("research", types.AuthModeSso)
	_, err := w.studio().CreateUserProfile(ctx, newProfile(domain, "alice", "alice@example.com"))
	w.wantCode("creating", err, "")
	if err := w.cloud.SetProfileStatus(account, home, domain, "alice", studioapi.UserProfileStatusFailed, "no file system"); err != nil {
		t.Fatal(err)
	}
	w.cloud.Advance(time.Hour)
	if got := w.profile(domain, "alice"); got.Status != types.UserProfileStatusFailed || *got.FailureReason != "no file system" {
		t.Errorf("an hour later: %s, want Failed", got.Status)
	}
	if err := w.cloud.SetDomainStatus(account, home, domain, studioapi.DomainStatusFailed, "broken"); err != nil {
		t.Fatal(err)
	}
	w.user("bob@example.com")
	_, err = w.studio().CreateUserProfile(ctx, newProfile(domain, "bob", "bob@example.com"))
	w.wantCode("creating a profile in a failed domain", err, "ResourceInUse")
}

func TestOfManyCallersAtOnceOneCreatesTheProfile(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.user("alice@example.com")
	domain := w.domain("research", types.AuthModeSso)
	const callers = 8
	answers := make(chan string, callers)
	for i := range callers {
		go func() {
			_, err := w.studio().CreateUserProfile(context.Background(), newProfile(domain, fmt.Sprintf("alice-%d", i), "alice@example.com"))
			answers <- codeOf(err)
		}()
	}
	got := map[string]int{}
	for range callers {
		got[<-answers]++
	}
	if want := map[string]int{"": 1, "ResourceInUse": callers - 1}; !cmp.Equal(got, want) {
		t.Errorf("answers by error code: %v, want %v", got, want)
	}
}
