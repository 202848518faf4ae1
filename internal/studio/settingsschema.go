package studio

import (
	_ "embed" // for the schema
	"encoding/json"
	"sync"
)

// settingsModel is what the pinned SDK knows of UserSettings. The SDK itself
// stays out of the function (docs/decisions/0001); a test holds the two equal.
//
//go:embed usersettings.json
var settingsModel string

// settingsSchema are the shapes of UserSettings as SageMaker's API names them.
type settingsSchema struct {
	SDK    string           `json:"sdk"` // module and version the shapes are of
	Shapes map[string]shape `json:"shapes"`
}

// shape is one type of the API's model.
type shape struct {
	Type     shapeType         `json:"type"`
	Members  map[string]string `json:"members,omitempty"`  // of a structure or union: their shapes
	Required []string          `json:"required,omitempty"` // of a structure
	Of       string            `json:"of,omitempty"`       // of a list: the shape of its elements
	Values   []string          `json:"values,omitempty"`   // of an enum
}

// shapeType is what a shape is in Smithy's words. UserSettings hold these; the
// test that writes the file refuses others.
type shapeType string

const (
	structureShape shapeType = "structure"
	unionShape     shapeType = "union"
	listShape      shapeType = "list"
	enumShape      shapeType = "enum"
	stringShape    shapeType = "string"
	integerShape   shapeType = "integer" // 32 bits
	longShape      shapeType = "long"    // 64 bits
)

// The shapes that are known by name. ExecutionRole is left out of the file.
const (
	userSettingsShape = "UserSettings"
	roleShape         = "RoleArn"
)

// loadSettingsSchema reads the schema when the first settings are checked, so
// that a function without any never does.
var loadSettingsSchema = sync.OnceValue(func() *settingsSchema {
	s := new(settingsSchema)
	if err := json.Unmarshal([]byte(settingsModel), s); err != nil {
		panic("usersettings.json, which is part of the program: " + err.Error())
	}
	return s
})

// settingRange is the range of a number by its shape. The SDK says none; these
// are from the API reference:
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_IdleSettings.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DefaultEbsStorageSettings.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CustomPosixUserConfig.html
func settingRange(shape string) (low, high int64, ok bool) {
	switch shape {
	case "IdleTimeoutInMinutes":
		return 60, 525600, true
	case "SpaceEbsVolumeSizeInGb":
		return 5, 16384, true
	case "Uid":
		return 10000, 4000000, true
	case "Gid":
		return 1001, 4000000, true
	case "ImageVersionNumber":
		return 0, 1<<31 - 1, true
	}
	return 0, 0, false
}
