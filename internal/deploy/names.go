package deploy

// AlarmNames are the alarms of a deployment.
func AlarmNames() []string {
	var names []string
	for _, a := range append(serviceAlarms(), ownAlarms("")...) {
		names = append(names, alarmPrefix+a.name)
	}
	return append(names, alarmPrefix+noPass)
}

// alarmPrefix begins the name of every alarm.
const alarmPrefix = "studiokeeper-"

// noPass is the alarm that rings when something is missing.
const noPass = "no-pass"
