package localcloud

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A write is one checked change of one item, ready to be tried: by itself, or within a transaction.
type write struct {
	table  *table
	key    string
	when   *condition
	next   func(old attributes) (attributes, error) // the new item; nil deletes; may be nil for a mere check
	onFail types.ReturnValuesOnConditionCheckFailure
}

// outcome is an item before and after a write.
type outcome struct{ old, new attributes }

// try works out what the write would do, and changes nothing.
func (w *write) try() (outcome, error) {
	old := w.table.get(w.key)
	if !w.when.holds(old) {
		e := errf(400, "ConditionalCheckFailedException", "The conditional request failed")
		if w.onFail == types.ReturnValuesOnConditionCheckFailureAllOld && old != nil {
			e = e.with("Item", wireItem(old))
		}
		return outcome{}, e
	}
	if w.next == nil {
		return outcome{old, old}, nil
	}
	item, err := w.next(old)
	return outcome{old, item}, err
}

// commit carries out what try worked out.
func (w *write) commit(o outcome) {
	switch {
	case w.next == nil:
	case o.new == nil:
		w.table.delete(w.key)
	default:
		w.table.put(w.key, o.new)
	}
}

func (w *write) do() (outcome, error) {
	o, err := w.try()
	if err == nil {
		err = commitAll([]*write{w}, []outcome{o})
	}
	return o, err
}

func (t *table) putWrite(item attributes, x *expressions, when *string) (*write, error) {
	canon, err := canonical(item)
	if err != nil {
		return nil, invalidf("%v", err)
	}
	key, err := t.itemKey(canon)
	if err != nil {
		return nil, err
	}
	if err := checkItem(canon); err != nil {
		return nil, err
	}
	w := &write{table: t, key: key, next: func(attributes) (attributes, error) { return canon, nil }}
	w.when, err = x.condition("ConditionExpression", when)
	return w, err
}

func (t *table) deleteWrite(key attributes, x *expressions, when *string) (*write, error) {
	w, err := t.checkWrite(key, x, when)
	if err == nil {
		w.next = func(attributes) (attributes, error) { return nil, nil }
	}
	return w, err
}

func (t *table) checkWrite(key attributes, x *expressions, when *string) (*write, error) {
	stored, _, err := t.keyOf(key)
	if err != nil {
		return nil, err
	}
	w := &write{table: t, key: stored}
	w.when, err = x.condition("ConditionExpression", when)
	return w, err
}

func (t *table) updateWrite(key attributes, x *expressions, expression, when *string) (*write, *update, error) {
	stored, canon, err := t.keyOf(key)
	if err != nil {
		return nil, nil, err
	}
	w := &write{table: t, key: stored}
	u, err := x.update(expression)
	if err != nil {
		return nil, nil, err
	}
	if u != nil {
		for _, at := range u.paths() {
			if canon[at[0].name] != nil {
				return nil, nil, invalidf("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", at[0].name)
			}
		}
	}
	w.next = func(old attributes) (attributes, error) {
		if old == nil {
			old = canon
		}
		item, err := u.apply(old)
		if err == nil {
			err = checkItem(item)
		}
		return item, err
	}
	w.when, err = x.condition("ConditionExpression", when)
	return w, u, err
}

// write carries out PutItem and DeleteItem, which may return the old item or nothing.
func (d *dynamoState) write(c *call, name *string, back types.ReturnValue, ph placeholders, onFail types.ReturnValuesOnConditionCheckFailure, build func(*table, *expressions) (*write, error)) (outcome, error) {
	if back != "" && back != types.ReturnValueNone && back != types.ReturnValueAllOld {
		return outcome{}, invalidf("Return values set to invalid value")
	}
	x, err := newExpressions(ph.names, ph.values, ph.present)
	if err != nil {
		return outcome{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(c, name)
	if err != nil {
		return outcome{}, err
	}
	w, err := build(t, x)
	if err != nil {
		return outcome{}, err
	}
	if err := x.unused(); err != nil {
		return outcome{}, err
	}
	w.onFail = onFail
	return w.do()
}
