//! From the outbox to whom it is for: tried again, ever less often, until it is told or too old.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::follower::kind;
use super::mail::Mailer;
use super::notice::Notice;
use super::webhook::Poster;
use super::{ADMINISTRATORS, Parts};
use crate::store::StoreError;
use crate::store::telling::Message;

/// How often the outbox is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// For one attempt, however slow the other end is.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a claimed message is nobody else's: longer than an attempt takes.
const CLAIM: Duration = Duration::from_secs(2 * 60);

const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Carries the messages of its channels, one after another.
pub(super) struct Courier {
    pub parts: Parts,
    pub channels: Vec<String>,
    pub carrier: Carrier,
}

pub(super) enum Carrier {
    Mail(Mailer),
    Webhook(Poster),
}

impl Courier {
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.carry_all().await {
                tracing::warn!(%error, "messages could not be looked for");
            }
        }
    }

    /// All that are due. After one that fails the rest waits for the next look: most often it would fail too.
    async fn carry_all(&self) -> Result<(), StoreError> {
        let Parts { store, clock, .. } = &self.parts;
        let channels: Vec<&str> = self.channels.iter().map(String::as_str).collect();
        loop {
            let now = clock.now();
            let Some(message) = store.claim_message(&channels, now, now.plus(CLAIM)).await? else {
                return Ok(());
            };
            if !self.carry(&message).await? {
                return Ok(());
            }
        }
    }

    /// Whether it is told.
    async fn carry(&self, message: &Message) -> Result<bool, StoreError> {
        let Parts { store, clock, metrics, .. } = &self.parts;
        let told = |result| metrics.told.with_label_values(&[kind(&message.channel), result]).inc();
        let carried = tokio::time::timeout(PATIENCE, self.carrier.carry(message)).await;
        match carried.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer"))) {
            Ok(sent) => {
                store.finish_message(message, None).await?;
                if sent {
                    told("sent");
                }
                Ok(true)
            }
            Err(error) => {
                let Message { channel, attempts, position, .. } = message;
                tracing::warn!(
                    error = format!("{error:#}"),
                    channel,
                    attempts,
                    position,
                    "a message was not taken; it is tried again"
                );
                store.postpone_message(message, clock.now().plus(pause(*attempts))).await?;
                told("failed");
                Ok(false)
            }
        }
    }
}

impl Carrier {
    /// `false` if there is nobody to take it.
    async fn carry(&self, message: &Message) -> anyhow::Result<bool> {
        let notice: Notice = serde_json::from_str(&message.content)?;
        match self {
            Self::Mail(mailer) if message.channel == ADMINISTRATORS => {
                mailer.to_administrators(&notice).await
            }
            Self::Mail(mailer) => mailer.to_person(&notice).await,
            Self::Webhook(poster) => poster.post(&notice).await.map(|()| true),
        }
    }
}

/// How long to wait after so many attempts: a minute, two, four, up to an hour.
fn pause(attempts: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(10));
    doubled.min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_ever_further_apart() {
        let minutes = |attempts| pause(attempts).as_secs() / 60;
        assert_eq!([0, 1, 2, 3, 6, 7, 100].map(minutes), [1, 1, 2, 4, 32, 60, 60]);
        const { assert!(PATIENCE.as_secs() < CLAIM.as_secs()) };
    }
}
