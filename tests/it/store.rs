//! A store that is of no use: the gateway does not start and says why. A disk that fills up: nothing is shown
//! as registered that is not stored.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::broker::{NEZ, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, start_registration};
use crate::harness::Installation;
use crate::key::{Key, Touch};
use crate::origin::Origin;
use crate::person::Person;

const PASSWORD: &str = "en lang og god sætning";

#[tokio::test]
async fn a_file_that_is_no_store_is_left_as_it_is() {
    let installation = Installation::new(&Origin::echo().await);
    let path = installation.write("sluse.db", &"Dagens menu: frikadeller. ".repeat(400));
    refuses(&installation, "damaged").await;
    assert!(fs::read_to_string(path).expect("it is still text").ends_with("frikadeller. "));
}

#[tokio::test]
async fn a_damaged_store_is_not_served_from() {
    let installation = Installation::new(&Origin::echo().await);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let path = installation.path().join("sluse.db");
    let mut bytes = fs::read(&path).expect("a store");
    // All but the first page, which says that it is ours.
    let rest = &mut bytes[4096..];
    rest.fill(0x5a);
    fs::write(&path, &bytes).expect("the folder can be written");
    refuses(&installation, "damaged").await;
    assert_eq!(fs::read(&path).expect("still there"), bytes, "what is damaged was changed");
}

#[tokio::test]
async fn a_command_leaves_no_log_behind() {
    let installation = Installation::new(&Origin::echo().await);
    let add = ["user", "add", NEZ.user, "--name", NEZ.name];
    for (arguments, code) in [(&add[..], 0), (&add[..], 1), (&["audit", "list"][..], 0)] {
        let output = installation.sluse(arguments.iter().copied(), "");
        assert_eq!(output.status.code(), Some(code));
        for left in ["sluse.db-wal", "sluse.db-shm"] {
            assert!(!installation.path().join(left).exists(), "{arguments:?} left {left}");
        }
    }
}

#[tokio::test]
async fn another_programs_database_is_left_alone() {
    let installation = Installation::new(&Origin::echo().await);
    let path = installation.path().join("sluse.db");
    change(&path, "CREATE TABLE recipes (name TEXT); PRAGMA application_id = 42").await;
    let before = fs::read(&path).expect("a database");
    refuses(&installation, "another program's database").await;
    assert_eq!(fs::read(&path).expect("still there"), before);
}

#[tokio::test]
async fn a_newer_store_is_left_to_the_newer_version() {
    let installation = Installation::new(&Origin::echo().await);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let path = installation.path().join("sluse.db");
    let newer = "INSERT INTO _sqlx_migrations VALUES (9999, 'tomorrow', '2099-01-01', TRUE, x'00', 0)";
    change(&path, newer).await;
    refuses(&installation, "newer version").await;
}

#[tokio::test]
async fn a_folder_where_the_store_should_be_is_no_store() {
    let installation = Installation::new(&Origin::echo().await);
    fs::create_dir(installation.path().join("sluse.db")).expect("the folder can be written");
    refuses(&installation, "must be readable and writable").await;
}

#[tokio::test]
async fn a_store_that_cannot_be_made_is_told() {
    let installation = Installation::new(&Origin::echo().await);
    let made = format!("sqlite:{}/sluse.db", installation.path().display());
    // Nobody can make a file in /proc, not even the superuser, as whom tests may run.
    for nowhere in ["sqlite:/proc/sluse.db", "sqlite:/nonexistent/sluse.db"] {
        let configuration = fs::read_to_string(installation.path().join("sluse.yaml")).expect("is there");
        installation.change("sluse.yaml", &made, nowhere);
        refuses(&installation, "its folder must exist and be writable").await;
        installation.write("sluse.yaml", &configuration);
    }
}

#[tokio::test]
async fn on_a_full_disk_a_key_is_registered_or_the_carer_is_told_it_is_not() {
    let installation = Installation::new(&Origin::echo().await);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let code = installation.invite(&NEZ);
    let gateway = installation.serve_on_small_disk().await;
    let mut carer = Person::at(&installation);
    let page = carer.open(&installation.login("/login")).await;
    carer.log_in(&page, NEZ.user, PASSWORD).await;
    let mut told = Vec::new();
    // Room for one page more each time: the disk fills up a little later in the enrolment.
    for pages in 0.. {
        let page = carer.open(&installation.login("/me")).await;
        let code = [("code", code.as_str())];
        let page = carer.submit(&page, "/code", &code).await;
        assert_eq!(page.url, installation.login("/keys/new"), "the code is spent, and no key registered");
        let page = carer.submit(&page, "/keys/new", &[("name", "Blå nøgle")]).await;
        let response = carer.key.register(&page.options(), &installation.login("")).expect("it goes along");
        gateway.disk_holds(Some(log_size(&installation) + pages * LOG_PAGE));
        let reply = carer.post_response(&page, "/keys/finish", &response).await;
        gateway.disk_holds(None);
        told.push(reply.status);
        let page = carer.open(&installation.login("/me")).await;
        let listed = page.reply.text().contains("Blå nøgle");
        assert_eq!(listed, reply.status == 200, "{reply:?}");
        if listed {
            break;
        }
        assert_eq!(
            (reply.status, &reply.json()["message"]),
            (503, &"Nøglen blev ikke godkendt. Prøv igen.".into())
        );
        gateway.logged(reply.json()["code"].as_str().expect("a code to look up")).await;
    }
    assert!(told.len() > 3, "the disk was never full in the midst of it: {told:?}");
}

#[tokio::test]
async fn on_a_full_disk_the_carer_sees_it_and_tries_again() {
    let installation = Installation::new(&Origin::echo().await);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let code = installation.invite(&NEZ);
    let gateway = installation.serve_on_small_disk().await;
    let browser = Browser::start().await;
    browser.open(&installation.login("/login")).await;
    gateway.disk_holds(Some(0));
    log_in(&browser, NEZ.user, PASSWORD).await;
    browser.heading("Noget gik galt").await;
    browser.shows("Fejlkode").await;
    gateway.disk_holds(None);

    browser.open(&installation.cura("/later")).await;
    log_in(&browser, NEZ.user, PASSWORD).await;
    start_registration(&browser, &code).await;
    let _key = Key::plug_in(&browser, Touch::Present).await;
    gateway.disk_holds(Some(0));
    browser.button("Start registrering").await.click().await;
    browser.shows("Nøglen blev ikke godkendt. Prøv igen.").await;
    browser.shows("Fejlkode").await;
    gateway.disk_holds(None);
    browser.link("Prøv igen").await.click().await;
    browser.field("Navn på klient").await.write("Blå nøgle").await;
    browser.button("Registrer klient").await.click().await;
    browser.button("Start registrering").await.click().await;
    browser.at(&installation.cura("/later")).await;
}

async fn refuses(installation: &Installation, why: &str) {
    let (code, said) = installation.serve_in_vain().await;
    assert_eq!(code, Some(2), "{said}");
    let store = said.lines().any(|line| line.starts_with("error: ") && line.contains("sluse.db"));
    assert!(store && said.contains(why), "{said}");
}

async fn change(path: &Path, statements: &str) {
    let url = format!("sqlite:{}?mode=rwc", path.display());
    let mut database = SqliteConnection::connect(&url).await.expect("a database");
    database.execute(sqlx::AssertSqlSafe(statements)).await.expect("it can be changed");
    database.close().await.expect("it can be closed");
}

/// A page of the write-ahead log: 4096 bytes after a head (sqlite.org/fileformat2.html, section 4.1).
const LOG_PAGE: u64 = 4096 + 24;

fn log_size(installation: &Installation) -> u64 {
    let log: PathBuf = installation.path().join("sluse.db-wal");
    fs::metadata(log).expect("a store in use has a log").len()
}
