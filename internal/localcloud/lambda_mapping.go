package localcloud

import (
	"context"

	"github.com/google/uuid"
)

// sourceMapping is what makes events of a source a function's.
type sourceMapping struct {
	home  place
	shown mappingShown
	end   context.CancelFunc // nil: it is disabled
}

// mappingShown is what the API shows of a mapping.
type mappingShown struct {
	UUID, EventSourceArn, FunctionArn string
	State                             string
}

// keepMapping remembers a mapping and gives its id; an end of nil: it is disabled.
func (s *lambdaState) keepMapping(home place, shown mappingShown, end context.CancelFunc) string {
	shown.UUID, shown.State = uuid.NewString(), "Enabled"
	if end == nil {
		shown.State = "Disabled"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mappings == nil {
		s.mappings = map[string]*sourceMapping{}
	}
	s.mappings[shown.UUID] = &sourceMapping{home: home, shown: shown, end: end}
	return shown.UUID
}

// keepMappingOf remembers a mapping of a function that is there.
func (c *Cloud) keepMappingOf(function, source string, end context.CancelFunc) error {
	fn, err := c.function(function)
	if err != nil {
		end()
		return err
	}
	c.functions.keepMapping(fn.home(), mappingShown{EventSourceArn: source, FunctionArn: fn.arn}, end)
	return nil
}

// endMapping ends a mapping, if there is one of that id. Invocations under way are not cut off.
func (s *lambdaState) endMapping(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.mappings[id]; m != nil && m.end != nil {
		m.end()
	}
	delete(s.mappings, id)
}

// listEventSourceMappings lists those of a function, of a source, of both, or all.
func (s *lambdaState) listEventSourceMappings(c *call, in *functionInput) (*map[string]any, error) {
	function := ""
	if in.FunctionName != "" {
		function = functionNamed(c, in)[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []mappingShown{}
	for _, id := range sortedKeys(s.mappings) {
		m := s.mappings[id]
		if m.home == c.place() && (function == "" || function == m.shown.FunctionArn) && (in.EventSourceArn == "" || in.EventSourceArn == m.shown.EventSourceArn) {
			list = append(list, m.shown)
		}
	}
	return &map[string]any{"EventSourceMappings": list}, nil
}
