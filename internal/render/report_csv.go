package render

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"studiokeeper/internal/plan"
)

// ReportColumns are the columns of ReportCSV. New ones are only ever added at
// the end.
func ReportColumns() []string {
	return []string{
		"domain", "domainId", "userId", "userName", "userStatus", "profile", "profileStatus", "ssoUser", "role", "defaultRole", "mappedRole",
		"group", "groupId", "row", "since", "verified", "standing", "leavingSince", "until", "deployment", "remark",
	}
}

// ReportCSV writes the lines of a report as RFC 4180 wants it, with a header. A
// cell that a spreadsheet would take for a formula begins with an apostrophe.
func ReportCSV(w io.Writer, r plan.AccessReport) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(ReportColumns()) // its errors show in Error
	for _, a := range r.Access {
		cells := accessCells(a)
		for i := range cells {
			cells[i] = harmless(cells[i])
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

func accessCells(a plan.Access) []string {
	at := func(t time.Time) string { return moment(t, time.RFC3339) }
	return []string{
		a.Domain, a.DomainID, a.UserID, a.UserName, a.UserStatus, a.Profile, a.ProfileStatus, a.SSOUser, a.Role, strconv.FormatBool(a.DefaultRole), a.MappedRole,
		a.Group, a.GroupID, a.Row, at(a.Since), at(a.Verified), string(a.Standing), at(a.LeavingSince), at(a.Until), a.Deployment, a.Remark,
	}
}
