//! `sluse audit`: security events listed, exported, and shown to be as they were written.

use std::io::Write;
use std::net::IpAddr;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Context, Format, Refused, count, table};
use crate::audit::CorrelationIds;
use crate::audit::export::{COLUMNS, cells, object, write_csv};
use crate::date::Span;
use crate::store::chain::{ChainHash, Link};
use crate::store::{AuditPosition, AuditQuery, AuditRow};
use crate::user::Username;

#[derive(Subcommand, Clone, Debug)]
pub enum Audit {
    /// Show security events, newest first
    List(List),
    /// Write security events for another program, oldest first
    Export(Export),
    /// Look whether any row was changed, removed or moved
    Verify(Verify),
}

#[derive(Args, Clone, Debug)]
pub struct List {
    #[command(flatten)]
    filter: Filter,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args, Clone, Debug)]
pub struct Export {
    #[command(flatten)]
    filter: Filter,
    /// Go on after the row at this position, the last one you have
    #[arg(long, value_name = "POSITION")]
    after: Option<AuditPosition>,
    /// At most so many; all where it is not said
    #[arg(long)]
    limit: Option<u32>,
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
}

#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// A row as it was seen before, in an export or by an earlier `verify`: it must still be the same
    #[arg(long, value_name = "POSITION:HASH", value_parser = link)]
    noted: Option<Link>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// RFC 4180, with a head; cells that a spreadsheet would take for a formula begin with an apostrophe
    Csv,
    /// An object a line
    #[default]
    Json,
}

#[derive(Args, Clone, Debug)]
struct Filter {
    /// Of this person alone
    #[arg(long, value_name = "NAME", value_parser = Username::parse)]
    user: Option<Username>,
    /// With this user name as it was typed, whether anybody has it or not
    #[arg(long, value_name = "NAME")]
    typed: Option<String>,
    /// Done for somebody else by this person, or by this operator of the machine
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Such as `password-wrong`
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// From this address
    #[arg(long, value_name = "ADDRESS")]
    address: Option<IpAddr>,
    /// Of the request that showed this code
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// From this day or minute on: `2026-11-22`, `2026-11-22 14:05`, Danish time
    #[arg(long, value_name = "TIME")]
    from: Option<Span>,
    /// To this day or minute, and including it
    #[arg(long, value_name = "TIME")]
    until: Option<Span>,
}

/// Rows read at a time.
const BATCH: u32 = 1000;

pub async fn run(audit: Audit, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    match audit {
        Audit::List(args) => list(args, context, out).await,
        Audit::Export(args) => export(args, context, out).await,
        Audit::Verify(args) => verify(args, context, out).await,
    }
}

async fn list(list: List, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let query = AuditQuery { newest_first: true, limit: list.limit, ..list.filter.query(context).await? };
    let rows = context.store.audit(&query).await?;
    match list.format {
        Format::Human => {
            let rows: Vec<_> = rows.iter().map(line).collect();
            let head = ["TIME", "EVENT", "USER", "BY", "ADDRESS", "CODE", "DETAIL"];
            table::write(out, head, &rows)?;
        }
        Format::Json => writeln!(out, "{:#}", Value::from_iter(rows.iter().map(object)))?,
    }
    Ok(())
}

async fn export(export: Export, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let mut query = AuditQuery { after: export.after, ..export.filter.query(context).await? };
    let mut left = export.limit.unwrap_or(u32::MAX);
    if export.format == ExportFormat::Csv {
        write_csv(std::iter::once(COLUMNS.map(str::to_owned)), out)?;
    }
    loop {
        query.limit = left.min(BATCH);
        let rows = context.store.audit(&query).await?;
        let Some(last) = rows.last() else { break };
        query.after = Some(last.position);
        left -= u32::try_from(rows.len()).unwrap_or(left);
        match export.format {
            ExportFormat::Csv => write_csv(rows.iter().map(cells), out)?,
            ExportFormat::Json => {
                for row in &rows {
                    writeln!(out, "{}", object(row))?;
                }
            }
        }
    }
    Ok(())
}

async fn verify(verify: Verify, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let found = context.store.verify_audit(verify.noted).await?;
    let head = format!("{}:{}", found.head.position, found.head.hash);
    match verify.format {
        Format::Json => {
            let faults: Vec<String> = found.faults.iter().map(ToString::to_string).collect();
            let after = found.anchor.position;
            let object = json!({ "rows": found.rows, "after": after, "head": head, "faults": faults });
            writeln!(out, "{object:#}")?;
        }
        Format::Human => {
            for fault in &found.faults {
                writeln!(out, "{fault}")?;
            }
            if found.anchor.position > 0 {
                writeln!(
                    out,
                    "rows to {} were forgotten, as `audit: {{ keep: … }}` has it",
                    found.anchor.position
                )?;
            }
            let rows = count(usize::try_from(found.rows)?, "row");
            writeln!(out, "{rows}, the newest {head}")?;
        }
    }
    match found.faults.len() {
        0 => Ok(()),
        faults => {
            Err(Refused(format!("the audit is not as it was written: {}", count(faults, "fault"))).into())
        }
    }
}

impl Filter {
    async fn query(self, context: &Context<'_>) -> anyhow::Result<AuditQuery> {
        let user = match &self.user {
            Some(name) => Some(context.user(name).await?.id),
            None => None,
        };
        Ok(AuditQuery {
            user,
            username: self.typed,
            by: self.by,
            event: self.event,
            address: self.address,
            // Commands and reloads have codes of another form.
            correlation: self.code.map(|code| CorrelationIds::parse(&code).unwrap_or(code)),
            from: self.from.map(Span::first),
            until: self.until.map(Span::end),
            ..AuditQuery::default()
        })
    }
}

fn line(row: &AuditRow) -> [String; 7] {
    let record = &row.record;
    [
        record.at.to_rfc3339(),
        record.event.clone(),
        record.username.clone().unwrap_or_default(),
        record.performer().unwrap_or_default(),
        record.address.map(|address| address.to_string()).unwrap_or_default(),
        record.correlation.clone(),
        if record.detail == "{}" { String::new() } else { record.detail.clone() },
    ]
}

fn link(text: &str) -> Result<Link, &'static str> {
    let parsed = text.split_once(':').and_then(|(position, hash)| {
        Some(Link { position: position.parse().ok()?, hash: ChainHash::parse(hash)? })
    });
    parsed.ok_or("a row is noted as POSITION:HASH, as `sluse audit verify` prints the newest")
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
