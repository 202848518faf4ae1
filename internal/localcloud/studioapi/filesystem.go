package studioapi

// CustomFileSystemConfig is a file system that settings mount: a pointer to one of its variants.
type (
	CustomFileSystemConfig interface{ isCustomFileSystemConfig() }

	CustomFileSystemConfigMemberEFSFileSystemConfig struct{ Value EFSFileSystemConfig }

	CustomFileSystemConfigMemberFSxLustreFileSystemConfig struct{ Value FSxLustreFileSystemConfig }

	CustomFileSystemConfigMemberS3FileSystemConfig struct{ Value S3FileSystemConfig }

	EFSFileSystemConfig struct{ FileSystemId, FileSystemPath *string }

	FSxLustreFileSystemConfig struct{ FileSystemId, FileSystemPath *string }

	S3FileSystemConfig struct{ S3Uri, MountPath *string }
)

func (*CustomFileSystemConfigMemberEFSFileSystemConfig) isCustomFileSystemConfig()       {}
func (*CustomFileSystemConfigMemberFSxLustreFileSystemConfig) isCustomFileSystemConfig() {}
func (*CustomFileSystemConfigMemberS3FileSystemConfig) isCustomFileSystemConfig()        {}

// CustomFileSystem is a file system that a space mounts: a pointer to one of its variants.
type (
	CustomFileSystem interface{ isCustomFileSystem() }

	CustomFileSystemMemberEFSFileSystem struct{ Value EFSFileSystem }

	CustomFileSystemMemberFSxLustreFileSystem struct{ Value FSxLustreFileSystem }

	CustomFileSystemMemberS3FileSystem struct{ Value S3FileSystem }

	EFSFileSystem struct{ FileSystemId *string }

	FSxLustreFileSystem struct{ FileSystemId *string }

	S3FileSystem struct{ S3Uri *string }
)

func (*CustomFileSystemMemberEFSFileSystem) isCustomFileSystem()       {}
func (*CustomFileSystemMemberFSxLustreFileSystem) isCustomFileSystem() {}
func (*CustomFileSystemMemberS3FileSystem) isCustomFileSystem()        {}
