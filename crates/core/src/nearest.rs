//! How far a name is from another: for "did you mean".

use std::fs;
use std::path::{Path, PathBuf};

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

/// What is in a path's folder under a name that was probably meant, where the path itself does not exist: a file, or a folder as
/// is asked. Copies, and files that are told apart by numbers, are others.
pub fn nearest_path(path: &Path, is_meant: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    /// More letters than these are no slip.
    const SLIP: usize = 2;
    let name = path.file_name()?.to_str()?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let digits = |name: &str| -> String { name.chars().filter(char::is_ascii_digit).collect() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_near = |other: &String| {
        distance(name, other) <= SLIP
            && digits(name) == digits(other)
            && is_meant(&path.with_file_name(other))
    };
    let mut names: Vec<String> = names.filter(is_near).collect();
    names.sort();
    Some(path.with_file_name(nearest(name, &names)?))
}
