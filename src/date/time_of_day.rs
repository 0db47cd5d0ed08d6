//! Times of day, as people write and read them: in Danish time.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// `15:30`, as `<input type="time">` has it.
pub fn clock(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(at) => at.to_zoned(denmark()).strftime("%H:%M").to_string(),
        Err(_) => String::new(),
    }
}

/// The next moment after `now` at which clocks show `typed`: `15:30` or `15.30`. `None` if that is no time.
pub fn next_at(typed: &str, now: Timestamp) -> Option<Timestamp> {
    let time = Time::strptime("%H:%M", typed.trim().replace('.', ":")).ok()?;
    let today = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?.to_zoned(denmark()).date();
    let at = |day: jiff::civil::Date| {
        let moment = day.to_datetime(time).to_zoned(denmark()).ok()?;
        Some(Timestamp::from_millis(moment.timestamp().as_millisecond()))
    };
    at(today).filter(|at| *at > now).or_else(|| at(today.tomorrow().ok()?))
}

fn denmark() -> TimeZone {
    TimeZone::get("Europe/Copenhagen").expect("the time zone database is compiled in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_there_is() {
        let at =
            |text: &str| Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let now = at("2026-11-22T14:00:00Z");
        for (typed, moment) in [
            ("15:30", "2026-11-22T14:30:00Z"),
            (" 15.30 ", "2026-11-22T14:30:00Z"),
            ("07:00", "2026-11-23T06:00:00Z"),
            ("15:00", "2026-11-23T14:00:00Z"),
        ] {
            assert_eq!(next_at(typed, now), Some(at(moment)), "{typed}");
        }
        for typed in ["", "25:00", "15", "15:30:10", "halv fire"] {
            assert_eq!(next_at(typed, now), None, "{typed}");
        }
        assert_eq!(clock(at("2026-07-01T14:30:59Z")), "16:30");
        assert_eq!(next_at("00:30", at("2026-10-24T21:00:00Z")), Some(at("2026-10-24T22:30:00Z")));
    }
}
