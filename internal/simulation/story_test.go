package simulation

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

// length is how long a story goes on; then everybody rests.
const length = 70 * time.Minute

// story is what happens in one world.
type story struct {
	Name                                      string `json:",omitzero"`
	Seed                                      uint64
	Domains, Groups, Users, Batch             int
	SignIn, OnRoleChange, Cache, SharedSpaces string
	Adopt                                     string `json:",omitzero"` // which profiles made by others: unset by default
	// AtOnce: profiles are made and changed in no time, which spares a look at each.
	AtOnce bool
	// Page is how many items lists answer with at a time, where they do so with few.
	Page int `json:",omitzero"`
	// Named: a naming standard is in force. No group has a name that it is about, but
	// it has people asked for all of their groups.
	Named   bool `json:",omitzero"`
	Actions []action

	loud   bool // the functions' log is written
	traced bool // all calls are kept
}

// action is one thing that happens. What it is about is given by numbers; one
// that is not possible when its time comes does not happen.
type action struct {
	At                        time.Duration
	Do                        string
	User, Group, Domain, Role int           `json:",omitzero"`
	N                         int           `json:",omitzero"` // what else there is to choose
	For                       time.Duration `json:",omitzero"`
	Kind, Service             string        `json:",omitzero"` // of weather
	Later                     bool          `json:",omitzero"` // it befalls no first pages
}

// String is an action as stories show it.
func (a action) String() string {
	return strings.TrimSpace(fmt.Sprintf("%-9v %-10s user %d group %d domain %d role %d n %d %v %s %s", a.At, a.Do, a.User, a.Group, a.Domain, a.Role, a.N, a.For, a.Kind, a.Service))
}

// deeds are what may happen, each as often as it stands there.
var deeds = strings.Fields("join join join join join join join leave leave leave move move disable enable rename delete comeback " +
	"row row row droprow priority update tagless delprofile hand handrole foreign app app shared signin weather weather weather weather kill kill events")

var weathers = strings.Fields("throttle error error-after drop drop-after slow hang stale stale swallow undeleted")

var services = []string{"", "", "AWSIdentityStore.", "SageMaker.", "DynamoDB", "AmazonSQS", "SWBExternalService"}

// newStory makes the story of a seed.
func newStory(seed uint64) story {
	r := rand.New(rand.NewPCG(seed, 1))
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	s := story{
		Seed: seed, Domains: 1 + r.IntN(4)/3, Groups: 1 + r.IntN(3), Users: 2 + r.IntN(3), Batch: 1,
		SignIn: one("group", "user", "none"), OnRoleChange: one("stopApps", "stopApps", "whenIdle"), Cache: one("5s", "60s", "60s", "60s"), SharedSpaces: one("hold", "delete"), AtOnce: r.IntN(3) > 0,
	}
	s.Actions = s.opening(r)
	for range 3 + r.IntN(3) {
		clock := 10*time.Minute + time.Duration(r.Int64N(int64(length-10*time.Minute))).Round(time.Second)
		if r.IntN(4) == 0 {
			clock = passAt + passEvery*time.Duration(r.IntN(2)) + time.Duration(r.IntN(8))*time.Second // while a pass is under way
		}
		for range 1 + r.IntN(3) {
			s.Actions = append(s.Actions, s.draw(r, clock))
			clock += time.Duration(r.ExpFloat64() * float64(2*time.Second)).Round(time.Millisecond)
		}
	}
	// Drawn last, and apart: what was added later leaves the stories of seeds as they were.
	s.Adopt = []string{"", "", "", "none", "all"}[rand.New(rand.NewPCG(seed, 2)).IntN(5)]
	if r := rand.New(rand.NewPCG(seed, 3)); r.IntN(5) == 0 {
		s = s.inPages(r)
	}
	if r := rand.New(rand.NewPCG(seed, 4)); r.IntN(4) == 0 {
		s = s.withGroups(r)
	}
	slices.SortStableFunc(s.Actions, func(a, b action) int { return cmp.Compare(a.At, b.At) })
	return s
}

// opening gives most groups a row and half of the people a group, and often tells nobody
// but the first pass. Whoever comes last is in a group that nothing happens to: a
// domain none of whose people exist is taken for one of another identity store,
// and nothing is changed there.
func (s story) opening(r *rand.Rand) (all []action) {
	told := r.IntN(3) == 0
	if !told {
		all = append(all, action{At: time.Minute, Do: "events", N: 1}, action{At: passAt - 10*time.Second, Do: "events"})
	}
	for d := range s.Domains {
		all = append(all, action{At: time.Minute, Do: "row", Group: s.Groups, Domain: d, Role: 0, N: 3})
	}
	all = append(all, action{At: 6 * time.Minute, Do: "join", User: s.Users, Group: s.Groups})
	for g := range s.Groups {
		for d := range s.Domains {
			all = append(all, action{At: time.Minute + time.Duration(len(all))*17*time.Second, Do: "row", Group: g, Domain: d, Role: r.IntN(4), N: quiet(r.IntN(3), told)})
		}
	}
	for u := range s.Users {
		if r.IntN(2) == 0 {
			all = append(all, action{At: 6 * time.Minute, Do: "join", User: u, Group: r.IntN(s.Groups)})
		}
	}
	return all
}

// quiet is the choice of a row's priority, and whether the function is told of the row.
func quiet(priority int, told bool) int {
	if told {
		return priority
	}
	return []int{3, 7, 11}[priority]
}

func (s story) draw(r *rand.Rand, at time.Duration) action {
	a := action{
		At: at, Do: deeds[r.IntN(len(deeds))], User: r.IntN(s.Users), Group: r.IntN(s.Groups), Domain: r.IntN(s.Domains), Role: r.IntN(4), N: r.IntN(12),
	}
	switch a.Do {
	case "weather":
		a.Kind, a.Service = weathers[r.IntN(len(weathers))], services[r.IntN(len(services))]
		a.For, a.N = time.Duration(1+r.IntN(40))*time.Minute, 50+r.IntN(600)
		if a.Kind == "swallow" || a.Kind == "undeleted" {
			a.Service = ""
		}
	case "events":
		a.For = time.Duration(r.IntN(20)) * time.Minute
	}
	return a
}

// perform does one action.
func (w *world) perform(a action) {
	id, name := w.people[a.User], w.names[a.User]
	switch a.Do {
	case "join":
		w.member(a.Group, id, true)
	case "leave":
		w.member(a.Group, id, false)
	case "move":
		for g := range w.story.Groups {
			w.member(g, id, g == a.Group)
		}
	case "disable", "enable":
		w.enable(id, a.Do == "enable")
	case "rename":
		w.names[a.User] = fmt.Sprintf("renamed%d.%d@example.com", a.User, a.N)
		if id != "" && w.console.UpdateUser(id, localcloud.Person{UserName: w.names[a.User]}) == nil {
			w.truth.change(time.Now(), func(d directory) { d.people[id] = human{w.names[a.User], d.people[id].enabled} })
		} else {
			w.names[a.User] = name
		}
	case "delete":
		w.deleteUser(a.User)
	case "comeback":
		w.deleteUser(a.User)
		w.makeUser(a.User)
		w.member(a.Group, w.people[a.User], true)
	case "row", "priority":
		w.setRow(a)
	case "droprow":
		w.dropRow(a)
	case "weather":
		w.weather = append(w.weather, weather{a.At, a.At + a.For, a.Kind, a.Service, a.N, a.Later})
	case "dropgroup":
		w.dropGroup(a.Group)
	case "regroup":
		w.regroup(a.Group)
	case "samename":
		w.sameName(a.Group, id)
	case "reject":
		w.busy.Go(w.reject)
	case "kill":
		w.kill(a.N)
	case "events":
		w.cloud.SetDelivery(localcloud.Delivery{Delay: 3 * time.Second, LoseEvery: []int{0, 1, 2, 3}[a.N%4], DoubleEvery: []int{0, 2, 3}[a.N%3], LateEvery: []int{0, 2}[a.N%2], LateBy: a.For})
	case "signin":
		_, _ = w.cloud.SignIn(account, region, w.domains[a.Domain].id, id) // who may not is refused
	default:
		w.meddle(a, name)
	}
}

func (w *world) member(g int, id string, in bool) {
	if now := w.truth.now(); id == "" || now.members[g] == nil || now.members[g][id] == in {
		return
	}
	if in {
		w.must(w.console.AddMemberToGroup(groupID(g), id))
	} else {
		w.must(w.console.RemoveMemberFromGroup(groupID(g), id))
	}
	w.truth.change(time.Now(), func(d directory) {
		if in {
			d.members[g][id] = true
		} else {
			delete(d.members[g], id)
		}
	})
}

func (w *world) enable(id string, yes bool) {
	if id == "" || w.truth.now().people[id].enabled == yes {
		return
	}
	if yes {
		w.must(w.console.EnableUser(id))
	} else {
		w.must(w.console.DisableUser(id))
	}
	w.truth.change(time.Now(), func(d directory) { d.people[id] = human{d.people[id].name, yes} })
}

func (w *world) deleteUser(u int) {
	id := w.people[u]
	if id == "" {
		return
	}
	w.must(w.console.DeleteUser(id))
	w.people[u] = ""
	w.truth.change(time.Now(), func(d directory) {
		delete(d.people, id)
		for _, members := range d.members {
			delete(members, id)
		}
	})
}

// setRow writes a row; "priority" changes nothing else of it.
func (w *world) setRow(a action) {
	r := row{roleARN(a.Role), []int{100, 200, 300}[a.N%3]}
	had, known := w.truth.now().rows[rowKey{a.Group, a.Domain}]
	if a.Do == "priority" {
		if !known {
			return
		}
		r.role = had.role
	}
	w.must(w.aws("dynamodb", "PutItem", object{"TableName": "mapping", "Item": object{
		"group": object{"S": groupName(a.Group)}, "domain": object{"S": w.domains[a.Domain].name},
		"role": object{"S": r.role}, "priority": object{"N": fmt.Sprint(r.priority)},
	}}, nil))
	w.truth.change(time.Now(), func(d directory) { d.rows[rowKey{a.Group, a.Domain}] = r })
	w.stream(a)
}

func (w *world) dropRow(a action) {
	if _, known := w.truth.now().rows[rowKey{a.Group, a.Domain}]; !known {
		return
	}
	w.must(w.aws("dynamodb", "DeleteItem", object{"TableName": "mapping", "Key": object{
		"group": object{"S": groupName(a.Group)}, "domain": object{"S": w.domains[a.Domain].name},
	}}, nil))
	w.truth.change(time.Now(), func(d directory) { delete(d.rows, rowKey{a.Group, a.Domain}) })
	w.stream(a)
}

// stream tells the function of a changed row, as the table's stream does, or not.
func (w *world) stream(a action) {
	if a.N%4 == 3 {
		return
	}
	number := fmt.Sprint(len(w.truth))
	record := object{"eventID": "row-" + number, "eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": object{
		"SequenceNumber": number, "ApproximateCreationDateTime": time.Now().Unix(),
		"Keys": object{"group": object{"S": groupName(a.Group)}, "domain": object{"S": w.domains[a.Domain].name}},
	}}
	w.busy.Go(func() {
		if pause(w.ctx, time.Duration(1+a.N)*300*time.Millisecond) == nil {
			w.invoke(&slot{name: "row-" + number, queue: "events"}, object{"Records": []object{record}})
		}
	})
}

// kill has a process die at one of its next calls.
func (w *world) kill(n int) {
	for _, queue := range []string{"events", "pass"} {
		for _, s := range w.every[queue] {
			if s.process != nil {
				s.process.left = 1 + (n*7)%23
			}
		}
	}
}

// meddle does what an administrator does by hand to a user's profile.
func (w *world) meddle(a action, userName string) {
	d := w.domains[a.Domain]
	if a.Do == "hand" || a.Do == "handrole" || a.Do == "foreign" {
		w.made++
		in := object{"DomainId": d.id, "UserProfileName": fmt.Sprintf("by-hand-%d", w.made), "SingleSignOnUserIdentifier": "UserName", "SingleSignOnUserValue": userName}
		if a.Do != "hand" {
			in["UserSettings"] = object{"ExecutionRole": roleARN(a.Role)}
		}
		if a.Do == "foreign" {
			in["Tags"] = []tag{{studio.TagDeployment, "other"}, {studio.TagUserID, w.people[a.User]}}
		}
		_ = w.aws("sagemaker", "CreateUserProfile", in, nil) // refused while there is one
		return
	}
	for _, p := range w.profiles(a.Domain) {
		if p.SSOUser == userName {
			w.meddleWith(a, d, p)
			return
		}
	}
}

// meddleWith is refused where SageMaker refuses it, which is no matter.
func (w *world) meddleWith(a action, d site, p profile) {
	w.made++
	named := object{"DomainId": d.id, "UserProfileName": p.Name}
	switch a.Do {
	case "update":
		named["UserSettings"] = object{"ExecutionRole": roleARN(a.Role)}
		_ = w.aws("sagemaker", "UpdateUserProfile", named, nil)
	case "tagless":
		w.stripped[place{a.Domain, p.Name}] = time.Now()
		_ = w.aws("sagemaker", "DeleteTags", object{"ResourceArn": "arn:aws:sagemaker:" + region + ":" + account + ":user-profile/" + d.id + "/" + p.Name,
			"TagKeys": []string{studio.TagDeployment, studio.TagUserID, studio.TagGroup, studio.TagApplied, studio.TagLeaving}}, nil)
	case "delprofile":
		_ = w.aws("sagemaker", "DeleteUserProfile", named, nil)
	case "app", "shared":
		w.work(a, d, p)
	}
}

// work lets an app run in a new space.
func (w *world) work(a action, d site, p profile) {
	name, sharing := fmt.Sprintf("space-%d", w.made), "Private"
	if a.Do == "shared" {
		sharing = "Shared"
	}
	_ = w.aws("sagemaker", "CreateSpace", object{
		"DomainId": d.id, "SpaceName": name, "OwnershipSettings": object{"OwnerUserProfileName": p.Name},
		"SpaceSharingSettings": object{"SharingType": sharing}, "SpaceSettings": object{"AppType": "JupyterLab"},
	}, nil)
	w.busy.Go(func() {
		if pause(w.ctx, 30*time.Second+time.Duration(a.N)) == nil {
			_ = w.aws("sagemaker", "CreateApp", object{"DomainId": d.id, "SpaceName": name, "AppType": "JupyterLab", "AppName": "default"}, nil)
		}
	})
}
