package deploy

import (
	"fmt"
	"strings"

	"studiokeeper/internal/config"
	"studiokeeper/internal/studio"
)

// resources are the ARNs of a kind of thing in each of the domains.
func resources(kind string, in []studio.Domain) []string {
	var arns []string
	for _, d := range in {
		within := kind + "/" + d.ID
		if kind != "domain" {
			within += "/*"
		}
		arns = append(arns, fmt.Sprintf("arn:%s:sagemaker:%s:%s:%s", studio.PartitionOf(d.Region), d.Region, d.Account, within))
	}
	return arns
}

// readStudio is what is read in domains. Lists have no resource in IAM.
func (g *generator) readStudio(in []studio.Domain) []Statement {
	if len(in) == 0 {
		return nil
	}
	return []Statement{
		allow("ListStudio", []string{"sagemaker:ListApps", "sagemaker:ListSpaces", "sagemaker:ListUserProfiles", "tag:GetResources"}, "*"),
		allow("ReadDomains", []string{"sagemaker:DescribeDomain"}, resources("domain", in)...),
		allow("ReadProfiles", []string{"sagemaker:DescribeUserProfile", "sagemaker:ListTags"}, resources("user-profile", in)...),
	}
}

const (
	requestTag  = "aws:RequestTag/" + studio.TagDeployment
	resourceTag = "aws:ResourceTag/" + studio.TagDeployment
	tagKeys     = "aws:TagKeys"
)

// changeStudio is what is changed in domains: profiles that carry our tag, and
// the apps and private spaces of a domain, which IAM cannot tie to a profile.
func (g *generator) changeStudio(in []studio.Domain) []Statement {
	if len(in) == 0 {
		return nil
	}
	profiles := resources("user-profile", in)
	own := is("StringEquals", resourceTag, g.Deployment)
	statements := []Statement{
		allow("MakeProfiles", []string{"sagemaker:CreateUserProfile"}, profiles...).
			where(is("StringEquals", requestTag, g.Deployment), ourKeys()),
		allow("ChangeOwnProfiles", []string{"sagemaker:DeleteUserProfile", "sagemaker:UpdateUserProfile"}, profiles...).where(own),
	}
	statements = append(statements, g.tagging(profiles)...)
	statements = append(statements, allow("StopApps", []string{"sagemaker:DeleteApp"}, resources("app", in)...), g.deleteSpaces(in))
	return append(statements, g.passRoles(in)...)
}

// ourKeys admits our tags only.
func ourKeys() Condition {
	return is("ForAllValues:StringEquals", tagKeys,
		studio.TagApplied, studio.TagDeployment, studio.TagGroup, studio.TagLeaving, studio.TagUserID)
}

// tagging lets a profile be claimed that nobody or a former deployment owns,
// and never one of another deployment.
func (g *generator) tagging(profiles []string) []Statement {
	add := []string{"sagemaker:AddTags"}
	claim := is("StringEquals", requestTag, g.Deployment)
	own := is("StringEquals", resourceTag, g.Deployment)
	statements := []Statement{
		allow("ClaimUntaggedProfiles", add, profiles...).where(claim, is("Null", resourceTag, "true"), ourKeys()),
		allow("TagOwnProfiles", add, profiles...).where(own, is("StringEqualsIfExists", requestTag, g.Deployment), ourKeys()),
		allow("UntagOwnProfiles", []string{"sagemaker:DeleteTags"}, profiles...).
			where(own, is("ForAllValues:StringEquals", tagKeys, studio.TagLeaving)),
	}
	if len(g.Formerly) == 0 {
		return statements
	}
	return append(statements, allow("ClaimFormerProfiles", add, profiles...).
		where(claim, is("StringEquals", resourceTag, g.Formerly...), ourKeys()))
}

func (g *generator) deleteSpaces(in []studio.Domain) Statement {
	s := allow("DeleteSpaces", []string{"sagemaker:DeleteSpace"}, resources("space", in)...)
	if g.Offboarding.SharedSpaces == config.DeleteSpaces {
		return s
	}
	s.Sid = "DeletePrivateSpaces"
	return s.where(is("StringEquals", "sagemaker:SpaceSharingType", "Private"))
}

// passRoles fences the roles that a profile can get. IAM has no condition on
// the execution role itself.
func (g *generator) passRoles(in []studio.Domain) []Statement {
	var roles []string
	for _, d := range in {
		for _, p := range g.Mapping.Roles {
			if accountOf(string(p)) == d.Account {
				roles = append(roles, string(p))
			}
		}
		if quarantine := g.QuarantineRole(d); quarantine != "" {
			roles = append(roles, quarantine)
		}
	}
	if len(roles) == 0 {
		return nil
	}
	return []Statement{allow("GiveRoles", []string{"iam:PassRole"}, roles...).
		where(is("StringEquals", "iam:PassedToService", "sagemaker.amazonaws.com"))}
}

// accountOf is the account of an ARN.
func accountOf(arn string) string {
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) < 6 {
		return ""
	}
	return fields[4]
}
