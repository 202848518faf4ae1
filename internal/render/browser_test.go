package render_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// chromiumPath finds Chromium. Where STUDIOKEEPER_DEMAND is set, one that is
// missing is a failure.
func chromiumPath(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("STUDIOKEEPER_DEMAND") != "" {
		t.Fatal("chromium is demanded here, and missing")
	}
	t.Skip("there is no chromium to open the page in (apt-get install chromium)")
	return ""
}

// browser is one Chromium for all tests, driven through its DevTools protocol:
// JSON values that end in a zero byte, on pipes.
type browser struct {
	cmd  *exec.Cmd
	dir  string
	in   *os.File
	out  *bufio.Reader
	last int
}

// shared is started by the first test that opens a page, and ended by TestMain.
var shared struct {
	sync.Mutex
	*browser
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.browser != nil {
		shared.end()
	}
	os.Exit(code)
}

// dom opens a page at a fragment, and answers it as it stands when it is done.
func dom(t testing.TB, page []byte, fragment string) string {
	t.Helper()
	path := chromiumPath(t)
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.browser == nil {
		b, err := startBrowser(path)
		if err != nil {
			t.Fatalf("chromium: %v", err)
		}
		shared.browser = b
	}
	out, err := shared.dom((&url.URL{Scheme: "file", Path: file}).String() + fragment)
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return out
}

func startBrowser(path string) (*browser, error) {
	dir, err := os.MkdirTemp("", "studiokeeper-chromium-")
	if err != nil {
		return nil, err
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+dir, "--remote-debugging-pipe")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	err = cmd.Start()
	_, _ = theirIn.Close(), theirOut.Close()
	return &browser{cmd: cmd, dir: dir, in: in, out: bufio.NewReader(out)}, errors.Join(err, out.SetReadDeadline(time.Now().Add(5*time.Minute)))
}

func (b *browser) end() {
	if b.call("", "Browser.close", nil, nil) != nil {
		_ = b.cmd.Process.Kill()
	}
	_ = b.cmd.Wait()
	_ = b.in.Close()
	_ = os.RemoveAll(b.dir)
}

// whenLoaded is the page after its load event.
const whenLoaded = `new Promise((done) => {
	const dump = () => setTimeout(() => done(document.documentElement.outerHTML));
	document.readyState === 'complete' ? dump() : addEventListener('load', dump);
})`

// dom opens a page in a tab of its own.
func (b *browser) dom(page string) (string, error) {
	var made struct{ TargetID string }
	if err := b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}, &made); err != nil {
		return "", err
	}
	var attached struct{ SessionID string }
	if err := b.call("", "Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &attached); err != nil {
		return "", err
	}
	tab := attached.SessionID
	if err := b.call(tab, "Page.navigate", map[string]any{"url": page}, nil); err != nil {
		return "", err
	}
	var evaluated struct{ Result struct{ Value string } }
	if err := b.call(tab, "Runtime.evaluate", map[string]any{"expression": whenLoaded, "awaitPromise": true}, &evaluated); err != nil {
		return "", err
	}
	return evaluated.Result.Value, b.call("", "Target.closeTarget", map[string]any{"targetId": made.TargetID}, nil)
}

// message is what Chromium says: an answer, which has the call's id, or an event.
type message struct {
	ID     int
	Result json.RawMessage
	Error  *struct{ Message string }
}

// call calls a method of the browser, or of a tab's session.
func (b *browser) call(session, method string, params, result any) error {
	b.last++
	id := b.last
	request := map[string]any{"id": id, "method": method}
	if session != "" {
		request["sessionId"] = session
	}
	if params != nil {
		request["params"] = params
	}
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := b.in.Write(append(text, 0)); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if err := b.await(id, result); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

// await reads up to a call's answer.
func (b *browser) await(id int, result any) error {
	for {
		text, err := b.out.ReadBytes(0)
		if err != nil {
			return err
		}
		var m message
		if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &m); err != nil {
			return err
		}
		switch {
		case m.ID != id:
		case m.Error != nil:
			return errors.New(m.Error.Message)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(m.Result, result)
		}
	}
}
