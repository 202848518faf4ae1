package doctor

import (
	"context"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// Stores lists identity stores.
type Stores interface {
	// StoreIDs lists all that the credentials see in Identity Center's Region.
	StoreIDs(ctx context.Context) ([]string, error)
}

// Trail is a CloudTrail trail.
type Trail struct {
	Name    string
	Logging bool
	Writes  bool // it records management events that change something
}

// Trails reads CloudTrail.
type Trails interface {
	// Trails lists all that cover Identity Center's Region.
	Trails(ctx context.Context) ([]Trail, error)
}

// Quotas reads Service Quotas.
type Quotas interface {
	// Profiles is how many user profiles the domain's account may have there.
	Profiles(ctx context.Context, d studio.Domain) (int, error)
}

// Register knows when domains were last passed over.
type Register interface {
	// Registered lists all domains that were ever managed.
	Registered(ctx context.Context) ([]reconcile.DomainRecord, error)
}

// People are what is read of an identity store.
type People struct {
	Mapping  *reconcile.Mapping // it looks up groups that are named by id too
	Identity reconcile.Identity
	Census   reconcile.Census
}
