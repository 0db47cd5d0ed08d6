//! `sluse user import`: the whole file, CSV or JSON, is read before anything is changed.

mod json;

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use csv::StringRecord;

use super::{claim_part, group, shown_name};
use crate::audit::Event;
use crate::cli::{Context, count};
use crate::date::End;
use crate::random;
use crate::secret::Keys;
use crate::time::Timestamp;
use crate::user::{Cpr, CprHash, User, UserId, Username};

pub(super) async fn run(file: &Path, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let shown = file.display();
    let content = std::fs::read(file).with_context(|| format!("`{shown}` cannot be read"))?;
    let people = read(&content, context.keys)
        .map_err(|problems| anyhow::anyhow!("nothing was changed, for `{shown}` has {problems}"))?;
    let mut summary = Summary::default();
    for person in people {
        let imported = import(person, context, &mut summary).await;
        imported.with_context(|| format!("stopped half way ({summary}); run it again to go on"))?;
    }
    writeln!(out, "{summary}.")?;
    Ok(())
}

async fn import(person: Person, context: &Context<'_>, summary: &mut Summary) -> anyhow::Result<()> {
    let Some(before) = context.store.user_by_name(&person.username).await? else {
        let user = person.onto(User {
            id: UserId(random::uuid(context.random)),
            username: person.username.clone(),
            name: String::new(),
            groups: Vec::new(),
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: None,
            created_at: context.now(),
        });
        anyhow::ensure!(context.store.add_user(&user).await?, "`{}` was added meanwhile", user.username);
        summary.added += 1;
        return context.record(context.entry(Event::UserAdded).user(&user)).await;
    };
    let user = person.onto(before.clone());
    if user == before {
        summary.unchanged += 1;
        return Ok(());
    }
    let told = context.entry(Event::UserChanged).user(&user).with("changed", changed(&before, &user));
    let changed = context.store.change_user(&user, &told.into_record()).await?;
    anyhow::ensure!(changed.is_some(), "`{}` was removed meanwhile", user.username);
    summary.updated += 1;
    Ok(())
}

/// The names of the columns that made a difference, never what is in them.
fn changed(before: &User, after: &User) -> Vec<&'static str> {
    [
        ("name", before.name != after.name),
        ("groups", before.groups != after.groups),
        ("claims", before.claims != after.claims),
        ("cpr", before.cpr != after.cpr),
        ("expiry", before.expires_at != after.expires_at),
    ]
    .into_iter()
    .filter_map(|(column, differs)| differs.then_some(column))
    .collect()
}

/// A line of the file: what it says, and nothing of what it does not.
struct Person {
    username: Username,
    name: String,
    cpr: Option<Option<CprHash>>,
    groups: Option<Vec<String>>,
    claims: Vec<(String, Vec<String>)>,
    expires_at: Option<Option<Timestamp>>,
}

impl Person {
    fn onto(&self, mut user: User) -> User {
        for (name, values) in &self.claims {
            user.set_claim(name, values);
        }
        User {
            name: self.name.clone(),
            cpr: self.cpr.unwrap_or(user.cpr),
            groups: self.groups.clone().unwrap_or(user.groups),
            expires_at: self.expires_at.unwrap_or(user.expires_at),
            ..user
        }
    }
}

fn read(content: &[u8], keys: &Keys) -> Result<Vec<Person>, Problems> {
    if json::is_meant(content) { json::read(content, keys) } else { table(content, keys) }
}

/// As CSV.
fn table(content: &[u8], keys: &Keys) -> Result<Vec<Person>, Problems> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(content);
    let mut people = People::default();
    let columns = match reader.headers() {
        Ok(header) => Columns::read(header, &mut people.problems),
        Err(_) => {
            people.problems.add(1, "this is no CSV in UTF-8".to_owned());
            None
        }
    };
    let Some(columns) = columns else { return people.finish() };
    let mut record = StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                let described = columns.describe(&record);
                let person = described.person(keys, &mut |text| people.problems.add(line, text));
                people.add(line, person);
            }
            Err(error) => {
                let line = error.position().map_or(line, csv::Position::line);
                people.problems.add(line, explain(&error));
            }
        }
    }
    people.finish()
}

/// Those that were read so far, and what was wrong.
#[derive(Default)]
struct People {
    people: Vec<Person>,
    lines: HashMap<Username, u64>,
    problems: Problems,
}

impl People {
    fn add(&mut self, line: u64, person: Option<Person>) {
        let Some(person) = person else { return };
        if let Some(first) = self.lines.insert(person.username.clone(), line) {
            self.problems.add(line, format!("`{}` is on line {first} already", person.username));
        }
        self.people.push(person);
    }

    fn finish(self) -> Result<Vec<Person>, Problems> {
        if self.problems.0.is_empty() { Ok(self.people) } else { Err(self.problems) }
    }
}

/// Never with the line's content: there may be a CPR number in it.
fn explain(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!(
                "{}, where the first line has {expected_len}",
                count(usize::try_from(*len).unwrap_or(0), "column")
            )
        }
        csv::ErrorKind::Utf8 { .. } => "this is not UTF-8".to_owned(),
        _ => "this cannot be read".to_owned(),
    }
}

/// Where each column is.
struct Columns {
    username: usize,
    name: usize,
    cpr: Option<usize>,
    groups: Option<usize>,
    expiry: Option<usize>,
    claims: Vec<(String, usize)>,
}

impl Columns {
    fn read(header: &StringRecord, problems: &mut Problems) -> Option<Self> {
        const KNOWN: [&str; 5] = ["username", "name", "cpr", "groups", "expiry"];
        let mut places = [None; KNOWN.len()];
        let mut claims: Vec<(String, usize)> = Vec::new();
        for (place, column) in header.iter().enumerate() {
            if let Some(name) = column.strip_prefix("claim:") {
                match claim_part(name) {
                    Ok(name) if claims.iter().all(|(had, _)| *had != name) => claims.push((name, place)),
                    Ok(_) => problems.add(1, format!("the column `{column}` is there twice")),
                    Err(error) => problems.add(1, error.to_string()),
                }
                continue;
            }
            match KNOWN.iter().position(|known| *known == column) {
                Some(known) if places[known].replace(place).is_none() => {}
                Some(_) => problems.add(1, format!("the column `{column}` is there twice")),
                None if column.contains(';') => {
                    problems.add(1, "the columns are to be separated by commas".to_owned());
                }
                // Not its text: without a header the first line is a person, and may hold a CPR number.
                None => problems.add(1, format!("column {} is none of {}", place + 1, KNOWN.join(", "))),
            }
        }
        let [username, name, cpr, groups, expiry] = places;
        for (column, place) in [("username", username), ("name", name)] {
            if place.is_none() {
                problems.add(1, format!("there is no column `{column}`"));
            }
        }
        (problems.0.is_empty()).then_some(())?;
        Some(Self { username: username?, name: name?, cpr, groups, expiry, claims })
    }

    fn describe(&self, record: &StringRecord) -> Described {
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let optional = |place: Option<usize>| place.map(|place| cell(place).to_owned());
        let several = |place: usize| cell(place).split(';').map(str::to_owned).collect();
        Described {
            username: cell(self.username).to_owned(),
            name: cell(self.name).to_owned(),
            cpr: optional(self.cpr),
            groups: self.groups.map(several),
            expiry: optional(self.expiry),
            claims: self.claims.iter().map(|(name, place)| (name.clone(), several(*place))).collect(),
        }
    }
}

/// A person as a file has them, whatever its form. What is `None` was not said; what is empty clears.
struct Described {
    username: String,
    name: String,
    cpr: Option<String>,
    groups: Option<Vec<String>>,
    expiry: Option<String>,
    claims: Vec<(String, Vec<String>)>,
}

impl Described {
    fn person(&self, keys: &Keys, problem: &mut impl FnMut(String)) -> Option<Person> {
        let mut sound = true;
        let mut note = |text: String| {
            problem(text);
            sound = false;
        };
        let username = Username::parse(&self.username).map_err(|error| note(error.to_string())).ok();
        let name = shown_name(&self.name).map_err(|error| note(error.to_string())).ok();
        let cpr = self.cpr.as_deref().map(|typed| match typed.trim() {
            "" => None,
            typed => match Cpr::parse(typed) {
                Ok(cpr) => Some(keys.cpr_hash(&cpr)),
                Err(error) => {
                    note(error.to_string());
                    None
                }
            },
        });
        let stated = |typed: &&String| !typed.trim().is_empty();
        let groups = self.groups.as_ref().map(|typed| {
            let names = typed.iter().filter(stated);
            names.filter_map(|name| group(name).map_err(|error| note(error.to_string())).ok()).collect()
        });
        let mut claims = Vec::new();
        for (claim, typed) in &self.claims {
            let values = typed.iter().filter(stated);
            let values =
                values.filter_map(|value| claim_part(value).map_err(|error| note(error.to_string())).ok());
            claims.push((claim.clone(), values.collect()));
        }
        let expires_at = self.expiry.as_deref().map(|typed| match typed.trim() {
            "" => None,
            typed => match typed.parse::<End>() {
                Ok(end) => Some(end.moment()),
                Err(error) => {
                    note(format!("`{typed}`: {error}"));
                    None
                }
            },
        });
        let (username, name) = (username?, name?);
        sound.then_some(Person { username, name, cpr, groups, claims, expires_at })
    }
}

/// Everything wrong with a file, by line.
#[derive(Debug, Default)]
struct Problems(Vec<(u64, String)>);

impl Problems {
    fn add(&mut self, line: u64, text: String) {
        self.0.push((line, text));
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", count(self.0.len(), "error"))?;
        self.0.iter().try_for_each(|(line, text)| write!(f, "\n  line {line}: {text}"))
    }
}

#[derive(Debug, Default)]
struct Summary {
    added: usize,
    updated: usize,
    unchanged: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Added {}, updated {}, unchanged {}", self.added, self.updated, self.unchanged)
    }
}
