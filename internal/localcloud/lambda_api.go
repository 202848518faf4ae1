package localcloud

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"time"
)

// variables are a function's own environment.
type variables map[string]string

func (v variables) pairs() []string {
	var pairs []string
	for _, name := range sortedKeys(v) {
		pairs = append(pairs, name+"="+v[name])
	}
	return pairs
}

// functionAbout is what the API says of a function and nothing acts on. lambdaState.mu guards it.
type functionAbout struct {
	description, runtime, handler string
	variables                     variables
	digest                        string
	size                          int
	modified                      time.Time
}

// holds notes what the function's code is.
func (about *functionAbout) holds(zipped []byte) {
	sum := sha256.Sum256(zipped)
	about.digest, about.size = base64.StdEncoding.EncodeToString(sum[:]), len(zipped)
}

func (fn *function) describe(about functionAbout) {
	fn.cloud.functions.mu.Lock()
	defer fn.cloud.functions.mu.Unlock()
	fn.about = about
}

// functionInput is what requests about functions hold.
type functionInput struct {
	FunctionName                        string
	Code                                functionSource
	Description, Runtime, Handler, Role *string
	Timeout, MemorySize                 *int
	Architectures                       []string
	VpcConfig                           *VPCConfig
	DeadLetterConfig                    *DeadLetterConfig
	Environment                         *struct{ Variables variables }
	ZipFile                             []byte
	S3Bucket, S3Key, S3ObjectVersion    string
	DryRun                              bool
	InvocationType                      string
	EventSourceArn                      string
	payload                             []byte
}

type functionSource struct {
	ZipFile                          []byte
	S3Bucket, S3Key, S3ObjectVersion string
}

// functionShown is a function's configuration on the wire.
type functionShown struct {
	FunctionName, FunctionArn, Role, Description, Version string
	Runtime, Handler                                      string `json:",omitempty"`
	Timeout, MemorySize                                   int
	CodeSize                                              int
	CodeSha256, LastModified, PackageType                 string
	State, LastUpdateStatus                               string
	Architectures                                         []string
	Environment                                           *shownVariables   `json:",omitempty"`
	VpcConfig                                             *VPCConfig        `json:",omitempty"`
	DeadLetterConfig                                      *DeadLetterConfig `json:",omitempty"`
}

type shownVariables struct{ Variables variables }

func lambdaAPIService(c *Cloud) service {
	s := &c.functions
	return service{
		name: "lambda", version: "2015-03-31",
		ops: map[string]operation{
			"CreateFunction":              handle(nil, nil, s.createFunction),
			"GetFunction":                 handle(nil, nil, s.getFunction),
			"GetFunctionConfiguration":    handle(nil, nil, s.getFunctionConfiguration),
			"GetFunctionConcurrency":      handle(nil, nil, s.getFunctionConcurrency),
			"ListFunctions":               handle(nil, nil, s.listFunctions),
			"UpdateFunctionCode":          handle(nil, nil, s.updateFunctionCode),
			"UpdateFunctionConfiguration": handle(nil, nil, s.updateFunctionConfiguration),
			"DeleteFunction":              handle(nil, nil, s.deleteFunction),
			"Invoke":                      handle(nil, nil, s.invoke),
			"ListEventSourceMappings":     handle(nil, nil, s.listEventSourceMappings),
		},
	}
}

// find gives a function of the caller's account and Region, by its name or ARN.
func (s *lambdaState) find(c *call, name string) (*function, error) {
	at, plain := c.place(), name
	if where, named, ok := functionARN(name); ok {
		at, plain = where, named
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fn := s.functions[at][plain]; fn != nil && at == c.place() {
		return fn, nil
	}
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", at.region, at.account, plain)
	return nil, errf(http.StatusNotFound, "ResourceNotFoundException", "Function not found: %s", arn).with("Type", "User")
}

// shown is the function's configuration as the API has it.
func (fn *function) shown() *functionShown {
	f, _ := fn.settings()
	fn.cloud.functions.mu.Lock()
	defer fn.cloud.functions.mu.Unlock()
	about := fn.about
	out := &functionShown{
		FunctionName: f.Name, FunctionArn: fn.arn, Role: f.Role, Description: about.description, Version: "$LATEST",
		Runtime: about.runtime, Handler: about.handler, Timeout: int(f.Timeout.Seconds()), MemorySize: f.Memory,
		CodeSize: about.size, CodeSha256: about.digest, LastModified: about.modified.UTC().Format("2006-01-02T15:04:05.000-0700"),
		PackageType: "Zip", State: "Active", LastUpdateStatus: "Successful", Architectures: []string{f.Architecture},
	}
	if f.Architecture == "" {
		out.Architectures = []string{"x86_64"}
	}
	if len(f.VPC.SubnetIds) > 0 {
		out.VpcConfig = &f.VPC
	}
	if f.DeadLetters.TargetArn != "" {
		out.DeadLetterConfig = &f.DeadLetters
	}
	if len(about.variables) > 0 {
		out.Environment = &shownVariables{about.variables}
	}
	return out
}

func (s *lambdaState) getFunctionConfiguration(c *call, in *functionInput) (*functionShown, error) {
	fn, err := s.find(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return fn.shown(), nil
}

func (s *lambdaState) getFunction(c *call, in *functionInput) (*map[string]any, error) {
	fn, err := s.find(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return &map[string]any{"Configuration": fn.shown(), "Code": map[string]any{"RepositoryType": "S3"}}, nil
}

func (s *lambdaState) getFunctionConcurrency(c *call, in *functionInput) (*map[string]any, error) {
	fn, err := s.find(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f, _ := fn.settings()
	return &map[string]any{"ReservedConcurrentExecutions": f.Concurrency}, nil
}

func (s *lambdaState) listFunctions(c *call, _ *functionInput) (*map[string]any, error) {
	s.mu.Lock()
	here := maps.Clone(s.functions[c.place()])
	s.mu.Unlock()
	list := []*functionShown{}
	for _, name := range sortedKeys(here) {
		list = append(list, here[name].shown())
	}
	return &map[string]any{"Functions": list}, nil
}

// source is the code that a request brings or names, and what the API says of it.
func (c *call) source(code functionSource, f Function, about *functionAbout) (Function, error) {
	zipped := code.ZipFile
	switch {
	case code.S3ObjectVersion != "":
		return f, codeError("the local cloud's S3 keeps no versions of objects: leave S3ObjectVersion out")
	case (zipped == nil) == (code.S3Bucket == "" || code.S3Key == ""):
		return f, codeError("Please provide a source for function code.")
	case len(zipped) > maxZip:
		return f, errf(http.StatusRequestEntityTooLarge, "RequestTooLargeException", "Request must be smaller than %d bytes for the CreateFunction operation", maxZip)
	}
	var err error
	if zipped == nil {
		if zipped, err = c.cloud.objects.read(code.S3Bucket, code.S3Key); err != nil {
			refused := asAPIError(err)
			return f, codeError("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", refused.Code, refused.Message)
		}
	}
	about.holds(zipped)
	about.modified = c.cloud.Now()
	if c.cloud.Host.replaces() {
		return c.cloud.host(f, "", "")
	}
	f.Dir, err = c.cloud.unpackCode(zipped)
	f.Command, f.Invoke = []string{filepath.Join(f.Dir, "bootstrap")}, nil
	f.Env, f.Stderr = append(f.Env, c.cloud.Host.Env...), c.cloud.Host.Stderr
	return f, err
}

// replaces reports whether something else runs than what a function's code holds.
func (h *FunctionHost) replaces() bool { return h.Invoke != nil || len(h.Command) > 0 }

// configure brings the members of a request that are there into a function.
func (in *functionInput) configure(f *Function, about *functionAbout) error {
	for to, from := range map[*string]*string{&about.description: in.Description, &about.runtime: in.Runtime, &about.handler: in.Handler, &f.Role: in.Role} {
		if from != nil {
			*to = *from
		}
	}
	if in.Timeout != nil {
		if *in.Timeout < 1 || *in.Timeout > 900 {
			return codeError("1 validation error detected: Value '%d' at 'timeout' failed to satisfy constraint: Member must have value between 1 and 900", *in.Timeout)
		}
		f.Timeout = time.Duration(*in.Timeout) * time.Second
	}
	if in.MemorySize != nil {
		if *in.MemorySize < 128 || *in.MemorySize > 10_240 {
			return codeError("1 validation error detected: Value '%d' at 'memorySize' failed to satisfy constraint: Member must have value between 128 and 10240", *in.MemorySize)
		}
		f.Memory = *in.MemorySize
	}
	if len(in.Architectures) > 0 {
		f.Architecture = in.Architectures[0]
	}
	if in.Environment != nil {
		about.variables = in.Environment.Variables
	}
	if in.VpcConfig != nil {
		f.VPC = *in.VpcConfig
	}
	if in.DeadLetterConfig != nil {
		f.DeadLetters = *in.DeadLetterConfig
	}
	return nil
}

var functionName = whole(`[a-zA-Z0-9_-]{1,64}`)

func (s *lambdaState) createFunction(c *call, in *functionInput) (*functionShown, error) {
	if !functionName.MatchString(in.FunctionName) || in.Role == nil {
		return nil, errf(400, "ValidationException", "a function needs a FunctionName of at most 64 letters, digits, hyphens and underscores, and a Role")
	}
	if _, err := s.find(c, in.FunctionName); err == nil {
		return nil, errf(http.StatusConflict, "ResourceConflictException", "Function already exist: %s", in.FunctionName).with("Type", "User")
	}
	f := Function{Name: in.FunctionName, Account: c.account, Region: c.region, Architecture: "x86_64", Concurrency: hostedProcesses}
	about := functionAbout{}
	if err := in.configure(&f, &about); err != nil {
		return nil, err
	}
	f.standard()
	f.Env = about.variables.pairs()
	f, err := c.source(in.Code, f, &about)
	if err != nil {
		return nil, err
	}
	fn, err := c.cloud.startFunction(f)
	if err != nil {
		return nil, codeError("%v", err)
	}
	fn.describe(about)
	return fn.shown(), nil
}

// prepare gives a function as it is, to be changed; its environment is without the host's.
func (s *lambdaState) prepare(c *call, name string) (*function, Function, functionAbout, error) {
	fn, err := s.find(c, name)
	if err != nil {
		return nil, Function{}, functionAbout{}, err
	}
	f, _ := fn.settings()
	s.mu.Lock()
	defer s.mu.Unlock()
	return fn, f, fn.about, nil
}

func (s *lambdaState) updateFunctionCode(c *call, in *functionInput) (*functionShown, error) {
	fn, f, about, err := s.prepare(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f.Env = about.variables.pairs()
	if f, err = c.source(functionSource{in.ZipFile, in.S3Bucket, in.S3Key, in.S3ObjectVersion}, f, &about); err != nil || in.DryRun {
		return fn.shown(), err
	}
	if err := fn.reconfigure(f); err != nil {
		return nil, codeError("%v", err)
	}
	fn.describe(about)
	return fn.shown(), nil
}

func (s *lambdaState) updateFunctionConfiguration(c *call, in *functionInput) (*functionShown, error) {
	fn, f, about, err := s.prepare(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := in.configure(&f, &about); err != nil {
		return nil, err
	}
	if in.Environment != nil {
		f.Env = slices.Concat(about.variables.pairs(), c.cloud.Host.Env)
	}
	if err := fn.reconfigure(f); err != nil {
		return nil, codeError("%v", err)
	}
	about.modified = c.cloud.Now()
	fn.describe(about)
	return fn.shown(), nil
}

func (s *lambdaState) deleteFunction(c *call, in *functionInput) (*s3Answer, error) {
	fn, err := s.find(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	s.drop(fn)
	return &s3Answer{status: http.StatusNoContent}, nil
}

// invoke calls a function and waits, or with InvocationType Event leaves it to run. Without a payload the
// function gets an empty object.
func (s *lambdaState) invoke(c *call, in *functionInput) (*s3Answer, error) {
	fn, err := s.find(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if len(in.payload) == 0 {
		in.payload = []byte("{}")
	}
	switch in.InvocationType {
	case "DryRun":
		return &s3Answer{status: http.StatusNoContent}, nil
	case "Event":
		return &s3Answer{status: http.StatusAccepted}, c.cloud.invokeLater(fn.home(), fn.Name, in.payload)
	}
	out := &s3Answer{status: http.StatusOK, header: map[string]string{"X-Amz-Executed-Version": "$LATEST", "Content-Type": "application/json"}}
	out.body, err = fn.invoke(c.cloud.running, in.payload, 0)
	if failed, ok := errors.AsType[*FunctionError](err); ok {
		out.header["X-Amz-Function-Error"] = "Unhandled"
		out.body, err = json.Marshal(map[string]string{"errorType": failed.Type, "errorMessage": failed.Message})
	}
	return out, err
}
