//! Opening the file: what is not ours, not whole, or newer than this program is left as it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

use super::Sqlite;
use super::audit::{self, ChainError};

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// `PRAGMA application_id`, as the first migration sets it: "SLUS".
const APPLICATION: i64 = 0x534c_5553;

/// How long a write waits for another process, and a caller for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

const READERS: u32 = 4;

/// Of an answer that nobody has taken yet.
const ROWS: usize = 1_000;

/// Why a store does not open, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the store `{path}` cannot be made: {source}; its folder must exist and be writable")]
    NotCreated { path: String, source: std::io::Error },
    #[error(
        "the store `{path}` cannot be opened: {source}; the file and its folder must be readable and writable \
         by the user who runs this"
    )]
    Unusable { path: String, source: sqlx::Error },
    #[error("the store `{path}` is damaged ({finding}); restore it from a backup, nothing was changed")]
    Damaged { path: String, finding: String },
    #[error("`{path}` is another program's database; name a file of its own for the store")]
    NotOurs { path: String },
    #[error("the store `{path}` was written by a newer version; run that version or a later one")]
    Newer { path: String },
    #[error(
        "the store `{path}` cannot be brought up to date: {source}; nothing was changed, run the version that \
         last wrote it"
    )]
    NotMigrated { path: String, source: MigrateError },
}

impl Sqlite {
    /// Opens the store at `path`, made if there is none (mode 0600), and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let file = File { path };
        let _turn = file.turn().await?;
        file.create()?;
        file.inspect().await.map_err(|error| file.explain(error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE);
        // Connections are kept for good, but for one whose rollback failed because SQLite had rolled back by
        // itself, as it does when the disk is full (sqlite.org/lang_transaction.html, on errors): sqlx would
        // count it as inside a transaction for ever after.
        let pool = SqlitePoolOptions::new()
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|connection, _| {
                Box::pin(async move {
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            });
        let writer = pool.clone().max_connections(1).connect_with(options.clone()).await;
        let writer = writer.map_err(|error| file.explain(error))?;
        let mut write = writer.begin_with("BEGIN IMMEDIATE").await.map_err(|error| file.explain(error))?;
        // All of it in one transaction: half way is nowhere.
        MIGRATIONS
            .run_direct(None, &mut *write, false)
            .await
            .map_err(|error| file.explain_migration(error))?;
        audit::chain_existing(&mut write).await.map_err(|error| file.explain_chain(error))?;
        write.commit().await.map_err(|error| file.explain(error))?;
        // Rows of a long answer wait here for whoever asked: a thread woken for each would cost more than it read.
        let reading = options.pragma("query_only", "ON").row_buffer_size(ROWS);
        let readers = pool.max_connections(READERS).connect_with(reading).await;
        Ok(Self { writer, readers: readers.map_err(|error| file.explain(error))? })
    }
}

struct File<'a> {
    path: &'a Path,
}

impl File<'_> {
    /// Processes that start together open one after another: the first turns on the write-ahead log, and
    /// SQLite answers whoever comes in between with an error rather than let them wait. The folder is locked
    /// and not the file, for closing a file gives up SQLite's own locks on it (sqlite.org/howtocorrupt.html,
    /// 2.2).
    async fn turn(&self) -> Result<std::fs::File, OpenError> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let locked = tokio::task::spawn_blocking(move || {
            let folder = std::fs::File::open(folder)?;
            folder.lock()?;
            Ok(folder)
        });
        let locked = locked.await.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)));
        locked.map_err(|source| OpenError::NotCreated { path: self.shown(), source })
    }

    /// SQLite gives the log and its index the mode of the database.
    fn create(&self) -> Result<(), OpenError> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(self.path) {
            Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(OpenError::NotCreated { path: self.shown(), source })
            }
            _ => Ok(()),
        }
    }

    /// Reads before anything is written, be it the journal mode.
    async fn inspect(&self) -> Result<(), Finding> {
        let options = SqliteConnectOptions::new().filename(self.path).busy_timeout(PATIENCE);
        let mut connection = options.connect().await?;
        let application: i64 = sqlx::query_scalar("SELECT application_id FROM pragma_application_id")
            .fetch_one(&mut connection)
            .await?;
        let tables: i64 =
            sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut connection).await?;
        if application != APPLICATION && tables > 0 {
            return Err(Finding::NotOurs);
        }
        if let Some(damage) = damage(&mut connection).await? {
            return Err(Finding::Damage(damage));
        }
        Ok(connection.close().await?)
    }

    fn explain(&self, finding: impl Into<Finding>) -> OpenError {
        let path = self.shown();
        match finding.into() {
            Finding::NotOurs => OpenError::NotOurs { path },
            Finding::Damage(finding) => OpenError::Damaged { path, finding },
            Finding::Failed(source) if is_damage(&source) => {
                OpenError::Damaged { path, finding: source.to_string() }
            }
            Finding::Failed(source) => OpenError::Unusable { path, source },
        }
    }

    fn explain_migration(&self, error: MigrateError) -> OpenError {
        let path = self.shown();
        match error {
            MigrateError::VersionMissing(_) => OpenError::Newer { path },
            source => OpenError::NotMigrated { path, source },
        }
    }

    fn explain_chain(&self, error: ChainError) -> OpenError {
        let path = self.shown();
        match error {
            ChainError::Unreadable(_) => OpenError::Damaged { path, finding: error.to_string() },
            ChainError::Failed(error) => {
                OpenError::Unusable { path, source: sqlx::Error::Configuration(Box::new(error)) }
            }
        }
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

enum Finding {
    NotOurs,
    Damage(String),
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for Finding {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

/// The first thing wrong with a table. Not the audit's: it alone grows without end, and an hour's look at it
/// would be an hour without a gateway.
async fn damage(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT name || ': ' || found.quick_check
         FROM sqlite_schema, pragma_quick_check(name) AS found
         WHERE type = 'table' AND name <> 'audit' AND found.quick_check <> 'ok' LIMIT 1",
    )
    .fetch_optional(connection)
    .await
}

/// Primary result codes `SQLITE_CORRUPT` and `SQLITE_NOTADB` (sqlite.org/rescode.html).
fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 11 | 26))
}
