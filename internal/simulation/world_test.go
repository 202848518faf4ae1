package simulation

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

const (
	account    = "111122223333"
	region     = "us-east-1"
	store      = "d-906716eb24"
	deployment = "sim"
	roles      = "arn:aws:iam::" + account + ":role/studio/"
	quarantine = "arn:aws:iam::" + account + ":role/studiokeeper-quarantine"

	grace         = 30 * time.Minute
	removalsLimit = 2 // an hour, in a domain
)

// site is one Studio domain.
type site struct{ name, id string }

// world is a local cloud with studiokeeper at work in it.
type world struct {
	t       testing.TB
	story   story
	cloud   *localcloud.Cloud
	console *localcloud.Console
	begun   time.Time
	config  string // file
	domains []site
	queues  map[string]string // name → URL
	called  map[string]string // what the ids of domains are called

	ctx  context.Context
	stop context.CancelFunc
	busy sync.WaitGroup
	// slots are execution environments that are free, by queue.
	slots map[string]chan *slot
	every map[string][]*slot

	mu      sync.Mutex // over everything below, and over every call
	truth   truth
	people  []string // ids by number; "" for who is not there
	lives   []int    // how often each was made
	names   []string // UserNames by number
	made    int      // profiles and spaces made by hand
	weather []weather
	digest  uint64
	trace   []string
	ids     map[string]string // of messages, by what they were at first
	answers map[string]remembered
	kept    []reconcile.Removal // what was rejected and stands, in the end
	checks
}

// newWorld makes domains, tables, queues and the rule, and starts the functions.
func newWorld(t testing.TB, s story, dir string) *world {
	w := &world{t: t, story: s, cloud: &localcloud.Cloud{AppStopDelay: time.Minute}, begun: time.Now(), queues: map[string]string{}, called: map[string]string{}, slots: map[string]chan *slot{}, every: map[string][]*slot{}, answers: map[string]remembered{}, ids: map[string]string{}}
	if s.AtOnce {
		w.cloud.ProfileDelay = -1
	}
	w.checks = checks{marked: map[place]time.Time{}, approved: map[who]time.Time{}, rejected: map[who]time.Time{}, wrote: map[who]write{}, stripped: map[place]time.Time{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	w.must(w.cloud.CreateIdentityStore(account, region, store))
	w.console = w.cloud.Console(account, region, store)
	w.truth = truth{{w.begun, directory{map[string]human{}, map[int]map[string]bool{}, map[int]bool{}, map[rowKey]row{}}}}
	for g := range s.Groups + 1 {
		w.must(w.console.SeedGroup(groupID(g), groupName(g)))
		w.truth.now().members[g] = map[string]bool{}
	}
	for u := range s.Users + 1 {
		w.people, w.lives, w.names = append(w.people, ""), append(w.lives, 0), append(w.names, fmt.Sprintf("user%d@example.com", u))
		w.makeUser(u)
	}
	for d := range s.Domains {
		w.makeDomain(d)
	}
	w.makeTable("mapping", "group", "domain")
	w.makeTable("state", "pk", "sk")
	for _, name := range []string{"events", "pass"} {
		w.makeQueue(name)
	}
	w.makeRule()
	w.config = filepath.Join(dir, "studiokeeper.yaml")
	w.must(os.WriteFile(w.config, []byte(w.configuration()), 0o600))
	for _, name := range []string{"events", "pass"} {
		w.start(name)
	}
	return w
}

func (w *world) configuration() string {
	var out strings.Builder
	fmt.Fprintf(&out, "deployment: %s\nidentityCenter: {region: %s, identityStoreId: %s}\ndomains:\n", deployment, region, store)
	for _, d := range w.domains {
		fmt.Fprintf(&out, "  - {name: %s, id: %s, region: %s, account: %q, signIn: %s, onRoleChange: %s, adopt: %s}\n",
			d.name, d.id, region, account, w.story.SignIn, w.story.OnRoleChange, cmp.Or(w.story.Adopt, "unset"))
	}
	fmt.Fprintf(&out, "mapping: {roles: [%q], table: mapping, cache: %s%s}\n", roles+"*", w.story.Cache, w.naming())
	fmt.Fprintf(&out, "offboarding: {quarantineRole: %q, grace: %s, sharedSpaces: %s}\n", quarantine, grace, w.story.SharedSpaces)
	fmt.Fprintf(&out, "limits: {removals: {count: %d, percent: 100, floor: 1, window: 1h}, changes: {count: 2, percent: 100, floor: 1, window: 1h}}\n", removalsLimit)
	out.WriteString("state: {table: state}\nnotices: {bus: default}\n")
	return out.String()
}

func (w *world) naming() string {
	if !w.story.Named {
		return ""
	}
	return fmt.Sprintf(`, naming: [{group: "named-*", domain: %s, role: "%s{group}"}]`, w.domains[0].name, roles)
}

func groupID(g int) string   { return fmt.Sprintf("00000000-0000-4000-8000-1000000000%02d", g) }
func groupName(g int) string { return fmt.Sprintf("group-%d", g) }
func roleARN(n int) string   { return fmt.Sprintf("%srole-%d", roles, n) }

// makeUser makes somebody, as often as they have been deleted, each time with another id.
func (w *world) makeUser(u int) {
	w.lives[u]++
	id := fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", u, w.lives[u])
	if w.console.SeedUser(id, localcloud.Person{UserName: w.names[u]}) != nil {
		return // the name is somebody else's by now
	}
	w.people[u] = id
	w.truth.change(time.Now(), func(d directory) { d.people[id] = human{w.names[u], true} })
}

func (w *world) makeDomain(d int) {
	var made struct{ DomainArn string }
	name := fmt.Sprintf("domain-%d", d)
	w.must(w.aws("sagemaker", "CreateDomain", object{
		"DomainName": name, "AuthMode": "SSO", "VpcId": "vpc-0a1b2c3d", "SubnetIds": []string{"subnet-0a1b2c3d"},
		"DefaultUserSettings": object{"ExecutionRole": "arn:aws:iam::" + account + ":role/studio-default"},
	}, &made))
	id := made.DomainArn[strings.LastIndex(made.DomainArn, "/")+1:]
	w.domains, w.called[id] = append(w.domains, site{name, id}), name
}

func (w *world) makeTable(name, hash, sort string) {
	w.must(w.aws("dynamodb", "CreateTable", object{
		"TableName": name, "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": []object{{"AttributeName": hash, "AttributeType": "S"}, {"AttributeName": sort, "AttributeType": "S"}},
		"KeySchema":            []object{{"AttributeName": hash, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}},
	}, nil))
}

func (w *world) makeQueue(name string) {
	var made struct{ QueueUrl string }
	w.must(w.aws("sqs", "CreateQueue", object{"QueueName": name + "-dead"}, nil))
	w.must(w.aws("sqs", "CreateQueue", object{"QueueName": name, "Attributes": map[string]string{
		"VisibilityTimeout": map[string]string{"events": "360", "pass": "900"}[name],
		"RedrivePolicy":     `{"deadLetterTargetArn":"` + queueARN(name+"-dead") + `","maxReceiveCount":5}`,
	}}, &made))
	w.queues[name] = made.QueueUrl
}

func queueARN(name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }

func (w *world) makeRule() {
	pattern, err := deploy.Pattern()
	w.must(err)
	w.must(w.aws("events", "PutRule", object{"Name": "rule", "EventPattern": string(pattern)}, nil))
	w.must(w.aws("events", "PutTargets", object{"Rule": "rule", "Targets": []object{{"Id": "queue", "Arn": queueARN("events")}}}, nil))
	w.cloud.SetDelivery(localcloud.Delivery{Delay: 3 * time.Second})
}

// end stops everything, so that the bubble can end.
func (w *world) end() {
	w.stop()
	w.busy.Wait()
	w.cloud.Close()
}
