//! A child process of a test: what it prints is kept, and it and its own children end with the value.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use tokio::sync::watch;

use crate::wait::{PAUSE, until, within};

pub struct Process {
    name: String,
    child: Child,
    printed: watch::Sender<Vec<String>>,
}

impl Process {
    /// Starts `command` as the leader of a process group of its own, so that ending it reaches what it
    /// started (a driver's browser) and nothing else.
    pub fn start(mut command: Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{name} does not start ({error}); `make deps` installs what is needed")
            });
        let printed = watch::Sender::new(Vec::new());
        collect(child.stdout.take().expect("stdout is piped"), printed.clone());
        collect(child.stderr.take().expect("stderr is piped"), printed.clone());
        Self { name, child, printed }
    }

    /// The first value that `read` finds in a line printed so far or from now on, on either stream.
    pub async fn printed<T>(&self, what: &str, read: impl Fn(&str) -> Option<T>) -> T {
        let mut lines = self.printed.subscribe();
        let found = async {
            loop {
                if let Some(value) = lines.borrow_and_update().iter().find_map(|line| read(line)) {
                    return value;
                }
                lines.changed().await.expect("the sender lives in self");
            }
        };
        let found_or_closed = async {
            tokio::select! {
                biased;
                value = found => value,
                () = self.closed() => panic!("{} ended before {what}; it printed:\n{}", self.name, self.output()),
            }
        };
        within(what, found_or_closed).await
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything printed so far, on both streams.
    pub fn output(&self) -> String {
        self.printed.borrow().join("\n")
    }

    /// `SIGKILL`, this very moment: what a power cut leaves behind. Returns when it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.signal("KILL");
        let _ = self.child.wait();
    }

    /// Asks it to end (`SIGTERM`) and waits until it has.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.exit().await
    }

    /// Sends `name` (without `SIG`) to the process and everything it started.
    pub fn signal(&self, name: &str) {
        // The shell's own `kill` is on every Debian; a safe one for groups is not in std.
        let group = format!("kill -s {name} -- -{}", self.child.id());
        let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
    }

    /// Waits until it ends by itself.
    pub async fn exit(&mut self) -> ExitStatus {
        let name = self.name.clone();
        until(&format!("{name} to end"), async || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("still running".into()),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    /// Whether it has ended and printed all it will.
    pub fn ended(&self) -> bool {
        // One sender a stream, and this one.
        self.printed.sender_count() == 1
    }

    async fn closed(&self) {
        while !self.ended() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn collect(stream: impl Read + Send + 'static, printed: watch::Sender<Vec<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            printed.send_modify(|lines| lines.push(line));
        }
    });
}

#[tokio::test]
async fn dropping_a_process_ends_what_it_started() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "sleep 600 & echo child $!; wait"]);
    let process = Process::start(shell);
    let child: u32 =
        process.printed("the child's number", |line| line.strip_prefix("child ")?.parse().ok()).await;
    let alive = || std::path::Path::new(&format!("/proc/{child}/cmdline")).exists();
    assert!(alive());
    drop(process);
    until("the child to end", async || if alive() && !zombie(child) { Err("alive".into()) } else { Ok(()) })
        .await;
}

/// Ended, but not yet collected by whoever adopted it.
fn zombie(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}
