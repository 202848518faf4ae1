package studioapi

import "time"

// What the operations on user profiles take and give.
type (
	CreateUserProfileInput struct {
		DomainId, UserProfileName, SingleSignOnUserIdentifier *string
		SingleSignOnUserValue                                 *string
		Tags                                                  []Tag
		UserSettings                                          *UserSettings
	}

	CreateUserProfileOutput struct{ UserProfileArn *string }

	DescribeUserProfileInput struct{ DomainId, UserProfileName *string }

	DescribeUserProfileOutput struct {
		CreationTime, LastModifiedTime                    *time.Time
		DomainId, FailureReason, HomeEfsFileSystemUid     *string
		SingleSignOnUserIdentifier, SingleSignOnUserValue *string
		UserProfileArn, UserProfileName                   *string
		Status                                            UserProfileStatus
		UserSettings                                      *UserSettings
	}

	UpdateUserProfileInput struct {
		DomainId, UserProfileName *string
		UserSettings              *UserSettings
	}

	UpdateUserProfileOutput struct{ UserProfileArn *string }

	DeleteUserProfileInput struct{ DomainId, UserProfileName *string }

	ListUserProfilesInput struct {
		DomainIdEquals, NextToken, UserProfileNameContains *string
		MaxResults                                         *int32
		SortBy                                             UserProfileSortKey
		SortOrder                                          SortOrder
	}

	ListUserProfilesOutput struct {
		NextToken    *string
		UserProfiles []UserProfileDetails
	}

	UserProfileDetails struct {
		CreationTime, LastModifiedTime *time.Time
		DomainId, UserProfileName      *string
		Status                         UserProfileStatus
	}
)
