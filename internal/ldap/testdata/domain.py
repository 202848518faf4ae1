"""Makes the database of a Samba domain controller: a domain with many people.

domain.py DIRECTORY ADDRESS USERS: corp.test, whose Administrator and svc have the
password in the environment. One transaction each, without waiting for the disk.
"""
import logging
import os
import sys

from samba import dsdb, provision
from samba.auth import system_session
from samba.param import LoadParm

directory, address, users = sys.argv[1], sys.argv[2], int(sys.argv[3])
password = os.environ["PASSWORD"]

conf = os.path.join(directory, "provision.conf")
with open(conf, "w") as f:
    f.write("[global]\nrealm = CORP.TEST\nworkgroup = CORP\nserver role = active directory domain controller\n")
lp = LoadParm()
lp.load(conf)
lp.set("ldb:nosync", "true")
provision.setsysvolacl = lambda *a, **k: None  # of a file server that does not run
db = provision.provision(
    logging.getLogger(), system_session(), smbconf=conf, lp=lp, targetdir=os.path.join(directory, "dc"), realm="CORP.TEST", domain="CORP",
    hostname="dc1", hostip=address, adminpass=password, serverrole="active directory domain controller", dns_backend="NONE",
    dom_for_fun_level=dsdb.DS_DOMAIN_FUNCTION_2008_R2, use_rfc2307=False, batch_mode=True,
).samdb

base = str(db.domain_dn())
people = ["CN=u%05d,OU=People,%s" % (i, base) for i in range(users)]


def group(name, *members):
    g = {"dn": "CN=%s,OU=Groups,%s" % (name, base), "objectClass": "group", "sAMAccountName": name, "groupType": "-2147483646"}
    if members:
        g["member"] = list(members)
    db.add(g)
    return g["dn"]


db.transaction_start()
for ou in "People", "Groups":
    db.add({"dn": "OU=%s,%s" % (ou, base), "objectClass": "organizationalUnit"})
db.add({"dn": "CN=svc,CN=Users,%s" % base, "objectClass": "user", "sAMAccountName": "svc", "userPrincipalName": "svc@corp.test",
        "unicodePwd": ('"%s"' % password).encode("utf-16-le"), "userAccountControl": "66048"})
for i, dn in enumerate(people):
    name = "u%05d" % i
    db.add({"dn": dn, "objectClass": "user", "sAMAccountName": name, "userPrincipalName": name + "@corp.test", "mail": name + "@corp.test",
            "displayName": "User %d" % i, "givenName": "G", "sn": "S%d" % i, "userAccountControl": "544"})
group("half", *people[: users // 2])
inner = people[0]
for depth in 5, 4, 3, 2, 1:
    inner = group("nested%d" % depth, inner)
db.modify_ldif("dn: CN=nested5,OU=Groups,%s\nchangetype: modify\nadd: member\nmember: %s\n" % (base, inner))
db.transaction_commit()
