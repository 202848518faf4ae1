package ldap_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"studiokeeper/internal/config"
)

// samba is a domain controller of Samba, and what the suite may do there.
type samba struct {
	*testing.T
	dir, ip string
	admin   *goldap.Conn
}

const sambaBase = "DC=corp,DC=test"

// startSamba starts a domain controller of a new domain with so many users, and
// skips the test where Samba cannot run. Where STUDIOKEEPER_DEMAND is set, that
// is a failure.
func startSamba(t *testing.T, users int) *samba {
	t.Helper()
	if why := noSamba(); why != "" {
		if os.Getenv("STUDIOKEEPER_DEMAND") == "1" {
			t.Fatalf("%s, and STUDIOKEEPER_DEMAND=1 demands it", why)
		}
		t.Skip(why)
	}
	dir, err := os.MkdirTemp("", "dc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &samba{T: t, dir: dir, ip: spareAddress(t)}
	s.must(os.CopyFS(filepath.Join(dir, "dc"), os.DirFS(s.database(users))))
	s.configure()
	s.run()
	return s
}

// database is a directory with the database of a new domain. What is made depends on
// nothing but the script and Samba, and making it costs many times what all other tests of
// this package do: it stays in the user's cache, for a week, as passwords expire.
func (s *samba) database(users int) string {
	s.Helper()
	script, err := os.ReadFile("testdata/domain.py")
	s.must(err)
	version, err := exec.Command("/usr/sbin/samba", "--version").Output()
	s.must(err)
	cache, err := os.UserCacheDir()
	s.must(err)
	week := time.Now().Unix() / (7 * 24 * 3600)
	of := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s\n%d", script, version, users, password, week))
	cache = filepath.Join(cache, "studiokeeper-test-domains")
	kept := filepath.Join(cache, fmt.Sprintf("%d-%x", week, of[:8]))
	if _, err := os.Stat(kept); err != nil {
		s.must(os.MkdirAll(cache, 0o700))
		s.forget(cache, week)
		s.provision(cache, kept, users)
	}
	return kept
}

// forget removes the databases of weeks that nobody is still reading.
func (s *samba) forget(cache string, week int64) {
	s.Helper()
	all, err := os.ReadDir(cache)
	s.must(err)
	for _, e := range all {
		var of int64
		if n, _ := fmt.Sscanf(e.Name(), "%d-", &of); n == 1 && of < week-1 {
			s.must(os.RemoveAll(filepath.Join(cache, e.Name())))
		}
	}
}

// provision makes a database beside where it is to be kept, so that nobody finds half of one.
func (s *samba) provision(cache, kept string, users int) {
	s.Helper()
	making, err := os.MkdirTemp(cache, "making")
	s.must(err)
	defer os.RemoveAll(making)
	// Half a minute where nothing else runs; the limit is for those where much does.
	limited, done := context.WithTimeout(s.Context(), 5*time.Minute)
	defer done()
	made := exec.CommandContext(limited, "/usr/bin/python3", "testdata/domain.py", making, "127.0.0.1", fmt.Sprint(users))
	made.Env = append(os.Environ(), "PASSWORD="+password)
	if out, err := made.CombinedOutput(); err != nil {
		s.Fatalf("making a Samba domain: %v\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(making, "dc"), kept); err != nil && !errors.Is(err, fs.ErrExist) {
		s.Fatalf("keeping a Samba domain: %v", err) // that another run was faster is as good
	}
}

// noSamba says why a domain controller cannot run here, or "".
func noSamba() string {
	for _, program := range []string{"/usr/sbin/samba", "/usr/bin/python3"} {
		if _, err := os.Stat(program); err != nil {
			return program + " is not there (install samba-ad-dc and samba-ad-provision)"
		}
	}
	if out, err := exec.Command("/usr/bin/python3", "-c", "import samba.provision").CombinedOutput(); err != nil {
		return "Samba cannot be provisioned: " + strings.TrimSpace(string(out))
	}
	if os.Geteuid() != 0 {
		return "Samba listens on the ports 389 and 636, for which one must be root"
	}
	return ""
}

// spareAddress is a loopback address whose LDAP ports nobody uses: Samba takes no others.
func spareAddress(t *testing.T) string {
	t.Helper()
	for i := range 200 {
		ip := fmt.Sprintf("127.0.%d.%d", 53+i, 1+os.Getpid()%250)
		ldap, err := net.Listen("tcp", ip+":389")
		if err != nil {
			continue
		}
		ldaps, err := net.Listen("tcp", ip+":636")
		ldap.Close()
		if err == nil {
			ldaps.Close()
			return ip
		}
	}
	t.Fatal("no loopback address has its ports 389 and 636 free")
	return ""
}

// configure writes the server's own configuration, and its certificate.
func (s *samba) configure() {
	s.Helper()
	d := filepath.Join(s.dir, "dc")
	for _, sub := range []string{"private/tls", "run", "ncalrpc", "wb", "ntp"} {
		s.must(os.MkdirAll(filepath.Join(d, sub), 0o755))
	}
	conf := `[global]
netbios name = DC1
workgroup = CORP
realm = CORP.TEST
server role = active directory domain controller
server services = ldap
interfaces = IP/8
bind interfaces only = yes
private dir = D/private
state directory = D/state
cache directory = D/cache
lock directory = D
pid directory = D/run
ncalrpc dir = D/ncalrpc
winbindd socket directory = D/wb
ntp signd socket directory = D/ntp
log file = D/log
tls enabled = yes
tls keyfile = tls/key.pem
tls certfile = tls/cert.pem
tls cafile = tls/cert.pem
ldap server require strong auth = yes
ldb:nosync = true
`
	s.must(os.WriteFile(filepath.Join(s.dir, "run.conf"), []byte(strings.NewReplacer("IP", s.ip, "D/", d+"/", "= D\n", "= "+d+"\n").Replace(conf)), 0o600))
	key, certificate := selfSigned(s.T, s.ip)
	s.must(os.WriteFile(filepath.Join(d, "private/tls/key.pem"), key, 0o600))
	s.must(os.WriteFile(filepath.Join(d, "private/tls/cert.pem"), certificate, 0o600))
}

// selfSigned is a key, and a certificate that is its own issuer.
func selfSigned(t *testing.T, ip string) (keyPEM, certificatePEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dc1.corp.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.ParseIP(ip)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
}

// run starts the server, and waits until Administrator can sign in.
func (s *samba) run() {
	s.Helper()
	server := exec.Command("/usr/sbin/samba", "-F", "--no-process-group", "-M", "single", "--configfile="+filepath.Join(s.dir, "run.conf"), "--debug-stdout", "-d1")
	log, err := os.Create(filepath.Join(s.dir, "log"))
	s.must(err)
	server.Stdout, server.Stderr = log, log
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.must(server.Start())
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	s.Cleanup(func() {
		server.Process.Signal(syscall.SIGTERM)
		<-ended
		log.Close()
	})
	for limit := time.Now().Add(20 * time.Second); s.admin == nil; time.Sleep(50 * time.Millisecond) {
		if s.admin, err = s.signIn(); err != nil && time.Now().After(limit) {
			text, _ := os.ReadFile(log.Name())
			s.Fatalf("Samba is not ready: %v\n%s", err, text)
		}
	}
}

func (s *samba) signIn() (*goldap.Conn, error) {
	pool, err := issuersOf(s.ca())
	if err != nil {
		return nil, err
	}
	conn, err := goldap.DialURL("ldaps://"+s.ip, goldap.DialWithTLSConfig(pool))
	if err != nil {
		return nil, err
	}
	if err := conn.Bind("Administrator@corp.test", password); err != nil {
		conn.Close()
		return nil, err
	}
	s.Cleanup(func() { conn.Close() })
	return conn, nil
}

func (s *samba) ca() string { return filepath.Join(s.dir, "dc/private/tls/cert.pem") }

func (s *samba) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// world is the domain as the other tests have theirs.
func (s *samba) world() *world {
	return &world{TB: s.T, config: config.LDAP{
		URLs: []string{"ldaps://" + s.ip}, CAFile: s.ca(), BaseDN: sambaBase, BindDN: "svc@corp.test", PageSize: 1000,
		Attributes: config.Attributes{UserName: "userPrincipalName", Email: "mail", DisplayName: "displayName", GivenName: "givenName", FamilyName: "sn", GroupName: "cn"},
	}}
}

// add makes an object: its DN, and its attributes by turns with their values.
func (s *samba) add(dn string, attributes ...string) {
	s.Helper()
	r := goldap.NewAddRequest(dn, nil)
	for i := 0; i < len(attributes); i += 2 {
		r.Attribute(attributes[i], []string{attributes[i+1]})
	}
	if err := s.admin.Add(r); err != nil {
		s.Fatalf("adding %s: %v", dn, err)
	}
}

// change replaces an attribute's value, or adds to or deletes from its values.
func (s *samba) change(dn, kind, attribute string, values ...string) {
	s.Helper()
	r := goldap.NewModifyRequest(dn, nil)
	switch kind {
	case "add":
		r.Add(attribute, values)
	case "delete":
		r.Delete(attribute, values)
	default:
		r.Replace(attribute, values)
	}
	if err := s.admin.Modify(r); err != nil {
		s.Fatalf("changing %s of %s: %v", attribute, dn, err)
	}
}
