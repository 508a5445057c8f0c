//! The small notations of `host.json` and `function.json`: `%NAME%` and `hh:mm:ss`.

use std::collections::BTreeMap;
use std::time::Duration;

/// Replaces every `%NAME%` by its setting; an unset name disappears, as in the handler's arguments.
pub(super) fn expand(text: &str, settings: &BTreeMap<String, String>) -> String {
    replace(text, |name| {
        Some(settings.get(name).cloned().unwrap_or_default())
    })
    .unwrap_or_default()
}

/// Replaces every `%NAME%` by its setting; the name of the first unset one is the error, as in a binding.
pub(super) fn resolve(text: &str, settings: &BTreeMap<String, String>) -> Result<String, String> {
    replace(text, |name| {
        settings
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    })
}

fn replace(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        let Some((name, after)) = after.split_once('%') else {
            break;
        };
        result.push_str(before);
        result.push_str(&value(name).ok_or_else(|| name.to_owned())?);
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

/// Reads `hh:mm:ss` or `d.hh:mm:ss`, the .NET form of a time span.
pub(super) fn time_span(text: &str) -> Option<Duration> {
    let (days, clock) = match text.split_once('.') {
        Some((days, clock)) if clock.contains(':') => (days.parse().ok()?, clock),
        _ => (0u64, text),
    };
    let mut parts = clock.split(':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next().is_none() && minutes < 60 && seconds < 60)
        .then(|| Duration::from_secs(((days * 24 + hours) * 60 + minutes) * 60 + seconds))
}

/// Whether the timer trigger takes this schedule: NCRONTAB with five or six fields, or a time span.
pub(super) fn is_schedule(text: &str) -> bool {
    time_span(text).is_some() || is_ncrontab(text)
}

fn is_ncrontab(text: &str) -> bool {
    /// The highest value of second, minute, hour, day, month and day of the week.
    const HIGHEST: [u32; 6] = [59, 59, 23, 31, 12, 6];
    let fields: Vec<&str> = text.split_whitespace().collect();
    let highest = match fields.len() {
        5 => &HIGHEST[1..],
        6 => &HIGHEST[..],
        _ => return false,
    };
    fields
        .iter()
        .zip(highest)
        .all(|(field, &highest)| field.split(',').all(|part| is_range(part, highest)))
}

/// `*`, `n` or `n-m`, each with an optional step `/s`; months and days of the week may be English words.
fn is_range(part: &str, highest: u32) -> bool {
    let (range, step) = part.split_once('/').unwrap_or((part, "1"));
    let is_value = |text: &str| match text.parse::<u32>() {
        Ok(value) => value <= highest,
        Err(_) => {
            matches!(highest, 12 | 6)
                && text.len() >= 3
                && text.chars().all(|c| c.is_ascii_alphabetic())
        }
    };
    step.parse::<u32>().is_ok_and(|step| step > 0)
        && (range == "*" || range.split('-').all(is_value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_span_has_hours_minutes_and_seconds_and_perhaps_days() {
        assert_eq!(time_span("00:05:00"), Some(Duration::from_mins(5)));
        assert_eq!(time_span("1.00:00:01"), Some(Duration::from_secs(86_401)));
        assert_eq!(time_span("5"), None);
        assert_eq!(time_span("00:61:00"), None);
    }

    #[test]
    fn schedules_are_ncrontab_or_time_spans() {
        for good in [
            "0 30 5 * * *",
            "*/5 * * * *",
            "0 0 9-17/2 * Jan-Mar Mon-Fri",
            "06:00:00",
        ] {
            assert!(is_schedule(good), "{good}");
        }
        for bad in [
            "",
            "daily",
            "0 0 24 * * *",
            "0 60 * * *",
            "1 2 3 4",
            "*/0 * * * *",
        ] {
            assert!(!is_schedule(bad), "{bad}");
        }
    }

    #[test]
    fn an_unset_name_disappears_from_an_argument_and_stops_a_binding() {
        let settings = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        assert_eq!(expand("x%A%y%B%z", &settings), "x1yz");
        assert_eq!(resolve("%A%", &settings), Ok("1".to_owned()));
        assert_eq!(resolve("%B%", &settings), Err("B".to_owned()));
        assert_eq!(expand("100%", &settings), "100%");
    }
}
