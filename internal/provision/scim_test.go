package provision_test

import (
	"net/http"
	"testing"
	"time"

	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/provision"
	"studiokeeper/internal/scim"
)

// overSCIM writes through the local cloud's automatic provisioning.
func (w *world) overSCIM() {
	w.t.Helper()
	tenant, token, err := w.cloud.EnableSCIM(account, region, storeID)
	w.must(err)
	w.carry.Way = directory.BySCIM
	w.carry.Writer = scim.New(config.SCIM{Endpoint: "https://scim.us-east-1.amazonaws.com/" + tenant + "/scim/v2/"}, token, &http.Client{Transport: localcloud.Transport{Cloud: w.cloud}})
}

func TestSCIMCarriesPeopleThroughTheirWholeTime(t *testing.T) {
	virtually(t, func(w *world) {
		w.overSCIM()
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		w.want("joining", w.run(), []string{
			"addMember alice studio-a: done", "addMember bob studio-a: done", "createGroup studio-a: done", "createUser alice: done", "createUser bob: done",
		})
		w.want("again", w.run(), []string{})
		w.account("bob").Disabled = true
		w.want("leaving", w.run(), []string{"disableUser bob: done", "removeMember bob studio-a: done"})
		w.want("within grace", w.run(), []string{})
		w.account("bob").Disabled = false
		w.want("coming back", w.run(), []string{"addMember bob studio-a: done", "enableUser bob: done"})
		w.account("bob").Disabled = true
		w.run()
		w.cloud.Advance(400 * time.Hour)
		w.want("after grace", w.run(), []string{"deleteUser bob: done"})
		w.want("there", w.there(), []string{"alice studio-a"})
		w.want("again", w.run(), []string{})
	})
}

// Cut off anywhere between the calls of the first run over SCIM, the next run
// makes nobody twice.
func TestSCIMCutOffAnywhereMakesNobodyTwice(t *testing.T) {
	for _, effect := range []localcloud.Effect{localcloud.Before, localcloud.After} {
		for n := range 30 {
			virtually(t, func(w *world) {
				w.overSCIM()
				w.hire("alice", "bob")
				w.group("studio-a", "alice", "bob")
				w.cloud.ResetCalls()
				cutAt(w, n, effect)
				w.want("there", w.there(), []string{"alice studio-a", "bob studio-a"})
			})
		}
	}
}

// An endpoint of another identity store answers that whoever is to be taken out
// of a group is gone: everything would be done, and nobody would have lost anything.
func TestTheEndpointOfAnotherStoreIsNotWrittenTo(t *testing.T) {
	virtually(t, func(w *world) {
		w.overSCIM()
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		w.run()
		w.must(w.cloud.CreateIdentityStore("222233334444", region, "d-90670000aa"))
		tenant, token, err := w.cloud.EnableSCIM("222233334444", region, "d-90670000aa")
		w.must(err)
		w.carry.Writer = scim.New(config.SCIM{Endpoint: "https://scim.us-east-1.amazonaws.com/" + tenant + "/scim/v2/"}, token, &http.Client{Transport: localcloud.Transport{Cloud: w.cloud}})
		w.group("studio-a", "alice")
		_, err = w.try()
		wantError(t, err, provision.ErrElsewhere, "directory.scim.endpoint")
		w.overSCIM()
		w.want("steps", w.run(), []string{"disableUser bob: done", "removeMember bob studio-a: done"})
	})
}
