//! Security events as those who look after them have them: confirmed, collected, forgotten in time.

use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::broker::{NEZ, OLE, Person as Account};
use crate::harness::Installation;
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::Person;
use crate::raw::{Reply, exchange};
use crate::wait::until;

const PASSWORD: &str = "en lang og god sætning";
const TOKEN: &str = "5c6e0f7a9d3b4412a8f1e6d2c7b90345";

#[tokio::test]
async fn a_row_changed_behind_the_gateways_back_is_found() {
    let installation = Installation::new(&Origin::echo().await);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    // The gateway and the commands write to one chain.
    let gateway = installation.serve().await;
    let mut nez = Person::at(&installation);
    let page = nez.open(&installation.login("/login")).await;
    nez.log_in(&page, NEZ.user, "et forkert kodeord").await;
    installation.enrol(&Account { cpr: None, ..OLE }, PASSWORD);
    let confirmed = installation.succeed(["audit", "verify"], "");
    assert!(confirmed.starts_with("5 rows, the newest 5:"), "{confirmed}");
    assert!(gateway.terminate().await.success());

    change(&installation, "UPDATE audit SET username = 'ole' WHERE event = 'password-wrong'").await;
    let output = installation.sluse(["audit", "verify"], "");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.starts_with("row 3 does not follow from the row before it"), "{told}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 fault"), "{output:?}");
}

#[tokio::test]
async fn a_collector_with_the_token_gets_every_row_once() {
    let installation = Installation::new(&Origin::echo().await);
    let file = installation.write("siem.token", &format!("{TOKEN}\n"));
    let setting = format!("audit: {{ token_file: {} }}\nmethods:\n", file.display());
    installation.change("sluse.yaml", "methods:\n", &setting);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let _gateway = installation.serve().await;
    let first = collect(&installation, "?limit=1", Some(TOKEN)).await;
    assert_eq!(first.header("content-type"), Some("application/x-ndjson"));
    let rows = |reply: &Reply| -> Vec<serde_json::Value> {
        assert_eq!(reply.status, 200);
        reply.text().lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
    };
    assert_eq!((rows(&first).len(), &rows(&first)[0]["event"]), (1, &"user-added".into()));
    let cursor = format!("?after={}", rows(&first)[0]["position"]);
    let rest = rows(&collect(&installation, &cursor, Some(TOKEN)).await);
    assert_eq!((rest.len(), &rest[0]["event"]), (1, &"password-set".into()));
    let end = format!("?after={}", rest[0]["position"]);
    assert_eq!(rows(&collect(&installation, &end, Some(TOKEN)).await), [0; 0]);
    assert_eq!(rest, installation.audit()[1..], "as the command has it");

    for token in [None, Some(""), Some("5c6e0f7a9d3b4412a8f1e6d2c7b90346"), Some(&*format!("{TOKEN}0"))] {
        let reply = collect(&installation, "", token).await;
        assert_eq!((reply.status, reply.text().contains("user-added")), (401, false), "{token:?}");
        assert!(reply.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
    }
    assert_eq!(collect(&installation, "?from=1", Some(TOKEN)).await.status, 400);
}

#[tokio::test]
async fn without_a_token_there_is_nothing_to_collect() {
    let installation = Installation::new(&Origin::echo().await);
    {
        let _gateway = installation.serve().await;
        assert_eq!(collect(&installation, "", None).await.status, 404);
    }
    let file = installation.write("siem.token", "short");
    let setting = format!("audit: {{ token_file: {} }}\nmethods:\n", file.display());
    installation.change("sluse.yaml", "methods:\n", &setting);
    let (code, said) = installation.serve_in_vain().await;
    assert_eq!((code, said.contains("must hold 32 characters or more")), (Some(2), true), "{said}");
}

#[tokio::test]
async fn what_is_older_than_is_kept_is_forgotten_and_that_is_told() {
    let installation = Installation::new(&Origin::echo().await);
    installation.change("sluse.yaml", "methods:\n", "audit: { keep: 400d }\nmethods:\n");
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    installation.enrol(&Account { cpr: None, ..OLE }, PASSWORD);
    // As though the first two of the four had been written long ago, honestly: the chain is made again.
    let ago = 401 * 24 * 60 * 60 * 1000_i64;
    let age = format!(
        "UPDATE audit SET at = at - {ago} WHERE id <= 2; UPDATE audit SET hash = NULL; DELETE FROM audit_chain"
    );
    change(&installation, &age).await;
    let gateway = InProcess::serve(&installation).await;
    until("what is old to be forgotten", async || {
        let events: Vec<_> = installation.audit().iter().map(|row| row["event"].clone()).collect();
        if events == ["user-added", "password-set", "audit-forgotten"] {
            Ok(())
        } else {
            Err(format!("{events:?}"))
        }
    })
    .await;
    assert_eq!(installation.audit()[0]["username"], OLE.user);
    assert_eq!(installation.audit()[2]["detail"]["rows"], 2);
    let confirmed = installation.succeed(["audit", "verify"], "");
    assert!(confirmed.starts_with("rows to 2 were forgotten"), "{confirmed}");
    drop(gateway);
}

#[tokio::test]
async fn many_wrong_passwords_are_an_alarm_once() {
    let installation = Installation::new(&Origin::echo().await);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let gateway = InProcess::serve(&installation).await;
    let mut stranger = Person::at(&installation);
    let page = stranger.open(&installation.login("/login")).await;
    // Five lock the password for five minutes, and are no alarm yet; capitals are no second try.
    for (name, alarms) in [("nez", 0), ("NEZ", 1)] {
        for _ in 0..5 {
            stranger.log_in(&page, name, "et forkert kodeord").await;
        }
        assert_eq!(installation.events("password-guessing").len(), alarms);
        gateway.after(std::time::Duration::from_secs(5 * 60));
    }
    let alarms = installation.events("password-guessing");
    assert_eq!(installation.events("password-wrong").len(), 10);
    assert_eq!((&alarms[0]["username"], &alarms[0]["detail"]["wrong"]), (&"NEZ".into(), &10.into()));
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let metrics = exchange(installation.admin, request).await.text();
    assert!(metrics.contains("\nsluse_password_alarms_total{by=\"name\"} 1\n"), "{metrics}");
}

async fn collect(installation: &Installation, query: &str, token: Option<&str>) -> Reply {
    let token = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let request =
        format!("GET /audit{query} HTTP/1.1\r\nHost: localhost\r\n{token}Connection: close\r\n\r\n");
    exchange(installation.admin, &request).await
}

pub async fn change(installation: &Installation, statements: &str) {
    let url = format!("sqlite:{}", installation.path().join("sluse.db").display());
    let mut database = SqliteConnection::connect(&url).await.expect("a database");
    database.execute(sqlx::AssertSqlSafe(statements.to_owned())).await.expect("it can be changed");
    database.close().await.expect("it can be closed");
}
