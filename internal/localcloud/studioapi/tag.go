package studioapi

// What the operations on tags take and give.
type (
	AddTagsInput struct {
		ResourceArn *string
		Tags        []Tag
	}

	AddTagsOutput struct{ Tags []Tag }

	ListTagsInput struct {
		ResourceArn, NextToken *string
		MaxResults             *int32
	}

	ListTagsOutput struct {
		NextToken *string
		Tags      []Tag
	}

	DeleteTagsInput struct {
		ResourceArn *string
		TagKeys     []string
	}

	DeleteTagsOutput struct{}

	Tag struct{ Key, Value *string }
)
