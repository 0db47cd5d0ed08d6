//! `sluse user`: accounts and their passwords.

mod import;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, Format, Refused, count, table};
use crate::audit::Event;
use crate::date::End;
use crate::desk::{Action, Outcome};
use crate::random;
use crate::user::{Cpr, User, UserId, Username};

#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Add a person
    Add(Add),
    /// Set a person's password, read from standard input; ends their sessions
    SetPassword(Named),
    /// Show everybody
    List {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Keep a person out, and end their sessions
    Disable(Disable),
    /// Let a disabled person in again
    Enable(Named),
    /// Open a password that too many wrong ones have locked
    Unlock(Named),
    /// Add and update people from a CSV or JSON file
    ///
    /// The first line names the columns: username and name, and any of cpr, groups (separated by `;`),
    /// expiry (the last day, YYYY-MM-DD, or the minute, `YYYY-MM-DD HH:MM`; Danish time) and claim:NAME (values separated by `;`). A column that is there is the truth, and an empty cell
    /// clears; a column that is not there is left as it was. People the file does not name are left alone;
    /// whose groups, claims or expiry change are logged out.
    ///
    /// As JSON: a list of objects, or an object a line, with the same keys; groups is a list, and claims an
    /// object of lists. A key that is not there is left as it was; an empty string, list or null clears.
    ///
    /// Nothing is changed unless every line is right.
    Import {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Args, Clone, Debug)]
pub struct Named {
    /// The user name
    #[arg(value_parser = Username::parse)]
    name: Username,
}

#[derive(Args, Clone, Debug)]
pub struct Disable {
    /// The user name
    #[arg(value_parser = Username::parse)]
    name: Username,
    /// Why, for whoever is asked about it
    #[arg(long, value_name = "TEXT", default_value_t)]
    reason: String,
}

#[derive(Args, Clone, Debug)]
pub struct Add {
    /// The user name
    #[arg(value_name = "USERNAME", value_parser = Username::parse)]
    username: Username,
    /// The name shown on pages
    #[arg(long, value_name = "NAME", value_parser = shown_name)]
    name: String,
    /// A group; repeat for more
    #[arg(long = "group", value_name = "GROUP", value_parser = group)]
    groups: Vec<String>,
    /// Something else that policies may ask; repeat for more
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
    /// The account's last day, YYYY-MM-DD, or the minute it ends, `YYYY-MM-DD HH:MM`; Danish time
    #[arg(long, alias = "expiry", value_name = "TIME")]
    until: Option<End>,
    /// Read the CPR number from standard input; only a keyed hash of it is kept
    #[arg(long)]
    cpr_stdin: bool,
}

pub async fn run(command: Command, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        Command::Add(add) => self::add(add, context, out).await,
        Command::SetPassword(Named { name }) => set_password(&name, context, out).await,
        Command::List { format } => list(format, context, out).await,
        Command::Disable(Disable { name, reason }) => disable(&name, &reason, context, out).await,
        Command::Enable(Named { name }) => enable(&name, context, out).await,
        Command::Unlock(Named { name }) => unlock(&name, context, out).await,
        Command::Import { file } => import::run(&file, context, out).await,
    }
}

async fn add(add: Add, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let cpr = match add.cpr_stdin {
        true => Some(context.keys.cpr_hash(&Cpr::parse(context.input.secret("CPR number")?.expose())?)),
        false => None,
    };
    let user = User {
        id: UserId(random::uuid(context.random)),
        username: add.username,
        name: add.name,
        groups: add.groups,
        claims: sorted(add.claims),
        cpr,
        disabled: false,
        expires_at: add.until.map(End::moment),
        created_at: context.now(),
    };
    if !context.store.add_user(&user).await? {
        return Err(Refused(format!("there is a user `{}` already", user.username)).into());
    }
    context.record(context.entry(Event::UserAdded).user(&user)).await?;
    writeln!(out, "Added {0}. Next: `sluse user set-password {0}`, then `sluse invite {0}`.", user.username)?;
    Ok(())
}

async fn set_password(name: &Username, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let user = context.user(name).await?;
    let typed = context.input.secret(&format!("New password for {name}"))?;
    context.rules.check(&typed, &user)?;
    if context.input.interactive() && context.input.secret("The same again")? != typed {
        bail!("the two were not the same; nothing was changed");
    }
    let phc = context.passwords.hash(&typed, context.random).await?;
    let told = context.entry(Event::PasswordSet).user(&user).into_record();
    let ended = context.store.reset_password(user.id, &phc, &told).await?;
    writeln!(out, "The password of {name} is set; {} ended.", count(ended, "session"))?;
    Ok(())
}

async fn disable(
    name: &Username,
    reason: &str,
    context: &Context<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let user = context.user(name).await?;
    let ended = context.ended(&user, &Action::Lock(reason.trim().to_owned())).await?;
    writeln!(out, "{name} is disabled; {} ended.", count(ended, "session"))?;
    Ok(())
}

async fn enable(name: &Username, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let user = context.user(name).await?;
    context.ended(&user, &Action::Unlock).await?;
    writeln!(out, "{name} is enabled.")?;
    Ok(())
}

async fn unlock(name: &Username, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let user = context.user(name).await?;
    match context.desk().perform(&user, &Action::UnlockPassword).await? {
        Outcome::Nothing => {
            writeln!(
                out,
                "The password of {name} was not locked; its wrong attempts are counted from none."
            )?;
        }
        _ => writeln!(out, "The password of {name} is open again.")?,
    }
    Ok(())
}

async fn list(format: Format, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let users = context.store.users().await?;
    match format {
        Format::Human => {
            let rows: Vec<_> = users.iter().map(|user| row(user, context)).collect();
            table::write(out, ["USERNAME", "NAME", "GROUPS", "CPR", "LAST DAY", "STATE"], &rows)?;
        }
        Format::Json => writeln!(out, "{:#}", Value::from_iter(users.iter().map(object)))?,
    }
    Ok(())
}

fn row(user: &User, context: &Context<'_>) -> [String; 6] {
    let state = match (user.disabled, user.active(context.now())) {
        (true, _) => "disabled",
        (false, true) => "active",
        (false, false) => "expired",
    };
    [
        user.username.to_string(),
        user.name.clone(),
        user.groups.join("; "),
        if user.cpr.is_some() { "yes" } else { "no" }.to_owned(),
        user.expires_at.map(End::written).unwrap_or_default(),
        state.to_owned(),
    ]
}

/// Whether a CPR number is known, never its hash: it is of use to nobody but who would try them all.
fn object(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "username": user.username.as_str(),
        "name": user.name,
        "groups": user.groups,
        "claims": claims_by_name(user),
        "cpr": user.cpr.is_some(),
        "disabled": user.disabled,
        "expires_at": user.expires_at.map(|end| end.to_rfc3339()),
        "created_at": user.created_at.to_rfc3339(),
    })
}

/// A person's name, as pages show it.
fn shown_name(typed: &str) -> Result<String, InvalidName> {
    let name = typed.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(InvalidName);
    }
    Ok(name.to_owned())
}

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a person's name has 1 to 200 characters, none of them a control character")]
struct InvalidName;

fn claims_by_name(user: &User) -> BTreeMap<&str, Vec<&str>> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in &user.claims {
        names.entry(name).or_default().push(value);
    }
    names
}

fn sorted(mut claims: Vec<(String, String)>) -> Vec<(String, String)> {
    claims.sort();
    claims.dedup();
    claims
}

/// A claim, as it is typed: `unit=north`.
fn claim(typed: &str) -> Result<(String, String), InvalidClaim> {
    let (name, value) = typed.split_once('=').ok_or(InvalidClaim)?;
    Ok((claim_part(name)?, claim_part(value)?))
}

/// A claim's name, or its value.
fn claim_part(typed: &str) -> Result<String, InvalidClaim> {
    let part = typed.trim();
    if part.is_empty() || part.chars().any(|c| c.is_control() || c == ';') {
        return Err(InvalidClaim);
    }
    Ok(part.to_owned())
}

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a claim has a name and a value (`unit=north`), without semicolons and control characters")]
struct InvalidClaim;

/// A group's name: applications receive them in one header, separated by commas.
fn group(typed: &str) -> Result<String, InvalidGroup> {
    let name = typed.trim();
    if name.is_empty() || name.chars().any(|c| c.is_control() || c == ',' || c == ';') {
        return Err(InvalidGroup);
    }
    Ok(name.to_owned())
}

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a group has a name without commas, semicolons and control characters")]
struct InvalidGroup;

#[cfg(test)]
mod tests;
