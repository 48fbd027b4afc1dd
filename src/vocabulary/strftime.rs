//! Points in time as chat templates write them: C's `strftime`, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// A point in time: seconds since the beginning of 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub u64);

impl Moment {
    /// The present one.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since.map_or(0, |since| since.as_secs()))
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// A day of the Gregorian calendar.
struct Date {
    year: u64,
    /// From 0.
    month: usize,
    /// From 1.
    day: u64,
    /// From 1.
    day_of_year: u64,
}

impl Date {
    fn of(days_since_1970: u64) -> Self {
        let leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let (mut year, mut left) = (1970, days_since_1970);
        while left >= 365 + u64::from(leap(year)) {
            left -= 365 + u64::from(leap(year));
            year += 1;
        }
        let day_of_year = left + 1;
        let february = 28 + u64::from(leap(year));
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 0;
        while left >= lengths[month] {
            left -= lengths[month];
            month += 1;
        }
        Self {
            year,
            month,
            day: left + 1,
            day_of_year,
        }
    }
}

/// The moment in a form: its directives are Python's that do not depend on the place; others stay as
/// they are written.
pub(super) fn strftime(form: &str, Moment(seconds): Moment) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let Date {
        year,
        month,
        day,
        day_of_year,
    } = Date::of(days);
    let weekday = ((days + 4) % 7) as usize;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let twelve = (hour + 11) % 12 + 1;
    let mut text = String::new();
    let mut chars = form.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        // Without leading zeros, as glibc has it.
        let mut directive = chars.next();
        let bare = directive == Some('-');
        if bare {
            directive = chars.next();
        }
        let number = |n: u64, digits: usize| match bare {
            true => n.to_string(),
            false => format!("{n:0digits$}"),
        };
        text += &match directive {
            Some('Y') => year.to_string(),
            Some('y') => number(year % 100, 2),
            Some('m') => number(month as u64 + 1, 2),
            Some('B') => MONTHS[month].to_owned(),
            Some('b' | 'h') => MONTHS[month][..3].to_owned(),
            Some('d') => number(day, 2),
            Some('e') => format!("{day:2}"),
            Some('j') => number(day_of_year, 3),
            Some('A') => DAYS[weekday].to_owned(),
            Some('a') => DAYS[weekday][..3].to_owned(),
            Some('w') => weekday.to_string(),
            Some('H') => number(hour, 2),
            Some('I') => number(twelve, 2),
            Some('p') => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            Some('M') => number(minute, 2),
            Some('S') => number(second, 2),
            Some('F') => format!("{year}-{:02}-{day:02}", month + 1),
            Some('T') => format!("{hour:02}:{minute:02}:{second:02}"),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `datetime.fromtimestamp(n, timezone.utc).strftime(…)`.
    #[test]
    fn a_moment_is_written_as_python_writes_it() {
        let all = "%Y-%m-%d %H:%M:%S %A %a %B %b %j %y %I %p %-d %%";
        let cases = [
            (
                0,
                "1970-01-01 00:00:00 Thursday Thu January Jan 001 70 12 AM 1 %",
            ),
            (
                951_782_399,
                "2000-02-28 23:59:59 Monday Mon February Feb 059 00 11 PM 28 %",
            ),
            (
                951_868_800,
                "2000-03-01 00:00:00 Wednesday Wed March Mar 061 00 12 AM 1 %",
            ),
            (
                1_764_259_200,
                "2025-11-27 16:00:00 Thursday Thu November Nov 331 25 04 PM 27 %",
            ),
        ];
        for (seconds, want) in cases {
            assert_eq!(strftime(all, Moment(seconds)), want);
        }
    }
}
