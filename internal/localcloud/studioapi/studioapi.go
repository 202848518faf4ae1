// Package studioapi is SageMaker's API as far as Studio needs it: inputs, outputs and everything in them, as
// plain Go structures. Names, members and enumerations are those of AWS's SDK for Go, and a member that is nil
// or empty is absent; so whoever knows the SDK's package reads these.
//
// The SDK's own package is not linked, because a program that links it pays for all of SageMaker at every
// start. A test of the local cloud holds the two against each other and names whatever differs.
package studioapi

// Failure is what every error of the API says beside its code.
type Failure struct{ Message *string }

// FailureCodes are the errors that the API's model knows; services add others, such as ValidationException.
func FailureCodes() []string {
	return []string{"ConflictException", "ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound"}
}

// Variants are what the interfaces among the types stand for: a nil pointer to each.
func Variants() []any {
	return []any{
		(*CustomFileSystemConfigMemberEFSFileSystemConfig)(nil),
		(*CustomFileSystemConfigMemberFSxLustreFileSystemConfig)(nil),
		(*CustomFileSystemConfigMemberS3FileSystemConfig)(nil),
		(*CustomFileSystemMemberEFSFileSystem)(nil),
		(*CustomFileSystemMemberFSxLustreFileSystem)(nil),
		(*CustomFileSystemMemberS3FileSystem)(nil),
	}
}
