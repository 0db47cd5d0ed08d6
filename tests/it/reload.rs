//! A policy that changes while people work: all of it, or nothing, and not one request the worse for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::{CURA, Installation};
use crate::origin::Origin;
use crate::raw::{Connection, Reply, exchange};
use crate::wait::until;

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
