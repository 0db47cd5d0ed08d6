//! `sluse key`: people's security keys, for a service desk with somebody on the phone.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Subcommand;
use serde_json::json;

use super::{Context, Format, Refused, count, spare, table};
use crate::date;
use crate::desk::Action;
use crate::store::Key;
use crate::user::Username;

#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Show a person's keys
    List {
        /// The user name
        #[arg(value_parser = Username::parse)]
        user: Username,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take a lost key out of use, and end the person's sessions
    Remove {
        /// The user name
        #[arg(value_parser = Username::parse)]
        user: Username,
        /// Its name, or the beginning of its id as `sluse key list` shows it
        key: String,
    },
    /// Units' spare keys
    #[command(subcommand)]
    Spare(spare::Command),
    /// Lend a unit's spare key to somebody until a certain time
    Lend(spare::Lend),
    /// Take a lent key back before its time, and end the person's sessions
    Return {
        /// `Unit: name`, its name, or the beginning of its id
        key: String,
    },
}

pub async fn run(command: Command, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        Command::List { user, format } => list(&user, format, context, out).await,
        Command::Remove { user, key } => remove(&user, &key, context, out).await,
        Command::Spare(command) => spare::run(command, context, out).await,
        Command::Lend(lend) => spare::lend(lend, context, out).await,
        Command::Return { key } => spare::give_back(&key, context, out).await,
    }
}

async fn list(
    name: &Username,
    format: Format,
    context: &Context<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let user = context.user(name).await?;
    let keys = context.store.keys(user.id).await?;
    match format {
        Format::Human => {
            let rows: Vec<_> = keys
                .iter()
                .map(|key| {
                    let used = key.used_at.map_or_else(|| "never".to_owned(), date::to_the_minute);
                    let state = if key.suspect { "may be copied" } else { "" };
                    let added = date::to_the_minute(key.registered_at);
                    [key.name.clone(), short(key), added, used, state.to_owned()]
                })
                .collect();
            table::write(out, ["NAME", "ID", "ADDED", "LAST USED", "STATE"], &rows)?;
        }
        Format::Json => {
            let keys: Vec<_> = keys
                .iter()
                .map(|key| {
                    json!({
                        "name": key.name,
                        "id": id(key),
                        "registered_at": key.registered_at.to_rfc3339(),
                        "used_at": key.used_at.map(|at| at.to_rfc3339()),
                        "suspect": key.suspect,
                    })
                })
                .collect();
            writeln!(out, "{:#}", json!(keys))?;
        }
    }
    Ok(())
}

async fn remove(
    name: &Username,
    wanted: &str,
    context: &Context<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let user = context.user(name).await?;
    let mut keys = context.store.keys(user.id).await?;
    // An id of which only the beginning is given must be long enough not to be a name by chance.
    keys.retain(|key| key.name == wanted || (wanted.len() >= 6 && id(key).starts_with(wanted)));
    let key = match keys.as_slice() {
        [key] => key,
        [] => return Err(Refused(format!("{name} has no key `{wanted}`")).into()),
        several => {
            let which = format!("{name} has {} called `{wanted}`: give the id", count(several.len(), "key"));
            return Err(Refused(which).into());
        }
    };
    let ended = context.ended(&user, &Action::Revoke(key.credential.clone())).await?;
    writeln!(out, "The key `{}` of {name} is out of use; {} ended.", key.name, count(ended, "session"))?;
    Ok(())
}

fn id(key: &Key) -> String {
    URL_SAFE_NO_PAD.encode(&key.credential.0)
}

fn short(key: &Key) -> String {
    id(key).chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Event;
    use crate::authn::CredentialId;
    use crate::cli::fixture::Fixture;
    use crate::store::{KeyAdded, RegisteredWith};

    async fn with_keys(names: &[&str]) -> Fixture {
        let fixture = Fixture::new().await;
        let nez = fixture.person("nez").await;
        for (n, name) in names.iter().enumerate() {
            let key = Key {
                credential: CredentialId(vec![u8::try_from(n).unwrap() + 1; 16]),
                user: nez.id,
                name: (*name).to_owned(),
                passkey: "{}".to_owned(),
                registered_at: fixture.now(),
                registered_with: RegisteredWith::Code,
                used_at: None,
                suspect: false,
                loan: None,
            };
            let told = fixture.record(Event::KeyRegistered, &nez);
            assert_eq!(fixture.store.add_key(&key, None, &told).await.unwrap(), KeyAdded::Added);
        }
        fixture
    }

    #[tokio::test]
    async fn a_lost_key_is_found_and_taken_out_of_use() {
        let fixture = with_keys(&["Blå nøgle", "Reserve"]).await;
        let listed = fixture.key(&["list", "nez"]).await.unwrap();
        let lines: Vec<&str> = listed.lines().collect();
        assert_eq!(lines[0], "NAME       ID            ADDED             LAST USED  STATE");
        assert_eq!(lines[1], "Blå nøgle  AQEBAQEBAQEB  2026-11-22 09:54  never");
        let nez = fixture.named("nez").await;
        let token = fixture.session(&nez).await;
        let said = fixture.key(&["remove", "nez", "Blå nøgle"]).await.unwrap();
        assert_eq!(said, "The key `Blå nøgle` of nez is out of use; 1 session ended.\n");
        assert_eq!(fixture.store.session(&token).await.unwrap(), None);
        let left = fixture.key(&["list", "nez", "--format", "json"]).await.unwrap();
        assert!(left.contains("Reserve") && !left.contains("Blå"), "{left}");
        assert_eq!(fixture.events().await.last().map(String::as_str), Some("key-deleted"));
    }

    #[tokio::test]
    async fn of_two_by_one_name_the_id_says_which() {
        let fixture = with_keys(&["nøgle", "nøgle"]).await;
        let refused = fixture.key(&["remove", "nez", "nøgle"]).await.unwrap_err();
        assert_eq!(refused.to_string(), "nez has 2 keys called `nøgle`: give the id");
        for (wanted, fine) in [("AgI", false), ("AgICAg", true), ("AgICAg", false)] {
            assert_eq!(fixture.key(&["remove", "nez", wanted]).await.is_ok(), fine, "{wanted}");
        }
        assert!(fixture.key(&["remove", "ole", "nøgle"]).await.is_err());
    }
}
