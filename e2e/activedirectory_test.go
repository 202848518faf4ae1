package e2e

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"studiokeeper/internal/localad"
)

// directoryKey is where a script's Active Directory is kept between commands.
type directoryKey struct{}

// ad is Active Directory as an administrator knows it:
//
//	ad start             starts one, and tells of it in AD_URL, AD_PASSWORD and ca.pem
//	ad group NAME…       makes groups
//	ad hire NAME…        makes people
//	ad join GROUP NAME…  puts people, or groups, into a group
//	ad leave GROUP NAME… takes them out
//	ad disable NAME…     disables accounts
//	ad fire NAME…        deletes them, or groups
func ad(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ad start, group, hire, join, leave, disable or fire, and whom")
	}
	if args[0] == "start" {
		startDirectory(ts)
		return
	}
	domain, started := ts.Value(directoryKey{}).(*directoryHolder)
	if !started || domain.Domain == nil {
		ts.Fatalf("ad start comes first")
	}
	for _, err := range changeDirectory(domain.Domain, args[0], args[1:]) {
		ts.Check(err)
	}
}

// directoryHolder is put into every script's values before it begins.
type directoryHolder struct{ *localad.Domain }

func startDirectory(ts *testscript.TestScript) {
	d, err := localad.New("corp.example")
	ts.Check(err)
	ts.Check(d.AddUser(localad.User{Account: "svc", Password: "s3cret"}))
	c, err := d.Serve(localad.Options{})
	ts.Check(err)
	ts.Defer(func() { _ = c.Close() })
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), d.CA(), 0o600))
	ts.Setenv("AD_URL", c.SecureURL())
	ts.Setenv("AD_PASSWORD", "s3cret")
	ts.Value(directoryKey{}).(*directoryHolder).Domain = d
}

func changeDirectory(d *localad.Domain, what string, names []string) []error {
	var errs []error
	for n, name := range names {
		switch what {
		case "group":
			errs = append(errs, d.AddGroup(localad.Group{Account: name}))
		case "hire":
			errs = append(errs, d.AddUser(localad.User{Account: name, Mail: name + "@corp.example", GivenName: strings.ToUpper(name[:1]) + name[1:], Surname: "Doe", OU: "OU=Staff"}))
		case "disable":
			errs = append(errs, d.Disable(name, true))
		case "fire":
			errs = append(errs, d.Delete(name))
		case "join":
			if n > 0 {
				errs = append(errs, d.AddMember(names[0], name))
			}
		case "leave":
			if n > 0 {
				errs = append(errs, d.RemoveMember(names[0], name))
			}
		}
	}
	return errs
}
