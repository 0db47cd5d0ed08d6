//! The gateway as a part of the test, whose clock it goes by.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use pingora::server::{RunArgs, ShutdownSignal, ShutdownSignalWatch};
use sluse::config::Config;
use sluse::policy::file;
use sluse::random::SystemRandom;
use sluse::server::{Extras, Gateway, World};
use sluse::time::{Clock as _, ManualClock, SystemClock, Timestamp};
use tokio::sync::Notify;

use crate::harness::{Installation, is_ready};
use crate::wait::until;

/// Serves until dropped.
pub struct InProcess {
    clock: Arc<ManualClock>,
    stop: Arc<Notify>,
    serving: Option<JoinHandle<()>>,
}

impl InProcess {
    /// From the time it is, standing still.
    pub async fn serve(installation: &Installation) -> Self {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let stop = Arc::new(Notify::new());
        let path = installation.path().join("sluse.yaml");
        let world = World { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let shutdown_signal = Box::new(Stop(stop.clone()));
        // It brings its own runtimes.
        let serving = std::thread::spawn(move || {
            let config = Config::load(&path).expect("the configuration is right");
            let policy = file::load(&config.policies, &config).expect("the policies are right");
            let gateway = Gateway::build(&config, policy, world, Extras::default()).expect("it starts");
            gateway.run(RunArgs { shutdown_signal });
        });
        let (listen, admin) = (installation.listen, installation.admin);
        until("the gateway to be ready", async || is_ready(listen, admin).await).await;
        Self { clock, stop, serving: Some(serving) }
    }

    /// Lets time pass.
    pub fn after(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// What clocks in Denmark will show then: `2026-11-22 15:30`.
    pub fn clock_shows(&self, after: Duration) -> String {
        let then = jiff::Timestamp::from_millisecond(self.clock.now().plus(after).as_millis());
        let then = then.expect("a moment of this century").in_tz("Europe/Copenhagen");
        then.expect("the time zones are compiled in").strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Lets time pass until so long before clocks show `time`.
    pub fn until(&self, time: &str, before: Duration) {
        let then = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M", time).expect("as clock_shows writes it");
        let then = then.in_tz("Europe/Copenhagen").expect("the time zones are compiled in");
        let then = Timestamp::from_millis(then.timestamp().as_millisecond());
        self.after(then.minus(before).since(self.clock.now()));
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.stop.notify_one();
        let ended = self.serving.take().expect("taken here alone").join();
        assert!(ended.is_ok() || std::thread::panicking(), "the gateway panicked");
    }
}

struct Stop(Arc<Notify>);

#[async_trait]
impl ShutdownSignalWatch for Stop {
    async fn recv(&self) -> ShutdownSignal {
        self.0.notified().await;
        ShutdownSignal::FastShutdown
    }
}
