package config

import (
	"strings"
	"time"

	"studiokeeper/internal/studio"
)

var (
	domainNameForm = spelled(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`, "at most 63 letters, digits, -, _ and ., with a letter or digit first")
	// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeDomain.html
	domainIDForm = spelled(`^d-(-*[a-z0-9])+$`, "a Studio domain's id such as d-abcdefghijkl").atMost(63)
	accountForm  = spelled(`^[0-9]{12}$`, "an account's 12 digits in quotes")
)

// domains are the domains as far as they could be read.
type domains struct {
	read  []studio.Domain
	whole bool // every name is known, so that an unknown one is a mistake
}

func readDomains(n node, mode studio.Mode) domains {
	all := domains{whole: n.is(list)}
	names, ids := map[string]node{}, map[string]node{}
	for _, item := range n.items() {
		f := item.object()
		d := domain(f, mode)
		once(names, f.get("name"), d.Name, "name")
		once(ids, f.get("id"), d.ID, "id")
		all.whole = all.whole && d.Name != ""
		all.read = append(all.read, d)
	}
	if n.given() && n.tree.kind == list && len(all.read) == 0 {
		n.wrong("lists no domain (add one: name, id, region, account)")
	}
	return all
}

func domain(f *fields, mode studio.Mode) studio.Domain {
	defer f.end()
	d := studio.Domain{
		Name:         f.need("name", "a word for the domain, used in rows and output").match(domainNameForm),
		ID:           f.need("id", "as SageMaker made it, d-…").match(domainIDForm),
		Region:       f.need("region", "the domain's Region, such as us-east-1").match(regionForm),
		Account:      f.need("account", "the domain's account, 12 digits in quotes").match(accountForm),
		SignIn:       oneOf(f.get("signIn"), studio.SignInGroup, studio.SignInUser, studio.SignInNone),
		Adopt:        oneOf(f.get("adopt"), studio.AdoptUnset, studio.AdoptAll, studio.AdoptNone),
		OnRoleChange: oneOf(f.get("onRoleChange"), studio.StopApps, studio.WhenIdle),
		State:        oneOf(f.get("state"), studio.Managed, studio.Retire),
		Mode:         mode,
	}
	if own := f.get("mode"); own.given() {
		d.Mode = oneOf(own, studio.Enforce, studio.Observe)
	}
	d.AssumeRole = assumeRole(f.get("assumeRole"), d.Account)
	return d
}

// once notes a value that an earlier node has already.
func once(seen map[string]node, n node, value, what string) {
	if value == "" {
		return
	}
	if first, twice := seen[value]; twice {
		n.wrong("the %s %q is taken by %s in %s (every domain has its own)", what, value, first.path, first.where())
		return
	}
	seen[value] = n
}

// find is the domain a row names; ok is false when it is unknown, or when too
// little of it could be read to judge the row by it.
func (all domains) find(n node) (studio.Domain, bool) {
	name, ok := n.text()
	if !ok {
		return studio.Domain{}, false
	}
	var names []string
	for _, d := range all.read {
		if d.Name == name {
			return d, d.Account != ""
		}
		names = append(names, d.Name)
	}
	if all.whole && len(names) > 0 {
		hint := didYouMean(name, names)
		if hint == "" {
			hint = " (there are: " + strings.Join(names, ", ") + ")"
		}
		n.wrong("no domain is named %q%s", name, hint)
	}
	return studio.Domain{}, false
}

func (all domains) retire() bool {
	for _, d := range all.read {
		if d.State != studio.Retire {
			return false
		}
	}
	return len(all.read) > 0
}

func offboarding(n node, all domains, m Mapping) Offboarding {
	f := n.object()
	defer f.end()
	o := Offboarding{
		Grace:        f.get("grace").duration(168*time.Hour, true),
		SharedSpaces: oneOf(f.get("sharedSpaces"), HoldSpaces, DeleteSpaces),
	}
	role := f.get("quarantineRole")
	if o.Grace > 0 {
		role = f.need("quarantineRole", "leavers' profiles get it until grace has passed; required unless grace is 0s")
	}
	o.QuarantineRole, _ = role.text()
	if o.QuarantineRole != "" && knownPlaceholders(role, o.QuarantineRole, "account", "domain") {
		checkQuarantine(role, o.QuarantineRole, all, m)
	}
	return o
}

// checkQuarantine judges the role as each domain would fill it in.
func checkQuarantine(n node, template string, all domains, m Mapping) {
	for _, d := range all.read {
		if d.Account == "" || d.Name == "" {
			continue
		}
		role, err := studio.ParseRole(fillDomain(template, d))
		switch {
		case err != nil:
			n.wrong("%v", err)
			return
		case role.Account != d.Account:
			n.wrong("the role lies in account %s, and domain %s in %s (write {account} for the domain's own)", role.Account, d.Name, d.Account)
			return
		case m.gives(role.ARN):
			n.wrong("%s is a mapped role too (a leaver would keep its rights: name a powerless role)", role.ARN)
			return
		case m.allows(role.ARN):
			n.warn("mapping.roles admits the quarantine role %s, so a row could give it (keep it under another path)", role.ARN)
			return
		}
	}
}

// gives reports whether the file itself maps people to the role.
func (m Mapping) gives(arn string) bool {
	for _, row := range m.Rules {
		if row.Role == arn {
			return true
		}
	}
	for _, p := range m.Roles {
		if string(p) == arn {
			return true
		}
	}
	return false
}
