package studio_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/schemas"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/studio"
)

const someRole = "arn:aws:iam::111122223333:role/studio/a"

// everySetting has each field of UserSettings, in values that AWS takes.
func everySetting(t testing.TB) *types.UserSettings {
	t.Helper()
	full := new(types.UserSettings)
	fill(reflect.ValueOf(full).Elem(), schemas.UserSettings, "UserSettings", func(v reflect.Value, shape string) {
		switch {
		case v.Kind() == reflect.Int32, v.Kind() == reflect.Int64:
			v.SetInt(map[string]int64{"IdleTimeoutInMinutes": 60, "SpaceEbsVolumeSizeInGb": 5, "Uid": 10000, "Gid": 1001}[shape])
		case shape == "RoleArn":
			v.SetString(someRole)
		case v.Type() == reflect.TypeFor[string]():
			v.SetString("x")
		case v.Kind() == reflect.String:
			v.SetString(enumValues(v.Type())[0])
		default:
			t.Fatalf("%s is of Go's type %v, which has no sample here", shape, v.Type())
		}
	})
	return full
}

func asSettings(t *testing.T, s *types.UserSettings) studio.Settings {
	t.Helper()
	_, split, err := studio.SplitSettings(onTheWire(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return split
}

func TestWhatTheSDKSendsIsWell(t *testing.T) {
	for name, s := range map[string]*types.UserSettings{
		"every field": everySetting(t),
		"nothing":     {},
		"only a role": {ExecutionRole: aws.String(someRole)},
		"a gpu group": {
			SecurityGroups: []string{"sg-0abc1234"},
			JupyterLabAppSettings: &types.JupyterLabAppSettings{
				DefaultResourceSpec: &types.ResourceSpec{InstanceType: types.AppInstanceTypeMlG4dnXlarge},
				AppLifecycleManagement: &types.AppLifecycleManagement{IdleSettings: &types.IdleSettings{
					LifecycleManagement: types.LifecycleManagementEnabled, IdleTimeoutInMinutes: aws.Int32(525600)}},
			},
		},
		"lists that reset": {
			JupyterLabAppSettings:   &types.JupyterLabAppSettings{LifecycleConfigArns: []string{}, CustomImages: []types.CustomImage{}},
			StudioWebPortalSettings: &types.StudioWebPortalSettings{HiddenAppTypes: []types.AppType{}},
		},
		"objects without fields": {CanvasAppSettings: &types.CanvasAppSettings{KendraSettings: &types.KendraSettings{}}},
		"one file system": {CustomFileSystemConfigs: []types.CustomFileSystemConfig{
			&types.CustomFileSystemConfigMemberEFSFileSystemConfig{Value: types.EFSFileSystemConfig{FileSystemId: aws.String("fs-0123abcd")}}}},
	} {
		if problems := studio.CheckSettings(asSettings(t, s)); problems != nil {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// place is one value within settings.
type place struct {
	path, key string
	is        any
	set       func(any)
	rename    func(from, to string) // nil for elements of lists
}

func placesOf(path string, v any, out *[]place) {
	switch v := v.(type) {
	case map[string]any:
		rename := func(from, to string) {
			v[to] = v[from]
			delete(v, from)
		}
		for key, item := range v {
			at := strings.TrimPrefix(path+"."+key, ".")
			*out = append(*out, place{at, key, item, func(x any) { v[key] = x }, rename})
			placesOf(at, item, out)
		}
	case []any:
		for i, item := range v {
			at := fmt.Sprintf("%s[%d]", path, i)
			*out = append(*out, place{at, "", item, func(x any) { v[i] = x }, nil})
			placesOf(at, item, out)
		}
	}
}

// everyPlace gives every setting as a tree, and the places in it.
func everyPlace(t *testing.T) (map[string]any, []place) {
	t.Helper()
	tree := map[string]any{}
	if err := json.Unmarshal([]byte(asSettings(t, everySetting(t))), &tree); err != nil {
		t.Fatal(err)
	}
	var places []place
	placesOf("", tree, &places)
	if len(places) < 300 {
		t.Fatalf("every setting has %d places only", len(places))
	}
	return tree, places
}

func TestEveryWrongTypeIsFoundWhereItIs(t *testing.T) {
	tree, places := everyPlace(t)
	for _, p := range places {
		for _, other := range []any{map[string]any{}, []any{}, 1.5, true, "x"} {
			if reflect.TypeOf(other) == reflect.TypeOf(p.is) {
				continue
			}
			p.set(other)
			got := studio.CheckSettings(settingsOf(t, tree))
			p.set(p.is)
			if len(got) != 1 || got[0].Path != p.path || !strings.HasPrefix(got[0].Text, "want ") {
				t.Errorf("%s = %v: %v", p.path, other, got)
			}
		}
	}
}

func TestEveryFieldInLowerCaseIsFoundWhereItIs(t *testing.T) {
	tree, places := everyPlace(t)
	for _, p := range places {
		if p.rename == nil {
			continue
		}
		lower := strings.ToLower(p.key)
		p.rename(p.key, lower)
		got := studio.CheckSettings(settingsOf(t, tree))
		p.rename(lower, p.key)
		found := slices.ContainsFunc(got, func(g studio.SettingProblem) bool {
			return g.Path == strings.TrimSuffix(p.path, p.key)+lower && strings.HasSuffix(g.Text, "has no such field (write "+p.key+")")
		})
		if !found {
			t.Errorf("%s in lower case: %v", p.path, got)
		}
	}
}

func settingsOf(t *testing.T, tree map[string]any) studio.Settings {
	t.Helper()
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return settings(t, string(text))
}

func TestSettingsThatAreNotUserSettings(t *testing.T) {
	const sdk = "service/sagemaker v"
	for text, want := range map[string][]string{
		`{"JupyterLabAppSetings":{}}`:                              {"JupyterLabAppSetings: UserSettings has no such field (did you mean JupyterLabAppSettings?)"},
		`{"jupyterLabAppSettings":{}}`:                             {"jupyterLabAppSettings: UserSettings has no such field (write JupyterLabAppSettings)"},
		`{"HoloDeck":{}}`:                                          {"HoloDeck: UserSettings has no such field in " + sdk + "V, whose schema this version goes by"},
		`{"CustomPosixUserConfig":{"Uid":10000,"Gid":1001,"A":1}}`: {"CustomPosixUserConfig.A: CustomPosixUserConfig has no such field in " + sdk + "V, whose schema this version goes by (known: Gid, Uid)"},
		`{"":1}`: {": UserSettings has no such field in " + sdk + "V, whose schema this version goes by"},

		`{"SpaceStorageSettings":{"DefaultEbsStorageSettings":{"DefaultEbsVolumeSizeInGb":"20","MaximumEbsVolumeSizeInGb":2.5}}}`: {
			"SpaceStorageSettings.DefaultEbsStorageSettings.DefaultEbsVolumeSizeInGb: want an integer, found a string",
			"SpaceStorageSettings.DefaultEbsStorageSettings.MaximumEbsVolumeSizeInGb: want an integer in plain digits, found 2.5"},
		`{"SpaceStorageSettings":{"DefaultEbsStorageSettings":{"DefaultEbsVolumeSizeInGb":20}}}`: {
			"SpaceStorageSettings.DefaultEbsStorageSettings: MaximumEbsVolumeSizeInGb is missing, which DefaultEbsStorageSettings requires"},
		`{"CustomPosixUserConfig":{"Uid":9999,"Gid":99999999999999999999}}`: {
			"CustomPosixUserConfig.Gid: want an integer of 64 bits, found 99999999999999999999",
			"CustomPosixUserConfig.Uid: want an integer from 10000 to 4000000, found 9999"},
		`{"CodeEditorAppSettings":{"AppLifecycleManagement":{"IdleSettings":{"IdleTimeoutInMinutes":59,"MaxIdleTimeoutInMinutes":525601,"MinIdleTimeoutInMinutes":3000000000}}}}`: {
			"CodeEditorAppSettings.AppLifecycleManagement.IdleSettings.IdleTimeoutInMinutes: want an integer from 60 to 525600, found 59",
			"CodeEditorAppSettings.AppLifecycleManagement.IdleSettings.MaxIdleTimeoutInMinutes: want an integer from 60 to 525600, found 525601",
			"CodeEditorAppSettings.AppLifecycleManagement.IdleSettings.MinIdleTimeoutInMinutes: want an integer of 32 bits, found 3000000000"},
		`{"SecurityGroups":"sg-1","DefaultLandingUri":7}`: {
			"DefaultLandingUri: want a string, found the number 7 (put it in quotes)",
			"SecurityGroups: want a list, found a string"},
		`{"SecurityGroups":["sg-1",true]}`: {"SecurityGroups[1]: want a string, found true"},
		`{"SharingSettings":[]}`:           {"SharingSettings: want an object, found a list"},

		`{"StudioWebPortal":"enabled","AutoMountHomeEFS":true}`: {
			"AutoMountHomeEFS: want one of DefaultAsDomain, Disabled, Enabled, found true",
			`StudioWebPortal: want one of DISABLED, ENABLED, found "enabled" (did you mean ENABLED?)`},
		`{"StudioWebPortalSettings":{"HiddenInstanceTypes":["ml.t3.medium","ml.g4dn.xlage","quantum"]}}`: {
			`StudioWebPortalSettings.HiddenInstanceTypes[1]: want one of the 176 values that ` + sdk + `V has for AppInstanceType, found "ml.g4dn.xlage" (did you mean ml.g4dn.xlarge?)`,
			`StudioWebPortalSettings.HiddenInstanceTypes[2]: want one of the 176 values that ` + sdk + `V has for AppInstanceType, found "quantum"`},

		`{"CustomFileSystemConfigs":[{},{"EFSFileSystemConfig":{"FileSystemId":"fs-1"},"S3FileSystemConfig":{"S3Uri":"s3://b"}},{"EFSFileSystem":{}},7]}`: {
			"CustomFileSystemConfigs[0]: CustomFileSystemConfig wants exactly one of EFSFileSystemConfig, FSxLustreFileSystemConfig, S3FileSystemConfig, found none",
			"CustomFileSystemConfigs[1]: CustomFileSystemConfig wants exactly one of EFSFileSystemConfig, FSxLustreFileSystemConfig, S3FileSystemConfig, found EFSFileSystemConfig and S3FileSystemConfig",
			"CustomFileSystemConfigs[2].EFSFileSystem: CustomFileSystemConfig has no such field in " + sdk + "V, whose schema this version goes by (known: EFSFileSystemConfig, FSxLustreFileSystemConfig, S3FileSystemConfig)",
			"CustomFileSystemConfigs[3]: want an object, found the number 7"},
		`{"CustomFileSystemConfigs":[{"EFSFileSystemConfig":{"FileSystemPath":"/"}}]}`: {
			"CustomFileSystemConfigs[0].EFSFileSystemConfig: FileSystemId is missing, which EFSFileSystemConfig requires"},

		`{"CanvasAppSettings":{"GenerativeAiSettings":{"AmazonBedrockRoleArn":"arn:aws:iam::111122223333:user/a"}}}`: {
			`CanvasAppSettings.GenerativeAiSettings.AmazonBedrockRoleArn: "arn:aws:iam::111122223333:user/a" is not the ARN of an IAM role (arn:aws:iam::<account>:role/<name>)`},
	} {
		var got []string
		for _, p := range studio.CheckSettings(settings(t, text)) {
			got = append(got, strings.Replace(p.String(), sdk+strings.TrimPrefix(pinnedVersion(t), "v"), sdk+"V", 1))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", text, diff)
		}
	}
}

func TestAnExecutionRoleIsNoSetting(t *testing.T) {
	want := []studio.SettingProblem{{Path: "ExecutionRole", Text: "the row's role gives it (leave it out here)"}}
	if diff := cmp.Diff(want, studio.CheckSettings(`{"ExecutionRole":"arn:aws:iam::111122223333:role/a"}`)); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestRolesAreFoundAnywhereInSettings(t *testing.T) {
	s := settings(t, `{"CanvasAppSettings":{"GenerativeAiSettings":{"AmazonBedrockRoleArn":"arn:aws:iam::111122223333:role/b"}},
		"JupyterLabAppSettings":{"EmrSettings":{"AssumableRoleArns":["arn:aws:iam::111122223333:role/x/c"," arn:aws-cn:iam::111122223333:role/d "]}},
		"Unknown":[{"Deep":"arn:aws:iam::444455556666:role/e"}],"DefaultLandingUri":"studio::","SecurityGroups":["arn:aws:iam::111122223333:user/u"]}`)
	want := []studio.SettingRole{
		{Path: "CanvasAppSettings.GenerativeAiSettings.AmazonBedrockRoleArn", ARN: "arn:aws:iam::111122223333:role/b"},
		{Path: "JupyterLabAppSettings.EmrSettings.AssumableRoleArns[0]", ARN: "arn:aws:iam::111122223333:role/x/c"},
		{Path: "JupyterLabAppSettings.EmrSettings.AssumableRoleArns[1]", ARN: "arn:aws-cn:iam::111122223333:role/d"},
		{Path: "Unknown[0].Deep", ARN: "arn:aws:iam::444455556666:role/e"},
	}
	if diff := cmp.Diff(want, s.Roles()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if roles := studio.Settings("").Roles(); roles != nil {
		t.Errorf("no settings have roles %v", roles)
	}
}

// TestEveryRoleFieldIsFenced holds the two together: what passes CheckSettings
// in a field for a role is seen by Roles.
func TestEveryRoleFieldIsFenced(t *testing.T) {
	s := asSettings(t, everySetting(t))
	if got, want := len(s.Roles()), strings.Count(string(s), someRole); got != want || want < 6 {
		t.Errorf("found %d roles of %d", got, want)
	}
}

func FuzzCheckSettings(f *testing.F) {
	for _, s := range []string{``, `{}`, `null`, `[`, `{"A":null}`, `{"SecurityGroups":[null,{}]}`, `{"CustomFileSystemConfigs":[{"S3FileSystemConfig":[]}]}`,
		`{"StudioWebPortal":1e999}`, `{"CustomPosixUserConfig":{"Uid":-0,"Gid":1e3}}`, `{"ExecutionRole":":iam:::role/"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := studio.ParseSettings([]byte(text))
		if err != nil {
			s = studio.Settings(text)
		}
		for _, p := range append(studio.CheckSettings(s), studio.CheckSettings(studio.Settings(text))...) {
			if p.Text == "" {
				t.Errorf("%q: a problem at %s says nothing", text, p.Path)
			}
		}
		for _, r := range s.Roles() {
			if !strings.Contains(r.ARN, ":iam::") {
				t.Errorf("%q: %s is no role", text, r.ARN)
			}
		}
	})
}

func BenchmarkCheckSettings(b *testing.B) {
	const s = studio.Settings(`{"JupyterLabAppSettings":{"AppLifecycleManagement":{"IdleSettings":{"IdleTimeoutInMinutes":60,"LifecycleManagement":"ENABLED"}}},"SecurityGroups":["sg-1"]}`)
	for b.Loop() {
		studio.CheckSettings(s)
	}
}
