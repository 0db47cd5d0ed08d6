//! From the audit to the outbox.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::notice::Notice;
use super::{ADMINISTRATORS, PERSON, Parts, WEBHOOK};
use crate::audit::told::{self, To, Told};
use crate::audit::{Entry, Event, Origin};
use crate::store::telling::Message;
use crate::store::{AuditPosition, AuditQuery, AuditRow, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

/// How often the audit is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Rows read at a time.
const BATCH: u32 = 500;

/// What is older is given up: a mail of last week's login helps nobody.
const KEPT: Duration = Duration::from_hours(3 * 24);

/// When so many messages wait, the rows that follow wait in the audit.
const MOST_WAITING: u64 = 10_000;

/// Follows the audit, for the channels that there are.
pub(super) struct Follower {
    pub parts: Parts,
    /// Those of mail.
    pub channels: Vec<&'static str>,
    /// The channel of each, and the events it asks for.
    pub webhooks: Vec<(String, Vec<&'static str>)>,
}

impl Follower {
    /// Where there is no position yet, takes that of the newest row.
    pub async fn begin(&self) -> Result<(), StoreError> {
        let store = &self.parts.store;
        if store.told().await?.is_none() {
            let newest = AuditQuery { newest_first: true, limit: 1, ..AuditQuery::default() };
            let newest = store.audit(&newest).await?.first().map_or(0, |row| row.position);
            store.tell(None, newest, &[]).await?;
        }
        Ok(())
    }

    pub async fn run(self) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "what happened could not be looked at, to be told");
            }
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        while self.waiting().await? < MOST_WAITING && self.follow().await? {}
        while self.give_up().await? {}
        Ok(())
    }

    async fn waiting(&self) -> Result<u64, StoreError> {
        let waiting = self.parts.store.messages_waiting().await?;
        self.parts.metrics.messages_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        Ok(waiting)
    }

    /// Whether there may be more.
    async fn follow(&self) -> Result<bool, StoreError> {
        let Parts { store, clock, .. } = &self.parts;
        let from = store.told().await?;
        let query = AuditQuery {
            after: from,
            from: Some(clock.now().minus(KEPT)),
            limit: BATCH,
            ..AuditQuery::default()
        };
        let rows = store.audit(&query).await?;
        let Some(last) = rows.last() else { return Ok(false) };
        let mut messages = Vec::new();
        for row in &rows {
            if let Some(told) = told::of(&row.record.event) {
                messages.extend(self.messages(row, told).await?);
            }
        }
        // Another node may have been here first: then it is told already.
        store.tell(from, last.position, &messages).await?;
        Ok(rows.len() == BATCH as usize)
    }

    async fn messages(&self, row: &AuditRow, told: &Told) -> Result<Vec<Message>, StoreError> {
        let mut channels = Vec::new();
        let mail = match told.to {
            To::Administrators => Some(ADMINISTRATORS),
            To::Person => row.record.user.map(|_| PERSON),
        };
        if let Some(channel) = mail.filter(|channel| self.channels.contains(channel))
            && !self.is_repeated(row, told).await?
        {
            channels.push(channel.to_owned());
        }
        let asking = self.webhooks.iter().filter(|(_, events)| events.contains(&told.event.code()));
        channels.extend(asking.map(|(channel, _)| channel.clone()));
        let content = serde_json::to_string(&Notice::of(row)).expect("names and numbers are JSON");
        let message = |channel| Message {
            position: row.position,
            channel,
            at: row.record.at,
            content: content.clone(),
            attempts: 0,
        };
        Ok(channels.into_iter().map(message).collect())
    }

    /// Whether the same was told before in the same span: to the person it happened to, or of anybody.
    async fn is_repeated(&self, row: &AuditRow, told: &Told) -> Result<bool, StoreError> {
        let Some(span) = told.once_in else { return Ok(false) };
        let record = &row.record;
        let query = AuditQuery {
            user: record.user.filter(|_| told.to == To::Person),
            event: Some(record.event.clone()),
            from: Some(start_of(span, record.at)),
            limit: 100,
            ..AuditQuery::default()
        };
        let before: Vec<AuditRow> = self.parts.store.audit(&query).await?;
        let mut before = before.iter().take_while(|earlier| earlier.position < row.position).map(Notice::of);
        let this = Notice::of(row);
        // A lock for good is another matter than one for a while, and so is guessing at a name or from an address.
        Ok(before.any(|other| ["kind", "by"].iter().all(|name| other.text(name) == this.text(name))))
    }

    /// The oldest, if it is too old; whether there may be more.
    async fn give_up(&self) -> Result<bool, StoreError> {
        let Parts { store, audit, clock, metrics } = &self.parts;
        let Some(message) = store.oldest_message().await? else { return Ok(false) };
        let now = clock.now();
        if now.since(message.at) < KEPT {
            return Ok(false);
        }
        let notice: Option<Notice> = serde_json::from_str(&message.content).ok();
        let correlation = notice.as_ref().map(|notice| notice.correlation.clone()).unwrap_or_default();
        let entry = Entry::new(Event::TellingGivenUp, &Origin { at: now, address: None, correlation })
            .with("channel", message.channel.as_str())
            .with("position", AuditPosition::from(message.position))
            .with("attempts", message.attempts);
        let entry = match notice {
            Some(notice) => match notice.user {
                Some(user) => entry.user_id(UserId(user)).with("event", notice.event),
                None => entry.with("event", notice.event),
            },
            None => entry,
        };
        let record = entry.into_record();
        if store.finish_message(&message, Some(&record)).await? {
            audit.written(&record);
            metrics.told.with_label_values(&[kind(&message.channel), "given-up"]).inc();
        }
        Ok(true)
    }
}

/// Spans follow one another by the clock, so that what goes on for long is told of again.
fn start_of(span: Duration, at: Timestamp) -> Timestamp {
    let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis() - at.as_millis().rem_euclid(span))
}

/// A channel as metrics have it: without the names of webhooks.
pub(super) fn kind(channel: &str) -> &str {
    if channel.starts_with(WEBHOOK) { "webhook" } else { channel }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_follow_one_another() {
        let start =
            |seconds| start_of(Duration::from_hours(1), Timestamp::from_seconds(seconds)).as_seconds();
        assert_eq!([0, 3599, 3600, 7199, -1].map(start), [0, 0, 3600, 3600, -3600]);
    }
}
