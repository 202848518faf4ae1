package studioapi

import "time"

// What the operations on spaces take and give.
type (
	CreateSpaceInput struct {
		DomainId, SpaceName, SpaceDisplayName *string
		OwnershipSettings                     *OwnershipSettings
		SpaceSettings                         *SpaceSettings
		SpaceSharingSettings                  *SpaceSharingSettings
		Tags                                  []Tag
	}

	CreateSpaceOutput struct{ SpaceArn *string }

	DescribeSpaceInput struct{ DomainId, SpaceName *string }

	DescribeSpaceOutput struct {
		CreationTime, LastModifiedTime                          *time.Time
		DomainId, FailureReason, HomeEfsFileSystemUid, SpaceArn *string
		SpaceDisplayName, SpaceName, Url                        *string
		OwnershipSettings                                       *OwnershipSettings
		SpaceSettings                                           *SpaceSettings
		SpaceSharingSettings                                    *SpaceSharingSettings
		Status                                                  SpaceStatus
	}

	UpdateSpaceInput struct {
		DomainId, SpaceName, SpaceDisplayName *string
		SpaceSettings                         *SpaceSettings
	}

	UpdateSpaceOutput struct{ SpaceArn *string }

	DeleteSpaceInput struct{ DomainId, SpaceName *string }

	ListSpacesInput struct {
		DomainIdEquals, NextToken, SpaceNameContains *string
		MaxResults                                   *int32
		SortBy                                       SpaceSortKey
		SortOrder                                    SortOrder
	}

	ListSpacesOutput struct {
		NextToken *string
		Spaces    []SpaceDetails
	}

	SpaceDetails struct {
		CreationTime, LastModifiedTime        *time.Time
		DomainId, SpaceDisplayName, SpaceName *string
		OwnershipSettingsSummary              *OwnershipSettingsSummary
		SpaceSettingsSummary                  *SpaceSettingsSummary
		SpaceSharingSettingsSummary           *SpaceSharingSettingsSummary
		Status                                SpaceStatus
	}
)

// Whose a space is, what it is for, and their short forms in lists.
type (
	OwnershipSettings struct{ OwnerUserProfileName *string }

	OwnershipSettingsSummary struct{ OwnerUserProfileName *string }

	SpaceSharingSettings struct{ SharingType SharingType }

	SpaceSharingSettingsSummary struct{ SharingType SharingType }

	SpaceSettings struct {
		AppType                             AppType
		CodeEditorAppSettings               *SpaceCodeEditorAppSettings
		CustomFileSystems                   []CustomFileSystem
		JupyterLabAppSettings               *SpaceJupyterLabAppSettings
		JupyterServerAppSettings            *JupyterServerAppSettings
		KernelGatewayAppSettings            *KernelGatewayAppSettings
		RemoteAccess, SpaceManagedResources FeatureStatus
		SpaceStorageSettings                *SpaceStorageSettings
	}

	SpaceSettingsSummary struct {
		AppType              AppType
		RemoteAccess         FeatureStatus
		SpaceStorageSettings *SpaceStorageSettings
	}

	SpaceCodeEditorAppSettings struct {
		AppLifecycleManagement *SpaceAppLifecycleManagement
		DefaultResourceSpec    *ResourceSpec
	}

	SpaceJupyterLabAppSettings struct {
		AppLifecycleManagement *SpaceAppLifecycleManagement
		CodeRepositories       []CodeRepository
		DefaultResourceSpec    *ResourceSpec
	}

	SpaceAppLifecycleManagement struct{ IdleSettings *SpaceIdleSettings }

	SpaceIdleSettings struct{ IdleTimeoutInMinutes *int32 }

	SpaceStorageSettings struct{ EbsStorageSettings *EbsStorageSettings }

	EbsStorageSettings struct{ EbsVolumeSizeInGb *int32 }
)
