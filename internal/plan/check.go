package plan

// CheckStatus is how a check of the installation ended.
type CheckStatus string

// The statuses of checks.
const (
	CheckOK   CheckStatus = "OK"
	CheckSkip CheckStatus = "SKIP" // it could not be told; Found says why
	CheckFail CheckStatus = "FAIL"
)

// Check is what one check of the installation found.
type Check struct {
	Name    string      `json:"name"`
	Subject string      `json:"subject"` // the domain it is about; "" for the whole installation
	Status  CheckStatus `json:"status"`
	Found   string      `json:"found"`
	Remedy  string      `json:"remedy,omitempty"` // a command, or what else to do
}

// Checkup is all checks, in the order in which they are shown.
type Checkup struct {
	Deployment string  `json:"deployment"`
	Checks     []Check `json:"checks"`
}

// Count is how many checks ended so.
func (c Checkup) Count(status CheckStatus) int {
	n := 0
	for _, one := range c.Checks {
		if one.Status == status {
			n++
		}
	}
	return n
}
