// Package reconcile is the one use case: look at one user in one domain, read
// what should be and what is, plan, apply what can be applied now, journal it,
// and say when to look again. Every door, event, schedule or person, ends here.
//
// The ports below are what it needs of the world. An implementation answers
// completely or with an error: never with less than there is.
package reconcile

import (
	"context"
	"errors"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// What a writer may be refused for, beyond any other error.
var (
	// ErrNameTaken: a profile of that name exists (or did a moment ago).
	ErrNameTaken = errors.New("a profile of that name already exists")
	// ErrUserHasProfile: the SSO user already has a profile in the domain.
	ErrUserHasProfile = errors.New("the user already has a profile in this domain")
	// ErrNotAssigned: the user is not assigned to the domain's application.
	ErrNotAssigned = errors.New("the user is not assigned to the domain's application")
	// ErrBusy: the resource is changing, or apps run on it; try again later.
	ErrBusy = errors.New("the resource is in use or still changing")
	// ErrQuota: the account's quota of the resource is used up.
	ErrQuota = errors.New("the account's quota is used up")
	// ErrGone: the resource to be changed does not exist.
	ErrGone = errors.New("the resource does not exist")
	// ErrInvalid: AWS refuses a value that it was given, such as a group's name
	// that no group can have.
	ErrInvalid = errors.New("AWS does not take this value")
	// ErrDenied: a policy does not let these credentials do it.
	ErrDenied = errors.New("access is denied")
	// ErrThrottled: AWS did not let a call through, also after it was tried again.
	ErrThrottled = errors.New("AWS takes no more calls for now")
	// ErrChanged: somebody else changed it since it was read.
	ErrChanged = errors.New("somebody changed it meanwhile")
)

// Membership answers whether a user is in a group. Unread says why that could
// not be found out; then Member means nothing.
type Membership struct {
	Member bool
	Unread string
	Gone   bool // Unread, because the store says that there is no such group
}

// Identity reads IAM Identity Center's identity store.
type Identity interface {
	// User describes a user. A user the store says does not exist is answered
	// with Status Absent; every other failure, a missing store included, is an error.
	User(ctx context.Context, userID string) (studio.User, error)
	// UserNamed finds the id of the user with this UserName; "" when the store
	// says there is none.
	UserNamed(ctx context.Context, userName string) (string, error)
	// GroupNamed finds the id of the group with this display name; "" when the
	// store says there is none. ErrInvalid when no group can have the name.
	GroupNamed(ctx context.Context, displayName string) (string, error)
	// MemberOf answers for every group asked about. One group that cannot be
	// read is Unread in its own answer and spoils no other. A user that does not
	// exist is ErrGone.
	MemberOf(ctx context.Context, userID string, groupIDs []string) (map[string]Membership, error)
	// Members lists all user ids of a group. A group that does not exist is an
	// error that is ErrGone.
	Members(ctx context.Context, groupID string) ([]string, error)
}

// GroupReader reads the groups themselves; only a naming standard needs it.
type GroupReader interface {
	// GroupsOf lists the ids of all groups that a user is in. A user that does
	// not exist is ErrGone.
	GroupsOf(ctx context.Context, userID string) ([]string, error)
	// GroupName is the display name of a group. ErrGone when the store says
	// there is none.
	GroupName(ctx context.Context, groupID string) (string, error)
}

// Census lists a whole identity store, which only a pass over everybody does.
// An error means that the list was not complete.
type Census interface {
	// EachUser hands on every user, in any order.
	EachUser(ctx context.Context, each func(studio.User)) error
	// EachGroup hands on every group, in any order.
	EachGroup(ctx context.Context, each func(id, displayName string)) error
}

// TagLister reads the tags of many profiles at once. It is a hint only: what it
// leaves out may be tagged all the same, and what it says may be of a while ago.
type TagLister interface {
	// EachTagged hands on every profile that it knows to carry our deployment
	// tag, in the account and Region of d, whichever domain it is in.
	EachTagged(ctx context.Context, d studio.Domain, each func(domainID, name string, tags studio.OurTags)) error
}

// Seen is a profile as it was described once. It stands for the profile for as
// long as that has not been modified since.
type Seen struct {
	Name     string
	SSOUser  string
	Role     string
	Settings studio.Settings
	Modified int64 // LastModifiedTime then, in milliseconds since 1970
	At       time.Time
}

// Memory keeps how profiles were described, so that a pass need not describe
// what has not moved. Losing it costs time, nothing else.
type Memory interface {
	// EachSeen hands on everything kept for a domain.
	EachSeen(ctx context.Context, domain string, each func(Seen)) error
	// KeepSeen stores or replaces. Idempotent.
	KeepSeen(ctx context.Context, domain string, seen []Seen) error
	// ForgetSeen deletes by name. Idempotent.
	ForgetSeen(ctx context.Context, domain string, names []string) error
}

// DomainRecord is what the state table remembers of a domain as a whole.
type DomainRecord struct {
	Name       string
	ID         string
	StoreID    string // the identity store whose users it was managed for
	Deployment string
	Passed     time.Time     // when the last pass over it ended
	Succeeded  time.Time     // when it did, if without an error; zero otherwise
	Took       time.Duration // how long that pass took
	Profiles   int           // how many profiles it listed
	Deep       time.Time     // when the last pass that was to describe all of them ended
}

// Register knows every domain that was ever managed with this state table.
type Register interface {
	// Registered lists them all.
	Registered(ctx context.Context) ([]DomainRecord, error)
	// Register stores or replaces one. Idempotent.
	Register(ctx context.Context, d DomainRecord) error
	// Unregister deletes one by name. Idempotent.
	Unregister(ctx context.Context, name string) error
}

// Pins remember which id a group's display name meant when it was first
// resolved: a name that later means another group is not followed.
type Pins interface {
	// Pinned answers every pin: display name → group id.
	Pinned(ctx context.Context) (map[string]string, error)
	// Pin keeps the first id given for a name, and answers the one kept.
	Pin(ctx context.Context, name, id string) (kept string, err error)
	// Repin replaces the id of a name: a person has accepted the change.
	Repin(ctx context.Context, name, id string) error
}

// DomainFacts is what a Studio domain says of itself.
type DomainFacts struct {
	Status      string
	AuthMode    string // SSO or IAM
	Unified     bool   // it belongs to SageMaker Unified Studio
	Application string // ARN of the Identity Center application; "" for domains made before October 2023
	DefaultRole string // of profiles without a role of their own
	SpaceRole   string // of shared spaces; "" when the domain names none
	NamesUsers  bool   // sessions of execution roles carry the profile's name, which the roles' trust has to allow
	URL         string
	FileSystem  string // HomeEfsFileSystemId
}

// DomainReader describes Studio domains.
type DomainReader interface {
	// Facts describes the domain. ErrGone when its account has none of that id there.
	Facts(ctx context.Context, d studio.Domain) (DomainFacts, error)
	// CallerAccount is the account that the credentials for the domain belong to.
	CallerAccount(ctx context.Context, d studio.Domain) (string, error)
}

// Instances finds the Identity Center instance of the identity store.
type Instances interface {
	// Instance is the ARN of the instance that has the identity store; "" when
	// these credentials see none.
	Instance(ctx context.Context) (string, error)
}

// ProfileReader reads the user profiles of a domain.
type ProfileReader interface {
	// List gives name, status and times of all profiles whose name contains
	// part, ignoring case; "" lists all.
	List(ctx context.Context, d studio.Domain, part string) ([]studio.Profile, error)
	// Each hands on what List gives of all profiles, page by page.
	Each(ctx context.Context, d studio.Domain, each func(studio.Profile)) error
	// Describe reads everything of one profile but its tags. ErrGone when there is none.
	Describe(ctx context.Context, d studio.Domain, name string) (studio.Profile, error)
	// Read is Describe with tags, in one round where possible. ErrGone when there is none.
	Read(ctx context.Context, d studio.Domain, name string) (studio.Profile, error)
}

// ProfileWriter changes user profiles.
type ProfileWriter interface {
	// Create makes a profile with Name, SSOUser, Role, Settings and Tags. It
	// may end in ErrNameTaken, ErrUserHasProfile, ErrNotAssigned or ErrQuota.
	Create(ctx context.Context, d studio.Domain, p studio.Profile) error
	// Update gives a profile a role and settings; fields that settings leaves
	// out stay. It may end in ErrBusy or ErrGone.
	Update(ctx context.Context, d studio.Domain, name, role string, s studio.Settings) error
	// Tag adds or replaces tags of the profile, which names its ARN. Idempotent.
	Tag(ctx context.Context, d studio.Domain, p studio.Profile, tags map[string]string) error
}

// AppReader lists what runs.
type AppReader interface {
	// Apps lists the apps that run with a profile's role: its own, and those of
	// the private spaces it owns. Deleted and failed ones are left out.
	Apps(ctx context.Context, d studio.Domain, profile string) ([]studio.App, error)
}

// AppWriter ends what runs.
type AppWriter interface {
	// StopApp asks SageMaker to delete an app. Idempotent: an app that is gone,
	// going or failed is no error.
	StopApp(ctx context.Context, d studio.Domain, a studio.App) error
}

// SpaceReader lists spaces.
type SpaceReader interface {
	// Spaces lists the spaces that a profile owns, private and shared; those
	// that are being deleted are there too.
	Spaces(ctx context.Context, d studio.Domain, profile string) ([]studio.Space, error)
	// SpaceApps lists the apps of one space. Deleted and failed ones are left out.
	SpaceApps(ctx context.Context, d studio.Domain, space string) ([]studio.App, error)
}

// DomainLister lists what a whole domain holds, at the cost of a page for each
// hundred, however many people are looked at.
type DomainLister interface {
	// DomainApps lists the apps of all profiles and spaces. Deleted and failed
	// ones are left out.
	DomainApps(ctx context.Context, d studio.Domain) ([]studio.App, error)
	// DomainSpaces lists all spaces.
	DomainSpaces(ctx context.Context, d studio.Domain) ([]studio.Space, error)
}

// Remover takes away what offboarding takes away. Everything is idempotent:
// what is gone, or going, is no error.
type Remover interface {
	// Untag removes tags of the profile, which names its ARN.
	Untag(ctx context.Context, d studio.Domain, p studio.Profile, keys ...string) error
	// DeleteSpace deletes a space with its volume. ErrBusy: it is pending, or apps run in it.
	DeleteSpace(ctx context.Context, d studio.Domain, space string) error
	// DeleteProfile deletes a profile; its files stay on the file system, without an owner.
	// ErrBusy: apps or spaces are left, or it is changing.
	DeleteProfile(ctx context.Context, d studio.Domain, name string) error
}

// Decision is what was decided about one person's removal from one domain, or
// about a change of what they have there.
type Decision string

// The decisions. The zero value is: none yet.
const (
	Admitted Decision = "admitted" // within the limit, or approved: it goes on, and is never counted again
	Held     Decision = "held"     // over the limit: it waits for a person
	Rejected Decision = "rejected" // a person said no: an exception until Removal.Until
)

// Removal is one person's removal from one domain or, with a Target, a change of
// their role or settings that an edited row made necessary.
type Removal struct {
	Key
	UserName string
	Profile  string
	Decision Decision
	Reason   string    // why it is held, or who decided
	Why      string    // why the person is to lose the profile, or to be changed
	At       time.Time // of the decision
	Until    time.Time // Rejected: when it may be proposed again

	Target   string // of a change: digest of the role and settings that it gives
	From, To string // of a change: the roles, which are the same when only settings change
}

// GuardWindow is how much a domain has let go, or changed, lately.
type GuardWindow struct {
	Start    time.Time
	Managed  int  // profiles we managed when the window began
	Admitted int  // removals or changes since
	Tripped  bool // the limit was reached: nothing is admitted until a person has decided
	Version  int64
}

// Removals keeps what the guard decided about removals, or, in a place of its
// own, about changes. Writes that count are conditional, so that a person is
// counted once, whoever retries.
type Removals interface {
	// Removal finds one; the zero value when there is none.
	Removal(ctx context.Context, k Key) (Removal, error)
	// Window reads the domain's window; the zero value when there is none.
	Window(ctx context.Context, domain string) (GuardWindow, error)
	// Admit stores the removal and the window at once, if the window still has
	// the version that was read and the person has no decision yet, or one about
	// another Target. ErrChanged otherwise: read again.
	Admit(ctx context.Context, r Removal, w GuardWindow) error
	// Decide replaces a removal, whatever it was.
	Decide(ctx context.Context, r Removal) error
	// Drop deletes a removal: the person is a member again, or gone. Idempotent.
	Drop(ctx context.Context, k Key) error
	// Removals lists those of a domain.
	Removals(ctx context.Context, domain string) ([]Removal, error)
	// SetWindow replaces the window, if it has the version that was read. ErrChanged otherwise.
	SetWindow(ctx context.Context, domain string, w GuardWindow) error
}

// Principal is whom an assignment lets sign in.
type Principal struct {
	Group bool // a group; else a user
	ID    string
}

// SignIn assigns people to a domain's Identity Center application.
type SignIn interface {
	// Assign lets the principal sign in; made is false when it could already.
	// made beside an error: it may have taken effect all the same. ErrQuota when the application has as many groups as it may (100).
	Assign(ctx context.Context, d studio.Domain, application string, p Principal) (made bool, err error)
	// Unassign is idempotent.
	Unassign(ctx context.Context, d studio.Domain, application string, p Principal) error
}

// Assignees tell who may sign in to a domain, whoever let them.
type Assignees interface {
	// AssignedGroups lists the groups that are assigned to an application; it is
	// complete, or an error.
	AssignedGroups(ctx context.Context, d studio.Domain, application string) ([]string, error)
}

// Assignment is what is recorded of one.
type Assignment struct {
	Ours  bool // we made it, or began to, rather than found it there
	Begun bool // how it ended was never learned: it may have been made, and it may not
}

// Assignments record which assignments we made: they carry no tags, and only
// recorded ones are ever removed. What is about to be made is recorded first: a
// run that is cut off in between leaves none that nobody ever removes.
type Assignments interface {
	// Assigned looks one up: known tells whether it is recorded, ours whether we
	// made it rather than found it there. One that was only begun is not known,
	// and ours.
	Assigned(ctx context.Context, domain string, p Principal) (known, ours bool, err error)
	// Assignments lists what is recorded for a domain, begun ones included.
	Assignments(ctx context.Context, domain string) (map[Principal]Assignment, error)
	// BeginAssignment notes that one is about to be made. earlier tells that we
	// made it before, or began to and never learned how that ended.
	BeginAssignment(ctx context.Context, domain string, p Principal) (earlier bool, err error)
	// AbandonAssignment takes back that it was begun: it was not made. What is
	// recorded stays.
	AbandonAssignment(ctx context.Context, domain string, p Principal) error
	// RecordAssignment stores one; an assignment recorded as ours stays ours.
	RecordAssignment(ctx context.Context, domain string, p Principal, ours bool) error
	// ForgetAssignment deletes the record. Idempotent.
	ForgetAssignment(ctx context.Context, domain string, p Principal) error
}

// Notices tell others what happened.
type Notices interface {
	// Notify puts an event on the configured bus.
	Notify(ctx context.Context, n Notice) error
}

// Notice is one event of ours: source "studiokeeper", the detail as JSON.
type Notice struct {
	DetailType string
	Time       time.Time
	Detail     any
}

// RowTable holds mapping rows that are kept outside the configuration.
type RowTable interface {
	// Rows reads all rows, strongly consistent. A row that cannot be
	// understood is there with Unreadable set, never left out.
	Rows(ctx context.Context) ([]studio.Row, error)
}

// Key names one user in one domain, by the configuration's name.
type Key struct {
	Domain string
	UserID string
}

// Leases keep two runs from working on one user in one domain at once.
type Leases interface {
	// Acquire takes the lease for owner until now+ttl. When somebody else holds
	// it, it marks it as asked for and answers false.
	Acquire(ctx context.Context, k Key, owner string, ttl time.Duration) (bool, error)
	// Release gives the lease back, unless it was asked for meanwhile: then the
	// owner keeps it, and wanted tells to look once more. A lease that is lost is no error.
	Release(ctx context.Context, k Key, owner string) (wanted bool, err error)
}

// Looks keep at most one next look per subject, as a sequence and a due time.
type Looks interface {
	// Schedule moves the subject's next look to due if that is earlier than the
	// one planned, or if none is outstanding at now: the one planned has begun,
	// or is overdue by so long (5 minutes) that its message must be lost. Only
	// who moved it sends the message: sequence is then above 0. A writer that
	// asks again, because it was cut off before it could send, moves it again.
	Schedule(ctx context.Context, subject, writer string, now, due time.Time) (sequence int64, err error)
	// Ask counts what asks for looks at a subject: count is 1 for the first within
	// a minute, which began at since.
	Ask(ctx context.Context, subject string, now time.Time) (count int64, since time.Time, err error)
	// Begin reports whether sequence is still the subject's planned look, and
	// takes it for spent from then on. A look that was cut off may begin again.
	Begin(ctx context.Context, subject string, sequence int64) (bool, error)
}

// Person is what the state table remembers of a user whose profile we manage.
type Person struct {
	Key
	Profile string
	GroupID string
	// Role is the execution role that the profile was last seen in service
	// with, and Since when that was seen first: apps that were created before
	// may run with another.
	Role  string
	Since time.Time
	// Ready is set once the profile was seen to be all that it should be, and
	// Settled is when the rows were read that said so last.
	Ready   bool
	Settled time.Time
	// Asked is when the directory changed in a way that the profile does not show
	// yet; zero when it is ready, or waits for something else.
	Asked time.Time
	// Changing is set from when a change because of an edited row is decided about
	// until it is done or not wanted any more.
	Changing bool
	// Leaving is set from when a removal is decided about until the person is
	// a member again: only then is the guard asked about them.
	Leaving bool
}

// Persons index the managed profiles: which is whose, and through which group.
// It helps to find people; what they have is always read from SageMaker.
type Persons interface {
	// Person finds one; the zero value with no error when there is none.
	Person(ctx context.Context, k Key) (Person, error)
	// Remember stores one. Idempotent.
	Remember(ctx context.Context, p Person) error
	// Own stores that the person's profile is theirs, for Owner. Idempotent.
	Own(ctx context.Context, p Person) error
	// Owner is the id of the user whose profile that was, the last time it became
	// somebody's; "" when nobody remembers.
	Owner(ctx context.Context, domain, profile string) (string, error)
	// Forget deletes what is remembered of a person and their profile. Idempotent.
	Forget(ctx context.Context, p Person) error
	// Managed lists everybody of a domain.
	Managed(ctx context.Context, domain string) ([]Person, error)
	// EachManaged hands on what Managed lists, page by page.
	EachManaged(ctx context.Context, domain string, each func(Person)) error
}

// Journal is the append-only record of changes and refusals.
type Journal interface {
	// Append seals an entry as the next of its user's chain and stores it for
	// good, or says why not: then it may be stored all the same, and the entry
	// comes back as it was given.
	Append(ctx context.Context, e plan.Entry) (plan.Entry, error)
	// Told reports whether exactly this was said of the person in the last 24
	// hours: what stays the same is not told at every look.
	Told(ctx context.Context, k Key, what string) (bool, error)
	// Tell remembers that it was said.
	Tell(ctx context.Context, k Key, what string) error
}

// JournalReader reads the journal back.
type JournalReader interface {
	// Entries lists what was journalled from since on and before until, of one
	// user or, when userID is "", of everybody, in the order of time. What cannot
	// be relied on is named in the error, beside all entries that could be read;
	// without any entries, the reading itself failed.
	Entries(ctx context.Context, since, until time.Time, userID string) ([]plan.Entry, error)
	// Chains reads all there is, for everybody or one user, to be checked. It
	// does so over a while: what is appended meanwhile may show in parts. Strays
	// are items among the journal's that are none of ours, also where it cannot be
	// said whose they would be.
	Chains(ctx context.Context, userID string) (chains []plan.Chain, strays []plan.Problem, err error)
}

// Callers tell who this process is to AWS.
type Callers interface {
	// CallerARN is the ARN of the user or of the role's session whose credentials are at hand.
	CallerARN(ctx context.Context) (string, error)
}

// Queue takes looks that are to happen later.
type Queue interface {
	// Send delivers the look after delay, which is at most 15 minutes.
	Send(ctx context.Context, l event.Look, delay time.Duration) error
}
