//! What goes on by itself: repeated and sequential characters, ways over the keyboard, dates.

/// The keys of a keyboard by their rows, as they lie beside each other, and what they give with shift.
const KEYBOARDS: [[&str; 4]; 3] = [
    ["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"],
    ["1234567890", "qwertzuiop", "asdfghjkl", "yxcvbnm,.-"],
    ["1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn,;:"],
];
const SHIFTED: [(char, char); 10] = [
    ('!', '1'),
    ('@', '2'),
    ('#', '3'),
    ('$', '4'),
    ('%', '5'),
    ('^', '6'),
    ('&', '7'),
    ('*', '8'),
    ('(', '9'),
    (')', '0'),
];

/// Ways with leaps, and numbers, that people know by heart.
const ORDERS: [&str; 20] = [
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1qaz1qaz2wsx2wsx3edc3edc4rfv4rfv5tgb5tgb",
    "aqswdefrgthyjukilo;p",
    "qawsedrftgyhujikolp",
    "zaq12wsxcde34rfvbgt56yhnmju78ik,",
    "zaq1xsw2cde3vfr4bgt5nhy6mju7,ki8",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1234567890123456789012345678901234567890",
    "1234567891011121314151617181920212223242526272829303132",
    "00112233445566778899",
    "112233445566778899001122334455",
    "aabbccddeeffgghhiijjkkllmmnnooppqqrrssttuuvvwwxxyyzz",
    "000111222333444555666777888999000111222333",
    "13579111315171921232527293133353739",
    "24681012141618202224262830323436384042",
    "1248163264128256512102420484096819216384",
    "1123581321345589144233377610987159725844181",
    "2357111317192329313741434753596167717379",
];
/// Fewer characters of these are there by chance.
const SHORTEST_ORDER: usize = 6;

/// What allkeysgenerator.com prints, which descriptions of JSON Web Tokens recommend, looks random and is not: each character
/// follows the one before it by half of these, and one or two more.
const LEAPS: &[u8] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789/!$?%&(*)+-@abcdefghjkmnpqrstuvwxyz";
const LEAP: std::ops::RangeInclusive<usize> = LEAPS.len() / 2..=LEAPS.len() / 2 + 3;
/// Fewer of these are there by chance.
const SHORTEST_LEAPS: usize = 10;

/// Fewer keys beside each other are there by chance.
const SHORTEST_WALK: usize = 5;
/// Where a way begins and how long it is.
const WALK_BITS: f64 = 9.0;
/// Where it turns.
const TURN_BITS: f64 = 1.5;

/// How many characters from a place on are the same or go up or down by one; the first two are there in any case.
pub(super) fn sequence(text: &[char], from: usize) -> usize {
    let step = |at: usize| i64::from(u32::from(text[at])) - i64::from(u32::from(text[at - 1]));
    if from + 1 >= text.len() || step(from + 1).abs() > 1 {
        return 1;
    }
    let first = step(from + 1);
    let more = (from + 2..text.len()).take_while(|at| step(*at) == first);
    2 + more.count()
}

/// The longest way over a keyboard, or of numbers, that begins at a place: how long, and at how many bits.
pub(super) fn walk(text: &[char], from: usize) -> Option<(usize, f64)> {
    let beside = beside(text, from);
    let order = order(text, from);
    let order = (order >= SHORTEST_ORDER).then_some((order, WALK_BITS));
    beside
        .into_iter()
        .chain(order)
        .chain(leaps(text, from))
        .max_by_key(|(length, _)| *length)
}

fn order(text: &[char], from: usize) -> usize {
    let pairs = text[from..].windows(2).take(3);
    if !pairs
        .into_iter()
        .all(|pair| is_in_order(plain_key(pair[0]), plain_key(pair[1])))
    {
        return 0;
    }
    let mut longest = 0;
    for order in ORDERS {
        for start in 0..order.len() {
            let same = order[start..].chars().zip(&text[from..]);
            let same = same.take_while(|(key, c)| *key == plain_key(**c));
            longest = longest.max(same.count());
        }
    }
    longest
}

/// The leaps take turns between two lengths; where they do not is what little differs from key to key.
fn leaps(text: &[char], from: usize) -> Option<(usize, f64)> {
    let mut places = text[from..].iter().map_while(|c| leap_place(*c));
    let mut last = places.next()?;
    let (mut length, mut before, mut turns) = (1, 0, 0);
    for next in places {
        let leap = (next + LEAPS.len() - last) % LEAPS.len();
        if !LEAP.contains(&leap) {
            break;
        }
        turns += usize::from(leap == before);
        (last, before, length) = (next, leap, length + 1);
    }
    (length >= SHORTEST_LEAPS).then_some((length, WALK_BITS + turns as f64 * TURN_BITS))
}

fn leap_place(c: char) -> Option<usize> {
    LEAPS.iter().position(|leap| char::from(*leap) == c)
}

/// For every character, a bit for each that follows it in one of the orders.
const FOLLOWS: [u128; 128] = {
    let mut follows = [0; 128];
    let mut which = 0;
    while which < ORDERS.len() {
        let order = ORDERS[which].as_bytes();
        let mut at = 1;
        while at < order.len() {
            follows[order[at - 1] as usize] |= 1 << order[at];
            at += 1;
        }
        which += 1;
    }
    follows
};

fn is_in_order(first: char, second: char) -> bool {
    first.is_ascii() && second.is_ascii() && FOLLOWS[first as usize] & (1 << second as u32) != 0
}

/// What a key gives without shift.
fn plain_key(c: char) -> char {
    match c.is_ascii() {
        true => char::from(PLAIN_KEYS[c as usize]),
        false => c,
    }
}

const PLAIN_KEYS: [u8; 128] = {
    let mut keys = [0; 128];
    let mut key = 0;
    while key < keys.len() {
        keys[key] = (key as u8).to_ascii_lowercase();
        key += 1;
    }
    let mut which = 0;
    while which < SHIFTED.len() {
        let (shifted, plain) = SHIFTED[which];
        keys[shifted as usize] = plain as u8;
        which += 1;
    }
    keys
};

/// From key to key beside it.
fn beside(text: &[char], from: usize) -> Option<(usize, f64)> {
    let walks = PLACES.iter().map(|keyboard| {
        let mut places = text[from..].iter().map_while(|c| place(keyboard, *c));
        let mut last = places.next();
        let (mut length, mut turns, mut direction) = (usize::from(last.is_some()), 0, None);
        for next in places {
            let Some(step) = last.and_then(|last| step(last, next)) else {
                break;
            };
            turns += usize::from(direction.is_some_and(|known| known != step));
            direction = Some(step);
            last = Some(next);
            length += 1;
        }
        (length, WALK_BITS + turns as f64 * TURN_BITS)
    });
    let longest = walks.max_by_key(|(length, _)| *length)?;
    (longest.0 >= SHORTEST_WALK).then_some(longest)
}

/// Where every character lies on each keyboard; 0 where it does not.
const PLACES: [[u8; 128]; 3] = {
    let mut places = [[0; 128]; 3];
    let mut which = 0;
    while which < KEYBOARDS.len() {
        let mut row = 0;
        while row < KEYBOARDS[which].len() {
            let keys = KEYBOARDS[which][row].as_bytes();
            let mut column = 0;
            while column < keys.len() {
                places[which][keys[column] as usize] = (row * WIDTH + column + 1) as u8;
                column += 1;
            }
            row += 1;
        }
        which += 1;
    }
    places
};

/// More than the keys of a row.
const WIDTH: usize = 16;

fn place(keyboard: &[u8; 128], c: char) -> Option<(i32, i32)> {
    let place = usize::from(*keyboard.get(plain_key(c) as usize)?).checked_sub(1)?;
    let part = |number: usize| i32::try_from(number).ok();
    Some((part(place / WIDTH)?, part(place % WIDTH)?))
}

/// From a key to one beside, above or below it. A column leans: above `a` are `q` and `w`, below it `z`.
fn step((row, column): (i32, i32), next: (i32, i32)) -> Option<(i32, i32)> {
    let step = (next.0 - row, next.1 - column);
    let is_beside = matches!(step, (0, -1 | 1) | (1, -1 | 0) | (-1, 0 | 1));
    is_beside.then_some(step)
}

/// A date, with or without a time of day, that begins at a place: how long, and at how many bits.
pub(super) fn date(text: &[char], from: usize) -> Option<(usize, f64)> {
    /// Some hundred years' days, most of them of the last few.
    const DAY_BITS: f64 = 12.0;
    const YEAR_BITS: f64 = 4.0;
    let number = |at: usize, digits: usize| -> Option<u32> {
        let digits = text.get(at..at + digits)?;
        digits
            .iter()
            .try_fold(0, |number, c| Some(number * 10 + c.to_digit(10)?))
    };
    let is_year = |at| number(at, 4).is_some_and(|year| (1900..2100).contains(&year));
    let is_in = |at, from, to| number(at, 2).is_some_and(|number| (from..=to).contains(&number));
    let is_day_and_month = |a: usize, b: usize| {
        (is_in(a, 1, 12) && is_in(b, 1, 31)) || (is_in(a, 1, 31) && is_in(b, 1, 12))
    };
    let gap = |at: usize| usize::from(text.get(at).is_some_and(|c| "-./_ :".contains(*c)));
    let first = gap(from + 4);
    let second = gap(from + 6 + first);
    if is_year(from) && is_day_and_month(from + 4 + first, from + 6 + first + second) {
        let length = 8 + first + second;
        let between = usize::from(text.get(from + length).is_some_and(|c| "T_- ".contains(*c)));
        let (more, bits) = time(text, from + length + between).unwrap_or_default();
        let more = if more > 0 { more + between } else { 0 };
        return Some((length + more, DAY_BITS + bits));
    }
    let first = gap(from + 2);
    let second = gap(from + 4 + first);
    if is_day_and_month(from, from + 2 + first) && is_year(from + 4 + first + second) {
        return Some((8 + first + second, DAY_BITS));
    }
    if is_year(from) {
        return Some((4, YEAR_BITS));
    }
    day(text, from)
}

/// A number by itself that may be the day of a month, as in `21 Oct 2015`.
fn day(text: &[char], from: usize) -> Option<(usize, f64)> {
    const BITS: f64 = 5.0;
    let is_apart = |at: Option<usize>| {
        let c = at.and_then(|at| text.get(at));
        c.is_none_or(|c| !c.is_alphanumeric())
    };
    let digits = text[from..].iter().take_while(|c| c.is_ascii_digit());
    let digits: String = digits.take(2).collect();
    let is_day = digits
        .parse::<u32>()
        .is_ok_and(|day| (1..=31).contains(&day));
    let is_alone = is_apart(from.checked_sub(1)) && is_apart(Some(from + digits.len()));
    (is_day && is_alone).then_some((digits.len(), BITS))
}

/// A time of day with its fraction and zone: how long, and at how many bits. Fractions of a second say little more, because
/// anyone who knows the day tries all of them.
pub(super) fn time(text: &[char], from: usize) -> Option<(usize, f64)> {
    const TIME_BITS: f64 = 14.0;
    let two = |at: usize, most: u32| -> bool {
        let digit = |at: usize| text.get(at).and_then(|c| c.to_digit(10));
        matches!((digit(at), digit(at + 1)), (Some(a), Some(b)) if a * 10 + b < most)
    };
    let colon = usize::from(text.get(from + 2) == Some(&':'));
    let (minutes, seconds) = (from + 2 + colon, from + 4 + 2 * colon);
    if !two(from, 24) || !two(minutes, 60) || (colon == 0 && !two(seconds, 60)) {
        return None;
    }
    let mut end = minutes + 2;
    if two(seconds, 60) {
        end = seconds + 2;
        let is_more = |c: &&char| c.is_ascii_digit() || ".,+:Z".contains(**c);
        if text.get(end).is_some_and(|c| ".,+Z".contains(*c)) {
            end += text[end..].iter().take(16).take_while(is_more).count();
        }
    }
    Some((end - from, TIME_BITS))
}

/// The longest piece from a place on that stands before it, forwards or backwards: how long. The text is in small letters.
pub(super) fn repeated(text: &[char], from: usize) -> usize {
    let mut longest = 0;
    for start in (0..from).filter(|start| text[*start] == text[from]) {
        let forwards = text[start..].iter().zip(&text[from..]);
        let backwards = text[..=start].iter().rev().zip(&text[from..]);
        let same = |(a, b): &(&char, &char)| a == b;
        let forwards = forwards.take_while(same).count();
        let backwards = backwards.take_while(same).count();
        longest = longest.max(forwards).max(backwards);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn sequences_and_repetitions_are_measured() {
        for (text, length) in [("abcdx", 4), ("4321", 4), ("aaab", 3), ("ax", 1), ("", 1)] {
            assert_eq!(sequence(&chars(text), 0), length, "{text}");
        }
        assert_eq!(repeated(&chars("abcdabcdabcd"), 4), 8);
        assert_eq!(repeated(&chars("abcddcba"), 4), 4);
        assert_eq!(repeated(&chars("abcd"), 0), 0);
    }

    #[test]
    fn walks_go_along_rows_and_columns_of_any_keyboard() {
        for text in [
            "qwertyuiop",
            "poiuytrewq",
            "1qaz2wsx3edc",
            "asdfgh",
            "ASDFGH",
            "!@#$%^",
            "qwertz",
            "azerty",
            "qwedsa",
            "1q2w3e4r5t",
            "zaqxsw",
            "1qaz!QAZ2wsx@WSX3edc#EDC",
            "qawsedrftgyhujikolp",
        ] {
            let chars = chars(text);
            let longest = (0..chars.len())
                .filter_map(|from| walk(&chars, from))
                .map(|(length, _)| length)
                .max();
            // A way with leaps is several.
            let is_whole = longest == Some(chars.len());
            let has_leaps = ["1qaz2wsx3edc", "1q2w3e4r5t", "zaqxsw"].contains(&text);
            assert!(is_whole || has_leaps, "{text} {longest:?}");
        }
        assert_eq!(walk(&chars("qpzm5"), 0), None);
    }

    #[test]
    fn dates_of_all_forms_are_read() {
        for (text, length) in [
            ("2024-01-15", 10),
            ("20240115", 8),
            ("15.01.2024", 10),
            ("01/15/2024", 10),
            ("2024-01-15T12:30:45.123456Z", 27),
            ("20240115123045", 14),
            ("2024", 4),
            ("21 Oct", 2),
        ] {
            assert_eq!(
                date(&chars(text), 0).map(|(length, _)| length),
                Some(length),
                "{text}"
            );
        }
        assert_eq!(date(&chars("3024-01-15"), 0), None);
        assert_eq!(date(&chars("99"), 0), None);
    }
}
