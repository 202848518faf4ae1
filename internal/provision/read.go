package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/directory"
)

// memberReads is how many groups' members are read at once.
const memberReads = 8

// Progress counts what has been read and written. It may be looked at meanwhile.
type Progress struct {
	Accounts    atomic.Int64 // users of Active Directory
	Users       atomic.Int64 // users of Identity Center
	Memberships atomic.Int64
	Done, All   atomic.Int64 // changes
}

// both is what was read.
type both struct {
	source  directory.Source
	target  directory.Target
	carried func(string) bool
}

// read reads both sides at the same time. The users of Identity Center, which take
// longest, are read while its groups are, and then the members that are needed.
func (p *Provisioner) read(ctx context.Context, progress *Progress) (both, error) {
	var b both
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		b.target.Users, err = p.Store.Users(inner)
		progress.Users.Add(int64(len(b.target.Users)))
		return wrap(err, "list the users of Identity Center")
	})
	g.Go(func() error {
		if err := p.readGroups(inner, &b, progress); err != nil {
			return err
		}
		return p.readMembers(inner, &b, 0, progress)
	})
	if err := g.Wait(); err != nil {
		return both{}, err
	}
	listed := len(b.target.Groups)
	if err := p.readUnlisted(ctx, &b); err != nil {
		return both{}, err
	}
	return b, p.readMembers(ctx, &b, listed, progress)
}

// readGroups reads what tells whose members are needed.
func (p *Provisioner) readGroups(ctx context.Context, b *both, progress *Progress) error {
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		b.source, err = p.Active.Read(inner)
		progress.Accounts.Add(int64(len(b.source.Users)))
		return err // it says of itself what it is about
	})
	g.Go(func() (err error) {
		b.target.Groups, err = p.Store.Groups(inner)
		return wrap(err, "list the groups of Identity Center")
	})
	g.Go(func() (err error) {
		b.target.Records, err = p.Records.Records(inner)
		return wrap(err, "read what was carried over")
	})
	g.Go(func() (err error) {
		b.carried, err = p.Carried(inner)
		return wrap(err, "find out which groups are carried over")
	})
	return g.Wait()
}

// readUnlisted asks one by one for what is on record and not listed: a list may
// lag behind, and whoever is only missing there was not deleted by anybody. A group
// without members may as well be gone: what is taken from nobody can be made again.
func (p *Provisioner) readUnlisted(ctx context.Context, b *both) error {
	listed := map[string]bool{}
	for _, u := range b.target.Users {
		listed[u.ID] = true
	}
	for _, g := range b.target.Groups {
		listed[g.ID] = true
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(memberReads)
	for _, r := range b.target.Records {
		if r.ID == "" || listed[r.ID] {
			continue
		}
		g.Go(func() error {
			found, err := p.unlisted(ctx, r)
			if errors.Is(err, ErrGone) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("find out whether %s %s is there, which is on record and not listed: %w", r.Kind, r.ID, err)
			}
			mu.Lock()
			defer mu.Unlock()
			b.target.Users, b.target.Groups = append(b.target.Users, found.Users...), append(b.target.Groups, found.Groups...)
			return nil
		})
	}
	return g.Wait()
}

// unlisted is what a record is about, or ErrGone.
func (p *Provisioner) unlisted(ctx context.Context, r directory.Record) (directory.Target, error) {
	if r.Kind == directory.UserObject {
		user, err := p.Store.User(ctx, r.ID)
		return directory.Target{Users: []directory.Person{user}}, err
	}
	members, err := p.Store.Members(ctx, r.ID)
	if err == nil && len(members) == 0 {
		err = ErrGone
	}
	return directory.Target{Groups: []directory.TargetGroup{{ID: r.ID, Name: r.Name}}}, err
}

// readMembers reads the members that are needed of the groups from one on.
func (p *Provisioner) readMembers(ctx context.Context, b *both, from int, progress *Progress) error {
	needed := neededGroups(b)
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(memberReads)
	for n := from; n < len(b.target.Groups); n++ {
		group := &b.target.Groups[n]
		if !needed(*group) {
			continue
		}
		g.Go(func() error {
			members, err := p.Store.Members(ctx, group.ID)
			if errors.Is(err, ErrGone) {
				return fmt.Errorf("group %q was deleted while Identity Center was read; run it again: %w", group.Name, err)
			}
			progress.Memberships.Add(int64(len(members)))
			mu.Lock()
			defer mu.Unlock()
			group.Members = members
			return wrap(err, "list the members of group %q", group.Name)
		})
	}
	return g.Wait()
}

func neededGroups(b *both) func(directory.TargetGroup) bool {
	ids, names := map[string]bool{}, map[string]bool{}
	for _, r := range b.target.Records {
		if r.Kind == directory.GroupObject && r.ID != "" {
			ids[r.ID] = true
		}
	}
	guids := map[string]bool{}
	for _, s := range b.source.Groups {
		if b.carried(s.Name) {
			names[strings.ToLower(s.Name)], guids[s.GUID] = true, true
		}
	}
	return func(g directory.TargetGroup) bool {
		return ids[g.ID] || names[strings.ToLower(g.Name)] || g.ExternalID != "" && guids[strings.ToLower(g.ExternalID)]
	}
}

// foreign refuses an Identity Center that reads Active Directory itself. No API
// says what the identity source is; but groups that AWS's own sync makes are
// called name@domain, which a group of ours never is.
func foreign(source directory.Source, target directory.Target) error {
	ours := map[string]bool{}
	for _, r := range target.Records {
		ours[r.ID] = true
	}
	synced := map[string]string{}
	for _, g := range source.Groups {
		if domain := domainOf(g.DN); domain != "" {
			synced[strings.ToLower(g.Name+"@"+domain)] = g.Name
		}
	}
	for _, g := range target.Groups {
		if name, is := synced[strings.ToLower(g.Name)]; is && !ours[g.ID] {
			return fmt.Errorf("%w: its group %q is what AWS's own sync makes of the group %q. Nothing is carried over, because that sync, which runs every hour, and this one would undo each other's work; "+
				"leave directory out of the configuration, and let the full pass see what AWS has synced", ErrForeign, g.Name, name)
		}
	}
	return nil
}

// domainOf is the DNS name of the domain that a distinguished name lies in.
func domainOf(dn string) string {
	var labels []string
	for part := range strings.SplitSeq(dn, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if ok && strings.EqualFold(key, "DC") {
			labels = append(labels, value)
		}
	}
	return strings.Join(labels, ".")
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
