//! The page of many deployments begins with a table of them, and shows those that its reader chooses.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{OPEN, folder_with, good, run};

fn page(target: &str, within: &Path) -> String {
    let (_, stdout, _) = run(&["-q", "-f", "html", target], within);
    String::from_utf8(stdout).unwrap()
}

/// What stands between two texts, each time.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    parts.map(|part| part.split(end).next().unwrap()).collect()
}

/// A text without its tags.
fn plain(markup: &str) -> String {
    let parts = format!(">{markup}<");
    between(&parts, ">", "<").concat()
}

/// The classes of elements whose tag begins so.
fn classes(text: &str, tag: &str) -> Vec<BTreeSet<String>> {
    let tags = between(text, tag, ">").into_iter();
    let classes = tags.filter_map(|tag| between(tag, "class=\"", "\"").first().copied());
    classes
        .map(|classes| classes.split(' ').map(str::to_owned).collect())
        .collect()
}

/// The page of two open deployments, a clean one, a broken file and one with a note.
fn of_many() -> String {
    let floating = good().replacen("server:2.3.0", "server", 1);
    let folder = folder_with(&[
        ("a/docker-compose.yml", OPEN),
        ("b/docker-compose.yml", &good()),
        ("c/docker-compose.yml", "services: [clearml/server"),
        ("d/docker-compose.yml", &floating),
        ("<b>/docker-compose.yml", OPEN),
    ]);
    page(".", folder.path())
}

#[test]
fn a_page_of_many_begins_with_a_row_for_each() {
    let page = of_many();
    for inline in ["<script", "<b>", " onclick", " onchange"] {
        assert!(!page.contains(inline), "{inline}");
    }
    let (_, main) = page.split_once("<main>").unwrap();
    let (table, below) = main.split_once("</table>").unwrap();
    let head = between(table, "<th scope=\"col\">", "</th>");
    let head: Vec<String> = head.into_iter().map(plain).collect();
    assert_eq!(
        head[..3],
        ["Deployment or server", "Verdict", "not checked"]
    );
    let severities = head[3..].iter().map(|head| {
        ["error", "warning", "note"]
            .iter()
            .position(|one| head.ends_with(one))
    });
    assert!(severities.is_sorted(), "{head:?}");
    assert_eq!(head[3], "missing-settingerror");
    let rows = between(table, "<tr class", "</tr>");
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            between(row, "<td", "</td>")
                .into_iter()
                .map(|cell| plain(&format!("<{cell}")))
                .collect()
        })
        .collect();
    let names: Vec<String> = rows
        .iter()
        .map(|row| plain(between(row, "<a ", "</a>")[0]))
        .collect();
    assert_eq!(rows.len(), 5, "{table}");
    assert!(names[1].ends_with("./a/docker-compose.yml"), "{names:?}");
    let verdicts: Vec<&str> = cells.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        verdicts,
        ["10 errors", "10 errors", "clean", "not checked", "1 note"]
    );
    assert_eq!(cells[1][1..3], ["", "10"]);
    assert_eq!(cells[3][1], "1");
    assert!(cells[2][1..].iter().all(String::is_empty));
    for row in &rows {
        let id = between(row, "href=\"#", "\"")[0];
        assert_eq!(
            below.matches(&format!("<section id=\"{id}\"")).count(),
            1,
            "{id}"
        );
    }
}

/// A row and its section are shown and hidden together, by what the style says of the choice.
#[test]
fn what_is_not_chosen_is_hidden() {
    let page = of_many();
    let (_, main) = page.split_once("<main>").unwrap();
    let (table, below) = main.split_once("</table>").unwrap();
    let rows = between(table, "<tr class", "</tr>");
    let sections: Vec<_> = classes(below, "<section id");
    let of_rows: Vec<BTreeSet<String>> = rows
        .iter()
        .map(|row| {
            row[2..]
                .split('"')
                .next()
                .unwrap()
                .split(' ')
                .map(str::to_owned)
                .collect()
        })
        .collect();
    assert_eq!(of_rows, sections);
    let (style, _) = page.split_once("</style>").unwrap();
    for (number, choice) in between(main, "<span><input type=\"radio\"", "</span>")
        .iter()
        .enumerate()
    {
        let id = between(choice, "id=\"", "\"")[0];
        assert!(choice.contains(&format!("<label for=\"{id}\"")), "{choice}");
        let class = id.strip_prefix("show-").unwrap();
        let count = of_rows.iter().filter(|row| row.contains(class)).count();
        assert!(plain(choice).ends_with(&format!("({count})")), "{choice}");
        assert_eq!(choice.contains("checked>"), number == 0, "{choice}");
        let rule = format!("body:has(#{id}:checked) .row:not(.{class})");
        assert_eq!(style.contains(&rule), number > 0, "{rule}");
    }
}

#[test]
fn what_is_accepted_is_not_clean_and_one_deployment_has_no_table() {
    let silenced = good().replacen(
        "    environment:",
        "    # clearml-verify: ignore[public-port] a test\n    ports: [\"8008:8008\"]\n    environment:",
        1,
    );
    let folder = folder_with(&[("a/compose.yml", &good()), ("b/compose.yml", &silenced)]);
    let both = page(".", folder.path());
    let (table, _) = both.split_once("</table>").unwrap();
    assert!(table.contains(">clean<"), "{table}");
    assert!(table.contains(">no other findings<"), "{table}");
    assert!(table.contains(">clean (1)<"), "{table}");
    let alone = page("a/compose.yml", folder.path());
    assert!(
        !alone.contains("class=\"fleet\"") && !alone.contains(":has("),
        "{alone}"
    );
}
