//! What compose makes of texts, each as it reads them: switches, numbers, sizes, durations and the like.

use crate::compose::{attribute, mount, shellwords};

/// A kind of text.
pub(super) struct Reading {
    /// What it must be.
    pub(super) words: &'static str,
    /// Whether compose can make something of it.
    pub(super) takes: fn(&str) -> bool,
    pub(super) when: When,
}

/// When compose looks at a value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum When {
    /// As it reads a file, also if a later one says something else.
    Loaded,
    /// As soon as a file is merged.
    Merged,
    /// Once all files are merged.
    Done,
}

const fn reading(words: &'static str, when: When, takes: fn(&str) -> bool) -> Reading {
    Reading { words, takes, when }
}

const TRUE_OR_FALSE: &str = "true or false";
pub(super) static SWITCH: Reading = reading(TRUE_OR_FALSE, When::Loaded, is_switch);
pub(super) static LATE_SWITCH: Reading = reading(TRUE_OR_FALSE, When::Done, is_switch);

const WHOLE: &str = "a whole number";
pub(super) static INTEGER: Reading = reading(WHOLE, When::Loaded, |text| integer(text).is_some());
pub(super) static LATE_INTEGER: Reading =
    reading(WHOLE, When::Done, |text| integer(text).is_some());
pub(super) static COUNT: Reading = reading("a whole number from 0", When::Loaded, |text| {
    integer(text).is_some_and(|number| number >= 0)
});
pub(super) static PERCENT: Reading =
    reading("a whole number from 0 to 100", When::Loaded, |text| {
        let number = float(text);
        number.is_some_and(|number| (0.0..=100.0).contains(&number) && number.fract() == 0.0)
    });
pub(super) static SCORE: Reading =
    reading("a whole number from -1000 to 1000", When::Loaded, |text| {
        integer(text).is_some_and(|number| (-1000..=1000).contains(&number))
    });
pub(super) static COUNT_OR_ALL: Reading = reading("a number or \"all\"", When::Done, |text| {
    text == "all" || integer(text).is_some()
});
pub(super) static NUMBER: Reading = reading("a number", When::Loaded, |text| float(text).is_some());
pub(super) static LATE_NUMBER: Reading =
    reading("a number", When::Done, |text| float(text).is_some());
pub(super) static MODE: Reading = reading("a mode, e.g. \"0440\"", When::Done, |text| {
    i64::from_str_radix(text, 8).is_ok()
});

pub(super) static SIZE: Reading =
    reading("a size, e.g. 512m", When::Done, |text| size(text).is_some());
pub(super) static DURATION: Reading =
    reading("a duration, e.g. 30s or 1m30s", When::Done, is_duration);
pub(super) static COMMAND: Reading = reading("a command whose quotes end", When::Done, |text| {
    shellwords::split(text).is_some()
});

pub(super) static CONTAINER_NAME: Reading = reading(
    "a text with a letter or digit, and one of letters, digits, `_`, `.` and `-` behind it",
    When::Merged,
    |text| {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric();
        let is_next = |byte: &u8| is_plain(byte) || matches!(byte, b'_' | b'.' | b'-');
        let mut pairs = text.as_bytes().windows(2);
        pairs.any(|pair| is_plain(&pair[0]) && is_next(&pair[1]))
    },
);
pub(super) static PULL_POLICY: Reading = reading(
    "always, never, build, missing, if_not_present, refresh, daily, weekly, or e.g. every_12h",
    When::Merged,
    is_pull_policy,
);
pub(super) static NOT_EMPTY: Reading = reading("a text that is not empty", When::Done, |text| {
    !text.is_empty()
});
pub(super) static PORT: Reading = reading(
    "a port, e.g. \"8080:80\"",
    When::Loaded,
    super::ports::is_port,
);
pub(super) static ADDRESS: Reading =
    reading("an IP address", When::Loaded, super::ports::is_address);
pub(super) static MOUNT: Reading =
    reading("a mount, e.g. ./here:/there:ro", When::Loaded, |text| {
        mount::split(text).is_some()
    });
pub(super) static DEVICE: Reading = reading(
    "a device, e.g. /dev/fuse:/dev/fuse:rwm",
    When::Loaded,
    |text| text.split(':').count() <= 3,
);
pub(super) static HOST: Reading = reading("a host, e.g. \"name=10.0.0.1\"", When::Done, |text| {
    let name = text.split_once('=').or_else(|| text.split_once(':'));
    name.is_some_and(|(name, _)| !name.is_empty())
});
pub(super) static PAIR: Reading = reading("NAME=value", When::Loaded, |text| text.contains('='));
pub(super) static SSH: Reading = reading("default or NAME=path", When::Loaded, |text| {
    text == "default" || text.contains('=')
});
pub(super) static ENV_FORMAT: Reading =
    reading("raw", When::Done, |text| text.is_empty() || text == "raw");

macro_rules! one_of {
    ($name:ident, $words:literal, $($word:literal)|+) => {
        pub(super) static $name: Reading =
            reading($words, When::Merged, |text| matches!(text, $($word)|+));
    };
}

one_of!(ALL, "\"all\"", "all");
one_of!(CGROUP, "host or private", "host" | "private");
one_of!(
    CONDITION,
    "service_started, service_healthy or service_completed_successfully",
    "service_started" | "service_healthy" | "service_completed_successfully"
);
one_of!(
    MOUNT_TYPE,
    "bind, volume, tmpfs, cluster, npipe or image",
    "bind" | "volume" | "tmpfs" | "cluster" | "npipe" | "image"
);
one_of!(
    ORDER,
    "start-first or stop-first",
    "start-first" | "stop-first"
);
one_of!(
    RECURSIVE,
    "enabled, disabled, writable or readonly",
    "enabled" | "disabled" | "writable" | "readonly"
);
one_of!(SELINUX, "z or Z", "z" | "Z");
one_of!(
    WATCH_ACTION,
    "rebuild, sync, restart, sync+restart or sync+exec",
    "rebuild" | "sync" | "restart" | "sync+restart" | "sync+exec"
);

fn is_switch(text: &str) -> bool {
    attribute::switch(text).is_some()
}

/// Go's `ParseInt` with base 10.
pub(super) fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Go's `ParseFloat`. Compose takes hexadecimal ones as well, which nobody writes: a binary exponent makes one.
pub(super) fn float(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']);
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        let is_right = unsigned.contains(['p', 'P']) && unsigned.is_ascii();
        return is_right.then_some(f64::NAN);
    }
    let bytes = text.as_bytes();
    let is_between = |at: usize| {
        let is_digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))
    };
    let mut bars = text.match_indices('_');
    if !bars.all(|(at, _)| is_between(at)) {
        return None;
    }
    let number: f64 = text.replace('_', "").parse().ok()?;
    // Go has an error for what is out of range.
    let is_word = unsigned.starts_with(['i', 'I', 'n', 'N']);
    (number.is_finite() || is_word).then_some(number)
}

/// Bytes, as docker reads them: a number, and one of `b`, `k`, `m`, `g`, `t` and `p`, each also with `b` or `ib`.
pub(super) fn size(text: &str) -> Option<f64> {
    let at = text.rfind(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '))?;
    let (number, suffix) = match text.as_bytes()[at] {
        b' ' => (&text[..at], &text[at + 1..]),
        _ => text.split_at(at + 1),
    };
    let number = float(number)?;
    let suffix = suffix.to_ascii_lowercase();
    let exponent = match suffix.as_bytes() {
        [] => 0,
        [b'b'] => 0,
        [unit] | [unit, b'b'] | [unit, b'i', b'b'] => {
            i32::try_from("kmgtp".find(char::from(*unit))?).ok()? + 1
        }
        _ => return None,
    };
    (number >= 0.0 || number.is_nan()).then(|| number * 1024_f64.powi(exponent))
}

/// Numbers with units, the largest of them a week.
fn is_duration(text: &str) -> bool {
    const UNITS: [(&str, f64); 9] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("μs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
        ("d", 86400.0),
    ];
    const LONGEST: f64 = 9_223_372_036.0;
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    if text == "0" {
        return true;
    }
    let (mut rest, mut all) = (text, 0.0);
    while !rest.is_empty() {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let end = rest.find(|c| !is_number(c)).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let Ok(number) = number.parse::<f64>() else {
            return false;
        };
        let end = after.find(is_number).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let length = match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, length)) => *length,
            None if unit == "w" => 604_800.0,
            None => return false,
        };
        all += number * length;
        rest = next;
    }
    !text.is_empty() && all <= LONGEST
}

fn is_pull_policy(text: &str) -> bool {
    const WORDS: [&str; 8] = [
        "always",
        "never",
        "build",
        "if_not_present",
        "missing",
        "refresh",
        "daily",
        "weekly",
    ];
    let is_interval = |after: &str| {
        let number = after.trim_start_matches(|c: char| c.is_ascii_digit());
        number.len() < after.len() && number.starts_with(['w', 'd', 'h', 'm', 's'])
    };
    let mut intervals = text.match_indices("every_");
    WORDS.iter().any(|word| text.contains(word))
        || intervals.any(|(at, found)| is_interval(&text[at + found.len()..]))
}
