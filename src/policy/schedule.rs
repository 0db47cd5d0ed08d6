//! Hours of the week: `mon-fri 07:00-16:00`.

use jiff::Timestamp as Moment;
use jiff::tz::TimeZone;

use super::region::intervals::Intervals;
use crate::time::Timestamp;

/// Minutes of the week, from Monday 00:00, by the installation's clock on the wall.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    minutes: Intervals,
    /// As it was written.
    text: String,
}

pub(super) const WEEK: u128 = 7 * DAY;
const DAY: u128 = 24 * 60;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    #[error("`{0}` is no day of the week")]
    Day(String),
    #[error("`{0}` is no time of the day")]
    Hour(String),
    #[error("`{0}` is neither days nor hours")]
    Shape(String),
    #[error("`{0}` begins when it ends")]
    Empty(String),
}

impl Schedule {
    /// Days, hours, or both: `sat-sun`, `07:00-16:00`, `mon,wed-fri 22:00-06:00`. Hours that end before they
    /// begin end the next day.
    pub fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_hours = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
        let (days, hours) = match words.as_slice() {
            [hours] if is_hours(hours) => (None, Some(*hours)),
            [days] => (Some(*days), None),
            [days, hours] => (Some(*days), Some(*hours)),
            _ => return Err(InvalidSchedule::Shape(text.to_owned())),
        };
        let days = days.map_or(Ok((0..7).collect()), days_of)?;
        let (begin, end) = hours.map_or(Ok((0, DAY)), hours_of)?;
        let windows = days.into_iter().flat_map(|day| {
            let (begin, end) = (day * DAY + begin, day * DAY + end);
            // What goes beyond Sunday is Monday again.
            let beyond = end.checked_sub(WEEK).filter(|beyond| *beyond > 0);
            [(begin, end.min(WEEK) - 1)].into_iter().chain(beyond.map(|beyond| (0, beyond - 1)))
        });
        Ok(Self { minutes: Intervals::of(windows), text: text.to_owned() })
    }

    pub fn holds(&self, at: Timestamp, zone: &TimeZone) -> bool {
        minute_of_week(at, zone).is_some_and(|minute| self.minutes.contains(minute))
    }

    pub(super) fn minutes(&self) -> impl Iterator<Item = (u128, u128)> {
        self.minutes.iter()
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The first such time of the week at or after `now`: how tests and `sluse explain` write a moment, `mon 09:30`.
pub(super) fn next(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, InvalidSchedule> {
    let shape = || InvalidSchedule::Shape(text.to_owned());
    let (day, hour) = text.split_once(' ').ok_or_else(shape)?;
    let asked = day_of(day)? * DAY + hour_of(hour.trim())?;
    let minutes = (0..=i64::try_from(WEEK).unwrap_or(0)).map(|minute| now.as_seconds() + minute * 60);
    let moments = minutes.map(Timestamp::from_seconds);
    moments.into_iter().find(|at| minute_of_week(*at, zone) == Some(asked)).ok_or_else(shape)
}

/// `None` only for a moment beyond the years a calendar has.
fn minute_of_week(at: Timestamp, zone: &TimeZone) -> Option<u128> {
    let local = zone.to_datetime(Moment::from_millisecond(at.as_millis()).ok()?);
    let day = u128::try_from(local.weekday().to_monday_zero_offset()).ok()?;
    let (hour, minute) = (u128::try_from(local.hour()).ok()?, u128::try_from(local.minute()).ok()?);
    Some(day * DAY + hour * 60 + minute)
}

fn days_of(text: &str) -> Result<Vec<u128>, InvalidSchedule> {
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day_of(first)?, day_of(last)?),
            None => (day_of(part)?, day_of(part)?),
        };
        // `sat-mon` goes over the end of the week.
        days.extend((0..=(last + 7 - first) % 7).map(|step| (first + step) % 7));
    }
    Ok(days)
}

fn day_of(text: &str) -> Result<u128, InvalidSchedule> {
    (0..)
        .zip(DAYS)
        .find(|(_, day)| *day == text)
        .map(|(day, _)| day)
        .ok_or_else(|| InvalidSchedule::Day(text.to_owned()))
}

fn hours_of(text: &str) -> Result<(u128, u128), InvalidSchedule> {
    let (begin, end) = text.split_once('-').ok_or_else(|| InvalidSchedule::Shape(text.to_owned()))?;
    let (begin, end) = (hour_of(begin)?, hour_of(end)?);
    match end {
        _ if begin == end => Err(InvalidSchedule::Empty(text.to_owned())),
        end if end < begin => Ok((begin, end + DAY)),
        end => Ok((begin, end)),
    }
}

/// `00:00` to `24:00`.
fn hour_of(text: &str) -> Result<u128, InvalidSchedule> {
    let unusable = || InvalidSchedule::Hour(text.to_owned());
    let digits = |part: &str| match part.len() {
        2 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse::<u128>().map_err(|_| unusable()),
        _ => Err(unusable()),
    };
    let (hour, minute) = text.split_once(':').ok_or_else(unusable)?;
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    let minutes = hour * 60 + minute;
    if minute < 60 && minutes <= DAY { Ok(minutes) } else { Err(unusable()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Europe/Copenhagen").unwrap()
    }

    #[test]
    fn hours_are_those_of_the_clock_on_the_wall() {
        // A Friday in January, 08:00 in UTC and 09:00 in Denmark.
        let friday = Timestamp::from_seconds(1_800_000_000);
        for (text, holds) in [
            ("mon-fri 07:00-16:00", true),
            ("fri", true),
            ("09:00-09:01", true),
            ("08:00-09:00", false),
            ("mon-thu", false),
            ("sat-mon 09:00-10:00", false),
            ("sat-fri 09:00-24:00", true),
            ("mon,fri 00:00-12:00", true),
            ("thu 22:00-09:30", true),
            ("fri 22:00-09:30", false),
        ] {
            assert_eq!(Schedule::parse(text).unwrap().holds(friday, &zone()), holds, "{text}");
        }
        let at = |text: &str| next(text, friday, &zone()).unwrap();
        let night = Schedule::parse("sun 22:00-06:00").unwrap();
        assert!(night.holds(at("mon 05:59"), &zone()) && night.holds(at("sun 22:00"), &zone()));
        assert!(!night.holds(at("mon 06:00"), &zone()) && !night.holds(at("sun 05:00"), &zone()));
    }

    #[test]
    fn what_is_no_schedule() {
        for (text, message) in [
            ("", "`` is neither days nor hours"),
            ("man-fre", "`man` is no day of the week"),
            ("mon 7-16", "`7` is no time of the day"),
            ("mon 07:00", "`07:00` is neither days nor hours"),
            ("07:60-08:00", "`07:60` is no time of the day"),
            ("07:00-25:00", "`25:00` is no time of the day"),
            ("07:00-07:00", "`07:00-07:00` begins when it ends"),
            ("mon 07:00-08:00 x", "`mon 07:00-08:00 x` is neither days nor hours"),
        ] {
            assert_eq!(Schedule::parse(text).unwrap_err().to_string(), message);
        }
    }
}
