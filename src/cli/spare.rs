//! `sluse key spare`, `lend` and `return`: the drawer of units' spare keys. They are registered in a browser, at
//! `/lend/new` of the login host.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Context, Format, Refused, count, date, table};
use crate::audit::Event;
use crate::store::{Lent, SpareKey};
use crate::user::Username;

#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Show all spare keys: which are in the drawer, and who has the others until when
    List {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take a spare key out of use for good; if it is lent, the person's sessions end
    Remove {
        /// `Unit: name`, its name, or the beginning of its id
        key: String,
    },
}

#[derive(Args, Clone, Debug)]
pub struct Lend {
    /// `Unit: name`, its name, or the beginning of its id as `sluse key spare list` shows it
    key: String,
    /// The user name of whoever borrows it
    #[arg(value_parser = Username::parse)]
    user: Username,
    /// Until when: HH:MM (the next there is), or `YYYY-MM-DD HH:MM`; Danish time [default: a shift]
    #[arg(long, value_name = "TIME")]
    until: Option<date::Until>,
}

pub async fn run(command: Command, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        Command::List { format } => list(format, context, out).await,
        Command::Remove { key } => remove(&key, context, out).await,
    }
}

async fn list(format: Format, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut objects = Vec::new();
    for key in context.store.spare_keys().await? {
        let holder = match key.out(context.now()) {
            Some((holder, until)) => context.store.user(holder).await?.map(|holder| (holder, until)),
            None => None,
        };
        let state = match &holder {
            Some((holder, until)) => format!("{} until {}", holder.username, date::to_the_minute(*until)),
            None if key.suspect => "may be copied".to_owned(),
            None => "in the drawer".to_owned(),
        };
        rows.push([key.unit.clone(), key.name.clone(), id(&key).chars().take(12).collect(), state]);
        objects.push(json!({
            "unit": key.unit,
            "name": key.name,
            "id": id(&key),
            "registered_at": key.registered_at.to_rfc3339(),
            "used_at": key.used_at.map(|at| at.to_rfc3339()),
            "suspect": key.suspect,
            "lent_to": holder.as_ref().map(|(holder, _)| holder.username.as_str()),
            "lent_until": holder.as_ref().map(|(_, until)| until.to_rfc3339()),
        }));
    }
    match format {
        Format::Human => table::write(out, ["UNIT", "NAME", "ID", "STATE"], &rows)?,
        Format::Json => writeln!(out, "{:#}", json!(objects))?,
    }
    Ok(())
}

pub async fn lend(lend: Lend, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let key = named(&lend.key, context).await?;
    let holder = context.user(&lend.user).await?;
    let now = context.now();
    if !holder.active(now) {
        return Err(Refused(format!("the account of `{}` is disabled or has expired", lend.user)).into());
    }
    let asked = lend.until.map(|until| until.after(now));
    let until = context.loans.end(now, asked, &holder).map_err(|error| Refused(error.to_string()))?;
    let entry = context.entry(Event::SpareKeyLent).user(&holder).with("key", key.label());
    let told = entry.with("until", until.to_rfc3339()).into_record();
    let refused = match context.store.lend_spare_key(&key.credential, holder.id, (now, until), &told).await? {
        Lent::Lent => {
            let until = date::to_the_minute(until);
            writeln!(out, "The key `{}` is lent to {} until {until}.", key.label(), lend.user)?;
            return Ok(());
        }
        Lent::Out => format!("the key `{}` is lent already: `sluse key return` takes it back", key.label()),
        Lent::Suspect => format!("the key `{}` may be copied, and is lent no more", key.label()),
        Lent::Gone => format!("there is no spare key `{}`", lend.key),
    };
    Err(Refused(refused).into())
}

pub async fn give_back(wanted: &str, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let key = named(wanted, context).await?;
    let now = context.now();
    let in_drawer = || Refused(format!("the key `{}` is in the drawer", key.label()));
    let (holder, _) = key.out(now).ok_or_else(in_drawer)?;
    let holder = context.store.user(holder).await?.ok_or_else(in_drawer)?;
    let told = context.entry(Event::SpareKeyReturned).user(&holder).with("key", key.label()).into_record();
    if !context.store.return_spare_key(&key.credential, holder.id, now, &told).await? {
        return Err(in_drawer().into());
    }
    let ended = context.end_sign_ins(&holder).await?;
    let (label, ended) = (key.label(), count(ended, "session"));
    writeln!(out, "The key `{label}` is back from {}; {ended} ended.", holder.username)?;
    Ok(())
}

async fn remove(wanted: &str, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let key = named(wanted, context).await?;
    let told = context.entry(Event::SpareKeyRemoved).with("key", key.label()).into_record();
    if !context.store.remove_spare_key(&key.credential, &told).await? {
        return Err(Refused(format!("there is no spare key `{wanted}`")).into());
    }
    let holder = match key.out(context.now()) {
        Some((holder, _)) => context.store.user(holder).await?,
        None => None,
    };
    let ended = match holder {
        Some(holder) => context.end_sign_ins(&holder).await?,
        None => 0,
    };
    writeln!(out, "The key `{}` is out of use; {} ended.", key.label(), count(ended, "session"))?;
    Ok(())
}

async fn named(wanted: &str, context: &Context<'_>) -> anyhow::Result<SpareKey> {
    let mut keys = context.store.spare_keys().await?;
    // An id of which only the beginning is given must be long enough not to be a name by chance.
    let by_id = |key: &SpareKey| wanted.len() >= 6 && id(key).starts_with(wanted);
    keys.retain(|key| key.label() == wanted || key.name == wanted || by_id(key));
    match keys.len() {
        1 => Ok(keys.remove(0)),
        0 => Err(Refused(format!("there is no spare key `{wanted}`")).into()),
        n => {
            let several = format!("there are {} called `{wanted}`: give the id", count(n, "spare key"));
            Err(Refused(several).into())
        }
    }
}

fn id(key: &SpareKey) -> String {
    URL_SAFE_NO_PAD.encode(&key.credential.0)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::authn::CredentialId;
    use crate::cli::fixture::Fixture;

    async fn drawer() -> Fixture {
        let fixture = Fixture::new().await;
        let nez = fixture.person("nez").await;
        for (n, unit) in [(1, "Nord"), (2, "Syd")] {
            let key = SpareKey {
                credential: CredentialId(vec![n; 16]),
                handle: Uuid::from_bytes([n; 16]),
                unit: unit.to_owned(),
                name: "Nøgle 1".to_owned(),
                passkey: "{}".to_owned(),
                registered_at: fixture.now(),
                used_at: None,
                suspect: false,
                lent: None,
            };
            let told = fixture.record(Event::SpareKeyAdded, &nez);
            assert!(fixture.store.add_spare_key(&key, &told).await.unwrap());
        }
        fixture
    }

    #[tokio::test]
    async fn a_key_is_lent_to_one_and_comes_back() {
        let fixture = drawer().await;
        fixture.person("ole").await;
        let said = fixture.key(&["lend", "Nord: Nøgle 1", "nez", "--until", "15:30"]).await.unwrap();
        assert_eq!(said, "The key `Nord: Nøgle 1` is lent to nez until 2026-11-22 15:30.\n");
        let refused = fixture.key(&["lend", "Nord: Nøgle 1", "ole"]).await.unwrap_err();
        assert!(refused.to_string().contains("is lent already"), "{refused}");
        let listed = fixture.key(&["spare", "list"]).await.unwrap();
        let lines: Vec<&str> = listed.lines().collect();
        assert_eq!(lines[0], "UNIT  NAME     ID            STATE");
        assert_eq!(lines[1], "Nord  Nøgle 1  AQEBAQEBAQEB  nez until 2026-11-22 15:30");
        assert_eq!(lines[2], "Syd   Nøgle 1  AgICAgICAgIC  in the drawer");

        let nez = fixture.named("nez").await;
        let token = fixture.session(&nez).await;
        let said = fixture.key(&["return", "AQEBAQ"]).await.unwrap();
        assert_eq!(said, "The key `Nord: Nøgle 1` is back from nez; 1 session ended.\n");
        assert_eq!(fixture.store.session(&token).await.unwrap(), None);
        let refused = fixture.key(&["return", "AQEBAQ"]).await.unwrap_err();
        assert_eq!(refused.to_string(), "the key `Nord: Nøgle 1` is in the drawer");
        let events = fixture.events().await;
        assert_eq!(events[2..], ["spare-key-lent", "spare-key-returned"]);
    }

    #[tokio::test]
    async fn a_shift_is_usual_and_a_day_too_long() {
        let fixture = drawer().await;
        let refused = fixture.key(&["lend", "Nøgle 1", "nez"]).await.unwrap_err();
        assert_eq!(refused.to_string(), "there are 2 spare keys called `Nøgle 1`: give the id");
        for (until, why) in
            [("2026-11-23 09:00", "16 hours at most"), ("2026-11-22 09:00", "before it begins")]
        {
            let refused = fixture.key(&["lend", "Syd: Nøgle 1", "nez", "--until", until]).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{refused}");
        }
        let said = fixture.key(&["lend", "Syd: Nøgle 1", "nez"]).await.unwrap();
        assert!(said.ends_with("until 2026-11-22 18:54.\n"), "{said}");
        let said = fixture.key(&["spare", "remove", "Syd: Nøgle 1"]).await.unwrap();
        assert_eq!(said, "The key `Syd: Nøgle 1` is out of use; 0 sessions ended.\n");
    }
}
