//! What is SQLite's own: the file, its opening, and writes that fail half way.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::{OpenError, Sqlite};
use crate::authn::CredentialId;
use crate::store::conformance::{self, Subject};
use crate::store::{AuditRecord, Key, RegisteredWith, Store, TokenHash};
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

/// A store in a folder of its own.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("sluse.db")
    }

    async fn refused(&self) -> OpenError {
        match Sqlite::open(&self.path()).await {
            Err(error) => error,
            Ok(_) => panic!("it opened"),
        }
    }

    /// Behind the store's back.
    async fn execute(&self, sql: String) {
        let url = format!("sqlite://{}?mode=rwc", self.path().display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

#[async_trait]
impl Subject for Folder {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(&self.path()).await.unwrap())
    }
}

conformance::suite!(Folder::new());

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let store = Sqlite::open(&folder.path()).await.unwrap();
    store.check().await.unwrap();
    let mut files = 0;
    for file in std::fs::read_dir(folder.0.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
        files += 1;
    }
    assert!(files >= 2, "the database and its log");
}

/// As `.cargo/config.toml` says: reading on four threads took twice as long.
#[tokio::test]
async fn no_connection_waits_for_another_to_have_memory() {
    let folder = Folder::new();
    let store = Sqlite::open(&folder.path()).await.unwrap();
    let options: Vec<String> =
        sqlx::query_scalar("PRAGMA compile_options").fetch_all(&store.readers).await.unwrap();
    assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
    assert!(options.iter().all(|option| option != "ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
}

#[tokio::test]
async fn commits_reach_the_disk() {
    let folder = Folder::new();
    let store = Sqlite::open(&folder.path()).await.unwrap();
    for (pragma, expected) in [("synchronous", "2"), ("journal_mode", "wal"), ("foreign_keys", "1")] {
        let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
        let value: String = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&store.writer).await.unwrap();
        assert_eq!(value, expected, "{pragma}");
    }
    assert!(sqlx::query("UPDATE pulse SET beat = 9").execute(&store.readers).await.is_err());
}

#[tokio::test]
async fn two_processes_may_start_at_once() {
    let folder = Folder::new();
    let path = folder.path();
    let (a, b, c) = tokio::join!(Sqlite::open(&path), Sqlite::open(&path), Sqlite::open(&path));
    for store in [a, b, c] {
        store.unwrap().check().await.unwrap();
    }
}

#[tokio::test]
async fn a_store_is_opened_by_one_at_a_time() {
    let folder = Folder::new();
    let held = std::fs::File::open(folder.0.path()).unwrap();
    held.lock().unwrap();
    let (path, waiting) = (folder.path(), std::time::Duration::from_millis(200));
    assert!(tokio::time::timeout(waiting, Sqlite::open(&path)).await.is_err());
    assert!(!path.exists());
    drop(held);
    Sqlite::open(&path).await.unwrap().check().await.unwrap();
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_alone() {
    let folder = Folder::new();
    std::fs::write(folder.path(), "username,name\nnez,Nez\n".repeat(500)).unwrap();
    let error = folder.refused().await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("restore it from a backup"), "{error}");
    assert!(std::fs::read_to_string(folder.path()).unwrap().starts_with("username,name\n"));

    let folder = Folder::new();
    folder.execute("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')".to_owned()).await;
    let before = std::fs::read(folder.path()).unwrap();
    let error = folder.refused().await;
    assert!(matches!(error, OpenError::NotOurs { .. }), "{error}");
    assert_eq!(std::fs::read(folder.path()).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_store_is_refused() {
    let folder = Folder::new();
    let store = Sqlite::open(&folder.path()).await.unwrap();
    for n in 0..200 {
        assert!(store.add_user(&person(n)).await.unwrap());
    }
    let root: i64 = sqlx::query_scalar("SELECT rootpage FROM sqlite_schema WHERE name = 'users'")
        .fetch_one(&store.writer)
        .await
        .unwrap();
    store.close().await;
    let mut bytes = std::fs::read(folder.path()).unwrap();
    let page = usize::try_from(root - 1).unwrap() * 4096;
    bytes[page + 8..page + 40].fill(0xff);
    std::fs::write(folder.path(), bytes).unwrap();
    let error = folder.refused().await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_store_is_refused() {
    let folder = Folder::new();
    Sqlite::open(&folder.path()).await.unwrap().close().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'from the future', TRUE, x'00', 0)";
    folder.execute(newer.to_owned()).await;
    let error = folder.refused().await;
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("run that version or a later one"), "{error}");
}

#[tokio::test]
async fn a_store_with_another_history_is_refused() {
    let folder = Folder::new();
    Sqlite::open(&folder.path()).await.unwrap().close().await;
    folder.execute("UPDATE _sqlx_migrations SET checksum = x'00'".to_owned()).await;
    let error = folder.refused().await;
    assert!(matches!(error, OpenError::NotMigrated { .. }), "{error}");
}

#[tokio::test]
async fn a_place_that_cannot_hold_a_store_is_refused() {
    let folder = Folder::new();
    let nowhere = folder.0.path().join("missing/sluse.db");
    let error = Sqlite::open(&nowhere).await.err().expect("no folder, no store");
    assert!(matches!(error, OpenError::NotCreated { .. }), "{error}");
    assert!(error.to_string().contains("missing/sluse.db"), "{error}");
    let error = Sqlite::open(folder.0.path()).await.err().expect("a folder is no store");
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
}

#[tokio::test]
async fn a_failure_half_way_leaves_nothing() {
    let folder = Folder::new();
    let store = Sqlite::open(&folder.path()).await.unwrap();
    let nez = person(0);
    assert!(store.add_user(&nez).await.unwrap());
    let code = TokenHash::of(b"code");
    store.add_code(nez.id, &code, Timestamp::from_seconds(100)).await.unwrap();
    for table in ["keys", "audit", "audit_chain"] {
        let write = if table == "audit_chain" { "UPDATE" } else { "INSERT" };
        let fail = format!(
            "CREATE TEMP TRIGGER fail BEFORE {write} ON {table} BEGIN SELECT RAISE(ABORT, 'injected'); END"
        );
        sqlx::query(AssertSqlSafe(fail)).execute(&store.writer).await.unwrap();

        assert!(store.add_key(&key(&nez), Some(&code), &event(1)).await.is_err(), "{table}");
        assert!(store.code_is_live(nez.id, &code, Timestamp::from_seconds(50)).await.unwrap());
        assert_eq!(store.keys(nez.id).await.unwrap(), []);
        assert_eq!(store.verify_audit(None).await.unwrap().rows, 0);

        sqlx::query("DROP TRIGGER fail").execute(&store.writer).await.unwrap();
    }
    assert_eq!(
        store.add_key(&key(&nez), Some(&code), &event(1)).await.unwrap(),
        crate::store::KeyAdded::Added
    );
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_no_more() {
    let folder = Folder::new();
    let store = Sqlite::open(&folder.path()).await.unwrap();
    let nez = person(0);
    assert!(store.add_user(&nez).await.unwrap());
    let code = TokenHash::of(b"code");
    store.add_code(nez.id, &code, Timestamp::from_seconds(100)).await.unwrap();
    sqlx::query("PRAGMA max_page_count = 1").execute(&store.writer).await.unwrap();

    let large = Key { passkey: "x".repeat(100_000), ..key(&nez) };
    let error = store.add_key(&large, Some(&code), &event(1)).await.unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    assert!(store.code_is_live(nez.id, &code, Timestamp::from_seconds(50)).await.unwrap());
    assert_eq!(store.keys(nez.id).await.unwrap(), []);

    // The limit went with its connection; the store has another, and goes on.
    assert_eq!(store.add_key(&large, Some(&code), &event(1)).await.unwrap(), crate::store::KeyAdded::Added);
}

/// As [`crate::store::chain`] finds it, through the store.
#[tokio::test]
async fn what_is_done_to_the_audit_behind_the_stores_back_is_found() {
    for (deed, expected) in [
        ("UPDATE audit SET event = 'key-verified' WHERE id = 3", "row 3 does not follow"),
        ("UPDATE audit SET at = at + 1 WHERE id = 3", "row 3 does not follow"),
        ("UPDATE audit SET address = '010.20.0.7' WHERE id = 3", "row 3 was changed: it cannot be read"),
        ("UPDATE audit SET hash = NULL WHERE id = 3", "row 3 does not follow"),
        ("DELETE FROM audit WHERE id = 3", "row 3 is missing"),
        ("DELETE FROM audit WHERE id > 3", "rows 4 to 5 are missing"),
        ("UPDATE audit SET id = -id; UPDATE audit SET id = id + 6", "row 1 does not follow"),
        ("DELETE FROM audit_chain", "where the chain begins and ends is gone"),
    ] {
        let folder = Folder::new();
        let store = Sqlite::open(&folder.path()).await.unwrap();
        for n in 1..=5 {
            store.append_audit(&event(n)).await.unwrap();
        }
        assert_eq!(store.verify_audit(None).await.unwrap().faults, [], "{deed}");
        folder.execute(deed.to_owned()).await;
        let faults = store.verify_audit(None).await.unwrap().faults;
        assert!(
            faults.first().is_some_and(|fault| fault.to_string().contains(expected)),
            "{deed}: {faults:?}"
        );
    }
}

#[tokio::test]
async fn rows_from_before_the_chain_are_given_their_place() {
    let folder = Folder::new();
    let store = Sqlite::open(&folder.path()).await.unwrap();
    for n in 1..=5 {
        store.append_audit(&event(n)).await.unwrap();
    }
    let chained = store.verify_audit(None).await.unwrap();
    store.close().await;
    let before = "DROP TABLE audit_chain; ALTER TABLE audit DROP COLUMN hash;
                  DELETE FROM _sqlx_migrations WHERE version = 3";
    folder.execute(before.to_owned()).await;
    let store = Sqlite::open(&folder.path()).await.unwrap();
    assert_eq!(store.verify_audit(None).await.unwrap(), chained);
    assert_eq!(chained.rows, 5);
}

#[tokio::test]
async fn a_caller_who_leaves_holds_nothing() {
    let folder = Folder::new();
    let store = Arc::new(Sqlite::open(&folder.path()).await.unwrap());
    assert!(store.add_user(&person(0)).await.unwrap());
    for _ in 0..50 {
        let (store, user) = (Arc::clone(&store), person(0).id);
        let call = tokio::spawn(async move { store.set_password(user, "$phc").await });
        tokio::task::yield_now().await;
        call.abort();
        let _ = call.await;
    }
    store.set_password(person(0).id, "$last").await.unwrap();
    assert_eq!(store.password(person(0).id).await.unwrap().as_deref(), Some("$last"));
}

fn event(n: i64) -> AuditRecord {
    AuditRecord {
        at: Timestamp::from_seconds(n),
        event: "password-wrong".to_owned(),
        user: None,
        username: Some("nez".to_owned()),
        address: Some("10.20.0.7".parse().expect("an address")),
        correlation: format!("c{n}"),
        detail: "{}".to_owned(),
    }
}

fn person(n: u128) -> User {
    User {
        id: UserId(uuid::Uuid::from_u128(n)),
        username: Username::parse(&format!("user{n}")).expect("a valid name"),
        name: "Navn".repeat(20),
        groups: Vec::new(),
        claims: Vec::new(),
        cpr: None,
        disabled: false,
        expires_at: None,
        created_at: Timestamp::EPOCH,
    }
}

fn key(user: &User) -> Key {
    Key {
        credential: CredentialId(b"k".to_vec()),
        user: user.id,
        name: "Nøgle".to_owned(),
        passkey: "{}".to_owned(),
        registered_at: Timestamp::from_seconds(50),
        registered_with: RegisteredWith::Code,
        used_at: None,
        suspect: false,
        loan: None,
    }
}
