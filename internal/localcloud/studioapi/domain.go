package studioapi

import "time"

// What the operations on domains take and give.
type (
	CreateDomainInput struct {
		AuthMode                                               AuthMode
		DefaultUserSettings                                    *UserSettings
		DomainName, HomeEfsFileSystemKmsKeyId, KmsKeyId, VpcId *string
		AppNetworkAccessType                                   AppNetworkAccessType
		AppSecurityGroupManagement                             AppSecurityGroupManagement
		DefaultSpaceSettings                                   *DefaultSpaceSettings
		DomainSettings                                         *DomainSettings
		HomeEfsFileSystemCreation                              HomeEfsFileSystemCreation
		SubnetIds                                              []string
		TagPropagation                                         TagPropagation
		Tags                                                   []Tag
	}

	CreateDomainOutput struct{ DomainArn, DomainId, Url *string }

	DescribeDomainInput struct{ DomainId *string }

	DescribeDomainOutput struct {
		AppNetworkAccessType                                         AppNetworkAccessType
		AppSecurityGroupManagement                                   AppSecurityGroupManagement
		AuthMode                                                     AuthMode
		CreationTime, LastModifiedTime                               *time.Time
		DefaultSpaceSettings                                         *DefaultSpaceSettings
		DefaultUserSettings                                          *UserSettings
		DomainArn, DomainId, DomainName, FailureReason               *string
		HomeEfsFileSystemId, HomeEfsFileSystemKmsKeyId, KmsKeyId     *string
		SecurityGroupIdForDomainBoundary, SingleSignOnApplicationArn *string
		SingleSignOnManagedApplicationInstanceId, Url, VpcId         *string
		DomainSettings                                               *DomainSettings
		HomeEfsFileSystemCreation                                    HomeEfsFileSystemCreation
		Status                                                       DomainStatus
		SubnetIds                                                    []string
		TagPropagation                                               TagPropagation
	}

	UpdateDomainInput struct {
		DomainId, VpcId            *string
		AppNetworkAccessType       AppNetworkAccessType
		AppSecurityGroupManagement AppSecurityGroupManagement
		DefaultSpaceSettings       *DefaultSpaceSettings
		DefaultUserSettings        *UserSettings
		DomainSettingsForUpdate    *DomainSettingsForUpdate
		HomeEfsFileSystemCreation  HomeEfsFileSystemCreation
		SubnetIds                  []string
		TagPropagation             TagPropagation
	}

	UpdateDomainOutput struct{ DomainArn *string }

	DeleteDomainInput struct {
		DomainId        *string
		RetentionPolicy *RetentionPolicy
	}

	RetentionPolicy struct{ HomeEfsFileSystem RetentionType }

	ListDomainsInput struct {
		MaxResults *int32
		NextToken  *string
	}

	ListDomainsOutput struct {
		Domains   []DomainDetails
		NextToken *string
	}

	DomainDetails struct {
		CreationTime, LastModifiedTime       *time.Time
		DomainArn, DomainId, DomainName, Url *string
		Status                               DomainStatus
	}
)

// DomainSettings and its parts: what holds for a domain as a whole.
type (
	DomainSettings struct {
		AmazonQSettings                    *AmazonQSettings
		DockerSettings                     *DockerSettings
		ExecutionRoleIdentityConfig        ExecutionRoleIdentityConfig
		IpAddressType                      IPAddressType
		RStudioServerProDomainSettings     *RStudioServerProDomainSettings
		SecurityGroupIds                   []string
		TrustedIdentityPropagationSettings *TrustedIdentityPropagationSettings
		UnifiedStudioSettings              *UnifiedStudioSettings
	}

	DomainSettingsForUpdate struct {
		AmazonQSettings                         *AmazonQSettings
		DockerSettings                          *DockerSettings
		ExecutionRoleIdentityConfig             ExecutionRoleIdentityConfig
		IpAddressType                           IPAddressType
		RStudioServerProDomainSettingsForUpdate *RStudioServerProDomainSettingsForUpdate
		SecurityGroupIds                        []string
		TrustedIdentityPropagationSettings      *TrustedIdentityPropagationSettings
		UnifiedStudioSettings                   *UnifiedStudioSettings
	}

	AmazonQSettings struct {
		QProfileArn *string
		Status      FeatureStatus
	}

	DockerSettings struct {
		EnableDockerAccess, RootlessDocker FeatureStatus
		VpcOnlyTrustedAccounts             []string
	}

	RStudioServerProDomainSettings struct {
		DomainExecutionRoleArn, RStudioConnectUrl *string
		RStudioPackageManagerUrl                  *string
		DefaultResourceSpec                       *ResourceSpec
	}

	RStudioServerProDomainSettingsForUpdate struct {
		DomainExecutionRoleArn, RStudioConnectUrl *string
		RStudioPackageManagerUrl                  *string
		DefaultResourceSpec                       *ResourceSpec
	}

	TrustedIdentityPropagationSettings struct{ Status FeatureStatus }

	UnifiedStudioSettings struct {
		DomainAccountId, DomainId, DomainRegion, EnvironmentId *string
		ProjectId, ProjectS3Path, SingleSignOnApplicationArn   *string
		StudioWebPortalAccess                                  FeatureStatus
	}
)
