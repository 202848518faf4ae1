package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/provision"
)

// Records are provision.Records in the state table.
type Records struct {
	State *awscloud.State
}

var _ provision.Records = Records{}

func (r Records) shelf() awscloud.Shelf { return awscloud.Shelf{State: r.State, Key: "directory"} }

// Records implements provision.Records. One that cannot be understood is an
// error: left out, its user would be made a second time.
func (r Records) Records(ctx context.Context) ([]directory.Record, error) {
	items, err := r.shelf().All(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]directory.Record, len(items))
	for n, it := range items {
		if all[n], err = record(it); err != nil {
			return nil, r.shelf().Broken(it.Name, err)
		}
	}
	return all, nil
}

func record(it awscloud.ShelfItem) (directory.Record, error) {
	kind, guid, _ := strings.Cut(it.Name, "#")
	r := directory.Record{Kind: directory.ObjectKind(kind), GUID: guid, ID: it.Texts["id"], Made: it.Texts["made"] == "yes", Name: it.Texts["name"]}
	if (r.Kind != directory.UserObject && r.Kind != directory.GroupObject) || guid == "" {
		return r, fmt.Errorf("want the name user#GUID or group#GUID")
	}
	if left := it.Texts["left"]; left != "" {
		at, err := time.Parse(time.RFC3339Nano, left)
		if err != nil {
			return r, fmt.Errorf("attribute left: %w", err)
		}
		r.Left = at
	}
	return r, nil
}

// Keep implements provision.Records.
func (r Records) Keep(ctx context.Context, records []directory.Record) error {
	items := make([]awscloud.ShelfItem, len(records))
	for n, one := range records {
		it := awscloud.ShelfItem{Name: nameOf(one), Texts: map[string]string{"id": one.ID, "name": one.Name}}
		if one.Made {
			it.Texts["made"] = "yes"
		}
		if !one.Left.IsZero() {
			it.Texts["left"] = one.Left.UTC().Format(time.RFC3339Nano)
		}
		items[n] = it
	}
	return r.shelf().Put(ctx, items)
}

// Forget implements provision.Records.
func (r Records) Forget(ctx context.Context, one directory.Record) error {
	return r.shelf().Drop(ctx, nameOf(one))
}

func nameOf(r directory.Record) string { return string(r.Kind) + "#" + r.GUID }
