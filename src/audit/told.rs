//! Which events somebody is told of, and who. What the mail says of each is in `pages/text/telling`.

use std::time::Duration;

use super::Event;

/// Whom an event is told, beside the webhooks that ask for it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Whom it happened to.
    Person,
    /// Those whom alarms go to.
    Administrators,
}

/// One event that is told.
#[derive(Copy, Clone, Debug)]
pub struct Told {
    pub event: Event,
    pub to: To,
    /// Mailed once in such a span, however often it happens: what strangers can bring about must not fill a
    /// mailbox.
    pub once_in: Option<Duration>,
}

const HOUR: Option<Duration> = Some(Duration::from_hours(1));

/// Every event that is told. Whoever adds one adds its words as well.
pub const TOLD: [Told; 9] = [
    Told { event: Event::KeyRegistered, to: To::Person, once_in: None },
    Told { event: Event::KeyDeleted, to: To::Person, once_in: None },
    Told { event: Event::BrowserNew, to: To::Person, once_in: None },
    Told { event: Event::PasswordSet, to: To::Person, once_in: None },
    Told { event: Event::AccountLocked, to: To::Person, once_in: HOUR },
    Told { event: Event::GlassBroken, to: To::Administrators, once_in: None },
    Told { event: Event::PasswordGuessing, to: To::Administrators, once_in: HOUR },
    Told { event: Event::ManyLockouts, to: To::Administrators, once_in: HOUR },
    Told { event: Event::TwoCountries, to: To::Administrators, once_in: None },
];

/// How the event with this code is told, if it is.
pub fn of(code: &str) -> Option<&'static Told> {
    TOLD.iter().find(|told| told.event.code() == code)
}
