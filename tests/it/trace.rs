//! The code a denied person reads aloud tells the service desk why: what was decided then, whatever the policy
//! is by now.

use crate::broker::{NEZ, Person as Account};
use crate::harness::{CURA, Gateway, Installation};
use crate::origin::Origin;
use crate::person::{Page, Person};
use crate::raw::exchange;
use crate::wait::until;

const PASSWORD: &str = "en lang og god sætning";

#[tokio::test]
async fn the_code_on_a_denial_page_tells_why() {
    let origin = Origin::echo().await;
    let (installation, gateway) = ward(&origin).await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    let page = nez.open(&installation.cura("/admin/people?name=hemmelig")).await;
    assert_eq!(page.reply.status, 403);
    let code = code(&page);

    let told = explained(&installation, &code).await;
    assert_eq!(told, explained(&installation, &code.replace('-', "").to_lowercase()).await);
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with(&format!("{code}   ")), "{told}");
    assert!(lines[0].contains("GET cura.localhost/admin/people   nez (no group) password="), "{told}");
    assert!(lines[0].ends_with("   from 127.0.0.1"), "{told}");
    assert!(told.contains("\n rule  admin   HIT   line 9\n"), "{told}");
    assert!(told.contains("groups  chiefs   rule    line 11   FAIL"), "{told}");
    assert!(told.contains("=> deny groups "), "{told}");
    for secret in ["hemmelig", "__Host", "Cookie"] {
        assert!(!told.contains(secret), "{told}");
    }

    let open = CURA.replace("UPSTREAM", &origin.url());
    installation.policy("cura", &open);
    gateway.logged("a new policy is live").await;
    assert_eq!(nez.open(&installation.cura("/admin/people")).await.reply.status, 200);
    assert_eq!(explained(&installation, &code).await, told, "as it was decided then");
}

#[tokio::test]
async fn a_step_up_has_a_trace_and_a_stranger_at_the_door_has_none() {
    let origin = Origin::echo().await;
    let (installation, _gateway) = ward(&origin).await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    let reply = nez.send("POST", &installation.cura("/pin"), &[("Accept", "application/json")], "").await;
    assert_eq!(reply.status, 401);
    let json: serde_json::Value =
        explained_json(&installation, reply.json()["reference"].as_str().unwrap()).await;
    assert_eq!((&json["user"], &json["transcript"]["outcome"]), (&"nez".into(), &"step_up key(pin)".into()));

    let host = format!("cura.localhost:{}", installation.listen.port());
    let request = format!("GET /home HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let reply = exchange(installation.listen, &request).await;
    assert_eq!(reply.status, 401);
    let code = reply.json()["reference"].as_str().expect("a code").to_owned();
    let output = installation.sluse(["explain", &code], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not known"), "{output:?}");
}

async fn ward(origin: &Origin) -> (Installation, Gateway) {
    let installation = Installation::new(origin);
    let rules = "rules:\n  - name: admin\n    match: { path: /admin/** }\n    require: { groups: chiefs }\n  \
                 - name: pin\n    match: { path: /pin }\n    require: { level: key(pin) }\n";
    let policy = CURA.replace("UPSTREAM", &origin.url()).replace("rules:\n", rules);
    installation.policy("cura", &policy);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let gateway = installation.serve().await;
    (installation, gateway)
}

/// What the page shows to be read aloud.
fn code(page: &Page) -> String {
    let text = page.reply.text();
    let shown = text.split("<p class=\"code\">").nth(1).expect("a code is shown");
    let code = shown.split("<strong>").nth(1).and_then(|rest| rest.split('<').next());
    code.expect("in bold").to_owned()
}

/// It is written in the background.
async fn explained(installation: &Installation, code: &str) -> String {
    explain(installation, &["explain", code]).await
}

async fn explained_json(installation: &Installation, code: &str) -> serde_json::Value {
    let told = explain(installation, &["explain", code, "--format", "json"]).await;
    serde_json::from_str(&told).expect("JSON, as asked for")
}

async fn explain(installation: &Installation, arguments: &[&str]) -> String {
    until("the trace", async || {
        let output = installation.sluse(arguments.iter().copied(), "");
        match output.status.code() {
            Some(0) => Ok(String::from_utf8(output.stdout).expect("sluse writes UTF-8")),
            _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    })
    .await
}
