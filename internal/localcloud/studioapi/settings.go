package studioapi

// The settings of profiles, and a domain's for profiles and for spaces that have none of their own.
type (
	UserSettings struct {
		AutoMountHomeEFS                 AutoMountHomeEFS
		CanvasAppSettings                *CanvasAppSettings
		CodeEditorAppSettings            *CodeEditorAppSettings
		CustomFileSystemConfigs          []CustomFileSystemConfig
		CustomPosixUserConfig            *CustomPosixUserConfig
		DefaultLandingUri, ExecutionRole *string
		JupyterLabAppSettings            *JupyterLabAppSettings
		JupyterServerAppSettings         *JupyterServerAppSettings
		KernelGatewayAppSettings         *KernelGatewayAppSettings
		RSessionAppSettings              *RSessionAppSettings
		RStudioServerProAppSettings      *RStudioServerProAppSettings
		SecurityGroups                   []string
		SharingSettings                  *SharingSettings
		SpaceStorageSettings             *DefaultSpaceStorageSettings
		StudioWebPortal                  StudioWebPortal
		StudioWebPortalSettings          *StudioWebPortalSettings
		TensorBoardAppSettings           *TensorBoardAppSettings
	}

	DefaultSpaceSettings struct {
		CustomFileSystemConfigs  []CustomFileSystemConfig
		CustomPosixUserConfig    *CustomPosixUserConfig
		ExecutionRole            *string
		JupyterLabAppSettings    *JupyterLabAppSettings
		JupyterServerAppSettings *JupyterServerAppSettings
		KernelGatewayAppSettings *KernelGatewayAppSettings
		SecurityGroups           []string
		SpaceStorageSettings     *DefaultSpaceStorageSettings
	}

	CustomPosixUserConfig struct{ Gid, Uid *int64 }

	SharingSettings struct {
		NotebookOutputOption     NotebookOutputOption
		S3KmsKeyId, S3OutputPath *string
	}

	DefaultSpaceStorageSettings struct{ DefaultEbsStorageSettings *DefaultEbsStorageSettings }

	DefaultEbsStorageSettings struct{ DefaultEbsVolumeSizeInGb, MaximumEbsVolumeSizeInGb *int32 }

	StudioWebPortalSettings struct {
		ExecutionRoleSessionNameMode       ExecutionRoleSessionNameMode
		HiddenAppTypes                     []AppType
		HiddenInstanceTypes                []AppInstanceType
		HiddenMlTools                      []MlTools
		HiddenSageMakerImageVersionAliases []HiddenSageMakerImage
	}

	HiddenSageMakerImage struct {
		SageMakerImageName SageMakerImageName
		VersionAliases     []string
	}
)

// Settings of one kind of app each, and their parts.
type (
	CodeEditorAppSettings struct {
		AppLifecycleManagement    *AppLifecycleManagement
		BuiltInLifecycleConfigArn *string
		CustomImages              []CustomImage
		DefaultResourceSpec       *ResourceSpec
		LifecycleConfigArns       []string
	}

	JupyterLabAppSettings struct {
		AppLifecycleManagement    *AppLifecycleManagement
		BuiltInLifecycleConfigArn *string
		CodeRepositories          []CodeRepository
		CustomImages              []CustomImage
		DefaultResourceSpec       *ResourceSpec
		EmrSettings               *EmrSettings
		LifecycleConfigArns       []string
	}

	JupyterServerAppSettings struct {
		CodeRepositories    []CodeRepository
		DefaultResourceSpec *ResourceSpec
		LifecycleConfigArns []string
	}

	KernelGatewayAppSettings struct {
		CustomImages        []CustomImage
		DefaultResourceSpec *ResourceSpec
		LifecycleConfigArns []string
	}

	RSessionAppSettings struct {
		CustomImages        []CustomImage
		DefaultResourceSpec *ResourceSpec
	}

	RStudioServerProAppSettings struct {
		AccessStatus RStudioServerProAccessStatus
		UserGroup    RStudioServerProUserGroup
	}

	TensorBoardAppSettings struct{ DefaultResourceSpec *ResourceSpec }

	AppLifecycleManagement struct{ IdleSettings *IdleSettings }

	IdleSettings struct {
		IdleTimeoutInMinutes, MaxIdleTimeoutInMinutes *int32
		MinIdleTimeoutInMinutes                       *int32
		LifecycleManagement                           LifecycleManagement
	}

	CodeRepository struct{ RepositoryUrl *string }

	CustomImage struct {
		AppImageConfigName, ImageName *string
		ImageVersionNumber            *int32
	}

	EmrSettings struct{ AssumableRoleArns, ExecutionRoleArns []string }

	ResourceSpec struct {
		InstanceType                                         AppInstanceType
		LifecycleConfigArn, SageMakerImageArn                *string
		SageMakerImageVersionAlias, SageMakerImageVersionArn *string
		TrainingPlanArn                                      *string
	}
)

// CanvasAppSettings and its parts.
type (
	CanvasAppSettings struct {
		DirectDeploySettings          *DirectDeploySettings
		EmrServerlessSettings         *EmrServerlessSettings
		GenerativeAiSettings          *GenerativeAiSettings
		IdentityProviderOAuthSettings []IdentityProviderOAuthSetting
		KendraSettings                *KendraSettings
		ModelRegisterSettings         *ModelRegisterSettings
		TimeSeriesForecastingSettings *TimeSeriesForecastingSettings
		WorkspaceSettings             *WorkspaceSettings
	}

	DirectDeploySettings struct{ Status FeatureStatus }

	EmrServerlessSettings struct {
		ExecutionRoleArn *string
		Status           FeatureStatus
	}

	GenerativeAiSettings struct{ AmazonBedrockRoleArn *string }

	IdentityProviderOAuthSetting struct {
		DataSourceName DataSourceName
		SecretArn      *string
		Status         FeatureStatus
	}

	KendraSettings struct{ Status FeatureStatus }

	ModelRegisterSettings struct {
		CrossAccountModelRegisterRoleArn *string
		Status                           FeatureStatus
	}

	TimeSeriesForecastingSettings struct {
		AmazonForecastRoleArn *string
		Status                FeatureStatus
	}

	WorkspaceSettings struct{ S3ArtifactPath, S3KmsKeyId *string }
)
