//! `sluse invite`: a one-time code with which a person registers a first key.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::{Context, Format, Refused, date};
use crate::desk::{Action, Outcome};
use crate::user::Username;

/// Make a one-time code for registering a security key
///
/// The code replaces any earlier one of the person's, is good for 24 hours and for one key, and is shown
/// this once. Whoever has it and the password can register a key: be sure whom you give it to.
#[derive(Args, Clone, Debug)]
pub struct Invite {
    /// The user name
    #[arg(value_parser = Username::parse)]
    name: Username,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub async fn run(invite: Invite, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let user = context.user(&invite.name).await?;
    let Outcome::Code { code, expires_at } = context.desk().perform(&user, &Action::Invite).await? else {
        let refusal = format!("the account of `{}` is disabled or has expired", user.username);
        return Err(Refused(refusal).into());
    };
    match invite.format {
        Format::Human => {
            writeln!(out, "{code}\n")?;
            writeln!(
                out,
                "For {} ({}), until {}.",
                user.name,
                user.username,
                date::to_the_minute(expires_at)
            )?;
            writeln!(out, "It registers one security key, and is not shown again.")?;
        }
        Format::Json => {
            let (username, code) = (user.username.as_str(), code.to_string());
            let answer = json!({"username": username, "code": code, "expires_at": expires_at.to_rfc3339()});
            writeln!(out, "{answer:#}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::authn::code::Code;
    use crate::cli::fixture::Fixture;
    use crate::desk::CODE_LIFETIME;
    use crate::user::User;

    #[tokio::test]
    async fn a_code_is_shown_once_and_kept_as_a_hash() {
        let fixture = Fixture::new().await;
        let nez = fixture.person("nez").await;
        let out = fixture.invite(&["nez"]).await.unwrap();
        let code = Code::parse(out.lines().next().unwrap()).unwrap();
        assert!(out.contains("For Nez (nez), until 2026-11-23 09:54."), "{out}");

        for (after, live) in [(CODE_LIFETIME - Duration::from_millis(1), true), (CODE_LIFETIME, false)] {
            let then = fixture.now().plus(after);
            assert_eq!(fixture.store.code_is_live(nez.id, &code.hash(), then).await.unwrap(), live);
        }

        let shown = code.to_string();
        for secret in [shown.replace('-', ""), shown] {
            assert!(!fixture.store_contains(secret.as_bytes()), "the code is in the store");
        }
        let events = fixture.events().await;
        assert_eq!(events, ["user-invited"]);
    }

    #[tokio::test]
    async fn a_new_code_replaces_the_last() {
        let fixture = Fixture::new().await;
        let nez = fixture.person("nez").await;
        let mut codes = Vec::new();
        for _ in 0..2 {
            let out = fixture.invite(&["nez", "--format", "json"]).await.unwrap();
            let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert_eq!(answer["username"], "nez");
            codes.push(Code::parse(answer["code"].as_str().unwrap()).unwrap());
        }
        let now = fixture.now();
        assert!(!fixture.store.code_is_live(nez.id, &codes[0].hash(), now).await.unwrap());
        assert!(fixture.store.code_is_live(nez.id, &codes[1].hash(), now).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_else_is_invited() {
        let fixture = Fixture::new().await;
        let nez = fixture.person("nez").await;
        fixture.store.update_user(&User { disabled: true, ..nez }).await.unwrap();
        for name in ["nez", "nobody"] {
            let refused = fixture.invite(&[name]).await.unwrap_err();
            assert!(refused.is::<Refused>(), "{refused}");
        }
        assert!(fixture.events().await.is_empty());
    }
}
