package localcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The doors that have no public API are paths of their own, so that people and
// scripts can go through them with curl:
//
//	POST /_console/<Operation>   what an administrator clicks in Identity Center, access tokens of SCIM included
//	POST /_portal/SignIn         what a person does in the access portal
//	POST /_clock/Advance         moves the cloud's time
//	POST /_clock/Now             tells it
//	POST /_fault/Inject          makes calls fail, as a Fault says
//	POST /_fault/Clear           ends all faults
//
// Bodies and answers are JSON; a refusal is {"error": …}.
const (
	consolePath = "/_console/"
	portalPath  = "/_portal/"
	clockPath   = "/_clock/"
	faultPath   = "/_fault/"
)

// door is the body of every such request; what an operation does not need is left out.
type door struct {
	Account         string `json:"account"` // empty: the cloud's
	Region          string `json:"region"`
	IdentityStoreID string `json:"identityStoreId"`
	UserID          string `json:"userId"`
	GroupID         string `json:"groupId"`
	UserName        string `json:"userName"`
	DisplayName     string `json:"displayName"`
	DomainID        string `json:"domainId"`
	AccessToken     string `json:"accessToken"`
	IdentitySource  string `json:"identitySource"` // external, activeDirectory, or empty: the built-in directory
	Seconds         int    `json:"seconds"`
}

// isDoor reports whether a path leads through one of the doors.
func isDoor(path string) bool {
	return strings.HasPrefix(path, consolePath) || strings.HasPrefix(path, portalPath) || strings.HasPrefix(path, clockPath) ||
		strings.HasPrefix(path, faultPath)
}

// serveDoor answers a request through one of the doors.
func (c *Cloud) serveDoor(w http.ResponseWriter, r *http.Request, body []byte) {
	out, err := c.throughDoor(r, body)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		status := http.StatusBadRequest
		if _, denied := errors.AsType[*SignInDenied](err); denied {
			status = http.StatusForbidden
		}
		w.WriteHeader(status)
		out = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(out) // to a client that has gone
}

func (c *Cloud) throughDoor(r *http.Request, body []byte) (any, error) {
	if r.Method != http.MethodPost {
		return nil, fmt.Errorf("%s is answered to POST only", r.URL.Path)
	}
	if operation, isFault := strings.CutPrefix(r.URL.Path, faultPath); isFault {
		return c.faultDoor(operation, body)
	}
	d := door{Account: c.defaultAccount(), Region: "us-east-1"}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &d); err != nil {
			return nil, fmt.Errorf("the body of %s: %w", r.URL.Path, err)
		}
	}
	switch operation, _ := strings.CutPrefix(r.URL.Path, consolePath); {
	case r.URL.Path == portalPath+"SignIn":
		name, err := c.SignIn(d.Account, d.Region, d.DomainID, d.UserID)
		return map[string]string{"userProfileName": name}, err
	case r.URL.Path == clockPath+"Advance":
		return c.advanceDoor(d)
	case r.URL.Path == clockPath+"Now":
		return map[string]string{"now": c.Now().Format(time.RFC3339Nano)}, nil
	default:
		return c.consoleDoor(operation, d)
	}
}

func (c *Cloud) consoleDoor(operation string, d door) (any, error) {
	if d.IdentityStoreID == "" {
		return nil, errors.New("identityStoreId is missing")
	}
	o := c.Console(d.Account, d.Region, d.IdentityStoreID)
	person := Person{UserName: d.UserName, DisplayName: d.DisplayName}
	done := map[string]string{}
	switch operation {
	case "CreateUser":
		id, err := o.CreateUser(person)
		return map[string]string{"userId": id}, err
	case "CreateGroup":
		id, err := o.CreateGroup(d.DisplayName)
		return map[string]string{"groupId": id}, err
	case "AddMemberToGroup":
		return done, o.AddMemberToGroup(d.GroupID, d.UserID)
	case "RemoveMemberFromGroup":
		return done, o.RemoveMemberFromGroup(d.GroupID, d.UserID)
	case "DisableUser":
		return done, o.DisableUser(d.UserID)
	case "EnableUser":
		return done, o.EnableUser(d.UserID)
	case "UpdateUser":
		return done, o.UpdateUser(d.UserID, person)
	case "UpdateGroup":
		return done, o.UpdateGroup(d.GroupID, d.DisplayName)
	case "DeleteUser":
		return done, o.DeleteUser(d.UserID)
	case "DeleteGroup":
		return done, o.DeleteGroup(d.GroupID)
	case "CreateAccessToken":
		tenant, token, err := c.EnableSCIM(d.Account, d.Region, d.IdentityStoreID)
		return map[string]string{"tenantId": tenant, "path": "/" + tenant + "/scim/v2/", "accessToken": token}, err
	case "DeleteAccessToken":
		return done, c.RevokeSCIM(d.Account, d.Region, d.IdentityStoreID, d.AccessToken)
	case "ChangeIdentitySource":
		return done, c.SetIdentitySource(d.Account, d.Region, d.IdentityStoreID, IdentitySource(d.IdentitySource))
	default:
		return nil, fmt.Errorf("the console has no %q", operation)
	}
}

// faultDoor takes a Fault as JSON, its fields in lower case at the start; delay is in seconds, and effect after
// says that the call is carried out all the same.
func (c *Cloud) faultDoor(operation string, body []byte) (any, error) {
	done := map[string]string{}
	switch operation {
	case "Clear":
		c.ClearFaults()
		return done, nil
	case "Inject":
	default:
		return nil, fmt.Errorf("there is no fault operation %q", operation)
	}
	var asked struct {
		Fault
		Effect string
		Delay  float64
	}
	read := json.NewDecoder(bytes.NewReader(body))
	read.DisallowUnknownFields()
	if err := read.Decode(&asked); err != nil {
		return nil, fmt.Errorf("a fault that cannot be understood: %w", err)
	}
	f := asked.Fault
	f.Delay = time.Duration(asked.Delay * float64(time.Second))
	switch asked.Effect {
	case "", "before":
	case "after":
		f.Effect = After
	default:
		return nil, fmt.Errorf("effect %q: want before or after", asked.Effect)
	}
	if f.Code == "" && f.Answer == "" && f.FailureReason == "" && f.Delay <= 0 && !f.Drop && !f.Truncate {
		return nil, errors.New("a fault that does nothing: give code, answer, failureReason, delay, drop or truncate")
	}
	c.Inject(f)
	return done, nil
}

// advanceDoor only goes forward, as time does.
func (c *Cloud) advanceDoor(d door) (any, error) {
	const tenYears = 10 * 365 * 24 * 3600
	if d.Seconds <= 0 || d.Seconds > tenYears {
		return nil, fmt.Errorf("seconds must be above 0, and at most %d", tenYears)
	}
	c.Advance(time.Duration(d.Seconds) * time.Second)
	return map[string]string{"now": c.Now().Format(time.RFC3339Nano)}, nil
}
