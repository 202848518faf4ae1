package studioapi

import "time"

// What the operations on apps take and give.
type (
	CreateAppInput struct {
		AppName, DomainId, SpaceName, UserProfileName *string
		AppType                                       AppType
		RecoveryMode                                  *bool
		ResourceSpec                                  *ResourceSpec
		Tags                                          []Tag
	}

	CreateAppOutput struct{ AppArn *string }

	DescribeAppInput struct {
		AppName, DomainId, SpaceName, UserProfileName *string
		AppType                                       AppType
	}

	DescribeAppOutput struct {
		AppArn, AppName, BuiltInLifecycleConfigArn, DomainId *string
		FailureReason, SpaceName, UserProfileName            *string
		AppType                                              AppType
		CreationTime, LastHealthCheckTimestamp               *time.Time
		LastUserActivityTimestamp                            *time.Time
		EffectiveTrustedIdentityPropagationStatus            FeatureStatus
		RecoveryMode                                         *bool
		ResourceSpec                                         *ResourceSpec
		Status                                               AppStatus
	}

	DeleteAppInput struct {
		AppName, DomainId, SpaceName, UserProfileName *string
		AppType                                       AppType
	}

	ListAppsInput struct {
		DomainIdEquals, NextToken, SpaceNameEquals *string
		UserProfileNameEquals                      *string
		MaxResults                                 *int32
		SortBy                                     AppSortKey
		SortOrder                                  SortOrder
	}

	ListAppsOutput struct {
		Apps      []AppDetails
		NextToken *string
	}

	AppDetails struct {
		AppName, DomainId, SpaceName, UserProfileName *string
		AppType                                       AppType
		CreationTime                                  *time.Time
		ResourceSpec                                  *ResourceSpec
		Status                                        AppStatus
	}
)
