//! Nodemailer's `smtp-server` in a node process of its own, with a certificate made for the test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::json;

use crate::harness::{Installation, free_addresses};
use crate::process::Process;
use crate::wait::until;

const USER: &str = "sluse";
const PASSWORD: &str = "en hemmelighed for postvæsenet";

/// How TLS begins.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    Implicit,
    StartTls,
    /// It is asked for, and not offered.
    Absent,
}

pub struct Smtp {
    address: SocketAddr,
    tls: Encryption,
    cert: String,
    key: String,
    process: Option<Process>,
}

/// A mail, as it arrived.
#[derive(Clone, Debug, Deserialize)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Who the sender was to the server.
    pub user: Option<String>,
    pub secure: bool,
    /// The header fields.
    pub head: String,
    pub text: String,
}

impl Smtp {
    pub async fn start(tls: Encryption) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let [address] = free_addresses();
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let mut smtp = Self { address, tls, cert, key, process: None };
        smtp.resume().await;
        smtp
    }

    /// Starts it again after [`Self::stop`], without the mails it had.
    pub async fn resume(&mut self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
        assert!(folder.join("node_modules/smtp-server").exists(), "`make deps` installs the mail server");
        let setup = json!({
            "port": self.address.port(),
            "secure": self.tls == Encryption::Implicit,
            "tls": self.tls != Encryption::Absent,
            "cert": self.cert,
            "key": self.key,
            "user": USER,
            "pass": PASSWORD,
        });
        let mut command = Command::new("node");
        command.current_dir(folder).arg("smtp.mjs").arg(setup.to_string());
        let process = Process::start(command);
        process.printed("the mail server", |line| (line == "listening").then_some(())).await;
        self.process = Some(process);
    }

    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Makes it the installation's, with `more` lines under `mail`. What it trusts is `ca`, else its certificate.
    pub fn serve(&self, installation: &Installation, ca: Option<&str>, more: &str) {
        let scheme = if self.tls == Encryption::Implicit { "smtps" } else { "smtp" };
        let ca = installation.write("mail-ca.pem", ca.unwrap_or(&self.cert));
        let password = installation.write("mail.secret", PASSWORD);
        let mail = format!(
            "mail:\n  server: {scheme}://localhost:{}\n  from: Sluse <noreply@kommune.example>\n  \
             username: {USER}\n  password_file: {}\n  ca: {}\n{more}methods:\n",
            self.address.port(),
            password.display(),
            ca.display()
        );
        installation.change("sluse.yaml", "methods:\n", &mail);
    }

    /// Every mail that has arrived.
    pub fn mails(&self) -> Vec<Mail> {
        let printed = self.process.as_ref().map(Process::output).unwrap_or_default();
        let lines = printed.lines().filter_map(|line| line.strip_prefix("mail "));
        lines.map(|line| serde_json::from_str(line).expect("a mail is JSON")).collect()
    }

    /// Waits until so many have arrived: all of them.
    pub async fn arrived(&self, count: usize) -> Vec<Mail> {
        until("mail", async || {
            let mails = self.mails();
            if mails.len() >= count {
                Ok(mails)
            } else {
                Err(format!("{} of {count}: {mails:?}", mails.len()))
            }
        })
        .await
    }
}

impl Mail {
    /// The value of a header field; an encoded one is as it was sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split("\r\n");
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}
