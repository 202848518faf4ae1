// Package config is the one configuration of studiokeeper: the command line
// and the function read it with the same loader. It is strict (an unknown key
// is an error), it finds everything that is wrong at once, and each finding
// has its line and column. The comments on Config's fields are the manual.
package config

import (
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/studio"
)

// Config is a valid configuration with every default filled in. In the file a
// field is spelled with a small first letter: identityCenter, baseDN, urls.
//
// In every value but not in keys, ${NAME} stands for an environment variable
// and $${ for a literal ${; a variable that is not set is an error. Durations
// are Go's: 90s, 60m, 168h.
type Config struct {
	// Deployment names this installation: 1 to 32 of a-z, 0-9 and "-". It is
	// the value of the ownership tag on every profile. Required.
	Deployment string
	// Formerly lists deployments whose profiles this one takes over. Never
	// list one that still runs.
	Formerly []string
	// Mode is enforce (default), or observe: reads, plans, journals and
	// alarms, and writes nothing.
	Mode studio.Mode
	// IdentityCenter is where users, groups and memberships are. Required.
	IdentityCenter IdentityCenter
	// Domains are the Studio domains to look after, one at least. Each is
	//
	//	name          the configuration's own word for it, unique; letters, digits, "-", "_" and "."
	//	id            d-…, unique
	//	region        the Region it is in, required
	//	account       12 digits in quotes, required; compared with the credentials' before anything is written
	//	assumeRole    how a domain in another account is reached; the role lies in the domain's account
	//	signIn        group (default): mapped groups are assigned to the domain's application; user: the person is; none
	//	adopt         unset (default): profiles without a role of their own are taken over; all; none
	//	onRoleChange  stopApps (default): running apps keep the old role and are stopped; whenIdle: wait for them
	//	state         managed (default), or retire: offboard everybody, guarded
	//	mode          enforce or observe for this domain; the configuration's mode by default
	Domains []studio.Domain
	// Mapping says which group gets which role. Required.
	Mapping Mapping
	// GroupRoles define the groups' execution roles, for those who have `deploy
	// template --group-roles` make them; left out where they are made elsewhere.
	GroupRoles []GroupRole `json:",omitempty"`
	// Offboarding says what happens to people who left.
	Offboarding Offboarding
	// Limits bound what one run or one hour may take away or change.
	Limits Limits
	// State is the DynamoDB table of leases, next looks, guard, assignments
	// and journal. The function and `run` cannot do without.
	State State
	// Notices are events about what was done.
	Notices Notices
	// Log is about the log.
	Log Log
	// Protected people are never offboarded.
	Protected Protected
	// Directory is only for the `directory` commands, which carry AD into
	// Identity Center; nil when left out.
	Directory *Directory

	// Warnings are recommendations, each with its place; not part of the file.
	Warnings []string `json:"-"`
	// Digest identifies the configuration's meaning, defaults included and
	// secrets left out. Comments, layout and the order of keys do not change
	// it. Not part of the file.
	Digest string `json:"-"`
}

// IdentityCenter is one IAM Identity Center instance.
type IdentityCenter struct {
	// Region is the one Identity Center is in. Required.
	Region string
	// IdentityStoreID is d-… or a UUID; found with ListInstances by default.
	IdentityStoreID string
	// AssumeRole reaches the identity store in another account:
	//
	//	roleArn     the ARN of the role to assume there
	//	externalId  the external id that the role's trust policy asks for, if it does
	AssumeRole studio.AssumeRole
}

// Mapping has three sources of rows: rules here, a DynamoDB table, and a
// naming standard. At least one is needed, unless every domain retires.
type Mapping struct {
	// Roles are the only roles that may ever be given, also within settings:
	// ARNs, or paths as arn:aws:iam::<account>:role/<path>/*. By default the
	// roles of Rules; required with Table or Naming.
	Roles []studio.RolePattern
	// Rules are the rows written here. Each is
	//
	//	group     the group's display name; or
	//	groupId   its id, which, unlike a name, nobody can take over
	//	domain    the name of one of Domains
	//	role      the ARN of the execution role, in the domain's account
	//	priority  a whole number, 100 by default; of a person's rows in a domain the highest wins
	//	settings  UserSettings of CreateUserProfile in the API's own spelling, without ExecutionRole
	//
	// A group has one row for a domain.
	Rules []studio.Row
	// Table is the DynamoDB table with more rows; left out: none.
	Table string
	// Naming derives rows for groups that have none.
	Naming []NamingRule
	// Cache is how long rows and resolved group ids are kept; 60s by default.
	Cache time.Duration
}

// Offboarding says what happens to people who left.
type Offboarding struct {
	// Grace is how long the profile and its data stay after access was taken
	// away; 168h by default. 0s deletes at once.
	Grace time.Duration
	// QuarantineRole is the powerless role a leaver's profile gets meanwhile:
	// an ARN in the domain's own account, where {account} and {domain} stand
	// for the domain's. Never a mapped role. Required unless Grace is 0s.
	QuarantineRole string
	// SharedSpaces owned by a leaver: hold (default) until a person decides,
	// or delete.
	SharedSpaces SharedSpaces
}

// SharedSpaces says what becomes of a leaver's shared spaces.
type SharedSpaces string

// The values of offboarding.sharedSpaces.
const (
	HoldSpaces   SharedSpaces = "hold"
	DeleteSpaces SharedSpaces = "delete"
)

// Limits bound, for each domain, what happens within a window.
type Limits struct {
	// Removals are people who lose their profile: {count: 10, percent: 20,
	// floor: 2, window: 1h} by default.
	Removals Limit
	// Changes are role or settings changes caused by an edited row: {count:
	// 50, percent: 50, floor: 10, window: 1h} by default. The directory keeps
	// its user names when more of them would change at once.
	Changes Limit
	// Held people, whose removal waits for a decision, keep (default)
	// everything, or lose the signIn that we assigned.
	Held Held
	// RejectFor is how long a rejected removal is not proposed again; 720h by
	// default.
	RejectFor time.Duration
}

// Limit is the smaller of Count and Percent, but at least Floor.
type Limit struct {
	// Count is a number of people, 0 and up.
	Count int
	// Percent is a share of the domain's managed profiles when the window
	// starts, 0 to 100.
	Percent int
	// Floor is what is always allowed, so that small domains work; at most
	// Count, to which a default is lowered.
	Floor int
	// Window is the time in which they are counted, longer than 0s.
	Window time.Duration
}

// Held says what people keep whose removal is held.
type Held string

// The values of limits.held.
const (
	HeldKeep   Held = "keep"
	HeldSignIn Held = "signIn"
)

// State names the state table.
type State struct {
	// Table is the DynamoDB table; left out: none.
	Table string
}

// Notices name the bus for our events.
type Notices struct {
	// Bus is an EventBridge bus's name or ARN; left out: no events.
	Bus string
}

// Log is about the log.
type Log struct {
	// Names says whether people appear by id (default) or by name.
	Names LogNames
}

// LogNames says how people appear in the log.
type LogNames string

// The values of log.names.
const (
	LogIDs       LogNames = "id"
	LogUserNames LogNames = "name"
)

// Protected people are reported when disabled or deleted, never offboarded.
type Protected struct {
	// Users are ids or UserNames.
	Users []string
}

// Directory is Active Directory and its way into Identity Center.
type Directory struct {
	// LDAP is the source. Required.
	LDAP LDAP
	// Groups to carry over, with * for any letters; the mapped ones by default.
	Groups []string
	// Adopt says which users of Identity Center that somebody else made are
	// taken over: none (default); userName, who have an account's user name; or
	// email, who have its user name or its e-mail address. Groups never are.
	Adopt Adoption
	// SCIM is the way in for an external identity provider's store; nil for
	// the Identity Store API, which the built-in directory takes.
	SCIM *SCIM
	// Grace is how long a user who vanished stays disabled before deletion;
	// 168h by default.
	Grace time.Duration
}

// Adoption says which users that are there already are taken over.
type Adoption string

// The values of directory.adopt.
const (
	AdoptNobody   Adoption = "none"
	AdoptUserName Adoption = "userName"
	AdoptEmail    Adoption = "email"
)

// SCIM is Identity Center's automatic provisioning.
type SCIM struct {
	// Endpoint is https://scim.<region>.amazonaws.com/<tenant>/scim/v2/.
	// Required.
	Endpoint string
	// Token refers to the access token: ${NAME}, file:PATH or
	// secretsmanager:ARN. Required.
	Token Secret
}

// Domain is the domain with that name.
func (c *Config) Domain(name string) (studio.Domain, bool) {
	i := slices.IndexFunc(c.Domains, func(d studio.Domain) bool { return d.Name == name })
	if i < 0 {
		return studio.Domain{}, false
	}
	return c.Domains[i], true
}

// RoleAllowed reports whether mapping.roles admits the role. The quarantine
// role is not among them: nobody is mapped to it.
func (c *Config) RoleAllowed(arn string) bool { return c.Mapping.allows(arn) }

// QuarantineRole is the ARN of the quarantine role for the domain; "" when
// none is configured.
func (c *Config) QuarantineRole(d studio.Domain) string {
	return fillDomain(c.Offboarding.QuarantineRole, d)
}

func (m Mapping) allows(arn string) bool {
	return slices.ContainsFunc(m.Roles, func(p studio.RolePattern) bool { return p.Allows(arn) })
}

func fillDomain(template string, d studio.Domain) string {
	return strings.NewReplacer("{account}", d.Account, "{domain}", d.Name).Replace(template)
}
