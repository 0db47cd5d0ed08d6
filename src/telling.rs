//! Telling people what happened to their account, and administrators what is an alarm: by mail and by webhook.
//!
//! Whatever is told is a row of the audit first ([`crate::audit::told`] has the list). A follower reads the rows it
//! has not seen, puts a message a channel in the outbox, and moves on, in one transaction; couriers take messages
//! from there. So nothing is lost by a crash or an outage, no page waits for a mail server, and of several nodes one
//! sends. A message may arrive twice, and then has the same id.

mod courier;
mod follower;
mod letter;
mod mail;
mod notice;
mod webhook;

use std::sync::Arc;

use anyhow::Context as _;

use self::courier::{Carrier, Courier};
use self::follower::Follower;
use self::mail::Mailer;
use self::webhook::Poster;
use crate::audit::AuditLog;
use crate::config::{Config, Language};
use crate::metrics::Metrics;
use crate::pages::text::Lang;
use crate::store::{Store, StoreError};
use crate::time::Clock;

/// Mail to whom it happened to.
const PERSON: &str = "person";
/// Mail to those whom alarms go to.
const ADMINISTRATORS: &str = "administrators";
/// Before the name of a webhook.
const WEBHOOK: &str = "webhook:";

/// What it works with.
#[derive(Clone)]
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub audit: AuditLog,
    pub metrics: Arc<Metrics>,
    pub clock: Arc<dyn Clock>,
}

/// Everybody who is told, and how: made from the configuration at start.
pub struct Telling {
    follower: Follower,
    couriers: Vec<Courier>,
}

impl Telling {
    /// `None` where the configuration tells nobody. Reads the files it names.
    pub fn set_up(config: &Config, parts: Parts) -> anyhow::Result<Option<Self>> {
        if config.mail.is_none() && config.webhooks.is_empty() {
            return Ok(None);
        }
        let installation = config.login.origin().ascii_serialization();
        let mut couriers = Vec::new();
        let mut follower = Follower { parts: parts.clone(), channels: Vec::new(), webhooks: Vec::new() };
        if let Some(mail) = &config.mail {
            let languages = config.languages.iter().map(language).collect();
            let mailer = Mailer::new(mail, &installation, languages, parts.store.clone());
            let mailer = mailer.context("`mail` cannot be set up")?;
            follower.channels.push(PERSON);
            if !mail.alarms.is_empty() {
                follower.channels.push(ADMINISTRATORS);
            }
            let channels = vec![PERSON.to_owned(), ADMINISTRATORS.to_owned()];
            couriers.push(Courier { parts: parts.clone(), channels, carrier: Carrier::Mail(mailer) });
        }
        for webhook in &config.webhooks {
            let poster = Poster::new(webhook, &installation, parts.clock.clone());
            let poster =
                poster.with_context(|| format!("the webhook `{}` cannot be set up", webhook.name))?;
            let channel = format!("{WEBHOOK}{}", webhook.name);
            follower.webhooks.push((channel.clone(), webhook.events.clone()));
            let carrier = Carrier::Webhook(poster);
            couriers.push(Courier { parts: parts.clone(), channels: vec![channel], carrier });
        }
        Ok(Some(Self { follower, couriers }))
    }

    /// Before anything happens that is to be told: the first time, what happened before is left alone.
    pub async fn begin(&self) -> Result<(), StoreError> {
        self.follower.begin().await
    }

    /// Tells, until dropped.
    pub async fn run(self) {
        let mut running = tokio::task::JoinSet::new();
        running.spawn(self.follower.run());
        for courier in self.couriers {
            running.spawn(courier.run());
        }
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "people are not told any more");
            }
        }
    }
}

fn language(language: &Language) -> Lang {
    match language {
        Language::Da => Lang::Da,
        Language::En => Lang::En,
    }
}
