package localcloud

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// formDecoder fills SDK structures from the parameters of the query protocol: A.B is a member of a
// structure, A.member.1 the first of a list.
type formDecoder struct {
	form url.Values
	constraints
}

func (d *formDecoder) structure(to reflect.Value, prefix string) error {
	for i := range to.NumField() {
		field := to.Type().Field(i)
		if !field.IsExported() || field.Name == "ResultMetadata" {
			continue
		}
		if err := d.value(to.Field(i), prefix+field.Name); err != nil {
			return err
		}
	}
	return nil
}

// value fills one member, if the form has it.
func (d *formDecoder) value(to reflect.Value, name string) error {
	switch {
	case to.Kind() == reflect.Slice:
		return d.list(to, name)
	case !d.there(name):
		return nil
	case to.Kind() == reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return d.value(to.Elem(), name)
	case to.Kind() == reflect.Struct:
		return d.structure(to, name+".")
	}
	return d.scalar(to, name, d.form.Get(name))
}

// there reports whether the form has the member or a part of it.
func (d *formDecoder) there(name string) bool {
	if d.form.Has(name) {
		return true
	}
	for key := range d.form {
		if strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}

func (d *formDecoder) list(to reflect.Value, name string) error {
	for n := 1; ; n++ {
		at := fmt.Sprintf("%s.member.%d", name, n)
		if !d.there(at) {
			return nil
		}
		item := reflect.New(to.Type().Elem()).Elem()
		if err := d.value(item, at); err != nil {
			return err
		}
		to.Set(reflect.Append(to, item))
	}
}

func (d *formDecoder) scalar(to reflect.Value, name, text string) error {
	malformed := func(want string) error {
		return errf(http.StatusBadRequest, "MalformedInput", "%s: %q is no %s", name, text, want)
	}
	switch to.Kind() {
	case reflect.String:
		to.SetString(text)
		d.enumeration(to, text, lowerFirst(name))
	case reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, to.Type().Bits())
		if err != nil {
			return malformed("whole number")
		}
		to.SetInt(n)
	case reflect.Bool:
		yes, err := strconv.ParseBool(text)
		if err != nil {
			return malformed("boolean")
		}
		to.SetBool(yes)
	default:
		return malformed("member that the local cloud can read")
	}
	return nil
}

// writeXMLMembers writes the members of an SDK structure that are set.
func writeXMLMembers(b *bytes.Buffer, from reflect.Value) {
	for i := range from.NumField() {
		field, name := from.Field(i), from.Type().Field(i).Name
		if !from.Type().Field(i).IsExported() || name == "ResultMetadata" || unset(field) {
			continue
		}
		fmt.Fprintf(b, "<%s>", name)
		writeXMLValue(b, field)
		fmt.Fprintf(b, "</%s>", name)
	}
}

// unset tells a member that is not set. Plain booleans and numbers are always there.
func unset(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func writeXMLValue(b *bytes.Buffer, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch at, isTime := v.Interface().(time.Time); {
	case isTime:
		b.WriteString(at.UTC().Format(time.RFC3339))
	case v.Kind() == reflect.Struct:
		writeXMLMembers(b, v)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			b.WriteString("<member>")
			writeXMLValue(b, v.Index(i))
			b.WriteString("</member>")
		}
	case v.Kind() == reflect.Map:
		writeXMLEntries(b, v)
	default:
		b.WriteString(escapeXML(fmt.Sprint(v.Interface())))
	}
}

func writeXMLEntries(b *bytes.Buffer, v reflect.Value) {
	for entries := v.MapRange(); entries.Next(); {
		fmt.Fprintf(b, "<entry><key>%s</key><value>", escapeXML(entries.Key().String()))
		writeXMLValue(b, entries.Value())
		b.WriteString("</value></entry>")
	}
}
