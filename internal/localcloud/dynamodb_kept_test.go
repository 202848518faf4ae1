package localcloud_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/localcloud"
)

// keptTables is a cloud with a table "state" in a file.
type keptTables struct {
	*tables
	file  string
	close func() error
}

func keep(file string) (*dynamodb.Client, func() error, error) {
	cloud := &localcloud.Cloud{}
	release, err := cloud.KeepTable(account, home, "state", file)
	return dynamodb.NewFromConfig(aws.Config{
		Region: home, BaseEndpoint: aws.String("http://aws.local"), HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: cloud}},
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""), RetryMaxAttempts: 1,
	}), release, err
}

func keepIn(t *testing.T, file string) *keptTables {
	t.Helper()
	api, release, err := keep(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = release() })
	return &keptTables{tables: &tables{&world{t: t}, api}, file: file, close: release}
}

// again closes the table and opens it in another cloud.
func (k *keptTables) again() *keptTables {
	k.t.Helper()
	if err := k.close(); err != nil {
		k.t.Fatal(err)
	}
	return keepIn(k.t, k.file)
}

func (k *keptTables) all() []avItem {
	k.t.Helper()
	out, err := k.api.Scan(context.Background(), &dynamodb.ScanInput{TableName: aws.String("state")})
	if err != nil {
		k.t.Fatal(err)
	}
	return out.Items
}

func (k *keptTables) wants(want ...avItem) {
	k.t.Helper()
	got := map[string]avItem{}
	for _, item := range k.all() {
		got[item["pk"].(*avS).Value+"/"+item["sk"].(*avS).Value] = item
	}
	keyed := map[string]avItem{}
	for _, item := range want {
		keyed[item["pk"].(*avS).Value+"/"+item["sk"].(*avS).Value] = item
	}
	if diff := same(keyed, got); diff != "" {
		k.t.Errorf("the table differs:\n%s", diff)
	}
}

// pair puts two items in one transaction.
func pair(api *dynamodb.Client, n string) error {
	put := func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("state"), Item: avItem{"pk": s(pk), "sk": s(n), "text": s(strings.Repeat("x", 500))}}}
	}
	_, err := api.TransactWriteItems(context.Background(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("a"), put("b")}})
	return err
}

func stateFile(t *testing.T) string { return filepath.Join(t.TempDir(), "state.jsonl") }

func content(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAKeptTableIsThereAgain(t *testing.T) {
	k := keepIn(t, stateFile(t))
	everything := avItem{
		"pk": s("a"), "sk": s("\u2028 <é> \"quoted\"\n"), "n": n("12345678901234567890.5"), "b": &avB{Value: []byte{0, 255, 10}}, "yes": &avBool{Value: true},
		"none": &types.AttributeValueMemberNULL{Value: true}, "ss": &avSS{Value: []string{"x", "y"}}, "ns": &avNS{Value: []string{"1", "2"}},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
		"l":  &avL{Value: []types.AttributeValue{s(""), &avM{Value: avItem{"deep": n("-1E-7")}}}}, "m": &avM{Value: avItem{}},
	}
	k.put(everything)
	everything["n"], everything["l"].(*avL).Value[1] = n("12345678901234567890.5"), &avM{Value: avItem{"deep": n("-0.0000001")}}
	k.put(avItem{"pk": s("a"), "sk": s("gone")})
	k.put(avItem{"pk": s("b"), "sk": s("1"), "count": n("1")})
	ctx := t.Context()
	_, err := k.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String("state"), Key: avItem{"pk": s("a"), "sk": s("gone")}})
	must(k.world, 0, err)
	_, err = k.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String("state"), Key: avItem{"pk": s("b"), "sk": s("1")},
		UpdateExpression: aws.String("ADD #c :two"), ExpressionAttributeNames: map[string]string{"#c": "count"}, ExpressionAttributeValues: avItem{":two": n("2")},
	})
	must(k.world, 0, err)
	_, err = k.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"state": {
		{PutRequest: &types.PutRequest{Item: avItem{"pk": s("c"), "sk": s("1")}}}, {PutRequest: &types.PutRequest{Item: avItem{"pk": s("c"), "sk": s("2")}}},
	}}})
	must(k.world, 0, err)
	want := []avItem{everything, {"pk": s("b"), "sk": s("1"), "count": n("3")}, {"pk": s("c"), "sk": s("1")}, {"pk": s("c"), "sk": s("2")}}
	k.wants(want...)
	k = k.again()
	k.wants(want...)
	if lines := bytes.Count(content(t, k.file), []byte("\n")); lines != 1+len(want) {
		t.Errorf("the opened file has %d lines for %d items", lines, len(want))
	}
	k.put(avItem{"pk": s("d"), "sk": s("1")})
	k.again().wants(append(want, avItem{"pk": s("d"), "sk": s("1")})...)
}

func TestAWriteThatIsRefusedLeavesNoTrace(t *testing.T) {
	k := keepIn(t, stateFile(t))
	k.put(avItem{"pk": s("a"), "sk": s("1")})
	before := content(t, k.file)
	put := func(sk, condition string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("state"), Item: avItem{"pk": s("a"), "sk": s(sk)}, ConditionExpression: &condition}}
	}
	_, err := k.api.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		put("2", "attribute_not_exists(pk)"), put("1", "attribute_not_exists(pk)"),
	}})
	if codeOf(err) != "TransactionCanceledException" {
		t.Fatal(err)
	}
	if after := content(t, k.file); !bytes.Equal(before, after) {
		t.Errorf("the file grew by %q", after[len(before):])
	}
}

func TestOnlyItsOwnerReadsAKeptTable(t *testing.T) {
	k := keepIn(t, stateFile(t))
	if err := os.Chmod(k.file, 0o644); err != nil {
		t.Fatal(err)
	}
	k.again()
	info, err := os.Stat(k.file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestALineThatWasCutOffIsDroppedAndTheRestKept(t *testing.T) {
	k := keepIn(t, stateFile(t))
	k.put(avItem{"pk": s("a"), "sk": s("1")})
	whole := content(t, k.file)
	if err := pair(k.api, "2"); err != nil {
		t.Fatal(err)
	}
	longer := content(t, k.file)
	must(k.world, 0, k.close())
	for end := len(whole) + 1; end < len(longer)-1; end += 101 {
		if err := os.WriteFile(k.file, longer[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		cut := keepIn(t, k.file)
		cut.wants(avItem{"pk": s("a"), "sk": s("1")})
		cut.put(avItem{"pk": s("z"), "sk": s("1")})
		cut = cut.again()
		cut.wants(avItem{"pk": s("a"), "sk": s("1")}, avItem{"pk": s("z"), "sk": s("1")})
		must(k.world, 0, cut.close())
	}
}

func TestAFileThatCannotBeReadIsAnErrorAndStaysAsItIs(t *testing.T) {
	k := keepIn(t, stateFile(t))
	k.put(avItem{"pk": s("a"), "sk": s("1"), "n": n("1")})
	if err := pair(k.api, "2"); err != nil {
		t.Fatal(err)
	}
	must(k.world, 0, k.close())
	good := string(content(t, k.file))
	lines := strings.SplitAfter(good, "\n")
	with := func(second string) string { return lines[0] + second + "\n" + lines[2] }
	for name, c := range map[string]struct{ text, where, what string }{
		"emptied":                   {"", ":1: ", "emptied"},
		"only the head's beginning": {lines[0][:9], ":1: ", "no file of a table"},
		"something else":            {"deployment: prod\n", ":1: ", "no file of a table"},
		"another table":             {`{"table":"other","version":1}` + "\n", ":1: ", "keeps the table other, not state"},
		"a later version":           {`{"table":"state","version":2}` + "\n", ":1: ", "version 2"},
		"a line without its end":    {with(lines[1][:len(lines[1])-3]), ":2: ", ""},
		"two lines in one":          {with(lines[1][:len(lines[1])-1] + lines[2][:len(lines[2])-1]), ":2: ", "follows"},
		"zeros":                     {with(strings.Repeat("\x00", 40)), ":2: ", ""},
		"an empty line":             {with(""), ":2: ", ""},
		"an unknown kind of write":  {with(`{"increment":[]}`), ":2: ", "increment"},
		"nothing to write":          {with(`{}`), ":2: ", "neither"},
		"no key":                    {with(`{"put":[{"pk":{"S":"a"}}]}`), ":2: ", "Missing the key sk"},
		"a key of another type":     {with(`{"put":[{"pk":{"S":"a"},"sk":{"N":"1"}}]}`), ":2: ", "Type mismatch"},
		"an unknown type":           {with(`{"put":[{"pk":{"S":"a"},"sk":{"T":"1"}}]}`), ":2: ", "item.sk"},
		"no number":                 {with(`{"put":[{"pk":{"S":"a"},"sk":{"S":"1"},"n":{"N":"one"}}]}`), ":2: ", "numeric"},
		"more than a key to delete": {with(`{"delete":[{"pk":{"S":"a"},"sk":{"S":"1"},"n":{"N":"1"}}]}`), ":2: ", "does not match the schema"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(k.file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := keep(k.file)
			if err == nil || !strings.Contains(err.Error(), k.file+c.where) || !strings.Contains(err.Error(), c.what) {
				t.Errorf("got %v", err)
			}
			if got := string(content(t, k.file)); got != c.text {
				t.Errorf("the file became %q", got)
			}
		})
	}
	if err := os.WriteFile(k.file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := len(keepIn(t, k.file).all()); got != 3 {
		t.Errorf("after all that there are %d items", got)
	}
}

func TestAKeptTableHasOneHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keepIn(t, stateFile(t))
		began := time.Now()
		_, _, err := keep(k.file)
		if err == nil || !strings.Contains(err.Error(), k.file+" is in use by process "+strconv.Itoa(os.Getpid())) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(began); waited < time.Second || waited > 10*time.Second {
			t.Errorf("waited %v", waited)
		}
		go func() {
			time.Sleep(time.Second)
			_ = k.close()
		}()
		keepIn(t, k.file)
	})
}

func TestAKeptTableIsNotDeletedByAnybody(t *testing.T) {
	k := keepIn(t, stateFile(t))
	_, err := k.api.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("state")})
	if codeOf(err) != "ValidationException" || !strings.Contains(err.Error(), k.file) {
		t.Errorf("got %v", err)
	}
	must(k.world, 0, k.close())
	if _, err := k.api.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("state"), Item: avItem{"pk": s("a"), "sk": s("1")}}); codeOf(err) != "ResourceNotFoundException" {
		t.Errorf("a write after the end: %v", err)
	}
}

func TestALinkToAKeptTableStaysOne(t *testing.T) {
	k := keepIn(t, stateFile(t))
	k.put(avItem{"pk": s("a"), "sk": s("1")})
	k.put(avItem{"pk": s("a"), "sk": s("1"), "n": n("2")}) // so that the file is written anew
	must(k.world, 0, k.close())
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(k.file, link); err != nil {
		if os.Getenv("STUDIOKEEPER_DEMAND") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	must(k.world, 0, keepIn(t, link).close())
	keepIn(t, k.file).wants(avItem{"pk": s("a"), "sk": s("1"), "n": n("2")})
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", info, err)
	}
}

// writeForEver writes pairs and tells of each that was acknowledged.
func writeForEver(file string) {
	api, _, err := keep(file)
	for i := 0; err == nil; i++ {
		if err = pair(api, strconv.Itoa(i)); err == nil {
			_, err = fmt.Println(i)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// killed lets a child write to the file, kills it in the middle of that, and answers the last write that
// was acknowledged.
func killed(t *testing.T, file string, after int) int {
	t.Helper()
	child := exec.Command(os.Args[0], file)
	child.Env = append(os.Environ(), childVariable+"=writer")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Error(err)
		}
		if last == after {
			_ = child.Process.Kill()
		}
	}
	if err := child.Wait(); last < after {
		t.Fatalf("the child ended after write %d: %v", last, err)
	}
	return last
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	for round := range 3 {
		file := stateFile(t)
		last := killed(t, file, 20+round)
		k := keepIn(t, file)
		found := map[string]int{}
		for _, item := range k.all() {
			found[item["sk"].(*avS).Value]++
		}
		for write, items := range found {
			if items != 2 {
				t.Errorf("of transaction %s there are %d items", write, items)
			}
		}
		for write := range last + 1 {
			if found[strconv.Itoa(write)] == 0 {
				t.Errorf("write %d of %d is lost", write, last)
			}
		}
		if err := pair(k.api, "one more"); err != nil {
			t.Error(err)
		}
	}
}
