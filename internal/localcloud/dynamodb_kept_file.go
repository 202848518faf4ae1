package localcloud

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/gofrs/flock"
)

// keptMode lets nobody but the owner read: what a table holds may tell of people.
const keptMode = 0o600

// How long a file that somebody else holds is waited for, and how often it is tried.
const (
	keptWait = 2 * time.Second
	keptPoll = 50 * time.Millisecond
)

// lockKept takes a file of its own beside the table's, which is replaced now and then.
func lockKept(path string) (*flock.Flock, error) {
	l := flock.New(path+".lock", flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(keptMode))
	ctx, cancel := context.WithTimeout(context.Background(), keptWait)
	defer cancel()
	locked, err := l.TryLockContext(ctx, keptPoll)
	switch {
	case locked:
		if err := nameHolder(l.Path()); err != nil {
			return nil, errors.Join(err, l.Unlock())
		}
		return l, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%s is in use by %s; try again when that has ended", path, holder(l.Path()))
	default:
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
}

// holderAt is where the lock file names its holder: Windows lets nobody read the first byte, which is locked.
const holderAt = 1

func nameHolder(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "%-20d\n", os.Getpid()), holderAt)
	return errors.Join(err, f.Close())
}

// holder is who has the lock, for people.
func holder(path string) string {
	text, err := os.ReadFile(path)
	if pid := strings.Trim(string(text), "\x00 \n"); err == nil && pid != "" {
		return "process " + pid
	}
	return "another process"
}

// readKept puts what the file holds into an empty table. stale says that it should be written anew: there is
// none, or not every line in it counts any more.
func readKept(t *table, path string) (stale bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	r := &keptReader{table: t, decoder: decoder{service: &service{unions: attributeUnions()}}}
	err = r.all(bufio.NewReader(f))
	if err != nil {
		err = fmt.Errorf("%s:%d: %w", path, r.line, err)
	}
	return r.cut || r.written != t.items.count, errors.Join(err, f.Close())
}

// keptReader reads a table's file.
type keptReader struct {
	table   *table
	decoder decoder
	line    int
	written int  // items that were written or deleted
	cut     bool // the last line has no end
}

func (r *keptReader) all(from *bufio.Reader) error {
	for !r.cut {
		text, err := from.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		if len(text) == 0 {
			break
		}
		r.cut = err == io.EOF
		r.line++
		if err := r.take(text); err != nil && !(r.cut && r.line > 1) {
			return err
		}
	}
	if r.line > 0 {
		return nil
	}
	r.line = 1
	return errors.New("it is missing, which it never is: something has emptied the file")
}

func (r *keptReader) take(text []byte) error {
	if r.line == 1 {
		return r.head(text)
	}
	var line keptLine
	if err := strictJSON(text, &line); err != nil {
		return err
	}
	if len(line.Put)+len(line.Delete) == 0 {
		return errors.New("it neither puts nor deletes anything")
	}
	return r.carryOut(line)
}

func (r *keptReader) head(text []byte) error {
	var head keptHead
	err := strictJSON(text, &head)
	switch {
	case err != nil:
		return fmt.Errorf("this is no file of a table: %w", err)
	case head.Version != keptVersion:
		return fmt.Errorf("the file has version %d, and only version %d is understood", head.Version, keptVersion)
	case head.Table != r.table.name:
		return fmt.Errorf("the file keeps the table %s, not %s", head.Table, r.table.name)
	}
	return nil
}

// carryOut checks everything in a line before it changes the table: a line counts whole or not at all.
func (r *keptReader) carryOut(line keptLine) error {
	puts := map[string]attributes{}
	for _, tree := range line.Put {
		key, item, err := r.item(tree)
		if err != nil {
			return err
		}
		puts[key] = item
	}
	var gone []string
	for _, tree := range line.Delete {
		given, err := r.attributes(tree)
		if err != nil {
			return err
		}
		key, _, err := r.table.keyOf(given)
		if err != nil {
			return err
		}
		gone = append(gone, key)
	}
	r.written += len(line.Put) + len(line.Delete)
	for key, item := range puts {
		r.table.put(key, item)
	}
	for _, key := range gone {
		r.table.delete(key)
	}
	return nil
}

func (r *keptReader) item(tree map[string]any) (key string, item attributes, err error) {
	given, err := r.attributes(tree)
	if err != nil {
		return "", nil, err
	}
	if item, err = canonical(given); err == nil {
		err = checkItem(item)
	}
	if err == nil {
		key, err = r.table.itemKey(item)
	}
	return key, item, err
}

func (r *keptReader) attributes(tree map[string]any) (attributes, error) {
	var item attributes
	err := r.decoder.mapping(reflect.ValueOf(&item).Elem(), schemas.PutItemInput.Member("Item"), tree, "item")
	return item, err
}

// strictJSON reads one JSON value with nothing beside it.
func strictJSON(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// writeKept writes the whole table, a line per item. Whatever happens, the old file or the new one is there.
func writeKept(t *table, path string) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, keptMode)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	lines := json.NewEncoder(w)
	err = lines.Encode(keptHead{t.name, keptVersion})
	for _, item := range t.items.from("", "") {
		if err != nil {
			break
		}
		err = lines.Encode(keptLine{Put: []map[string]any{wireItem(item)}})
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes a new name last. Windows knows no such thing.
func syncDirectory(path string) error {
	if goruntime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
