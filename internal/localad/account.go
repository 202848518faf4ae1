package localad

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// User is a person to be added. What is left out the object does not have.
type User struct {
	Account       string // sAMAccountName, unique in the domain
	Name          string // cn; Account by default
	OU            string // relative to the domain, such as OU=Staff; CN=Users by default. Missing units are made
	PrincipalName string // userPrincipalName; Account@domain by default
	Mail          string
	DisplayName   string
	GivenName     string
	Surname       string
	Password      string // without one nobody can sign in
	Disabled      bool
	Expires       time.Time // zero: never
	Admin         bool      // may change objects over LDAP
}

// The values of userAccountControl and groupType that are used.
const (
	normalAccount      = 0x200
	workstationAccount = 0x1000
	accountDisabled    = 0x2
	globalGroup        = "-2147483646"
	never              = "9223372036854775807"
)

// AddUser adds a person, whose primary group is Domain Users.
func (d *Domain) AddUser(u User) error {
	o := &object{class: userClass, name: either(u.Name, u.Account), password: u.Password, admin: u.Admin}
	o.set("userPrincipalName", either(u.PrincipalName, u.Account+"@"+d.name))
	for name, value := range map[string]string{"mail": u.Mail, "displayName": u.DisplayName, "givenName": u.GivenName, "sn": u.Surname} {
		if value != "" {
			o.set(name, value)
		}
	}
	control := normalAccount
	if u.Disabled {
		control |= accountDisabled
	}
	o.set("userAccountControl", strconv.Itoa(control))
	o.set("accountExpires", fileTime(u.Expires))
	o.set("primaryGroupID", strconv.Itoa(ridUsers))
	return d.add(o, u.Account, either(u.OU, "CN=Users"))
}

// AddComputer adds a machine, which is of the class user too.
func (d *Domain) AddComputer(name string) error {
	o := &object{class: computerClass, name: name}
	o.set("userAccountControl", strconv.Itoa(workstationAccount))
	o.set("accountExpires", never)
	o.set("primaryGroupID", strconv.Itoa(ridComputers))
	return d.add(o, name+"$", "CN=Computers")
}

// AddContact adds an address without an account, and gives its distinguished name.
func (d *Domain) AddContact(name, mail string) (string, error) {
	o := &object{class: contactClass, name: name}
	o.set("mail", mail)
	if err := d.add(o, "", "CN=Users"); err != nil {
		return "", err
	}
	return o.dn(), nil
}

// AddForeign adds the principal that stands for an account of another forest,
// and gives its distinguished name.
func (d *Domain) AddForeign(sid string) (string, error) {
	bytes, err := readSID(sid)
	if err != nil {
		return "", err
	}
	o := &object{class: foreignClass, name: sid, sid: bytes}
	if err := d.add(o, "", "CN=ForeignSecurityPrincipals"); err != nil {
		return "", err
	}
	return o.dn(), nil
}

// add places a new object; those with an account name get a SID of the domain.
func (d *Domain) add(o *object, account, path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if account != "" && d.byName[strings.ToLower(account)] != nil {
		return fmt.Errorf("adding %s: the account name is taken", account)
	}
	parent, err := d.container(path)
	if err != nil {
		return err
	}
	if o.name == "" || parent.children[o.key()] != nil {
		return fmt.Errorf("adding %q: the name is empty, or taken in %s", o.name, parent.dn())
	}
	if account != "" {
		o.set("sAMAccountName", account)
		o.sid = d.sidOf(d.rid)
		d.rid++
		d.byName[strings.ToLower(account)] = o
	}
	d.place(o, parent)
	return nil
}

// Disable disables an account or enables it again.
func (d *Domain) Disable(account string, disabled bool) error {
	return d.change(account, func(o *object) error {
		control, err := strconv.Atoi(o.get("userAccountControl"))
		if err != nil {
			return fmt.Errorf("disabling %s: it is no account", account)
		}
		control &^= accountDisabled
		if disabled {
			control |= accountDisabled
		}
		o.set("userAccountControl", strconv.Itoa(control))
		return nil
	})
}

// Expire has an account expire then; the zero time means never.
func (d *Domain) Expire(account string, at time.Time) error {
	return d.Set(account, "accountExpires", fileTime(at))
}

// Set gives an object an attribute; without values it loses it.
func (d *Domain) Set(name, attribute string, values ...string) error {
	return d.change(name, func(o *object) error {
		if strings.EqualFold(attribute, "sAMAccountName") {
			return d.setAccount(o, values)
		}
		o.set(attribute, values...)
		return nil
	})
}

func (d *Domain) setAccount(o *object, values []string) error {
	if len(values) != 1 || values[0] == "" || d.byName[strings.ToLower(values[0])] != nil {
		return fmt.Errorf("renaming the account %s to %q: want one name that is not taken", o.get("sAMAccountName"), values)
	}
	delete(d.byName, strings.ToLower(o.get("sAMAccountName")))
	d.byName[strings.ToLower(values[0])] = o
	o.set("sAMAccountName", values[0])
	return nil
}

// Rename changes an object's cn, and with it its distinguished name. Its account
// name and principal name stay: see Set.
func (d *Domain) Rename(name, to string) error {
	return d.change(name, func(o *object) error { return o.moveTo(o.parent, to) })
}

// Move puts an object into another container; missing units are made.
func (d *Domain) Move(name, path string) error {
	return d.change(name, func(o *object) error {
		parent, err := d.container(path)
		if err != nil {
			return err
		}
		return o.moveTo(parent, o.name)
	})
}

func (o *object) moveTo(parent *object, name string) error {
	key := fold(o.class.rdn, name)
	if other := parent.children[key]; o.parent == nil || name == "" || other != nil && other != o {
		return fmt.Errorf("moving %s to %q in %s: the name is empty, or taken", o.dn(), name, parent.dn())
	}
	delete(o.parent.children, o.key())
	o.parent, o.name = parent, name
	parent.children[key] = o
	return nil
}

// Delete deletes an object without children. As in Active Directory its
// memberships go with it, and the groups do not count as changed.
func (d *Domain) Delete(name string) error {
	return d.change(name, func(o *object) error {
		if o.parent == nil || len(o.children) > 0 {
			return fmt.Errorf("deleting %s: there are objects below it", o.dn())
		}
		for _, g := range o.memberOf {
			g.members = without(g.members, o)
		}
		for _, m := range o.members {
			m.memberOf = without(m.memberOf, o)
		}
		delete(o.parent.children, o.key())
		delete(d.byGUID, o.guid)
		delete(d.byName, strings.ToLower(o.get("sAMAccountName")))
		o.gone = true
		return nil
	})
}

// change has one object changed and numbered anew.
func (d *Domain) change(name string, what func(*object) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.find(name)
	if o == nil {
		return fmt.Errorf("changing %s: there is no such object", name)
	}
	if err := what(o); err != nil {
		return err
	}
	d.touch(o)
	return nil
}

func without(list []*object, o *object) []*object {
	return slices.DeleteFunc(slices.Clone(list), func(other *object) bool { return other == o })
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// fileTime is a time as Windows counts it: 100 nanoseconds since 1601.
func fileTime(t time.Time) string {
	if t.IsZero() {
		return never
	}
	const until1970 = 11644473600
	return strconv.FormatInt((t.Unix()+until1970)*10_000_000+int64(t.Nanosecond()/100), 10)
}
