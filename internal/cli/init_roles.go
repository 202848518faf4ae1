package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/studio"
)

// The roles where nobody says otherwise. Groups' roles have a path of their own,
// which mapping.roles can open without opening more.
const (
	defaultRole       = "arn:aws:iam::{account}:role/studio/{group}"
	defaultQuarantine = "arn:aws:iam::{account}:role/studiokeeper-quarantine"
)

// maxRoleName is IAM's limit for the name of a role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxRoleName = 64

// roleOf fills a template in for a domain; group is what stands for the group.
func roleOf(template string, d studio.Domain, group string) string {
	return strings.NewReplacer("{account}", d.Account, "{domain}", d.Name, "{group}", group).Replace(template)
}

// sampleOf is a domain of ordinary name, to try templates on.
func sampleOf() studio.Domain { return studio.Domain{Name: "sample", Account: "111122223333"} }

func checkRoleTemplate(template string) error {
	path, _ := splitRole(template)
	if strings.Contains(path, "{group}") {
		return errors.New("{group} belongs into the role's name, after the last slash: a group's name must not choose a path")
	}
	if err := knownHoles(template, "{account}", "{domain}", "{group}"); err != nil {
		return err
	}
	return isRole(roleOf(template, sampleOf(), "g"))
}

func checkQuarantineTemplate(template string) error {
	if err := knownHoles(template, "{account}", "{domain}"); err != nil {
		return err
	}
	return isRole(roleOf(template, sampleOf(), ""))
}

// knownHoles refuses placeholders that stand for nothing.
func knownHoles(template string, known ...string) error {
	for _, hole := range regexp.MustCompile(`\{[^{}]*\}`).FindAllString(template, -1) {
		if !slices.Contains(known, hole) {
			return fmt.Errorf("%s stands for nothing here (known: %s)", hole, strings.Join(known, ", "))
		}
	}
	return nil
}

// splitRole parts a role's ARN at the last slash.
func splitRole(arn string) (path, name string) {
	at := strings.LastIndexByte(arn, '/')
	if at < 0 {
		return "", arn
	}
	return arn[:at], arn[at+1:]
}

// fence are the entries of mapping.roles that admit the template's roles in
// these domains: their paths, or, without a path, the roles of the rows.
func fence(template string, domains []studio.Domain, rows []starterRow) []string {
	path, name := splitRole(template)
	var roles []string
	switch {
	case !strings.Contains(name, "{group}"):
		for _, d := range domains {
			roles = append(roles, roleOf(template, d, ""))
		}
	case strings.HasSuffix(path, ":role"):
		for _, r := range rows {
			roles = append(roles, r.Role)
		}
	default:
		for _, d := range domains {
			roles = append(roles, roleOf(path, d, "")+"/*")
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// roleNames gives every group, by id, what stands for it in its role's name: its
// own name where IAM takes that and no other group has it, otherwise one made
// from it. IAM does not tell capitals from small letters.
func roleNames(groups []awscloud.FoundGroup, most int) map[string]string {
	names, taken := map[string]string{}, map[string]bool{}
	for _, fitting := range []bool{true, false} {
		for _, g := range groups {
			name := fittingName(g.Name, most)
			if (name == g.Name) != fitting || names[g.ID] != "" {
				continue
			}
			for tail := 6; taken[strings.ToLower(name)] && tail <= len(g.ID); tail++ {
				suffix := "-" + g.ID[len(g.ID)-tail:]
				name = fittingName(g.Name, max(most-len(suffix), 1)) + suffix
			}
			names[g.ID], taken[strings.ToLower(name)] = name, true
		}
	}
	return names
}

// fittingName makes a group's name one that IAM takes, of so many letters at most.
func fittingName(name string, most int) string {
	fits := regexp.MustCompile(`[^A-Za-z0-9_+=,.@-]+`).ReplaceAllString(name, "-")
	if fits != name {
		fits = strings.Trim(fits, "-")
	}
	if fits == "" {
		fits = "group"
	}
	return fits[:min(len(fits), most)]
}

// roomForGroup is how many letters of a role's name are left for the group.
func roomForGroup(template string, d studio.Domain) int {
	_, name := splitRole(roleOf(template, d, ""))
	return max(maxRoleName-len(name), 1)
}
