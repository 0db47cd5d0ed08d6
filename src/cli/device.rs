//! `sluse device`: devices that many people use.

use std::io::Write;

use clap::Subcommand;
use serde_json::json;
use url::Url;

use super::{Context, Format, Refused, date, table};
use crate::audit::Event;
use crate::authn::code::Code;
use crate::desk::LINK_LIFETIME;

#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Make the one-time link that marks a device as shared when it is opened on it
    ///
    /// The link is good for an hour, and shown this once. With the name of a device that is there already, it
    /// marks it anew: for one whose cookies were wiped.
    Add {
        /// What you call the device, such as `Tablet 3, Nord`
        #[arg(value_parser = name)]
        name: String,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show all shared devices
    List {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Have a device be like any other again
    Remove { name: String },
}

/// `login` is the address of the login host.
pub async fn run(
    command: Command,
    context: &Context<'_>,
    login: &Url,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match command {
        Command::Add { name, format } => add(&name, format, context, login, out).await,
        Command::List { format } => list(format, context, out).await,
        Command::Remove { name } => {
            if !context.store.remove_device(&name).await? {
                return Err(Refused(format!("there is no shared device `{name}`")).into());
            }
            context.record(context.entry(Event::DeviceRemoved).with("device", name.as_str())).await?;
            Ok(writeln!(
                out,
                "`{name}` is not shared any more. Who is logged in on it stays so until they leave."
            )?)
        }
    }
}

async fn add(
    name: &str,
    format: Format,
    context: &Context<'_>,
    login: &Url,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let code = Code::generate(context.random);
    let expires_at = context.now().plus(LINK_LIFETIME);
    context.store.invite_device(name, &code.hash(), expires_at).await?;
    context.record(context.entry(Event::DeviceInvited).with("device", name)).await?;
    let mut link = login.join("/device")?;
    link.query_pairs_mut().append_pair("code", &code.to_string());
    match format {
        Format::Human => {
            writeln!(out, "{link}\n")?;
            writeln!(out, "Open it on `{name}`, until {}.", date::to_the_minute(expires_at))?;
            writeln!(out, "It marks one device, and is not shown again.")?;
        }
        Format::Json => {
            let answer = json!({
                "device": name,
                "link": link.as_str(),
                "expires_at": expires_at.to_rfc3339(),
            });
            writeln!(out, "{answer:#}")?;
        }
    }
    Ok(())
}

async fn list(format: Format, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let devices = context.store.devices().await?;
    match format {
        Format::Human => {
            let rows: Vec<_> = devices
                .into_iter()
                .map(|device| {
                    let marked =
                        device.marked_at.map_or_else(|| "waits for its link".to_owned(), date::to_the_minute);
                    [device.name, marked]
                })
                .collect();
            table::write(out, ["DEVICE", "MARKED"], &rows)?;
        }
        Format::Json => {
            let devices: Vec<_> = devices
                .iter()
                .map(|device| {
                    json!({ "device": device.name, "marked_at": device.marked_at.map(|at| at.to_rfc3339()) })
                })
                .collect();
            writeln!(out, "{:#}", json!(devices))?;
        }
    }
    Ok(())
}

fn name(typed: &str) -> Result<String, String> {
    let name = typed.trim();
    let fine = (1..=128).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fine {
        Ok(name.to_owned())
    } else {
        Err("a name has 1 to 128 characters, none of them a control character".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixture::Fixture;
    use crate::store::TokenHash;

    #[tokio::test]
    async fn a_link_is_made_opened_and_seen() {
        let fixture = Fixture::new().await;
        let out = fixture.device(&["add", "Tablet 3, Nord"]).await.unwrap();
        let link = Url::parse(out.lines().next().unwrap()).unwrap();
        assert!(link.as_str().starts_with("https://login.example/device?code="), "{link}");
        assert!(out.contains("Open it on `Tablet 3, Nord`, until 2026-11-22 10:54."), "{out}");
        let waiting = fixture.device(&["list"]).await.unwrap();
        assert_eq!(waiting, "DEVICE          MARKED\nTablet 3, Nord  waits for its link\n");

        let code = Code::parse(&link.query_pairs().next().unwrap().1).unwrap();
        let token = TokenHash([7; 32]);
        assert!(fixture.store.mark_device(&code.hash(), &token, fixture.now()).await.unwrap().is_some());
        assert!(fixture.device(&["list"]).await.unwrap().ends_with("Tablet 3, Nord  2026-11-22 09:54\n"));
        let listed = fixture.device(&["list", "--format", "json"]).await.unwrap();
        assert!(listed.contains("\"marked_at\": \"2026-11-22T08:54:56.007Z\""), "{listed}");

        fixture.device(&["remove", "Tablet 3, Nord"]).await.unwrap();
        let refused = fixture.device(&["remove", "Tablet 3, Nord"]).await.unwrap_err();
        assert!(refused.is::<Refused>(), "{refused}");
        assert_eq!(fixture.events().await, ["device-invited", "device-removed"]);
        assert!(fixture.device(&["add", " "]).await.is_err());
    }
}
