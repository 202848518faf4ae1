package provision_test

import (
	"fmt"
	"testing"
	"time"

	"studiokeeper/internal/reconcile"
)

// people hires n people and puts them into one group.
func (w *world) people(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("u%02d", i))
	}
	w.hire(names...)
	w.group("studio-a", names...)
	return names
}

func TestARunThatTakesTooMuchTakesNothing(t *testing.T) {
	virtually(t, func(w *world) {
		names := w.people(20)
		w.run()
		w.group("studio-a", names[5:]...) // 20 % of 20 are 4
		w.hire("new")
		w.group("studio-b", "new")
		steps := w.run()
		w.want("steps", steps[:8], []string{
			"addMember new studio-b: done", "createGroup studio-b: done", "createUser new: done",
			"removeMember u00 studio-a: held", "removeMember u01 studio-a: held", "removeMember u02 studio-a: held", "removeMember u03 studio-a: held", "removeMember u04 studio-a: held",
		})
		w.want("held", len(w.held()), 5)
		w.cloud.Advance(3 * time.Hour)
		w.group("studio-a", names[4:]...)
		w.run()
		w.want("still held, and the one who is back is not", w.held(), []string{"u00 held", "u01 held", "u02 held", "u03 held"})
	})
}

func TestWhatAPersonApprovesGoesOn(t *testing.T) {
	virtually(t, func(w *world) {
		names := w.people(10)
		w.run()
		w.group("studio-a", names[3:]...)
		w.run()
		w.decide(reconcile.Admitted)
		w.want("approved", w.run(), []string{"removeMember u00 studio-a: done", "removeMember u01 studio-a: done", "removeMember u02 studio-a: done"})
		w.group("studio-a", names[4:]...)
		w.run()
		w.cloud.Advance(time.Minute)
		w.want("there", len(w.there()), 10)
		w.group("studio-a", names[5:]...)
		w.want("the limit is open again", w.run(), []string{"removeMember u04 studio-a: done"})
	})
}

func TestWhomAPersonKeepsIsKept(t *testing.T) {
	virtually(t, func(w *world) {
		names := w.people(10)
		w.run()
		w.group("studio-a", names[3:]...)
		w.run()
		w.decide(reconcile.Rejected)
		w.want("rejected", w.run(), []string{"removeMember u00 studio-a: held", "removeMember u01 studio-a: held", "removeMember u02 studio-a: held"})
		w.group("studio-a", names[4:]...)
		w.want("others may go", w.run()[3:], []string{"removeMember u03 studio-a: done"})
	})
}

// Somebody who leaves several groups, and is deleted later, is counted once.
func TestEverybodyIsCountedOnce(t *testing.T) {
	virtually(t, func(w *world) {
		names := w.people(10)
		w.group("studio-b", names...)
		w.group("studio-c", names...)
		w.run()
		w.account("u00").Disabled = true
		w.account("u01").Disabled = true
		w.want("two of ten, from three groups each", len(w.run()), 6)
		w.cloud.Advance(400 * time.Hour)
		w.account("u02").Disabled = true
		w.account("u03").Disabled = true
		w.run()
		w.want("left", len(w.there()), 8)
	})
}

// The grace of whoever is held has not begun.
func TestWhoIsHeldIsNotDeletedAfterGrace(t *testing.T) {
	virtually(t, func(w *world) {
		names := w.people(10)
		w.run()
		for _, name := range names[:5] {
			w.account(name).Disabled = true
		}
		w.run()
		w.cloud.Advance(400 * time.Hour)
		w.decide(reconcile.Admitted)
		w.run()
		w.run()
		w.want("there", len(w.there()), 10)
		w.cloud.Advance(400 * time.Hour)
		w.run()
		w.want("after grace", len(w.there()), 5)
	})
}
