package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/studio"
)

// answer asks for a flag's value, where there is somebody to ask and the flag is
// not given.
func (s *starter) answer(flag, question string, value *string, wrong func(string) error) error {
	if s.ask == nil || s.given(flag) {
		return nil
	}
	said, err := s.ask.text(question, *value, wrong)
	if err == nil {
		*value = said
	}
	return err
}

// answerAll asks the questions, by flag, in the order of the checks.
func (s *starter) answerAll(questions map[string]string) error {
	for _, c := range s.checks() {
		if questions[c.flag] == "" {
			continue
		}
		if err := s.answer(c.flag, questions[c.flag], c.value, c.wrong); err != nil {
			return err
		}
	}
	return nil
}

// askFirst asks for what AWS is not needed for.
func (s *starter) askFirst() error {
	if s.ask == nil {
		return nil
	}
	s.say("Everything has a default in brackets, which an empty answer takes. Nothing is changed in AWS.")
	err := s.answerAll(map[string]string{
		"deployment": "Name of this installation",
		"mode":       "Mode, observe (writes nothing) or enforce",
	})
	if err != nil || s.given("region") {
		return err
	}
	regions := s.find.Region()
	err = s.answer("region", "Region with Studio domains, or several with commas", &regions, func(said string) error {
		for _, region := range partsOf(said) {
			if err := checkRegion(region); err != nil {
				return err
			}
		}
		return nil
	})
	s.regions = partsOf(regions)
	return err
}

// partsOf are what commas part.
func partsOf(said string) []string {
	parts := strings.Split(said, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// choose settles which domains are looked after and which groups get a row.
func (s *starter) choose(f *findings) error {
	if len(f.domains) == 0 {
		return s.noDomain(*f)
	}
	var err error
	if f.domains, err = s.chooseDomains(*f); err != nil {
		return err
	}
	for _, name := range s.groups {
		g, err := groupNamed(f.groups, name)
		if err != nil {
			return usage("--group: %w", err)
		}
		for _, d := range f.domains {
			if !slices.Contains(f.wanted[d.Name], g) {
				f.wanted[d.Name] = append(f.wanted[d.Name], g)
			}
		}
	}
	if s.ask == nil || s.given("group") || len(f.groups) == 0 {
		return nil
	}
	for _, d := range f.domains {
		s.say("\nGroups that may open %s, each with a role of its own:", d.Name)
		places, err := s.ask.pick("Which", labels(f.groups), noneOfThem)
		if err != nil {
			return err
		}
		for _, at := range places {
			f.wanted[d.Name] = append(f.wanted[d.Name], f.groups[at])
		}
	}
	return nil
}

// noDomain says that there is nothing to write a configuration for; those that
// are there were told of, and why they are left out.
func (s *starter) noDomain(f findings) error {
	none := fmt.Errorf("no Studio domain in %s can be looked after; name other Regions with --region, or use the credentials of the domain's account", strings.Join(s.regions, ", "))
	if err := f.undescribed(); err != nil {
		return errors.Join(none, errors.Unwrap(err)) // not a matter of usage
	}
	return usage("%w", none)
}

func (s *starter) chooseDomains(f findings) ([]studio.Domain, error) {
	var chosen []studio.Domain
	for _, name := range s.domains {
		d, err := f.domainNamed(name)
		if err != nil {
			return nil, usage("--domain: %w", err)
		}
		if !slices.Contains(chosen, d) {
			chosen = append(chosen, d)
		}
	}
	if len(chosen) > 0 {
		return chosen, nil
	}
	if s.ask == nil || len(f.domains) == 1 {
		return f.domains, nil
	}
	names := make([]string, len(f.domains))
	for i, d := range f.domains {
		names[i] = d.Name
		if d.Region != s.regions[0] {
			names[i] += " in " + d.Region
		}
	}
	s.say("\nStudio domains:")
	for len(chosen) == 0 {
		places, err := s.ask.pick("Which", names, allOfThem)
		if err != nil {
			return nil, err
		}
		for _, at := range places {
			chosen = append(chosen, f.domains[at])
		}
	}
	return chosen, nil
}

// domainNamed finds a domain by the name it gets, or by id.
func (f findings) domainNamed(name string) (studio.Domain, error) {
	var names []string
	for _, d := range f.domains {
		if d.Name == name || d.ID == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	for _, l := range f.left {
		if l.Name == name || l.ID == name {
			return studio.Domain{}, fmt.Errorf("%s cannot be looked after: %s", name, l.Why)
		}
	}
	return studio.Domain{}, fmt.Errorf("there is no domain %q (there are: %s)", name, strings.Join(names, ", "))
}

// groupNamed finds a group by display name, or by groupId:<id>.
func groupNamed(groups []awscloud.FoundGroup, name string) (awscloud.FoundGroup, error) {
	ref := studio.ParseGroupRef(name)
	for _, g := range groups {
		if ref.ID != "" && g.ID == ref.ID || ref.ID == "" && g.Name == name {
			return g, nil
		}
	}
	hint := ""
	if nearest := studio.Nearest(name, labels(groups)); nearest != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", nearest)
	}
	return awscloud.FoundGroup{}, fmt.Errorf("there is no group %q among %d%s", name, len(groups), hint)
}

// labels are what people know groups by.
func labels(groups []awscloud.FoundGroup) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = cmp.Or(g.Name, g.ID)
	}
	return names
}

// askLast asks for what depends on what was found, and settles the defaults.
func (s *starter) askLast(f findings) error {
	for flag, arn := range map[string]*string{"role": &s.role, "quarantine-role": &s.quarantine} {
		if !s.given(flag) {
			*arn = strings.Replace(*arn, "arn:aws:", "arn:"+f.partition+":", 1)
		}
	}
	err := s.answerAll(map[string]string{
		"role":            "Role of each group; {account}, {domain} and {group} are filled in",
		"quarantine-role": "Powerless role, which leavers' profiles get",
		"state-table":     "DynamoDB table for the state",
	})
	if err != nil {
		return err
	}
	err = s.answer("mapping-table", "DynamoDB table for rows beside those in the file, or none", &s.mappingTable, func(table string) error {
		if cutNone(table) == "" && len(f.allWanted()) == 0 {
			return errors.New("no group has a row yet, so a table is needed that will hold them")
		}
		return s.checkMappingTable(table)
	})
	if err != nil {
		return err
	}
	s.mappingTable = cutNone(s.mappingTable)
	return s.answer("out", "File", &s.out, s.checkFile)
}

// cutNone reads the word for no table.
func cutNone(table string) string {
	if table == noneOfThem {
		return ""
	}
	return table
}
