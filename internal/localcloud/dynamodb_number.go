package localcloud

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// DynamoDB's limits of a number: significant digits, and the powers of ten between which its magnitude lies.
const (
	maxDigits   = 38
	minExponent = -130
	maxExponent = 125
)

// A decimal is an exact DynamoDB number, 0.digits × 10^exp. Digits have neither leading nor trailing
// zeros, so that a number has one form; zero has no digits.
type decimal struct {
	neg    bool
	digits string
	exp    int
}

// parseDecimal reads a number as DynamoDB does: decimal digits, an optional point, an optional exponent.
func parseDecimal(s string) (decimal, error) {
	var d decimal
	mantissa, exp, hasExp := cutExponent(s)
	if hasExp {
		n, err := strconv.Atoi(exp)
		if err != nil || len(exp) > 6 {
			return d, errors.New("The parameter cannot be converted to a numeric value: " + s)
		}
		d.exp = n
	}
	if mantissa != "" && (mantissa[0] == '-' || mantissa[0] == '+') {
		d.neg, mantissa = mantissa[0] == '-', mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return d, errors.New("The parameter cannot be converted to a numeric value: " + s)
	}
	d.digits, d.exp = whole+fraction, d.exp+len(whole)
	d = d.normal()
	return d, d.check()
}

func cutExponent(s string) (mantissa, exp string, ok bool) {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func (d decimal) normal() decimal {
	trimmed := strings.TrimLeft(d.digits, "0")
	d.exp -= len(d.digits) - len(trimmed)
	d.digits = strings.TrimRight(trimmed, "0")
	if d.digits == "" {
		return decimal{}
	}
	return d
}

func (d decimal) check() error {
	switch {
	case d.digits == "":
		return nil
	case len(d.digits) > maxDigits:
		return errors.New("Attempting to store more than 38 significant digits in a Number")
	case d.exp-1 > maxExponent:
		return errors.New("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case d.exp-1 < minExponent:
		return errors.New("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	return nil
}

// String writes the number without an exponent, as DynamoDB returns it.
func (d decimal) String() string {
	var s string
	switch n := len(d.digits); {
	case n == 0:
		return "0"
	case d.exp <= 0:
		s = "0." + strings.Repeat("0", -d.exp) + d.digits
	case d.exp >= n:
		s = d.digits + strings.Repeat("0", d.exp-n)
	default:
		s = d.digits[:d.exp] + "." + d.digits[d.exp:]
	}
	if d.neg {
		return "-" + s
	}
	return s
}

// sortable encodes the number so that encoded numbers compare, byte by byte, as numbers do.
func (d decimal) sortable() string {
	if d.digits == "" {
		return "\x80"
	}
	exp := d.exp + 1024
	b := append([]byte{0x81, byte(exp >> 8), byte(exp)}, d.digits...)
	if !d.neg {
		return string(b)
	}
	for i := range b {
		b[i] = ^b[i]
	}
	return string(append(b, 0xff))
}

func (d decimal) compare(e decimal) int { return strings.Compare(d.sortable(), e.sortable()) }

// add gives d + e, or d - e, exactly; the result must again be a DynamoDB number.
func (d decimal) add(e decimal, minus bool) (decimal, error) {
	e.neg = e.neg != minus
	scale := min(d.exp-len(d.digits), e.exp-len(e.digits))
	sum := new(big.Int).Add(d.scaled(scale), e.scaled(scale))
	text := new(big.Int).Abs(sum).String()
	out := decimal{neg: sum.Sign() < 0, digits: text, exp: len(text) + scale}.normal()
	return out, out.check()
}

// scaled gives the number as a whole multiple of 10^scale.
func (d decimal) scaled(scale int) *big.Int {
	if d.digits == "" {
		return new(big.Int)
	}
	n, _ := new(big.Int).SetString(d.digits+strings.Repeat("0", d.exp-len(d.digits)-scale), 10)
	if d.neg {
		n.Neg(n)
	}
	return n
}
