package cli

import (
	"context"
	"errors"
	"fmt"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
)

// acceptedName is the result of mapping check --accept, for scripts.
type acceptedName struct {
	Group   string `json:"group"`
	Before  string `json:"before,omitempty"`
	After   string `json:"after"`
	Written bool   `json:"written"`
}

// accept lets a display name mean the group that bears it now.
func (d *mappingDesk) accept(ctx context.Context, name string, yes, asJSON bool) error {
	pinned, err := d.keep.Mapping.Pins.Pinned(ctx)
	if err != nil {
		return fmt.Errorf("read which group each name meant at first: %w", err)
	}
	now, err := d.keep.Identity.GroupNamed(ctx, name)
	if err != nil {
		return fmt.Errorf("find group %q: %w", name, err)
	}
	result := acceptedName{Group: name, Before: pinned[name], After: now}
	switch {
	case now == "":
		return usage("the identity store has no group with the display name %q", name)
	case result.Before == "" || result.Before == now:
		fmt.Fprintf(d.env.Stderr, "%q means group %s, as it always did: there is nothing to accept\n", name, now)
	default:
		if err := d.sayAccepting(ctx, result, asJSON); err != nil {
			return err
		}
		if err = confirm(ctx, d.env, yes, fmt.Sprintf("Let %q mean %s?", name, now)); err == nil {
			err = d.keep.Mapping.Pins.Repin(ctx, name, now)
		}
		result.Written = err == nil
	}
	if asJSON {
		return errors.Join(err, render.JSON(d.env.Stdout, result))
	}
	if result.Written {
		_, err = fmt.Fprintf(d.env.Stdout, "Accepted. The function knows it within %s, and looks at the members with its next full pass.\n", d.cfg.Mapping.Cache)
	}
	return err
}

func (d *mappingDesk) sayAccepting(ctx context.Context, a acceptedName, asJSON bool) error {
	if asJSON {
		return nil
	}
	_, err := fmt.Fprintf(d.env.Stdout, "%s\n  meant at first  %s, %s\n  means now       %s, %s\n", d.style.Bold(plain(a.Group)),
		a.Before, d.describe(ctx, a.Before), a.After, d.describe(ctx, a.After))
	return err
}

// describe says of a group what helps to decide, as far as it can be read.
func (d *mappingDesk) describe(ctx context.Context, id string) string {
	members, err := d.keep.Identity.Members(ctx, id)
	switch {
	case errors.Is(err, reconcile.ErrGone):
		return "which no longer exists"
	case err != nil:
		return "whose members cannot be read"
	}
	said := "with " + counted(len(members), "member")
	groups, ok := d.keep.Identity.(reconcile.GroupReader)
	if !ok {
		return said
	}
	if name, err := groups.GroupName(ctx, id); err == nil && name != "" {
		said = fmt.Sprintf("named %q now, %s", name, said)
	}
	return said
}
