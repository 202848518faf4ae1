package awscloud

import (
	"context"
	"time"

	"studiokeeper/internal/reconcile"
)

// toldFor is how long a refusal that stays the same is not told again, and toldKept how long that is remembered.
const (
	toldFor  = 24 * time.Hour
	toldKept = 7 * 24 * time.Hour
)

// FirstToday implements reconcile.Journal.
func (s *State) FirstToday(ctx context.Context, k reconcile.Key, what string) (bool, error) {
	now := s.now()
	_, first, err := s.update(ctx, key("told#"+k.Domain+"#"+k.UserID, "told"),
		"SET #what = :what, #at = :now, #expires = :expires",
		"attribute_not_exists(#pk) OR #what <> :what OR #at <= :before",
		map[string]string{"#pk": "pk", "#what": "what", "#at": "at", "#expires": "expires"},
		item{
			":what": text(what), ":now": number(now.UnixMilli()), ":before": number(now.Add(-toldFor).UnixMilli()),
			":expires": number(now.Add(toldKept).Unix()),
		})
	return first, err
}
