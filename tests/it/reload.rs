//! A policy that changes while people work: all of it, or nothing, and not one request the worse for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::broker::{Broker, NEZ};
use crate::harness::{CURA, Gateway, Installation, free_addresses};
use crate::origin::Origin;
use crate::person::Person;
use crate::raw::{Connection, Reply, exchange};
use crate::wait::until;

const PASSWORD: &str = "en lang og god sætning";

fn installation(origin: &Origin) -> Installation {
    let installation = Installation::new(origin);
    installation.write("sluse.key", &"k".repeat(64));
    installation
}

/// Asks Cura for a public file.
async fn asset(listen: SocketAddr) -> Reply {
    let host = format!("cura.localhost:{}", listen.port());
    exchange(listen, &format!("GET /assets/a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await
}

async fn told(admin: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let reply = exchange(admin, &request).await;
    assert_eq!(reply.status, 200, "{path}");
    reply.text()
}

#[tokio::test]
async fn a_changed_file_is_live_without_being_asked() {
    let origin = Origin::echo().await;
    let installation = installation(&origin);
    let gateway = installation.serve().await;
    assert_eq!(asset(installation.listen).await.status, 200);
    let closed = CURA.replace("UPSTREAM", &origin.url()).replace("    public: true\n", "");
    installation.policy("cura", &closed);
    gateway.logged("a new policy is live").await;
    assert_eq!(asset(installation.listen).await.status, 401);
}

#[tokio::test]
async fn a_broken_file_costs_no_request_and_is_told() {
    let origin = Origin::echo().await;
    let installation = installation(&origin);
    let gateway = installation.serve().await;
    let (listen, admin) = (installation.listen, installation.admin);
    let done = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let done = done.clone();
            tokio::spawn(async move {
                let request =
                    format!("GET /assets/a HTTP/1.1\r\nHost: cura.localhost:{}\r\n\r\n", listen.port());
                let mut connection = Connection::open(listen).await;
                let mut statuses = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    connection.send(&request).await;
                    statuses.push(connection.reply().await.status);
                }
                statuses
            })
        })
        .collect();
    assert_eq!(told(admin, "/ready").await, "ready\n");

    installation
        .policy("cura", &CURA.replace("UPSTREAM", &origin.url()).replace("level: strong", "level: stong"));
    gateway.reload();
    let line = gateway.logged("the policy is not loaded").await;
    assert!(line.contains("there is no method or level `stong`") && line.contains("cura.yaml"), "{line}");
    until("the metric to tell", async || {
        let failed = told(admin, "/metrics").await.contains("\nsluse_policy_reload_failed 1\n");
        if failed { Ok(()) } else { Err("it does not".to_owned()) }
    })
    .await;
    assert!(told(admin, "/ready").await.contains("stale policy"));

    installation.policy("cura", &CURA.replace("UPSTREAM", &origin.url()));
    gateway.reload();
    gateway.logged("a new policy is live").await;
    until("the metric to forget", async || {
        let mended = told(admin, "/metrics").await.contains("\nsluse_policy_reload_failed 0\n");
        if mended { Ok(()) } else { Err("it does not".to_owned()) }
    })
    .await;
    assert_eq!(told(admin, "/ready").await, "ready\n");

    done.store(true, Ordering::Relaxed);
    for statuses in load {
        let statuses = statuses.await.expect("the load goes on");
        assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == 200));
    }
    let audit = installation.succeed(["audit", "list"], "");
    assert!(audit.contains("policy-refused") && audit.contains("policy-loaded"), "{audit}");
}

/// Methods come and go with the configuration, and with them what people are offered.
#[tokio::test]
async fn methods_are_set_up_while_it_runs() {
    let origin = Origin::echo().await;
    let installation = installation(&origin);
    installation.enrol(&NEZ, PASSWORD);
    let gateway = installation.serve().await;
    let settings = |methods: &str| {
        let text = installation.settings("");
        let (head, _) = text.split_once("methods:").expect("it has some");
        installation.write("sluse.yaml", &format!("{head}methods:{methods}"));
    };
    let mut nez = Person::at(&installation);
    let page = nez.open(&installation.cura("/x")).await;
    assert!(!page.reply.text().contains("MitID"), "{}", page.reply.text());
    let to_broker = installation.login("/mitid");
    assert_eq!(nez.post_form(&to_broker, &page.hidden()).await.status, 404);

    // A broker that was not there at start.
    let broker = Broker::start(&installation.login("/mitid/callback")).await;
    installation.trust(&broker.issuer);
    reloaded(&installation, &gateway, 1).await;
    let page = nez.open(&installation.cura("/x")).await;
    assert!(page.reply.text().contains("MitID"));
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    let callback = nez.callback(&page, &broker, &NEZ).await;
    let page = nez.open(&callback).await;
    nez.go_on(&page).await;
    assert_eq!(nez.get(&installation.cura("/x")).await.status, 200, "strong is open to MitID now");

    // What the broker is asked for is another thing from one login to the next.
    let elsewhere = free_addresses::<1>()[0];
    installation.change("sluse.yaml", &broker.issuer, &format!("http://{elsewhere}"));
    reloaded(&installation, &gateway, 2).await;
    let mut other = Person::at(&installation);
    let page = other.open(&installation.cura("/x")).await;
    let page = other.log_in(&page, NEZ.user, PASSWORD).await;
    let reply = other.post_form(&to_broker, &page.hidden()).await;
    assert_ne!(reply.status, 303, "the broker of before is asked no more");

    // No secret, no broker; and then nothing changes, the levels neither.
    let before = std::fs::read_to_string(installation.path().join("sluse.yaml")).expect("it can be read");
    std::fs::remove_file(installation.path().join("mitid.secret")).expect("it was there");
    installation.change("sluse.yaml", "strong: password + (key | mitid)", "strong: password");
    let line = gateway.logged("`methods` cannot be set up").await;
    assert!(line.contains("mitid.secret"), "{line}");
    assert_eq!(other.get(&installation.cura("/x")).await.status, 303, "a password is not enough");
    installation.write("sluse.yaml", &before);

    // Passwords may go as well.
    settings("\n  key: { rp_id: login.localhost }\nlevels:\n  basic: key\n  strong: key\n");
    reloaded(&installation, &gateway, 3).await;
    let mut last = Person::at(&installation);
    let page = last.open(&installation.cura("/x")).await;
    let form = [("username".to_owned(), NEZ.user.to_owned()), ("password".to_owned(), PASSWORD.to_owned())];
    let reply = last.post_form(&page.resolve("/login"), &form).await;
    assert_eq!(reply.status, 404);
    assert!(last.cookie("login.localhost", "__Host-sluse").is_none());
    let rows = installation.events("policy-loaded");
    assert!(rows.iter().all(|row| row["detail"]["needs_restart"] == ""), "{rows:?}");
}

/// What only a start can change is left as it is, and named.
#[tokio::test]
async fn what_needs_a_restart_is_named() {
    let origin = Origin::echo().await;
    let installation = installation(&origin);
    let gateway = installation.serve().await;
    let text = installation.settings("");
    let [listen] = free_addresses();
    let changed = text
        .replace(&format!("listen: {}", installation.listen), &format!("listen: {listen}"))
        .replace("sluse.db", "other.db");
    installation.write("sluse.yaml", &format!("{changed}trusted_proxies: 127.0.0.1/32\n"));
    let line = gateway.logged("changes that only count from the next start").await;
    let told: serde_json::Value = serde_json::from_str(&line).expect("the log is JSON");
    assert_eq!(
        (told["keys"].as_str(), told["level"].as_str()),
        (Some("listen, store, trusted_proxies"), Some("WARN"))
    );
    assert_eq!(asset(installation.listen).await.status, 200, "it listens where it did");
    installation.write("sluse.yaml", &text);
    let row = installation.events("policy-loaded").pop().expect("it is recorded");
    assert_eq!(row["detail"]["needs_restart"], "listen, store, trusted_proxies");
}

/// Waits until the audit has heard of so many reloads.
async fn reloaded(installation: &Installation, gateway: &Gateway, times: usize) {
    let heard = async || match installation.events("policy-loaded").len() {
        count if count >= times => Ok(()),
        count => Err(format!("{count} of {times}:\n{}", gateway.log())),
    };
    until("the reload", heard).await;
}

/// What `serve` logs is what `diff --replay` reads.
#[tokio::test]
async fn its_own_log_is_decided_on_again() {
    let origin = Origin::echo().await;
    let installation = installation(&origin);
    let gateway = installation.serve().await;
    assert_eq!(asset(installation.listen).await.status, 200);
    gateway.logged("\"path\":\"/assets/a\"").await;
    let log = installation.write("access.log", &format!("{}\n", gateway.log()));
    let text = CURA.replace("UPSTREAM", &origin.url());
    let same = installation.write("same/cura.yaml", &text);
    let closed = text.replace("rules:", "deny:\n  - { name: shut, match: { path: /assets/** } }\nrules:");
    // The rule that opened it can never match now.
    let (head, rules) = closed.split_once("  - name: assets").expect("the policy opens its assets");
    let rest = rules.split_once("  - name: rest").expect("and has a rule for the rest").1;
    let closed = installation.write("closed/cura.yaml", &format!("{head}  - name: rest{rest}"));
    let diff = |new: &std::path::Path| {
        let (new, log) = (new.display().to_string(), log.display().to_string());
        installation.sluse(["diff", "policies", &new, "--replay", &log], "")
    };
    let output = diff(&same);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!((output.status.code(), told.as_str()), (Some(0), "0 of 1 request would change\n"));
    let output = diff(&closed);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("allow assets") && told.contains("deny shut"), "{told}");
}
