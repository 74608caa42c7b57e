//! How far a name is from another: for "did you mean".

/// How many characters have to be added, dropped or changed to make one name of the other.
pub use strsim::levenshtein as distance;

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
