//! The gateway itself, as an administrator has it: a folder, a command, a process that may be killed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::broker::{Broker, CLIENT_ID, CLIENT_SECRET, Person};
use crate::origin::Origin;
use crate::process::Process;
use crate::raw::exchange;
use crate::wait::until;

/// Runs `sluse` with `arguments` until it ends by itself.
pub fn sluse<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    run(Command::new(SLUSE).args(arguments), "")
}

const SLUSE: &str = env!("CARGO_BIN_EXE_sluse");

/// Where a broker sends people back to, under the login host.
const MITID_CALLBACK: &str = "/mitid/callback";

/// A folder with a configuration, policies and a store. Outlives the gateways started on it.
pub struct Installation {
    folder: TempDir,
    /// Where people reach the login host and the apps.
    pub listen: SocketAddr,
    /// Where `/metrics`, `/health` and `/ready` are.
    pub admin: SocketAddr,
}

impl Installation {
    /// One that protects `origin` as `cura.localhost` under the policy [`CURA`], and has no MitID.
    pub fn new(origin: &Origin) -> Self {
        let [listen, admin] = free_addresses();
        let installation =
            Self { folder: TempDir::new().expect("a folder for the installation"), listen, admin };
        installation.write("sluse.key", "a key for tests, which protects nothing at all");
        installation.write("sluse.yaml", &installation.settings(""));
        installation.policy("cura", &CURA.replace("UPSTREAM", &origin.url()));
        installation
    }

    /// As [`Self::new`], with a broker of its own: see [`Broker::start`].
    pub async fn with_broker(origin: &Origin) -> (Self, Broker) {
        let installation = Self::new(origin);
        let broker = Broker::start(&installation.login(MITID_CALLBACK)).await;
        installation.trust(&broker.issuer);
        (installation, broker)
    }

    /// As [`Self::new`], with a broker that is said to be at `issuer`.
    pub fn with_issuer(origin: &Origin, issuer: &str) -> Self {
        let installation = Self::new(origin);
        installation.trust(issuer);
        installation
    }

    /// Writes a configuration with MitID by the broker at `issuer`.
    pub fn trust(&self, issuer: &str) {
        let secret = self.write("mitid.secret", CLIENT_SECRET);
        let secret = secret.display();
        let mitid = format!(
            "  mitid: {{ preset: neb, issuer: \"{issuer}\", client_id: {CLIENT_ID}, client_secret_file: {secret} }}\n"
        );
        self.write("sluse.yaml", &self.settings(&mitid));
    }

    /// Writes `policies/NAME.yaml`.
    pub fn policy(&self, name: &str, yaml: &str) {
        self.write(&format!("policies/{name}.yaml"), yaml);
    }

    /// Changes a file of the folder: `from`, which must be there, becomes `to`.
    pub fn change(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path().join(name)).expect("the file can be read");
        assert!(text.contains(from), "{name} has no {from:?}:\n{text}");
        self.write(name, &text.replace(from, to));
    }

    /// Writes a file of the folder, its folders too, and gives its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let parent = path.parent().expect("the file lies in the folder");
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, text))
            .expect("the folder can be written");
        path
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `path` under the login host, as a browser asks for it.
    pub fn login(&self, path: &str) -> String {
        self.url("login.localhost", path)
    }

    /// `path` under Cura, as a browser asks for it.
    pub fn cura(&self, path: &str) -> String {
        self.url("cura.localhost", path)
    }

    pub fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.listen.port())
    }

    /// Runs `sluse … --config` on this installation, with `input` on its standard input.
    pub fn sluse<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, input: &str) -> Output {
        run(self.command(arguments).current_dir(self.path()), input)
    }

    /// As [`Self::sluse`], for what must succeed: what it said on standard output.
    pub fn succeed<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, input: &str) -> String {
        let output = self.sluse(arguments, input);
        assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("sluse writes UTF-8")
    }

    /// Adds a person with a password, and a CPR number if they have one.
    pub fn enrol(&self, person: &Person, password: &str) {
        let mut add = vec!["user", "add", person.user, "--name", person.name];
        add.extend(person.cpr.map(|_| "--cpr-stdin"));
        self.succeed(add, person.cpr.unwrap_or_default());
        self.succeed(["user", "set-password", person.user], password);
    }

    /// A one-time code for registering a key.
    pub fn invite(&self, person: &Person) -> String {
        let answer = self.succeed(["invite", person.user, "--format", "json"], "");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("it was asked for JSON");
        answer["code"].as_str().expect("an invitation has a code").to_owned()
    }

    /// The audit, oldest first.
    pub fn audit(&self) -> Vec<Value> {
        let said = self.succeed(["audit", "list", "--limit", "10000", "--format", "json"], "");
        let mut rows: Vec<Value> = serde_json::from_str(&said).expect("JSON, as asked for");
        rows.reverse();
        rows
    }

    /// The audit's rows about `event`, oldest first.
    pub fn events(&self, event: &str) -> Vec<Value> {
        self.audit().into_iter().filter(|row| row["event"] == event).collect()
    }

    /// Starts the gateway and waits until it is ready.
    pub async fn serve(&self) -> Gateway {
        self.started(self.command(["serve"])).await
    }

    /// As [`Self::serve`], on a disk that [`Gateway::disk_holds`] can fill.
    pub async fn serve_on_small_disk(&self) -> Gateway {
        let serve = self.command(["serve"]);
        let mut command = Command::new("sh");
        // A write past the limit then fails, as on a full disk, and does not end the process.
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(serve.get_program())
            .args(serve.get_args());
        self.started(command).await
    }

    /// Starts a gateway that should refuse to start: its exit code, and all it said.
    pub async fn serve_in_vain(&self) -> (Option<i32>, String) {
        let mut process = Process::start(self.command(["serve"]));
        let status = process.exit().await;
        until("the last words", async || if process.ended() { Ok(()) } else { Err("open".into()) }).await;
        (status.code(), process.output())
    }

    async fn started(&self, command: Command) -> Gateway {
        let process = Process::start(command);
        let gateway = Gateway { process, listen: self.listen, admin: self.admin };
        gateway.ready().await;
        gateway
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(SLUSE);
        command.args(arguments).arg("--config").arg(self.path().join("sluse.yaml"));
        command
    }

    /// The content of `sluse.yaml`, with these lines under `methods:`.
    pub fn settings(&self, mitid: &str) -> String {
        let Self { listen, admin, .. } = self;
        let (login, folder) = (self.login(""), self.path().display());
        format!(
            "login: {login}\nlisten: {listen}\nadmin: {admin}\nstore: \"sqlite:{folder}/sluse.db\"\n\
             key_file: {folder}/sluse.key\nmethods:\n  password: {{}}\n  key: {{ rp_id: login.localhost }}\n{mitid}\
             levels:\n  basic: password\n  strong: password + ({strong})\n",
            strong = if mitid.is_empty() { "key" } else { "key | mitid" },
        )
    }
}

/// Everything asks for `strong`, except the assets.
pub const CURA: &str = "\
version: 1
app: cura
title: { da: Cura, en: Cura }
hosts: [cura.localhost]
upstream: UPSTREAM
floor:
  - require: { level: strong }
rules:
  - name: assets
    match: { path: /assets/**, method: [GET, HEAD] }
    public: true
  - name: rest
    match: { path: /** }
";

/// `sluse serve`, running.
pub struct Gateway {
    process: Process,
    listen: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// Waits until a log line contains `words`; the line.
    pub async fn logged(&self, words: &str) -> String {
        self.process.printed(words, |line| line.contains(words).then(|| line.to_owned())).await
    }

    /// From now on no file of its can grow past so many bytes, or all can again.
    pub fn disk_holds(&self, bytes: Option<u64>) {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let limit = [format!("--pid={}", self.process.id()), format!("--fsize={soft}:unlimited")];
        let set = Command::new("prlimit").args(limit).status();
        assert!(set.expect("prlimit comes with every Debian").success());
    }

    /// A power cut: `SIGKILL`, at once.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// `SIGTERM`, then its exit status.
    pub async fn terminate(mut self) -> ExitStatus {
        self.process.terminate().await
    }

    /// `SIGTERM`, and no waiting.
    pub fn tell_to_stop(&self) {
        self.process.signal("TERM");
    }

    /// Waits until it ends by itself; its exit status.
    pub async fn ended(mut self) -> ExitStatus {
        self.process.exit().await
    }

    /// Asks it to read its policies again.
    pub fn reload(&self) {
        self.process.signal("HUP");
    }

    async fn ready(&self) {
        let ready = until("the gateway to be ready", async || {
            if self.process.ended() { Ok(false) } else { is_ready(self.listen, self.admin).await }
        });
        assert!(ready.await, "the gateway ended instead of getting ready:\n{}", self.log());
    }
}

/// Whether a gateway at these addresses answers; why not, if it does not yet.
pub async fn is_ready(listen: SocketAddr, admin: SocketAddr) -> Result<bool, String> {
    // Nothing listens at first, and not both begin at once.
    for address in [listen, admin] {
        tokio::net::TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    }
    let reply = exchange(admin, "GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    if reply.status == 200 { Ok(true) } else { Err(format!("{}: {}", reply.status, reply.text())) }
}

/// `sluse demo`, running.
pub struct Demo {
    pub listen: SocketAddr,
    process: Process,
}

impl Demo {
    /// Starts it on a port of its own and waits until its front page answers.
    pub async fn start() -> Self {
        let [listen] = free_addresses();
        let mut command = Command::new(SLUSE);
        command.args(["demo", "--listen", &listen.to_string()]);
        let demo = Self { listen, process: Process::start(command) };
        let front =
            format!("GET / HTTP/1.1\r\nHost: login.localhost:{}\r\nConnection: close\r\n\r\n", listen.port());
        let up = until("the demo to answer", async || {
            if demo.process.ended() {
                return Ok(false);
            }
            tokio::net::TcpStream::connect(listen).await.map_err(|error| error.to_string())?;
            let reply = exchange(listen, &front).await;
            if reply.status == 200 { Ok(true) } else { Err(format!("{}: {}", reply.status, reply.text())) }
        });
        assert!(up.await, "the demo ended instead of starting:\n{}", demo.output());
        demo
    }

    pub fn login(&self, path: &str) -> String {
        format!("http://login.localhost:{}{path}", self.listen.port())
    }

    pub fn cura(&self, path: &str) -> String {
        format!("http://cura.localhost:{}{path}", self.listen.port())
    }

    /// What it has printed and logged so far.
    pub fn output(&self) -> String {
        self.process.output()
    }
}

/// Loopback addresses nobody listens on, each different.
///
/// Below the range from which the kernel takes the ports of outgoing connections: none of those can have an
/// address by the time a gateway wants it, however many tests run at once.
pub fn free_addresses<const N: usize>() -> [SocketAddr; N] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 22_000;
    // Runs of other suites on the same machine begin elsewhere.
    let start = u16::try_from(std::process::id() * 101 % u32::from(COUNT)).expect("smaller than COUNT");
    [(); N].map(|()| {
        let candidates = std::iter::repeat_with(|| {
            let offset = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
            SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST + (start + offset) % COUNT))
        });
        let mut free = candidates.take(COUNT.into()).filter(|address| TcpListener::bind(address).is_ok());
        free.next().expect("loopback has free ports")
    })
}

fn run(command: &mut Command, input: &str) -> Output {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cargo has built sluse");
    // A command that reads nothing may have ended already.
    let _ = child.stdin.take().expect("stdin is piped").write_all(input.as_bytes());
    child.wait_with_output().expect("the command ends")
}
