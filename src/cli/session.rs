//! `sluse session`: ending what is open.

use std::io::Write;

use clap::Subcommand;

use super::{Context, count};
use crate::desk::Action;
use crate::user::Username;

#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Log a person out everywhere
    End {
        /// The user name
        #[arg(value_parser = Username::parse)]
        user: Username,
    },
}

pub async fn run(command: Command, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let Command::End { user: name } = command;
    let user = context.user(&name).await?;
    let ended = context.ended(&user, &Action::EndSessions).await?;
    writeln!(out, "{name} is logged out; {} ended.", count(ended, "session"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cli::fixture::Fixture;

    #[tokio::test]
    async fn everything_a_person_has_open_is_ended() {
        let fixture = Fixture::new().await;
        let nez = fixture.person("nez").await;
        let ole = fixture.person("ole").await;
        let ended = [fixture.session(&nez).await, fixture.session(&nez).await];
        let other = fixture.session(&ole).await;
        let said = fixture.session_command(&["end", "nez"]).await.unwrap();
        assert_eq!(said, "nez is logged out; 2 sessions ended.\n");
        for token in ended {
            assert_eq!(fixture.store.session(&token).await.unwrap(), None);
        }
        assert!(fixture.store.session(&other).await.unwrap().is_some());
        assert_eq!(fixture.events().await, ["logged-out"]);
        assert!(fixture.session_command(&["end", "nobody"]).await.is_err());
    }
}
