package localcloud_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/localcloud"
)

// everybody is how many people the large organisation has: each is a member of one group and has a profile.
const everybody = 200_000

// largeWorld is a cloud with everybody in it.
type largeWorld struct {
	*localcloud.Cloud
	domain, group string
}

// ask sends a request that must succeed, and gives the members of the answer.
func (w largeWorld) ask(b *testing.B, target string, body map[string]any) map[string]any {
	b.Helper()
	request, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	status, answer := try(w.Cloud, target, string(request))
	if status != 200 {
		b.Fatalf("%s: %d %s", target, status, answer)
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(answer), &members); err != nil && answer != "" {
		b.Fatalf("%s: %v", target, err)
	}
	return members
}

// newLargeWorld reports how long everybody took to be seeded, and the memory they take.
func newLargeWorld(b *testing.B) largeWorld {
	w := largeWorld{Cloud: &localcloud.Cloud{ProfileDelay: -1, SpaceDelay: -1, AppDelay: -1, ProfileQuota: 2 * everybody}}
	if err := w.CreateIdentityStore(account, home, storeID); err != nil {
		b.Fatal(err)
	}
	w.domain = w.ask(b, "SageMaker.CreateDomain", map[string]any{
		"DomainName": "research", "AuthMode": "SSO", "DefaultUserSettings": map[string]any{"ExecutionRole": plainRole},
	})["DomainId"].(string)
	before := heap()
	began := time.Now()
	w.populate(b)
	b.ReportMetric(time.Since(began).Seconds(), "seed-s")
	b.ReportMetric(float64(heap()-before)/1e6, "seed-MB")
	return w
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *largeWorld) populate(b *testing.B) {
	console := w.Console(account, home, storeID)
	var err error
	if w.group, err = console.CreateGroup("ad-group-1"); err != nil {
		b.Fatal(err)
	}
	ids, err := console.SeedUsers(everybody, numbered)
	if err != nil {
		b.Fatal(err)
	}
	if err := console.SeedMembers(w.group, ids); err != nil {
		b.Fatal(err)
	}
	seeds := make([]localcloud.ProfileSeed, everybody)
	for i, id := range ids {
		seeds[i] = profileOfUser(i, id, w.group)
	}
	if err := w.SeedProfiles(account, home, w.domain, seeds); err != nil {
		b.Fatal(err)
	}
}

// walk reads a list page by page, and again from the beginning when it ends.
func (w largeWorld) walk(b *testing.B, target, list, token string, body map[string]any) {
	b.Helper()
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		answer := w.ask(b, target, body)
		rows += len(answer[list].([]any))
		if body[token] = answer[token]; body[token] == nil || body[token] == "" {
			delete(body, token)
		}
	}
	b.ReportMetric(float64(rows)/float64(b.N), "rows/page")
}

func BenchmarkSeed(b *testing.B) {
	for b.Loop() {
		newLargeWorld(b).Close()
	}
}

// BenchmarkLists reads pages of 100 of everything that a pass over everybody lists.
func BenchmarkLists(b *testing.B) {
	w := newLargeWorld(b)
	defer w.Close()
	w.groups(b)
	type members = map[string]any
	store := func(more members) members { more["IdentityStoreId"] = storeID; more["MaxResults"] = 100; return more }
	studio := func(more members) members { more["DomainIdEquals"] = w.domain; more["MaxResults"] = 100; return more }
	tagged := func(filters ...any) members {
		return members{"ResourceTypeFilters": []string{"sagemaker:user-profile"}, "ResourcesPerPage": 100, "TagFilters": filters}
	}
	filter := func(key string, values ...string) members { return members{"Key": key, "Values": values} }
	const identity, sage, tags = "AWSIdentityStore.", "SageMaker.", "ResourceGroupsTaggingAPI_20170126."
	for _, row := range []struct {
		name, target, list, token string
		body                      members
	}{
		{"ListUsers", identity + "ListUsers", "Users", "NextToken", store(members{})},
		{"ListUsers/one", identity + "ListUsers", "Users", "NextToken", store(members{
			"Filters": []any{members{"AttributePath": "UserName", "AttributeValue": "user-199998@example.com"}}})},
		{"ListGroups", identity + "ListGroups", "Groups", "NextToken", store(members{})},
		{"ListGroupMemberships", identity + "ListGroupMemberships", "GroupMemberships", "NextToken", store(members{"GroupId": w.group})},
		{"ListUserProfiles", sage + "ListUserProfiles", "UserProfiles", "NextToken", studio(members{})},
		{"ListUserProfiles/modified", sage + "ListUserProfiles", "UserProfiles", "NextToken", studio(members{"SortBy": "LastModifiedTime", "SortOrder": "Descending"})},
		{"ListUserProfiles/oneName", sage + "ListUserProfiles", "UserProfiles", "NextToken", studio(members{"UserProfileNameContains": "user-199998-example"})},
		{"ListUserProfiles/manyNames", sage + "ListUserProfiles", "UserProfiles", "NextToken", studio(members{"UserProfileNameContains": "example"})},
		{"ListUserProfiles/noName", sage + "ListUserProfiles", "UserProfiles", "NextToken", studio(members{"UserProfileNameContains": "nobody"})},
		{"GetResources", tags + "GetResources", "ResourceTagMappingList", "PaginationToken", tagged()},
		{"GetResources/ours", tags + "GetResources", "ResourceTagMappingList", "PaginationToken", tagged(filter("studiokeeper:deployment", "prod"))},
		{"GetResources/othersToo", tags + "GetResources", "ResourceTagMappingList", "PaginationToken", tagged(filter("studiokeeper:deployment", "prod", "test"))},
		{"GetResources/theirs", tags + "GetResources", "ResourceTagMappingList", "PaginationToken", tagged(filter("studiokeeper:deployment", "test"))},
		{"GetResources/fifth", tags + "GetResources", "ResourceTagMappingList", "PaginationToken", tagged(
			filter("studiokeeper:deployment", "prod"), filter("studiokeeper:applied", "0000000000000003"))},
	} {
		b.Run(row.name, func(b *testing.B) { w.walk(b, row.target, row.list, row.token, row.body) })
	}
}

// groups makes as many groups as people.
func (w largeWorld) groups(b *testing.B) {
	console := w.Console(account, home, storeID)
	for i := range everybody {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		if err := console.SeedGroup(id, fmt.Sprintf("group-%06d", i)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStudioLists reads pages of 100 of apps and spaces: everybody has a space and an app in it.
func BenchmarkStudioLists(b *testing.B) {
	w := newLargeWorld(b)
	defer w.Close()
	for i := range everybody {
		space := fmt.Sprintf("space-%06d", i)
		w.ask(b, "SageMaker.CreateSpace", map[string]any{
			"DomainId": w.domain, "SpaceName": space, "SpaceSharingSettings": map[string]any{"SharingType": "Private"},
			"OwnershipSettings": map[string]any{"OwnerUserProfileName": profileOfUser(i, "", "").Name},
			"SpaceSettings":     map[string]any{"AppType": "JupyterLab"},
		})
		w.ask(b, "SageMaker.CreateApp", map[string]any{"DomainId": w.domain, "SpaceName": space, "AppType": "JupyterLab", "AppName": "default"})
	}
	for _, list := range []string{"Apps", "Spaces"} {
		b.Run("List"+list, func(b *testing.B) {
			w.walk(b, "SageMaker.List"+list, list, "NextToken", map[string]any{"DomainIdEquals": w.domain, "MaxResults": 100})
		})
	}
	b.Run("ListApps/oneSpace", func(b *testing.B) {
		w.walk(b, "SageMaker.ListApps", "Apps", "NextToken", map[string]any{"DomainIdEquals": w.domain, "SpaceNameEquals": "space-199998"})
	})
	b.Run("ListSpaces/oneName", func(b *testing.B) {
		w.walk(b, "SageMaker.ListSpaces", "Spaces", "NextToken", map[string]any{"DomainIdEquals": w.domain, "SpaceNameContains": "199998"})
	})
	b.Run("UpdateUserProfile/refused", func(b *testing.B) {
		body := fmt.Sprintf(`{"DomainId":%q,"UserProfileName":%q}`, w.domain, profileOfUser(everybody-1, "", "").Name)
		for b.Loop() {
			if _, answer := try(w.Cloud, "SageMaker.UpdateUserProfile", body); !strings.Contains(answer, "ResourceInUse") {
				b.Fatal(answer)
			}
		}
	})
}

// BenchmarkTableLists reads pages of a table that has a row for everybody, seeded through BatchWriteItem.
func BenchmarkTableLists(b *testing.B) {
	var w largeWorld
	w.Cloud = &localcloud.Cloud{}
	defer w.Close()
	post(b, w.Cloud, "DynamoDB_20120810.CreateTable", `{"TableName":"state","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}`)
	for first := 0; first < everybody; first += 25 {
		var puts []string
		for i := first; i < first+25; i++ {
			puts = append(puts, fmt.Sprintf(`{"PutRequest":{"Item":{"pk":{"S":"people"},"sk":{"S":"%06d"},"role":{"S":%q}}}}`, i, studyRole))
		}
		post(b, w.Cloud, "DynamoDB_20120810.BatchWriteItem", `{"RequestItems":{"state":[`+strings.Join(puts, ",")+`]}}`)
	}
	for _, row := range []struct{ name, body string }{
		{"Query", `{"TableName":"state","Limit":100,"KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"people"}}}`},
		{"Scan", `{"TableName":"state","Limit":100}`},
	} {
		b.Run(row.name, func(b *testing.B) {
			var body map[string]any
			if err := json.Unmarshal([]byte(row.body), &body); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if body["ExclusiveStartKey"] = w.ask(b, "DynamoDB_20120810."+row.name, body)["LastEvaluatedKey"]; body["ExclusiveStartKey"] == nil {
					delete(body, "ExclusiveStartKey")
				}
			}
		})
	}
}
