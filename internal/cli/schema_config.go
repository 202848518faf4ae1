package cli

import (
	"math"

	"studiokeeper/internal/config"
	"studiokeeper/internal/studio"
)

// The spellings of role ARNs, which studio reads without regular expressions.
const (
	roleForm  = `^arn:aws[a-z-]*:iam::[0-9]{12}:role/([!-)+->@-~]*/)?[A-Za-z0-9_+=,.@-]{1,64}$`
	rolesForm = `^arn:aws[a-z-]*:iam::[0-9]{12}:role/([!-)+->@-~]*/)?[A-Za-z0-9_+=,.@-]{1,64}(/\*)?$`
)

// roleTemplate is a role's ARN with placeholders, a regular expression.
func roleTemplate(placeholders string) *schema {
	hole := `\{(` + placeholders + `)\}`
	return spelled(`^arn:aws[a-z-]*:iam::([0-9]{12}|\{account\}):role/(([!-)+->@-z|~]|` + hole + `)*/)?([A-Za-z0-9_+=,.@-]|` + hole + `)+$`)
}

// schemaWriter writes the configuration's schema from what the loader's room
// tells: comments and spellings.
type schemaWriter struct {
	manual    manual
	spellings map[string]config.Spelling
}

// configSchema is the schema of the configuration. What it refuses the loader
// refuses too; the loader refuses more.
func configSchema() *schema {
	m, err := readManual(config.Manual())
	if err != nil {
		panic("the comments of the configuration, which are part of the program: " + err.Error())
	}
	w := schemaWriter{m, config.Spellings()}
	s := w.config()
	s.Dialect = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "studiokeeper.yaml, the configuration of studiokeeper"
	s.Description = m["config"]
	return s
}

// text is a text by its path, of which config knows the spelling.
func (w schemaWriter) text(path string) *schema {
	s := w.spellings[path]
	if s.Most == 0 {
		return spelled(s.Pattern)
	}
	return &schema{Type: "string", AnyOf: []*schema{{Pattern: s.Pattern, MaxLength: s.Most}, {Pattern: refer}}}
}

// object is one whose keys the manual tells of in these places.
func (w schemaWriter) object(places []string, keys ...property) *schema {
	closed := false
	s := &schema{Type: "object", Properties: keys, AdditionalProperties: &closed}
	for _, k := range keys {
		k.value.Description = w.manual.of(k.key, places...)
		if k.need {
			s.Required = append(s.Required, k.key)
		}
	}
	return s
}

func in(places ...string) []string { return places }

func (w schemaWriter) config() *schema {
	s := w.object(in("Config"),
		need("deployment", w.text("deployment")),
		may("formerly", w.text("formerly[]").each().once()),
		may("mode", oneOf(studio.Enforce, studio.Observe)),
		need("identityCenter", w.object(in("IdentityCenter"),
			need("region", w.text("identityCenter.region")),
			may("identityStoreId", w.text("identityCenter.identityStoreId")),
			may("assumeRole", w.assumeRole("identityCenter")))),
		need("domains", w.domain().each().filled()),
		need("mapping", w.mapping()),
		may("groupRoles", w.groupRole().each()),
		need("offboarding", w.offboarding()),
		may("limits", w.object(in("Limits"),
			may("removals", w.limit(10, 20, 2)),
			may("changes", w.limit(50, 50, 10)),
			may("held", oneOf(config.HeldKeep, config.HeldSignIn)),
			may("rejectFor", longer().as("720h")))),
		may("state", w.object(in("State"), may("table", w.text("state.table")))),
		may("notices", w.object(in("Notices"), may("bus", w.text("notices.bus")))),
		may("log", w.object(in("Log"), may("names", oneOf(config.LogIDs, config.LogUserNames)))),
		may("protected", w.object(in("Protected"), may("users", oneLine().each().once()))),
		may("directory", w.directory()))
	retire := &schema{Required: []string{"state"}, Properties: properties{may("state", choice(studio.Retire))}}
	s.AnyOf = []*schema{
		{Properties: properties{may("mapping", &schema{AnyOf: []*schema{filledKey("rules"), {Required: []string{"table"}}, filledKey("naming")}})}},
		{Properties: properties{may("domains", &schema{Items: retire})}},
	}
	return s
}

// filledKey asks for a key with a list that is not empty.
func filledKey(key string) *schema {
	return &schema{Required: []string{key}, Properties: properties{may(key, (&schema{}).filled())}}
}

func (w schemaWriter) assumeRole(of string) *schema {
	s := w.object(in("IdentityCenter.AssumeRole"),
		may("roleArn", spelled(roleForm)),
		may("externalId", w.text(of+".assumeRole.externalId")))
	s.DependentRequired = map[string][]string{"externalId": {"roleArn"}}
	return s
}

func (w schemaWriter) domain() *schema {
	return w.object(in("Config.Domains"),
		need("name", w.text("domains[].name")),
		need("id", w.text("domains[].id")),
		need("region", w.text("domains[].region")),
		need("account", w.text("domains[].account")),
		may("assumeRole", w.assumeRole("domains[]")),
		may("signIn", oneOf(studio.SignInGroup, studio.SignInUser, studio.SignInNone)),
		may("adopt", oneOf(studio.AdoptUnset, studio.AdoptAll, studio.AdoptNone)),
		may("onRoleChange", oneOf(studio.StopApps, studio.WhenIdle)),
		may("state", oneOf(studio.Managed, studio.Retire)),
		may("mode", choice(studio.Enforce, studio.Observe)))
}

func (w schemaWriter) mapping() *schema {
	rule := w.object(in("Mapping.Rules"),
		may("group", w.text("mapping.rules[].group")),
		may("groupId", w.text("mapping.rules[].groupId")),
		need("domain", oneLine()),
		need("role", spelled(roleForm)),
		may("priority", whole(math.MinInt32, math.MaxInt32).as(studio.DefaultPriority)),
		may("settings", userSettings()))
	rule.OneOf = []*schema{{Required: []string{"group"}}, {Required: []string{"groupId"}}}
	byName := rule.Properties[0].value
	byName.Not = &schema{Pattern: "^groupId:"}
	naming := w.object(in("NamingRule", "Mapping.Rules"),
		need("group", spelled(`^[^/]|^/.+/$`)),
		need("domain", oneLine()),
		need("role", roleTemplate("account|domain|group|[0-9]+")),
		may("priority", whole(math.MinInt32, math.MaxInt32).as(studio.DefaultPriority)),
		may("settings", userSettings()))
	s := w.object(in("Mapping"),
		may("roles", spelled(rolesForm).each()),
		may("rules", rule.each()),
		may("table", w.text("mapping.table")),
		may("naming", naming.each()),
		may("cache", spans().as("60s")))
	s.DependentRequired = map[string][]string{"table": {"roles"}}
	s.AnyOf = []*schema{{Required: []string{"roles"}}, {Not: filledKey("naming")}}
	return s
}

// groupRole leaves policy documents to IAM's own schema and to config check.
func (w schemaWriter) groupRole() *schema {
	s := w.object(in("GroupRole", "Mapping.Rules"),
		may("group", w.text("mapping.rules[].group")),
		may("groupId", w.text("mapping.rules[].groupId")),
		may("role", spelled(roleForm)),
		may("managedPolicies", w.text("groupRoles[].managedPolicies[]").each().once()),
		may("inlinePolicies", &schema{Type: "object"}),
		may("boundary", w.text("groupRoles[].managedPolicies[]")))
	s.OneOf = []*schema{{Required: []string{"group"}}, {Required: []string{"groupId"}}, {Required: []string{"role"}}}
	return s
}

// userSettings are SageMaker's own, which config check holds to its API.
func userSettings() *schema {
	return &schema{Type: "object", Not: &schema{Required: []string{"ExecutionRole"}}}
}

func (w schemaWriter) offboarding() *schema {
	s := w.object(in("Offboarding"),
		may("grace", spans().as("168h")),
		may("quarantineRole", roleTemplate("account|domain")),
		may("sharedSpaces", oneOf(config.HoldSpaces, config.DeleteSpaces)))
	atOnce := &schema{Pattern: `^[^1-9]*$|` + refer}
	s.AnyOf = []*schema{
		{Required: []string{"quarantineRole"}},
		{Required: []string{"grace"}, Properties: properties{may("grace", atOnce)}},
	}
	return s
}

func (w schemaWriter) limit(count, percent, floor int) *schema {
	return w.object(in("Limit"),
		may("count", whole(0, math.MaxInt32).as(count)),
		may("percent", whole(0, 100).as(percent)),
		may("floor", whole(0, math.MaxInt32).as(floor)),
		may("window", longer().as("1h")))
}

func (w schemaWriter) directory() *schema {
	return w.object(in("Directory"),
		need("ldap", w.ldap()),
		may("groups", oneLine().each().once()),
		may("adopt", oneOf(config.AdoptNobody, config.AdoptUserName, config.AdoptEmail)),
		may("scim", w.object(in("SCIM"),
			need("endpoint", w.text("directory.scim.endpoint")),
			need("token", secretText()))),
		may("grace", spans().as("168h")))
}

func (w schemaWriter) ldap() *schema {
	attribute := func(key, def string) property {
		return may(key, w.text("directory.ldap.attributes").as(def))
	}
	return w.object(in("LDAP"),
		need("urls", w.text("directory.ldap.urls[]").each().once().filled()),
		may("caFile", oneLine()),
		may("plain", (&schema{Type: "boolean"}).as(false)),
		need("baseDN", w.text("directory.ldap.baseDN")),
		need("bindDN", oneLine()),
		need("password", secretText()),
		may("userOUs", w.text("directory.ldap.userOUs[]").each().once()),
		may("filter", w.text("directory.ldap.filter")),
		may("otherDomains", w.text("directory.ldap.otherDomains[]").each().once()),
		may("attributes", w.object(in("Attributes"),
			attribute("userName", "userPrincipalName"),
			attribute("email", "mail"),
			attribute("displayName", "displayName"),
			attribute("givenName", "givenName"),
			attribute("familyName", "sn"),
			attribute("groupName", "cn"))),
		may("pageSize", whole(1, 1000).as(1000)))
}
