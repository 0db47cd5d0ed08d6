//! Dates as administrators write and read them: in Danish time.

mod time_of_day;

use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

pub use self::time_of_day::{clock, next_at};
use crate::time::Timestamp;

/// The last day of something, such as an account.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct LastDay(Date);

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a date is written YYYY-MM-DD")]
pub struct InvalidDate;

impl std::str::FromStr for LastDay {
    type Err = InvalidDate;

    fn from_str(typed: &str) -> Result<Self, InvalidDate> {
        let date = Date::strptime("%Y-%m-%d", typed).map_err(|_| InvalidDate)?;
        // jiff's pattern takes `2026-1-2` too, and years we could not show again.
        if date.to_string() == typed && (1970..9999).contains(&date.year()) {
            Ok(Self(date))
        } else {
            Err(InvalidDate)
        }
    }
}

impl LastDay {
    fn first(self) -> Timestamp {
        let day = self.0.to_zoned(denmark()).expect("years before 9999 can be placed in time");
        Timestamp::from_millis(day.timestamp().as_millisecond())
    }

    /// The first moment after it.
    pub fn end(self) -> Timestamp {
        let next = self
            .0
            .tomorrow()
            .and_then(|day| day.to_zoned(denmark()))
            .expect("years before 9999 have a next day");
        Timestamp::from_millis(next.timestamp().as_millisecond())
    }

    /// The day before which `end` is the first moment.
    pub fn before(end: Timestamp) -> String {
        let last = jiff::Timestamp::from_millisecond(end.as_millis().saturating_sub(1));
        last.map_or_else(|_| "?".to_owned(), |last| last.to_zoned(denmark()).date().to_string())
    }
}

/// When an account ends: after a day that is written, or at a minute.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct End(Timestamp);

impl End {
    pub(super) fn moment(self) -> Timestamp {
        self.0
    }

    /// As it would be written.
    pub(super) fn written(end: Timestamp) -> String {
        let minute = to_the_minute(end);
        if minute.ends_with(" 00:00") { LastDay::before(end) } else { minute }
    }
}

impl std::str::FromStr for End {
    type Err = InvalidSpan;

    fn from_str(typed: &str) -> Result<Self, InvalidSpan> {
        let span: Span = typed.parse()?;
        Ok(Self(if typed.contains(':') { span.first } else { span.end }))
    }
}

/// A time of day, or a minute of some day.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Until {
    Clock(String),
    Moment(Timestamp),
}

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a time is written HH:MM or `YYYY-MM-DD HH:MM`, Danish time")]
pub(crate) struct InvalidTime;

impl Until {
    /// The next there is after `now`, where no day is written.
    pub(super) fn after(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Clock(typed) => next_at(typed, now).unwrap_or(now),
            Self::Moment(moment) => *moment,
        }
    }
}

impl std::str::FromStr for Until {
    type Err = InvalidTime;

    fn from_str(typed: &str) -> Result<Self, InvalidTime> {
        if next_at(typed, Timestamp::EPOCH).is_some() {
            return Ok(Self::Clock(typed.to_owned()));
        }
        let span: Span = typed.parse().map_err(|_| InvalidTime)?;
        if typed.contains(':') { Ok(Self::Moment(span.first)) } else { Err(InvalidTime) }
    }
}

/// A day, or a minute, as it was written: what lies between its first moment and its end.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Span {
    first: Timestamp,
    end: Timestamp,
}

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a day is written YYYY-MM-DD and a minute `YYYY-MM-DD HH:MM`, Danish time")]
pub struct InvalidSpan;

impl Span {
    pub fn first(self) -> Timestamp {
        self.first
    }

    /// The first moment after it.
    pub fn end(self) -> Timestamp {
        self.end
    }
}

impl std::str::FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(typed: &str) -> Result<Self, InvalidSpan> {
        let Some((day, time)) = typed.split_once([' ', 'T']) else {
            let day: LastDay = typed.parse().map_err(|_| InvalidSpan)?;
            return Ok(Self { first: day.first(), end: day.end() });
        };
        let LastDay(day) = day.parse().map_err(|_| InvalidSpan)?;
        let minute = Time::strptime("%H:%M", time).map_err(|_| InvalidSpan)?;
        let first = day.to_datetime(minute).to_zoned(denmark()).map_err(|_| InvalidSpan)?;
        let first = Timestamp::from_millis(first.timestamp().as_millisecond());
        Ok(Self { first, end: first.plus(Duration::from_secs(60)) })
    }
}

/// `2026-11-22 14:05`, Danish time.
pub fn to_the_minute(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(moment) => moment.to_zoned(denmark()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "?".to_owned(),
    }
}

/// `2026-11-22 14:05:12`, Danish time.
pub fn to_the_second(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(moment) => moment.to_zoned(denmark()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "?".to_owned(),
    }
}

fn denmark() -> TimeZone {
    TimeZone::get("Europe/Copenhagen").expect("the time zone database is compiled in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_counts() {
        for (day, end) in [
            ("2026-12-31", "2026-12-31T23:00:00.000Z"),
            ("2026-07-01", "2026-07-01T22:00:00.000Z"),
            ("2026-10-24", "2026-10-24T22:00:00.000Z"),
            ("2026-10-25", "2026-10-25T23:00:00.000Z"),
            ("2028-02-29", "2028-02-29T23:00:00.000Z"),
        ] {
            let last: LastDay = day.parse().unwrap();
            assert_eq!(last.end().to_rfc3339(), end);
            assert_eq!(LastDay::before(last.end()), day);
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for typed in
            ["", "2026-1-2", "31-12-2026", "2026-02-29", "2026-12-31 ", "2026-12-31T00:00", "99999-01-01"]
        {
            assert_eq!(typed.parse::<LastDay>(), Err(InvalidDate), "{typed:?}");
        }
    }

    #[test]
    fn a_span_is_a_day_or_a_minute() {
        for (typed, first, end) in [
            ("2026-11-22", "2026-11-21T23:00:00.000Z", "2026-11-22T23:00:00.000Z"),
            ("2026-11-22 14:05", "2026-11-22T13:05:00.000Z", "2026-11-22T13:06:00.000Z"),
            ("2026-07-01T00:00", "2026-06-30T22:00:00.000Z", "2026-06-30T22:01:00.000Z"),
        ] {
            let span: Span = typed.parse().unwrap();
            assert_eq!((span.first().to_rfc3339().as_str(), span.end().to_rfc3339().as_str()), (first, end));
        }
        for typed in ["", "14:05", "2026-11-22 25:00", "2026-11-22 14:05:01", "2026-11-22 ", "22-11-2026"] {
            assert_eq!(typed.parse::<Span>(), Err(InvalidSpan), "{typed:?}");
        }
    }

    #[test]
    fn minutes_are_danish() {
        assert_eq!(to_the_minute(Timestamp::from_millis(1_795_337_696_007)), "2026-11-22 09:54");
        assert_eq!(to_the_second(Timestamp::from_millis(1_795_337_696_007)), "2026-11-22 09:54:56");
    }
}
