//! OpenLDAP's slapd as a part of a test: a server of its own, with a folder, ports and a certificate of its own.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use crate::harness::free_addresses;
use crate::process::Process;
use crate::wait::until;

pub struct Slapd {
    folder: TempDir,
    ldap: SocketAddr,
    ldaps: SocketAddr,
    process: Option<Process>,
}

pub const BIND_DN: &str = "cn=sluse,dc=example";
pub const BIND_PASSWORD: &str = "en hemmelighed for prøver";

/// As much of AD's schema as an account's state needs.
const SCHEMA: &str = "
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.159 NAME 'accountExpires' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'adAccount' SUP top AUXILIARY
  MAY ( userAccountControl $ accountExpires ) )
modulepath /usr/lib/ldap
moduleload back_mdb
";

impl Slapd {
    /// With the entries of `ldif` under `dc=example`.
    pub async fn start(ldif: &str) -> Self {
        Self::set_up(ldif, "", "").await
    }

    /// As [`Self::start`], with a password policy (the ppolicy overlay): the entry `cn=policy`.
    pub async fn with_policy(ldif: &str) -> Self {
        let overlay = "overlay ppolicy\nppolicy_default cn=policy,dc=example\nppolicy_use_lockout\n";
        Self::set_up(ldif, "moduleload ppolicy\n", overlay).await
    }

    async fn set_up(ldif: &str, modules: &str, overlays: &str) -> Self {
        let folder = TempDir::new().expect("a folder for the directory");
        let path = folder.path();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let write = |name: &str, text: &str| {
            std::fs::write(path.join(name), text).expect("the folder can be written");
        };
        write("cert.pem", &made.cert.pem());
        write("key.pem", &made.signing_key.serialize_pem());
        write("password", BIND_PASSWORD);
        std::fs::create_dir(path.join("db")).expect("the folder can be written");
        let at = path.display();
        write(
            "slapd.conf",
            &format!(
                "{SCHEMA}{modules}TLSCertificateFile {at}/cert.pem\nTLSCertificateKeyFile {at}/key.pem\n\
                 TLSCACertificateFile {at}/cert.pem\ndatabase mdb\nsuffix dc=example\nrootdn {BIND_DN}\n\
                 rootpw \"{BIND_PASSWORD}\"\ndirectory {at}/db\n{overlays}"
            ),
        );
        let base = "dn: dc=example\nobjectClass: domain\ndc: example\n\n";
        write("data.ldif", &format!("{base}{ldif}"));
        let added = Command::new("/usr/sbin/slapadd")
            .arg("-f")
            .arg(path.join("slapd.conf"))
            .arg("-l")
            .arg(path.join("data.ldif"))
            .output()
            .unwrap_or_else(|error| panic!("no slapadd ({error}); `make deps` installs what is needed"));
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let [ldap, ldaps] = free_addresses();
        let mut slapd = Self { folder, ldap, ldaps, process: None };
        slapd.resume().await;
        slapd
    }

    /// Starts it again after [`Self::stop`].
    pub async fn resume(&mut self) {
        let mut command = Command::new("/usr/sbin/slapd");
        // A debug level keeps it in the foreground.
        command.args(["-d", "0", "-f"]).arg(self.folder.path().join("slapd.conf"));
        command.arg("-h").arg(format!("ldap://{} ldaps://{}", self.ldap, self.ldaps));
        self.process = Some(Process::start(command));
        for address in [self.ldap, self.ldaps] {
            until("slapd to listen", async || {
                tokio::net::TcpStream::connect(address).await.map(drop).map_err(|error| error.to_string())
            })
            .await;
        }
    }

    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Changes entries, as LDIF change records.
    pub fn modify(&self, ldif: &str) {
        let file = self.folder.path().join("change.ldif");
        std::fs::write(&file, ldif).expect("the folder can be written");
        let url = format!("ldap://{}", self.ldap);
        let changed = Command::new("ldapmodify")
            .args(["-x", "-H", &url, "-D", BIND_DN, "-w", BIND_PASSWORD, "-f"])
            .arg(file)
            .output()
            .expect("ldapmodify comes with slapd");
        assert!(changed.status.success(), "{}", String::from_utf8_lossy(&changed.stderr));
    }

    pub fn ldaps(&self) -> String {
        format!("ldaps://{}", self.ldaps)
    }

    /// Where TLS begins by StartTLS.
    pub fn starttls(&self) -> String {
        format!("ldap://{}", self.ldap)
    }

    /// The lines of `sluse.yaml` that make this the directory of `kommune.example`, and of names without a
    /// domain.
    pub fn settings(&self, servers: &[String]) -> String {
        let at = self.folder.path().display();
        let servers: Vec<String> = servers.iter().map(|server| format!("\"{server}\"")).collect();
        format!(
            "directories:\n  kommune:\n    servers: [{}]\n    ca: {at}/cert.pem\n    bind_dn: \"{BIND_DN}\"\n    \
             password_file: {at}/password\n    base: dc=example\n    username: uid\n    display_name: cn\n    \
             domains: [kommune.example, KOMMUNE]\n    default: true\n    claims: {{ unit: departmentNumber }}\n",
            servers.join(", ")
        )
    }
}
