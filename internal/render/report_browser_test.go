package render_test

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/render"
)

var (
	rowOf   = regexp.MustCompile(`(?s)<tr class="s-[a-z]+"><td><bdi[^>]*>(.*?)</bdi>`)
	countOf = regexp.MustCompile(`<p id="count" role="status">(.*?)</p>`)
	titleOf = regexp.MustCompile(`<title>(.*?)</title>`)
	headOf  = regexp.MustCompile(`data-c="([a-z]+)"[^>]* aria-sort="([a-z]+)"`)
)

// users are the users of the rows that are shown, without what all share.
func users(dom string) []string {
	var out []string
	for _, m := range rowOf.FindAllStringSubmatch(dom, -1) {
		out = append(out, strings.TrimSuffix(html.UnescapeString(m[1]), "@example.com"))
	}
	return out
}

func first(re *regexp.Regexp, text string) string {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return html.UnescapeString(strings.Join(m[1:], " "))
}

func page(t testing.TB, r plan.AccessReport) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := render.ReportHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPageSortsAndFiltersByItsFragment(t *testing.T) {
	plain := page(t, report())
	for _, c := range []struct {
		fragment, count, sort string
		want                  []string
	}{
		{"", "Showing all 11 lines", "", []string{
			"alice", "bob", "carol", "dave", "erin", "04c8e458-a021-702e-f9d1-7f430ff2c706", "<img src=x onerror=alert(1)>",
			"</script><script>alert(2)</script>", `=HYPERLINK("http://evil.example")`, "שרה", "山田太郎",
		}},
		{"#sort=since&standing=entitled", "Showing 4 of 11 lines: standing “entitled”", "since ascending", []string{"שרה", "bob", "alice", "山田太郎"}},
		{"#sort=-since&filter=STUDIO%2FS", "Showing 5 of 11 lines: filter “STUDIO/S”", "since descending", []string{"alice", "bob", "erin", "<img src=x onerror=alert(1)>", "04c8e458-a021-702e-f9d1-7f430ff2c706"}},
		{"#group=science&role=" + account + "studio%2Fscience&domain=research&sort=user", "Showing 3 of 11 lines: domain “research”, role “" + account + "studio/science”, group “science”", "user ascending",
			[]string{"04c8e458-a021-702e-f9d1-7f430ff2c706", "alice", "erin"}},
	} {
		t.Run(c.fragment, func(t *testing.T) {
			got := dom(t, plain, c.fragment)
			if d := cmp.Diff(c.want, users(got)); d != "" {
				t.Errorf("shown (-want +got):\n%s", d)
			}
			if n, s := first(countOf, got), first(headOf, got); n != c.count || s != c.sort {
				t.Errorf("count %q, want %q; sorted %q, want %q", n, c.count, s, c.sort)
			}
		})
	}
}

// acting is the page with a script of the test's own, which its policy would
// not let in.
func acting(t *testing.T, page []byte, script string) []byte {
	t.Helper()
	open := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAll(page, nil)
	if len(open) == len(page) {
		t.Fatal("the page has no content security policy")
	}
	return bytes.Replace(open, []byte("</body>"), []byte("<script>"+script+"</script></body>"), 1)
}

func TestPageAnswersToClicksAndTyping(t *testing.T) {
	got := dom(t, acting(t, page(t, report()), `
		const head = [...document.querySelectorAll('#lines th button')].find((b) => b.textContent === 'User');
		head.click();
		head.click();
		const form = document.getElementById('controls').elements;
		const choose = (name, value, event) => { form[name].value = value; form[name].dispatchEvent(new Event(event)); };
		choose('standing', 'entitled', 'change');
		choose('filter', 'example.com', 'input');
		choose('group', 'science', 'change');
		const shown = [...document.querySelectorAll('#lines tbody tr')].map((r) => r.cells[0].firstElementChild.textContent);
		const said = [location.hash, ...shown];
		document.querySelector('#controls button').click();
		document.title = [...said, location.hash, document.getElementById('count').textContent].join(' ');`), "")
	want := "#sort=-user&standing=entitled&filter=example.com&group=science 山田太郎@example.com bob@example.com alice@example.com #sort=-user Showing all 11 lines"
	if d := cmp.Diff(want, first(titleOf, got)); d != "" {
		t.Errorf("chosen, shown and cleared (-want +got):\n%s", d)
	}
	if n := len(users(got)); n != 11 {
		t.Errorf("cleared, %d lines are shown", n)
	}
}

func TestPageLetsNoOtherScriptIn(t *testing.T) {
	evil := bytes.Replace(page(t, report()), []byte("</body>"), []byte(`<script>document.title = 'evil'</script><img src=x onerror="document.title = 'evil'"></body>`), 1)
	got := dom(t, evil, "")
	if strings.Contains(got, "<title>evil") || !strings.Contains(got, `class="ready"`) {
		t.Errorf("the page's own script ran: %v, another's: %v", strings.Contains(got, `class="ready"`), strings.Contains(got, "<title>evil"))
	}
}

// large is a report of many lines.
func large(n int) plan.AccessReport {
	r := report()
	r.Access = nil
	for i := range n {
		r.Access = append(r.Access, access(i%90+10, fmt.Sprintf("user%05d@example.com", i*7919%n), fmt.Sprintf("group-%03d", i%120)))
	}
	return r
}

// With very many lines, a sort and a filter each take a fraction of a second.
func TestPageOfTwentyThousandLinesDoesNotFreeze(t *testing.T) {
	got := dom(t, acting(t, page(t, large(20_000)), `
		const button = (name) => [...document.querySelectorAll('#lines th button')].find((b) => b.textContent === name);
		const timed = (act) => { const at = performance.now(); act(); document.body.offsetHeight; return Math.round(performance.now() - at); };
		const filter = document.getElementById('controls').elements.filter;
		const took = [timed(() => button('User').click()), timed(() => button('Role').click()), timed(() => button('Role').click()),
			timed(() => { filter.value = 'user1234'; filter.dispatchEvent(new Event('input')); })];
		document.title = took.join(' ');`), "")
	took := first(titleOf, got)
	t.Logf("milliseconds to sort by user, by role, the other way, and to filter: %s", took)
	var ms [4]int
	if _, err := fmt.Sscan(took, &ms[0], &ms[1], &ms[2], &ms[3]); err != nil {
		t.Fatalf("%q: %v", took, err)
	}
	for i, n := range ms {
		if n > 3000 { // far from what it takes, so that a busy machine does not fail it
			t.Errorf("step %d took %d ms", i, n)
		}
	}
	if n := len(users(got)); n != 10 {
		t.Errorf("%d lines are shown, want 10", n)
	}
}
