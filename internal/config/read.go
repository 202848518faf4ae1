package config

import (
	"math"
	"time"

	"studiokeeper/internal/studio"
)

// The spellings that values have. Where AWS documents a pattern it is AWS's.
var (
	deploymentForm = spelled(`^[a-z0-9-]{1,32}$`, "1 to 32 of a-z, 0-9 and -")
	regionForm     = spelled(`^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}$`, "a Region such as us-east-1")
	// https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DescribeUser.html
	storeForm = spelled(`^(d-[0-9a-f]{10}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`,
		"an identity store's id: d- and 10 hexadecimal digits, or a UUID")
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	externalIDForm = spelled(`^[\w+=,.@:/-]{2,}$`, "2 or more letters, digits and +=,.@:/_-").atMost(1224)
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
	tableForm = spelled(`^[a-zA-Z0-9_.-]{3,}$`, "a DynamoDB table's name: 3 to 255 letters, digits, _, . and -").atMost(255)
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
	busForm = spelled(`^(arn:aws[\w-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[/.\-_A-Za-z0-9]{1,256}$`, "an event bus's name or ARN")
	anyForm = spelled(``, "text")
	// Without TLS the token would be there to read: only on this machine.
	scimForm = spelled(`^(https://[^\s/?#@]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?)(/[^\s?#]*)?$`,
		"https://scim.<region>.amazonaws.com/<tenant>/scim/v2/")
)

// config reads the whole configuration.
func (r *reader) config(root *tree) *Config {
	f := node{reader: r, tree: root}.object()
	c := &Config{Deployment: f.need("deployment", "a name for this installation; it becomes the ownership tag").match(deploymentForm)}
	c.Formerly = formerly(f.get("formerly"), c.Deployment)
	c.Mode = oneOf(f.get("mode"), studio.Enforce, studio.Observe)
	c.IdentityCenter = identityCenter(f.need("identityCenter", "where users and groups are: {region: …}"))
	domains := readDomains(f.need("domains", "the Studio domains to look after"), c.Mode)
	c.Domains = domains.read
	c.Mapping = readMapping(f.need("mapping", "which group gets which role: rules, a table or naming"), domains)
	c.GroupRoles = readGroupRoles(f.get("groupRoles"), c)
	c.Offboarding = offboarding(f.need("offboarding", "it names the quarantineRole, or says grace: 0s"), domains, c.Mapping)
	c.Limits = limits(f.get("limits"))
	c.State = state(f.get("state"), c.Mapping.Table)
	notices := f.get("notices").object()
	c.Notices.Bus = notices.get("bus").match(busForm)
	notices.end()
	log := f.get("log").object()
	c.Log.Names = oneOf(log.get("names"), LogIDs, LogUserNames)
	log.end()
	protected := f.get("protected").object()
	c.Protected.Users = protected.get("users").matches(anyForm)
	protected.end()
	c.Directory = directory(f.get("directory"))
	f.end()
	return c
}

func formerly(n node, deployment string) []string {
	return n.matches(deploymentForm, func(item node, s string) {
		if s == deployment {
			item.wrong("%q is this deployment itself (list only others)", s)
		}
	})
}

func identityCenter(n node) IdentityCenter {
	f := n.object()
	defer f.end()
	return IdentityCenter{
		Region:          f.need("region", "the Region of IAM Identity Center, such as us-east-1").match(regionForm),
		IdentityStoreID: f.get("identityStoreId").match(storeForm),
		AssumeRole:      assumeRole(f.get("assumeRole"), ""),
	}
}

// assumeRole reads how another account is reached; account is the one it must
// be, "" for any.
func assumeRole(n node, account string) studio.AssumeRole {
	f := n.object()
	defer f.end()
	a := studio.AssumeRole{ExternalID: f.get("externalId").match(externalIDForm)}
	arn := f.get("roleArn")
	role, ok := readRole(arn)
	switch {
	case !arn.given() && a.ExternalID != "":
		n.wrong("externalId is of no use without roleArn (add the role's ARN)")
	case ok && account != "" && role.Account != account:
		arn.wrong("the role lies in account %s, and the domain in %s (name a role of the domain's account)", role.Account, account)
	}
	a.RoleARN = role.ARN
	return a
}

// readRole reads an IAM role's ARN.
func readRole(n node) (studio.Role, bool) {
	s, ok := n.text()
	if !ok {
		return studio.Role{}, false
	}
	role, err := studio.ParseRole(s)
	if err != nil {
		n.wrong("%v", err)
	}
	return role, err == nil
}

func limits(n node) Limits {
	f := n.object()
	defer f.end()
	return Limits{
		Removals:  limit(f.get("removals"), Limit{Count: 10, Percent: 20, Floor: 2, Window: time.Hour}),
		Changes:   limit(f.get("changes"), Limit{Count: 50, Percent: 50, Floor: 10, Window: time.Hour}),
		Held:      oneOf(f.get("held"), HeldKeep, HeldSignIn),
		RejectFor: f.get("rejectFor").duration(720*time.Hour, false),
	}
}

func limit(n node, def Limit) Limit {
	f := n.object()
	defer f.end()
	l := Limit{
		Count:   f.get("count").whole(def.Count, 0, math.MaxInt32),
		Percent: f.get("percent").whole(def.Percent, 0, 100),
		Window:  f.get("window").duration(def.Window, false),
	}
	floor := f.get("floor")
	l.Floor = floor.whole(min(def.Floor, l.Count), 0, math.MaxInt32)
	if l.Floor > l.Count {
		floor.wrong("the floor %d is above the count %d, which would never apply (lower the floor or raise the count)", l.Floor, l.Count)
	}
	return l
}

func state(n node, mappingTable string) State {
	f := n.object()
	defer f.end()
	table := f.get("table")
	s := State{Table: table.match(tableForm)}
	if s.Table != "" && s.Table == mappingTable {
		table.wrong("%q is mapping.table too (the two have different keys: use two tables)", s.Table)
	}
	return s
}

func directory(n node) *Directory {
	if !n.given() {
		return nil
	}
	f := n.object()
	defer f.end()
	return &Directory{
		LDAP:   ldap(f.need("ldap", "the Active Directory to read")),
		Groups: f.get("groups").matches(anyForm),
		Adopt:  oneOf(f.get("adopt"), AdoptNobody, AdoptUserName, AdoptEmail),
		SCIM:   scim(f.get("scim")),
		Grace:  f.get("grace").duration(168*time.Hour, true),
	}
}

func scim(n node) *SCIM {
	if !n.given() {
		return nil
	}
	f := n.object()
	defer f.end()
	return &SCIM{
		Endpoint: f.need("endpoint", "https://scim.<region>.amazonaws.com/<tenant>/scim/v2/").match(scimForm),
		Token:    f.need("token", "refer to it with ${NAME}, file:PATH or secretsmanager:ARN").secret(),
	}
}
