//! How far a name is from another: for "did you mean".

/// How many characters have to be added, dropped or changed to make one name of the other.
pub fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in two.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[two.len()]
}

/// The known name that was probably meant, without regard to case.
pub fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    const LONGEST_NAME: usize = 100;
    // Suggest a name only if at most 1/FAR of its characters would change.
    const FAR: usize = 3;
    if name.len() > LONGEST_NAME {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let distances = known.iter().map(|known| {
        let distance = distance(&name, &known.to_ascii_lowercase());
        (distance, known.as_str())
    });
    let (distance, known) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= known.len() / FAR).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn every_change_of_a_character_counts_once() {
        for (one, two, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("enabeld", "enabled", 2),
            ("secret", "secrets", 1),
            ("api", "web", 3),
            ("Ärger", "arger", 1),
        ] {
            assert_eq!(distance(one, two), expected, "{one} {two}");
            assert_eq!(distance(two, one), expected, "{two} {one}");
        }
    }
}
