package event

// The event sources that say something about users, groups and Studio profiles. Event names are not
// unique across AWS, so a name only means something together with its source.
const (
	ssoDirectory  = "sso-directory.amazonaws.com"      // console and access portal; SCIM with tokens from before September 2024
	identityStore = "identitystore.amazonaws.com"      // Identity Store API: CLI, SDK, Terraform
	scim          = "identitystore-scim.amazonaws.com" // SCIM with newer tokens
	sageMaker     = "sagemaker.amazonaws.com"          // somebody else's hand on a Studio profile
)

// call is what one successful API call, as CloudTrail records it, says about whom to look at. Paths start
// at the CloudTrail record. A call without paths names nobody: everybody is looked at.
type call struct {
	source, name string
	user, group  []string // where the id may stand; the first path that holds one wins
	domain       string   // where the Studio domain's id stands
	profile      string   // where the Studio profile's name stands
	claim        claim
	optional     bool // the shape is not established: an id that is not found counts as hidden
}

// claim is what a call says about the membership of its user in its group.
type claim int

const (
	claimsNothing claim = iota
	claimsMember
	claimsGone
)

// calls is every call worth an event, door by door. Calls that can concern nobody yet are left out
// (CreateUser), and so is CreateApp, which is frequent and changes no profile.
func calls() []call {
	userID := []string{"requestParameters.userId"}
	groupID := []string{"requestParameters.groupId"}
	scimID := []string{"requestParameters.id"}
	member := []string{
		"requestParameters.member.memberId",
		"requestParameters.memberId.userId",
		"requestParameters.memberId",
	}
	created := []string{
		"responseElements.groupId",
		"responseElements.group.groupId",
		"responseElements.id",
	}
	const domain, profile = "requestParameters.domainId", "requestParameters.userProfileName"
	return []call{
		{source: ssoDirectory, name: "AddMemberToGroup", user: member, group: groupID, claim: claimsMember},
		{source: ssoDirectory, name: "RemoveMemberFromGroup", user: member, group: groupID, claim: claimsGone},
		{source: ssoDirectory, name: "DisableUser", user: userID},
		{source: ssoDirectory, name: "EnableUser", user: userID},
		{source: ssoDirectory, name: "DeleteUser", user: userID},
		{source: ssoDirectory, name: "UpdateUser", user: userID},
		{source: ssoDirectory, name: "UpdateUserName", user: userID, optional: true},
		{source: ssoDirectory, name: "CreateGroup", group: created, optional: true},
		{source: ssoDirectory, name: "UpdateGroup", group: groupID},
		{source: ssoDirectory, name: "UpdateGroupDisplayName", group: groupID, optional: true},
		{source: ssoDirectory, name: "DeleteGroup", group: groupID},

		{source: identityStore, name: "CreateGroupMembership", user: member, group: groupID, claim: claimsMember},
		{source: identityStore, name: "DeleteGroupMembership"},
		{source: identityStore, name: "UpdateUser", user: userID},
		{source: identityStore, name: "DeleteUser", user: userID},
		{source: identityStore, name: "CreateGroup", group: created, optional: true},
		{source: identityStore, name: "UpdateGroup", group: groupID},
		{source: identityStore, name: "DeleteGroup", group: groupID},

		{source: scim, name: "PatchGroup", group: scimID},
		{source: scim, name: "CreateGroup", group: created, optional: true},
		{source: scim, name: "DeleteGroup", group: scimID},
		{source: scim, name: "PatchUser", user: scimID},
		{source: scim, name: "PutUser", user: scimID},
		{source: scim, name: "DeleteUser", user: scimID},

		{source: sageMaker, name: "CreateUserProfile", domain: domain, profile: profile},
		{source: sageMaker, name: "UpdateUserProfile", domain: domain, profile: profile},
		{source: sageMaker, name: "DeleteUserProfile", domain: domain, profile: profile},
	}
}

// findCall returns the call of that source and name, and whether it is one that matters.
func findCall(source, name string) (call, bool) {
	for _, c := range calls() {
		if c.source == source && c.name == name {
			return c, true
		}
	}
	return call{}, false
}

// DetailTypes lists the EventBridge detail-types of CloudTrail records that Parse looks into: calls of the
// API, and what a service does by itself.
func DetailTypes() []string {
	return []string{"AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"}
}

// Door is one CloudTrail eventSource and the eventNames of it that Parse looks at.
type Door struct {
	Source string
	Names  []string
}

// Doors lists everything an EventBridge rule has to let through for Parse to see it. It is made from the
// table Parse itself uses. A rule should match DetailTypes, detail.eventSource and detail.eventName, leave
// the envelope's source out (SCIM's is not documented), and may demand that detail.errorCode does not exist.
func Doors() []Door {
	var doors []Door
	for _, c := range calls() {
		if len(doors) == 0 || doors[len(doors)-1].Source != c.source {
			doors = append(doors, Door{Source: c.source})
		}
		last := &doors[len(doors)-1]
		last.Names = append(last.Names, c.name)
	}
	return doors
}
