package studioapi

// Enumerations: texts of which AWS knows the values that Values lists.
type (
	AppInstanceType              string
	AppNetworkAccessType         string
	AppSecurityGroupManagement   string
	AppSortKey                   string
	AppStatus                    string
	AppType                      string
	AuthMode                     string
	AutoMountHomeEFS             string
	DataSourceName               string
	DomainStatus                 string
	ExecutionRoleIdentityConfig  string
	ExecutionRoleSessionNameMode string
	FeatureStatus                string
	HomeEfsFileSystemCreation    string
	IPAddressType                string
	LifecycleManagement          string
	MlTools                      string
	NotebookOutputOption         string
	RStudioServerProAccessStatus string
	RStudioServerProUserGroup    string
	RetentionType                string
	SageMakerImageName           string
	SharingType                  string
	SortOrder                    string
	SpaceSortKey                 string
	SpaceStatus                  string
	StudioWebPortal              string
	TagPropagation               string
	UserProfileSortKey           string
	UserProfileStatus            string
)

// The values that make a difference to the local cloud.
const (
	AppStatusDeleted   AppStatus = "Deleted"
	AppStatusDeleting  AppStatus = "Deleting"
	AppStatusFailed    AppStatus = "Failed"
	AppStatusInService AppStatus = "InService"
	AppStatusPending   AppStatus = "Pending"

	AppTypeJupyterServer AppType = "JupyterServer"
	AppTypeKernelGateway AppType = "KernelGateway"
	AppTypeCodeEditor    AppType = "CodeEditor"
	AppTypeJupyterLab    AppType = "JupyterLab"
	AppTypeCanvas        AppType = "Canvas"

	AuthModeSso AuthMode = "SSO"
	AuthModeIam AuthMode = "IAM"

	DomainStatusDeleting  DomainStatus = "Deleting"
	DomainStatusFailed    DomainStatus = "Failed"
	DomainStatusInService DomainStatus = "InService"
	DomainStatusPending   DomainStatus = "Pending"
	DomainStatusUpdating  DomainStatus = "Updating"

	FeatureStatusDisabled FeatureStatus = "DISABLED"

	SharingTypePrivate SharingType = "Private"

	SortOrderDescending SortOrder = "Descending"

	SpaceSortKeyLastModifiedTime SpaceSortKey = "LastModifiedTime"

	SpaceStatusDeleting     SpaceStatus = "Deleting"
	SpaceStatusFailed       SpaceStatus = "Failed"
	SpaceStatusInService    SpaceStatus = "InService"
	SpaceStatusPending      SpaceStatus = "Pending"
	SpaceStatusUpdating     SpaceStatus = "Updating"
	SpaceStatusUpdateFailed SpaceStatus = "Update_Failed"
	SpaceStatusDeleteFailed SpaceStatus = "Delete_Failed"

	UserProfileSortKeyLastModifiedTime UserProfileSortKey = "LastModifiedTime"

	UserProfileStatusDeleting     UserProfileStatus = "Deleting"
	UserProfileStatusFailed       UserProfileStatus = "Failed"
	UserProfileStatusInService    UserProfileStatus = "InService"
	UserProfileStatusPending      UserProfileStatus = "Pending"
	UserProfileStatusUpdating     UserProfileStatus = "Updating"
	UserProfileStatusUpdateFailed UserProfileStatus = "Update_Failed"
	UserProfileStatusDeleteFailed UserProfileStatus = "Delete_Failed"
)

// Values lists every AppInstanceType.
func (AppInstanceType) Values() []AppInstanceType {
	return []AppInstanceType{
		"system", "ml.t3.micro", "ml.t3.small", "ml.t3.medium", "ml.t3.large", "ml.t3.xlarge", "ml.t3.2xlarge",
		"ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge", "ml.m5.8xlarge", "ml.m5.12xlarge",
		"ml.m5.16xlarge", "ml.m5.24xlarge", "ml.m5d.large", "ml.m5d.xlarge", "ml.m5d.2xlarge", "ml.m5d.4xlarge",
		"ml.m5d.8xlarge", "ml.m5d.12xlarge", "ml.m5d.16xlarge", "ml.m5d.24xlarge", "ml.c5.large", "ml.c5.xlarge",
		"ml.c5.2xlarge", "ml.c5.4xlarge", "ml.c5.9xlarge", "ml.c5.12xlarge", "ml.c5.18xlarge", "ml.c5.24xlarge",
		"ml.p3.2xlarge", "ml.p3.8xlarge", "ml.p3.16xlarge", "ml.p3dn.24xlarge", "ml.g4dn.xlarge", "ml.g4dn.2xlarge",
		"ml.g4dn.4xlarge", "ml.g4dn.8xlarge", "ml.g4dn.12xlarge", "ml.g4dn.16xlarge", "ml.r5.large", "ml.r5.xlarge",
		"ml.r5.2xlarge", "ml.r5.4xlarge", "ml.r5.8xlarge", "ml.r5.12xlarge", "ml.r5.16xlarge", "ml.r5.24xlarge",
		"ml.g5.xlarge", "ml.g5.2xlarge", "ml.g5.4xlarge", "ml.g5.8xlarge", "ml.g5.16xlarge", "ml.g5.12xlarge",
		"ml.g5.24xlarge", "ml.g5.48xlarge", "ml.g6.xlarge", "ml.g6.2xlarge", "ml.g6.4xlarge", "ml.g6.8xlarge",
		"ml.g6.12xlarge", "ml.g6.16xlarge", "ml.g6.24xlarge", "ml.g6.48xlarge", "ml.g6e.xlarge", "ml.g6e.2xlarge",
		"ml.g6e.4xlarge", "ml.g6e.8xlarge", "ml.g6e.12xlarge", "ml.g6e.16xlarge", "ml.g6e.24xlarge",
		"ml.g6e.48xlarge", "ml.geospatial.interactive", "ml.p4d.24xlarge", "ml.p4de.24xlarge", "ml.trn1.2xlarge",
		"ml.trn1.32xlarge", "ml.trn1n.32xlarge", "ml.p5.48xlarge", "ml.p5en.48xlarge", "ml.p6-b200.48xlarge",
		"ml.m6i.large", "ml.m6i.xlarge", "ml.m6i.2xlarge", "ml.m6i.4xlarge", "ml.m6i.8xlarge", "ml.m6i.12xlarge",
		"ml.m6i.16xlarge", "ml.m6i.24xlarge", "ml.m6i.32xlarge", "ml.m7i.large", "ml.m7i.xlarge", "ml.m7i.2xlarge",
		"ml.m7i.4xlarge", "ml.m7i.8xlarge", "ml.m7i.12xlarge", "ml.m7i.16xlarge", "ml.m7i.24xlarge",
		"ml.m7i.48xlarge", "ml.c6i.large", "ml.c6i.xlarge", "ml.c6i.2xlarge", "ml.c6i.4xlarge", "ml.c6i.8xlarge",
		"ml.c6i.12xlarge", "ml.c6i.16xlarge", "ml.c6i.24xlarge", "ml.c6i.32xlarge", "ml.c7i.large", "ml.c7i.xlarge",
		"ml.c7i.2xlarge", "ml.c7i.4xlarge", "ml.c7i.8xlarge", "ml.c7i.12xlarge", "ml.c7i.16xlarge",
		"ml.c7i.24xlarge", "ml.c7i.48xlarge", "ml.r6i.large", "ml.r6i.xlarge", "ml.r6i.2xlarge", "ml.r6i.4xlarge",
		"ml.r6i.8xlarge", "ml.r6i.12xlarge", "ml.r6i.16xlarge", "ml.r6i.24xlarge", "ml.r6i.32xlarge",
		"ml.r7i.large", "ml.r7i.xlarge", "ml.r7i.2xlarge", "ml.r7i.4xlarge", "ml.r7i.8xlarge", "ml.r7i.12xlarge",
		"ml.r7i.16xlarge", "ml.r7i.24xlarge", "ml.r7i.48xlarge", "ml.m6id.large", "ml.m6id.xlarge",
		"ml.m6id.2xlarge", "ml.m6id.4xlarge", "ml.m6id.8xlarge", "ml.m6id.12xlarge", "ml.m6id.16xlarge",
		"ml.m6id.24xlarge", "ml.m6id.32xlarge", "ml.c6id.large", "ml.c6id.xlarge", "ml.c6id.2xlarge",
		"ml.c6id.4xlarge", "ml.c6id.8xlarge", "ml.c6id.12xlarge", "ml.c6id.16xlarge", "ml.c6id.24xlarge",
		"ml.c6id.32xlarge", "ml.r6id.large", "ml.r6id.xlarge", "ml.r6id.2xlarge", "ml.r6id.4xlarge",
		"ml.r6id.8xlarge", "ml.r6id.12xlarge", "ml.r6id.16xlarge", "ml.r6id.24xlarge", "ml.r6id.32xlarge",
		"ml.p5.4xlarge", "ml.g7.2xlarge", "ml.g7.4xlarge", "ml.g7.8xlarge", "ml.g7.12xlarge", "ml.g7.24xlarge",
		"ml.g7.48xlarge", "ml.g7e.2xlarge", "ml.g7e.4xlarge", "ml.g7e.8xlarge", "ml.g7e.12xlarge",
		"ml.g7e.24xlarge", "ml.g7e.48xlarge",
	}
}

// Values lists every AppNetworkAccessType.
func (AppNetworkAccessType) Values() []AppNetworkAccessType {
	return []AppNetworkAccessType{"PublicInternetOnly", "VpcOnly"}
}

// Values lists every AppSecurityGroupManagement.
func (AppSecurityGroupManagement) Values() []AppSecurityGroupManagement {
	return []AppSecurityGroupManagement{"Service", "Customer"}
}

// Values lists every AppSortKey.
func (AppSortKey) Values() []AppSortKey {
	return []AppSortKey{"CreationTime"}
}

// Values lists every AppStatus.
func (AppStatus) Values() []AppStatus {
	return []AppStatus{"Deleted", "Deleting", "Failed", "InService", "Pending"}
}

// Values lists every AppType.
func (AppType) Values() []AppType {
	return []AppType{
		"JupyterServer", "KernelGateway", "DetailedProfiler", "TensorBoard", "CodeEditor", "JupyterLab",
		"RStudioServerPro", "RSessionGateway", "Canvas",
	}
}

// Values lists every AuthMode.
func (AuthMode) Values() []AuthMode {
	return []AuthMode{"SSO", "IAM"}
}

// Values lists every AutoMountHomeEFS.
func (AutoMountHomeEFS) Values() []AutoMountHomeEFS {
	return []AutoMountHomeEFS{"Enabled", "Disabled", "DefaultAsDomain"}
}

// Values lists every DataSourceName.
func (DataSourceName) Values() []DataSourceName {
	return []DataSourceName{"SalesforceGenie", "Snowflake"}
}

// Values lists every DomainStatus.
func (DomainStatus) Values() []DomainStatus {
	return []DomainStatus{"Deleting", "Failed", "InService", "Pending", "Updating", "Update_Failed", "Delete_Failed"}
}

// Values lists every ExecutionRoleIdentityConfig.
func (ExecutionRoleIdentityConfig) Values() []ExecutionRoleIdentityConfig {
	return []ExecutionRoleIdentityConfig{"USER_PROFILE_NAME", "DISABLED"}
}

// Values lists every ExecutionRoleSessionNameMode.
func (ExecutionRoleSessionNameMode) Values() []ExecutionRoleSessionNameMode {
	return []ExecutionRoleSessionNameMode{"STATIC", "USER_IDENTITY"}
}

// Values lists every FeatureStatus.
func (FeatureStatus) Values() []FeatureStatus {
	return []FeatureStatus{"ENABLED", "DISABLED"}
}

// Values lists every HomeEfsFileSystemCreation.
func (HomeEfsFileSystemCreation) Values() []HomeEfsFileSystemCreation {
	return []HomeEfsFileSystemCreation{"Enabled", "Disabled"}
}

// Values lists every IPAddressType.
func (IPAddressType) Values() []IPAddressType {
	return []IPAddressType{"ipv4", "dualstack"}
}

// Values lists every LifecycleManagement.
func (LifecycleManagement) Values() []LifecycleManagement {
	return []LifecycleManagement{"ENABLED", "DISABLED"}
}

// Values lists every MlTools.
func (MlTools) Values() []MlTools {
	return []MlTools{
		"DataWrangler", "FeatureStore", "EmrClusters", "AutoMl", "Experiments", "Training", "ModelEvaluation",
		"Pipelines", "Models", "JumpStart", "InferenceRecommender", "Endpoints", "Projects",
		"InferenceOptimization", "PerformanceEvaluation", "LakeraGuard", "Comet", "DeepchecksLLMEvaluation",
		"Fiddler", "HyperPodClusters", "RunningInstances", "Datasets", "Evaluators",
	}
}

// Values lists every NotebookOutputOption.
func (NotebookOutputOption) Values() []NotebookOutputOption {
	return []NotebookOutputOption{"Allowed", "Disabled"}
}

// Values lists every RStudioServerProAccessStatus.
func (RStudioServerProAccessStatus) Values() []RStudioServerProAccessStatus {
	return []RStudioServerProAccessStatus{"ENABLED", "DISABLED"}
}

// Values lists every RStudioServerProUserGroup.
func (RStudioServerProUserGroup) Values() []RStudioServerProUserGroup {
	return []RStudioServerProUserGroup{"R_STUDIO_ADMIN", "R_STUDIO_USER"}
}

// Values lists every RetentionType.
func (RetentionType) Values() []RetentionType {
	return []RetentionType{"Retain", "Delete"}
}

// Values lists every SageMakerImageName.
func (SageMakerImageName) Values() []SageMakerImageName {
	return []SageMakerImageName{"sagemaker_distribution"}
}

// Values lists every SharingType.
func (SharingType) Values() []SharingType {
	return []SharingType{"Private", "Shared"}
}

// Values lists every SortOrder.
func (SortOrder) Values() []SortOrder {
	return []SortOrder{"Ascending", "Descending"}
}

// Values lists every SpaceSortKey.
func (SpaceSortKey) Values() []SpaceSortKey {
	return []SpaceSortKey{"CreationTime", "LastModifiedTime"}
}

// Values lists every SpaceStatus.
func (SpaceStatus) Values() []SpaceStatus {
	return []SpaceStatus{"Deleting", "Failed", "InService", "Pending", "Updating", "Update_Failed", "Delete_Failed"}
}

// Values lists every StudioWebPortal.
func (StudioWebPortal) Values() []StudioWebPortal {
	return []StudioWebPortal{"ENABLED", "DISABLED"}
}

// Values lists every TagPropagation.
func (TagPropagation) Values() []TagPropagation {
	return []TagPropagation{"ENABLED", "DISABLED"}
}

// Values lists every UserProfileSortKey.
func (UserProfileSortKey) Values() []UserProfileSortKey {
	return []UserProfileSortKey{"CreationTime", "LastModifiedTime"}
}

// Values lists every UserProfileStatus.
func (UserProfileStatus) Values() []UserProfileStatus {
	return []UserProfileStatus{"Deleting", "Failed", "InService", "Pending", "Updating", "Update_Failed", "Delete_Failed"}
}
