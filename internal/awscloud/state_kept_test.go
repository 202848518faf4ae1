package awscloud

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

// keptTable makes the state table in a file. At the end of the test, what is in the file is what was in the
// table.
func keptTable(t *testing.T, cloud *localcloud.Cloud, s *Session) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state.jsonl")
	release, err := cloud.KeepTable(account, region, "studiokeeper-state", file)
	must(t, err)
	t.Cleanup(func() {
		cloud.ClearFaults()
		before := itemsOf(t, s)
		must(t, release())
		release, err := cloud.KeepTable(account, region, "studiokeeper-state", file)
		must(t, err)
		if diff := cmp.Diff(before, itemsOf(t, s), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("the file does not hold the table:\n%s", diff[:min(len(diff), 1000)])
		}
		must(t, release())
	})
}

func itemsOf(t *testing.T, s *Session) map[string]item {
	t.Helper()
	all := map[string]item{}
	pages := dynamodb.NewScanPaginator(s.dynamodbAt(Place{}), &dynamodb.ScanInput{TableName: aws.String("studiokeeper-state")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background()) // that of the test is over in its cleanup
		must(t, err)
		for _, it := range page.Items {
			all[stringOf(it, "pk")+"/"+stringOf(it, "sk")] = it
		}
	}
	return all
}

// What State promises it promises on a table in a file as well.
func TestStateInAFile(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"assignments stay ours":       TestAnAssignmentOfOursStaysOurs,
		"assignments are recorded":    TestAssignmentsAreRecordedByDomainKindAndID,
		"a changed window":            TestAWindowThatWasChangedSinceItWasReadAdmitsNobody,
		"one version admits one":      TestOfManyAtOnceOneVersionAdmitsOne,
		"the limit holds":             TestOfManyWhoReadAgainAsManyAreAdmittedAsTheLimitAllows,
		"one person counts once":      TestOnePersonSeenByManyIsCountedOnce,
		"lost answers count once":     TestGuardWritesWhoseAnswersWereLostCountOnce,
		"a window is set by one":      TestAWindowIsSetByOneOfManyAtOnce,
		"pins are kept":               TestTheFirstIDOfANameIsKeptUntilItIsReplaced,
		"many pin a name":             TestOfManyWhoPinANameAllAreAnsweredTheSame,
		"person and window together":  TestAdmittingStoresPersonAndWindowTogether,
		"a person is decided once":    TestAPersonIsDecidedAboutOnce,
		"decisions":                   TestDecisionsAreReplacedListedOverAllPagesAndDropped,
		"a lease has one owner":       TestALeaseHasOneOwnerAtATime,
		"a lease and lost answers":    TestALeaseSurvivesLostAnswers,
		"many want a lease":           TestOfManyWhoWantALeaseExactlyOneGetsIt,
		"looks move earlier":          TestALookMovesOnlyEarlierOrWhenItIsSpent,
		"many schedule a look":        TestOfManyWhoScheduleALookExactlyOneSends,
		"rows are dated":              TestARowIsDatedByTheFirstWhoSeesItChange,
		"changes by target":           TestChangesAreDecidedApartFromRemovals,
		"persons":                     TestPersonsAreRememberedAndListedOverAllPages,
		"the journal keeps its order": TestTheJournalKeepsEveryEntryInOrder,
		"what was told":               TestWhatWasToldIsToldForADay,
		"told again counts from then": TestToldAgainCountsFromThen,
	} {
		t.Run(name, test)
	}
}
