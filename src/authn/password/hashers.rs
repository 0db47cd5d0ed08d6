//! The threads that hash. They run when nobody else wants the core: people who are inside go before those who log in.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use argon2::Block;

/// How much they give way (setpriority(2), which is a thread's own on Linux): a busy thread beside one of these gets
/// nine tenths of their core.
pub(super) const NICE: i32 = 10;

/// A piece of work, with the memory of the thread that does it.
type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

/// Dropped, they finish what is queued and end.
pub(super) struct Hashers(Sender<Job>);

impl Hashers {
    pub fn start(threads: usize) -> Self {
        let (sender, jobs) = mpsc::channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..threads {
            let jobs = Arc::clone(&jobs);
            // Where a thread cannot be had its share of the work waits for the others; without any, jobs are dropped.
            if let Err(error) =
                thread::Builder::new().name("sluse-hash".to_owned()).spawn(move || work(&jobs))
            {
                tracing::error!(%error, "a thread for passwords cannot be started");
            }
        }
        Self(sender)
    }

    pub fn run(&self, job: impl FnOnce(&mut Vec<Block>) + Send + 'static) {
        // Without a thread there is no receiver: the job is dropped, and whoever waits for its answer sees that.
        let _ = self.0.send(Box::new(job));
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    if let Err(error) = give_way() {
        tracing::debug!(%error, "passwords are hashed at the usual priority");
    }
    // Reused, so that no hash waits for 19 MiB to be mapped in.
    let mut memory = Vec::new();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(&mut memory),
            Err(_) => return,
        }
    }
}

/// From where the process stands; the last is 19.
fn give_way() -> rustix::io::Result<()> {
    let usual = rustix::process::getpriority_process(None)?;
    rustix::process::setpriority_process(None, usual.saturating_add(NICE).min(19))
}
