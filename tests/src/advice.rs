//! The lines that a help tells to remove.

use std::fs;
use std::path::Path;

/// A file and the number of a line, from 1.
pub type Line = (String, usize);

/// Those of `remove the lines at FILE:LINE:COLUMN and FILE:LINE:COLUMN, then …`, the last of a file first.
#[must_use]
pub fn lines_to_go(help: &str) -> Vec<Line> {
    let after = |what: &str| Some(help.split_once(what)?.1);
    let Some(rest) = after("remove the line at ").or_else(|| after("remove the lines at ")) else {
        return Vec::new();
    };
    let places = rest.split(", then").next().unwrap_or_default();
    let places = places
        .split([',', ' ', '\n'])
        .filter(|word| word.contains(':'));
    let mut lines: Vec<Line> = places.map_while(line).collect();
    lines.sort_by(|one, other| other.cmp(one));
    lines
}

fn line(place: &str) -> Option<Line> {
    let mut parts = place.split(':');
    Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?))
}

/// Takes lines out of the files of a folder, in that order.
pub fn remove(folder: &Path, lines: &[Line]) {
    for (file, number) in lines {
        let path = folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        let all = text.split_inclusive('\n').enumerate();
        let left = all.filter(|(at, _)| at + 1 != *number);
        fs::write(path, left.map(|(_, line)| line).collect::<String>()).unwrap();
    }
}
