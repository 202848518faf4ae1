package localcloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/gofrs/flock"
)

// keptFile is the file that a table lives in, guarded by dynamoState.mu. Its first line says what it is;
// every other line is what one request wrote, so that a transaction is there whole or not at all.
type keptFile struct {
	path   string
	lock   *flock.Flock
	file   *os.File
	size   int64 // up to the end of the last whole line
	broken error // a line could not be written; from then on none is
}

// keptHead is the first line.
type keptHead struct {
	Table   string `json:"table"`
	Version int    `json:"version"`
}

// keptVersion is the form of the lines.
const keptVersion = 1

// keptLine is what one request wrote: whole items, and the keys of those that are gone.
type keptLine struct {
	Put    []map[string]any `json:"put,omitempty"`
	Delete []map[string]any `json:"delete,omitempty"`
}

// KeepTable makes a table with the string keys pk (hash) and sk (range) that lives in a file. The file is
// made where there is none; otherwise the table begins with what is in it, and a last line that was cut off
// while it was being written is dropped. Every later write is in the file, on the disk, before it is
// answered, and refused once one could not be written.
//
// A file that cannot be read completely, or that keeps a table of another name, is an error, and so is one
// that another process holds: it is waited for a moment. close gives the file back and takes the table away.
func (c *Cloud) KeepTable(account, region, name, file string) (close func() error, err error) {
	t, err := newTable(&dynamodb.CreateTableInput{
		BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
	})
	if err != nil {
		return nil, err
	}
	at := place{account, region}
	t.begin(at, name, c.Now())
	if t.kept, err = openKept(t, file); err != nil {
		return nil, fmt.Errorf("keep the table %s in a file: %w", name, err)
	}
	if err := c.dynamo.enter(at, t); err != nil {
		return nil, errors.Join(err, t.kept.close())
	}
	return sync.OnceValue(func() error { return c.dynamo.letGo(at, t) }), nil
}

// letGo takes a kept table away and gives its file back.
func (d *dynamoState) letGo(at place, t *table) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.tables[at], t.name)
	if t.stream != nil {
		t.stream.close()
	}
	return t.kept.close()
}

// openKept locks the file and reads it into t.
func openKept(t *table, path string) (*keptFile, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	lock, err := lockKept(path)
	if err != nil {
		return nil, err
	}
	k := &keptFile{path: path, lock: lock}
	if err := k.load(t); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return k, nil
}

// load reads what is there, writes it anew where that makes it shorter, and makes ready for more.
func (k *keptFile) load(t *table) error {
	stale, err := readKept(t, k.path)
	if err == nil && stale {
		err = writeKept(t, k.path)
	}
	if err != nil {
		return err
	}
	if k.file, err = os.OpenFile(k.path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return err
	}
	info, err := k.file.Stat()
	if err == nil && info.Mode().Perm() != keptMode {
		err = k.file.Chmod(keptMode)
	}
	if err != nil {
		return errors.Join(err, k.file.Close())
	}
	k.size = info.Size()
	return nil
}

func (k *keptFile) close() error { return errors.Join(k.file.Close(), k.lock.Unlock()) }

// append writes a line and waits until the disk has it.
func (k *keptFile) append(line []byte) error {
	if k.broken != nil {
		return k.broken
	}
	_, err := k.file.Write(line)
	if err == nil {
		err = k.file.Sync()
	}
	if err == nil {
		k.size += int64(len(line))
		return nil
	}
	k.broken = errf(400, "TableFileFailed", "the file of the table takes no more writes until it is opened again: %v", err)
	_ = k.file.Truncate(k.size) // what stays of the line is dropped when the file is read
	return k.broken
}

// commitAll carries out what try worked out; where a file cannot take it, nothing is carried out.
func commitAll(writes []*write, outcomes []outcome) error {
	k, line, err := lineOf(writes, outcomes)
	if err == nil && line != nil {
		err = k.append(line)
	}
	if err != nil {
		return err
	}
	for i, w := range writes {
		w.commit(outcomes[i])
	}
	return nil
}

// lineOf is what a request writes to a file, and to which; nil when it writes to none.
func lineOf(writes []*write, outcomes []outcome) (*keptFile, []byte, error) {
	var k *keptFile
	var line keptLine
	for i, w := range writes {
		o := outcomes[i]
		if w.table.kept == nil || w.next == nil || o.old == nil && o.new == nil {
			continue
		}
		if k != nil && k != w.table.kept {
			return nil, nil, invalidf("one request cannot write to two tables that are kept in files")
		}
		k = w.table.kept
		if o.new == nil {
			line.Delete = append(line.Delete, wireItem(w.table.keyAttributes(o.old)))
		} else {
			line.Put = append(line.Put, wireItem(o.new))
		}
	}
	if k == nil {
		return nil, nil, nil
	}
	text, err := json.Marshal(line)
	return k, append(text, '\n'), err
}
