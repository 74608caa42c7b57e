//! Which letters follow each other in words, and which are one another's.

/// The pairs of letters that are most common in English, by their counts in any large text.
const PAIRS: &[u8] = b"th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve \
                       co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no \
                       ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts \
                       mo ow pa im mi ai sh ir";

/// For every letter, a bit for each that often follows it.
const FOLLOWS: [u32; 26] = follows();

const fn follows() -> [u32; 26] {
    let mut follows = [0; 26];
    let mut at = 0;
    while at + 1 < PAIRS.len() {
        if PAIRS[at] == b' ' {
            at += 1;
            continue;
        }
        follows[(PAIRS[at] - b'a') as usize] |= 1 << (PAIRS[at + 1] - b'a');
        at += 2;
    }
    follows
}

/// Whether two letters stand next to each other in words. A capital stands at their start.
pub(super) fn is_common(first: char, second: char) -> bool {
    let is_within_word = second.is_ascii_lowercase() || first.is_ascii_uppercase();
    let place = |c: char| {
        c.is_ascii_alphabetic()
            .then(|| c.to_ascii_lowercase() as usize - 'a' as usize)
    };
    match (place(first), place(second)) {
        (Some(first), Some(second)) => is_within_word && FOLLOWS[first] & (1 << second) != 0,
        _ => false,
    }
}

/// The same letter in any case, or the same character.
pub(super) fn is_like(one: char, other: char) -> bool {
    one.eq_ignore_ascii_case(&other)
}
