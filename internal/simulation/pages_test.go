package simulation

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"
)

// What AWS may do with any list, and does with long ones: it answers in pages,
// each as short as it likes. Some worlds are small and answer in pages of one or
// two, so that what comes after a first page counts in them too.

var mostPattern = regexp.MustCompile(`"MaxResults":\d+`)

// paged is a request as it is carried out where pages are short.
func (w *world) paged(operation string, body []byte) []byte {
	_, name, _ := strings.Cut(operation, ".")
	switch {
	case w.story.Page == 0 || name == "ListTags": // which has 50 of a page at least
		return body
	case strings.HasPrefix(name, "List"):
		return mostPattern.ReplaceAll(body, fmt.Appendf(nil, `"MaxResults":%d`, w.story.Page))
	case name == "Scan" && bytes.Contains(body, []byte(`"TableName":"mapping"`)):
		return limited(body, w.story.Page)
	case name == "Scan", name == "Query":
		return limited(body, 4*w.story.Page) // what is remembered is much, and asked for often
	}
	return body
}

func limited(body []byte, most int) []byte {
	if bytes.Contains(body, []byte(`"Limit":`)) {
		return body
	}
	return fmt.Appendf(nil, `{"Limit":%d,%s`, most, body[1:])
}

// tokenPattern finds a token: what it was given for, which differs where ids do, and
// where the list goes on.
var tokenPattern = regexp.MustCompile(`("NextToken":")[A-Za-z0-9_-]{16}`)

// tokenless is a request without what a token says of the list that gave it.
func tokenless(body []byte) []byte {
	if !bytes.Contains(body, []byte(`"NextToken":`)) {
		return body
	}
	return tokenPattern.ReplaceAll(body, []byte("$1"))
}

// further tells whether a call asks for what comes after a page.
func (c call) further() bool {
	return bytes.Contains(c.body, []byte(`"NextToken":`)) || bytes.Contains(c.body, []byte(`"ExclusiveStartKey":`))
}

// concerns tells whether a call is one that weather may befall.
func (o weather) concerns(c call) bool {
	switch {
	case o.Kind == "swallow" || o.Kind == "undeleted":
		return c.operation == o.Kind
	case c.operation == "swallow" || c.operation == "undeleted":
		return false
	}
	return (!o.Later || c.further()) && strings.HasPrefix(c.operation, o.Service)
}

// inPages makes a story one of short pages: people are in several groups, rows of
// several groups count, and further pages fail while people are looked at.
func (s story) inPages(r *rand.Rand) story {
	s.Page, s.Named = 1+r.IntN(2), r.IntN(4) > 0
	for u := range s.Users {
		s.Actions = append(s.Actions, action{At: 6*time.Minute + time.Duration(1+u)*time.Second, Do: "join", User: u, Group: r.IntN(s.Groups + 1)})
	}
	for range 3 {
		clock := 8*time.Minute + time.Duration(r.Int64N(int64(length-15*time.Minute))).Round(time.Second)
		s.Actions = append(s.Actions, action{
			At: clock, Do: "weather", Kind: []string{"error", "throttle", "drop", "cut"}[r.IntN(4)],
			Service: []string{"AWSIdentityStore.", "AWSIdentityStore.", "SageMaker.", "DynamoDB"}[r.IntN(4)], Later: true, N: 400 + r.IntN(500), For: time.Duration(1+r.IntN(4)) * time.Minute,
		})
		for n := range 3 {
			a := s.draw(r, clock+time.Duration(1+10*n)*time.Second)
			a.Do = []string{"join", "leave", "row", "priority"}[r.IntN(4)]
			s.Actions = append(s.Actions, a)
		}
	}
	return s
}
