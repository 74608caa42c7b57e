//! This crate's shell against the shells of this machine: generated scripts, which end in a program that prints its
//! environment.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use clearml_secure_core::command::{Effect, Surroundings, read};
use clearml_secure_core::knowable::Knowable;

use crate::none_differ;
use crate::oracles::number;
use crate::random::Random;

const SCRIPTS: u64 = 600;
/// What the container has.
const GIVEN: [(&str, &str); 3] = [("A", "a b"), ("B", ""), ("CLEARML__X", "x")];
const NAMES: [&str; 5] = ["A", "B", "C", "CLEARML__X", "_d"];
/// What shells set by themselves, and in LD_PRELOAD stdbuf for the program's output.
const OWN: [&str; 7] = ["IFS", "LD_PRELOAD", "OLDPWD", "PATH", "PWD", "SHLVL", "_"];

fn value(random: &mut Random) -> String {
    const PARTS: [&str; 24] = [
        "1",
        "two",
        "'q  $A'",
        "\"d $A\"",
        "\"$B\"",
        "$C",
        "${A}",
        "${C:-n}",
        "${B:-e}",
        "${B-e}",
        "${A:+p}",
        "${_d:=s}",
        "\"${C:-'k'}\"",
        "${A:-$(echo no)}",
        "\\$A",
        "\\ ",
        "\"\\$A\\n\"",
        "''",
        "\"a'b\"",
        "é",
        "=",
        "$(echo out)",
        "`echo old`",
        "${CLEARML__X}",
    ];
    let count = random.below(3) + 1;
    (0..count).map(|_| random.pick(&PARTS)).collect()
}

fn statement(random: &mut Random, depth: usize) -> String {
    let name = random.pick(&NAMES);
    let inner = |random: &mut Random| match depth {
        0 => ":".to_owned(),
        _ => list(random, depth - 1),
    };
    if random.one_in(4) {
        return uncommon(random, depth);
    }
    match random.below(20) {
        0..=4 => format!("export {name}={}", value(random)),
        5..=7 => format!("{name}={}", value(random)),
        8 => format!("unset {name}"),
        9 => format!("export {name}"),
        10 => format!("{name}={} true", value(random)),
        11 => format!("( {} )", inner(random)),
        12 => format!("{{ {}; }}", inner(random)),
        13 => format!(
            "if [ -n \"$A\" ]; then {}; else {}; fi",
            inner(random),
            inner(random)
        ),
        14 => format!(
            "case $A in a*) {};; *) {};; esac",
            inner(random),
            inner(random)
        ),
        15 => format!("set {}", random.pick(&["-a", "+a", "-e", "-o allexport"])),
        16 => format!(
            "[ -z \"$C\" ] {} {}",
            random.pick(&["&&", "||"]),
            inner(random)
        ),
        17 => format!("echo {} > /dev/null", value(random)),
        18 => format!("eval 'export {name}={}'", value(random).replace('\'', "")),
        _ => format!(
            ". {}",
            random.pick(&["\"$FOLDER/sourced\"", "\"$FOLDER/unseen\""])
        ),
    }
}

/// What fewer scripts do: `N` is a name, `V` a value, `L` a list of commands.
const FORMS: [&str; 138] = [
    "source \"$FOLDER/sourced\"",
    "((C = 4)); export C",
    "((C++)); export C",
    "let C=4; export C",
    "set -- $A; export N=$2",
    "set -- $(echo a b); export N=$2",
    "set -- a b; [ -n \"$C\" ] && shift; export N=$1",
    "IFS=x; export N=$A; C=$B",
    "cat > /dev/null <<EOF\nexport N=heard\nEOF\n",
    "cat > /dev/null <<'EOF'\nexport N=$A\nEOF\n",
    "read N <<EOF\n$A\nEOF\n",
    ". /dev/stdin <<EOF\nexport N=heard\nEOF\n",
    "f() { export N=called; }; f",
    "f() { export N=called; }",
    "f() { N=$1; }; f V",
    "f() { local N=inner; L; }; f",
    "f() { return 1; L; }; f",
    "N=V f() { :; }",
    "for N in x y; do L; done",
    "for _d in x; do export N=$_d; done",
    "while [ -z \"$C\" ]; do C=1; L; break; done",
    "until [ -n \"$C\" ]; do C=1; break; done",
    "export N=$((1 + 2))",
    "N=$((C = 4))",
    ": $((C = 4)); export C",
    ": ${N:=V}",
    "echo x | read N",
    "export N=V | true",
    "true | export N=V",
    "export N=V & wait",
    "{ L; } > /dev/null",
    "( L ) > /dev/null 2>&1",
    "export -p > /dev/null",
    "export -n N",
    "declare -x N=V",
    "declare N=V",
    "typeset -x N=V",
    "export N N=V C",
    "set -- a \"b c\"; export N=$1",
    "set -- a b; shift; export N=$1",
    "set -- V; export N=\"$*\"",
    "export N=$#",
    "export N=$?",
    "trap 'export N=V' EXIT",
    "command export N=V",
    "eval export N=V",
    "eval \"N='$A'\"",
    "eval \"$C\"",
    "N=V . \"$FOLDER/sourced\"",
    "N=V :",
    "N=V eval true",
    "N=V export C",
    "N=V unset C",
    "N=V set -a",
    "N=V command true",
    "N=V exec 3> /dev/null",
    "export N=${A%b}",
    "export N=${A#a}",
    "export N=${#A}",
    "export N=${A/a/b}",
    "export N=${A^^}",
    "export N=~",
    "N=~/x:~",
    "export N=*",
    "N=* ; export N=$N",
    "N+=V",
    "export N+=x",
    "printf -v N x > /dev/null",
    "read N < \"$FOLDER/sourced\"",
    "unset -v N",
    "unset -f N",
    "unset N C",
    "env N=V true",
    "exec 3>&1 2> /dev/null",
    "if ! [ -n \"$C\" ]; then L; elif true; then L; fi",
    "[[ -n $A ]] && L",
    "! L",
    "time L",
    "IFS=b; set -- $A; export N=$1",
    "alias e=export; e N=V",
    "export N=a\\\nb",
    "ex\\\nport N=V",
    "export N=$'a\\tb'",
    "case $A in 'a b') L;; esac",
    "case x in x) L;& y) L;; esac",
    "(exit 3) || export N=$?",
    "true && { L; } || L",
    "export \"N=$A\" 'C'=V",
    "\\export N=V",
    "builtin export N=V",
    "builtin export N=$A",
    "readonly N",
    "readonly N; N=V",
    "readonly N=V; export N",
    "readonly N; export N=V",
    "readonly N; unset N",
    "readonly N; N=V true",
    "readonly N; f() { local N=V; }; f",
    "declare -r N=V; export N",
    "IFS=b; export IFS N=$A",
    "export IFS=b; export N=$A",
    "for _d in x; do set -a; N=V; done",
    "f() { C+=V; }; f; export C",
    "export -- N=V",
    "export \"N\"=V",
    "unset -- N",
    "command unset N",
    "command . \"$FOLDER/sourced\"",
    "command eval 'export N=V'",
    "\\eval 'export N=V'",
    "'export' N=V",
    "command -p export N=V",
    "command -v export N > /dev/null",
    "command -- export N=V",
    "command -pv export N > /dev/null",
    "( exec -a x true )",
    "N=V command export C",
    "eval -- 'export N=V'",
    "{ L; } | true",
    "{ exit; } | true",
    "{ L; exec true; } | true",
    "{ exit; } & wait",
    "true && { L; exit; } & wait",
    "true | { exit; L; }",
    "exit | true",
    "( exit; L )",
    "local N=V",
    "eval exit | true",
    "true | { L; }",
    "{ L; } & wait",
    "true && { L; } & wait",
    "if true; then L; fi & wait",
    "f() { L; }; f & wait",
    "echo a | while read N; do L; done",
    "echo a |\n{ L; }",
    "for N in a b; do L; done | cat > /dev/null",
    "cd /; . ./sourced",
    "cd \"$FOLDER\"; . ./sourced",
];

/// One of these.
fn uncommon(random: &mut Random, depth: usize) -> String {
    let inner = match depth {
        0 => ":".to_owned(),
        _ => list(random, depth - 1),
    };
    let (name, value) = (random.pick(&NAMES), value(random));
    let form = random.pick(&FORMS);
    // Names first: a value may have any letter.
    let words = form.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .map(|word| {
            let end = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let rest = &word[end.len()..];
            let put = match end {
                "N" => name,
                "V" => &value,
                "L" => &inner,
                other => other,
            };
            format!("{put}{rest}")
        })
        .collect()
}

fn list(random: &mut Random, depth: usize) -> String {
    let mut text = statement(random, depth);
    for _ in 0..random.below(3) {
        text.push_str(random.pick(&["; ", "\n", " && ", "; # ' \n", " || "]));
        text.push_str(&statement(random, depth));
    }
    text
}

fn script(random: &mut Random) -> String {
    let mut text = list(random, 2);
    text.push_str(random.pick(&["; ", "\n", " && "]));
    let name = random.pick(&NAMES);
    text.push_str(&match random.below(10) {
        0 => format!("{name}={} \"$FOLDER/apiserver\" -0", value(random)),
        1 => format!(
            "exec env {name}={} -- \"$FOLDER/apiserver\" -0",
            random.pick(&["1", "\"$A\"", "'c d'"])
        )
        .replace("-- ", ""),
        2 => format!("exec env -u {name} \"$FOLDER/apiserver\" -0"),
        3 => format!("env -i {name}=\"$A\" \"$FOLDER/apiserver\" -0"),
        5 => format!("C={} _d=\"$C\" \"$FOLDER/apiserver\" -0", value(random)),
        6 => format!(
            "C={} B=$C; export C B; \"$FOLDER/apiserver\" -0",
            value(random)
        ),
        7 if random.one_in(2) => "exec -ca x \"$FOLDER/apiserver\" -0".to_owned(),
        7 => format!("{name}=V exec -a x \"$FOLDER/apiserver\" -0"),
        4 => "sh -c 'C=$1; export C; \"$FOLDER/apiserver\" -0' n \"$A\"".to_owned(),
        _ => "exec \"$FOLDER/apiserver\" -0".to_owned(),
    });
    text
}

const SOURCED: &str = "C=sourced\nexport _d=\"$A\" # one\n";

fn ours(shell: &str, script: &str, folder: &str) -> Effect {
    let words = [shell, "-c", script].map(|word| Knowable::Known(word.to_owned()));
    read(
        &words,
        &Surroundings {
            folder: Knowable::Known(folder.to_owned()),
            variable: &|name| match GIVEN.iter().find(|(given, _)| *given == name) {
                Some((_, value)) => Knowable::Known(Some((*value).to_owned())),
                None if name == "FOLDER" => Knowable::Known(Some(folder.to_owned())),
                None => Knowable::Known(None),
            },
            file: &|path| match path.strip_prefix(folder) {
                Some("/sourced") => Knowable::Known(SOURCED.to_owned()),
                _ => Knowable::unknown("it is not here"),
            },
            has: &|_| false,
            scripts: &|_| Vec::new(),
            homes: &|| vec!["/root".to_owned()],
            has_functions: false,
            starts: &|words| words.iter().any(|word| word.ends_with("/apiserver")),
            kept: &|_| false,
        },
    )
}

/// The environment that the program was given, or nothing where it was never started.
fn theirs(shell: &str, script: &str, folder: &str) -> Option<BTreeMap<String, String>> {
    let done = Command::new(shell)
        .args(["-c", script])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("FOLDER", folder)
        .envs(GIVEN)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    if text.is_empty() && !done.status.success() {
        return None;
    }
    let pairs = text.split('\0').filter_map(|entry| entry.split_once('='));
    Some(
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

/// What differs, and how many values were known.
fn compare(effect: &Effect, environment: &BTreeMap<String, String>) -> (Vec<String>, usize) {
    let mut differences = Vec::new();
    let mut known = 0;
    for name in NAMES
        .iter()
        .copied()
        .chain(environment.keys().map(String::as_str))
    {
        if OWN.contains(&name) || name == "FOLDER" || name.starts_with("BASH_FUNC_") {
            continue;
        }
        let given = GIVEN
            .iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| *value);
        let own = match effect.changes.get(name) {
            Some(Knowable::Known(value)) => value.as_ref().map(|value| value.expose()),
            Some(Knowable::Unknown(_)) => continue,
            None if effect.unknown.is_some() => continue,
            None => given.filter(|_| !effect.is_cleared),
        };
        known += usize::from(effect.changes.contains_key(name));
        let value = environment.get(name).map(String::as_str);
        if own != value {
            differences.push(format!("{name}: {own:?}, the shell {value:?}"));
        }
    }
    (differences, known)
}

fn set_up(folder: &Path) {
    symlink("/usr/bin/printenv", folder.join("apiserver")).unwrap();
    fs::write(folder.join("sourced"), SOURCED).unwrap();
    fs::write(folder.join("unseen"), "export A=unseen; unset CLEARML__X\n").unwrap();
}

#[test]
fn scripts_set_what_real_shells_set() {
    if !Path::new("/usr/bin/printenv").exists() {
        crate::oracles::skip("scripts against real shells: /usr/bin/printenv is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    set_up(folder.path());
    let folder = folder.path().to_str().unwrap();
    let shells = ["sh", "dash", "bash"];
    let seed = number("CLEARML_SECURE_SEED", 20_261_126);
    let mut random = Random::new(seed);
    let mut failures = Vec::new();
    let (mut run, mut known) = (0, 0);
    for _ in 0..SCRIPTS * number("CLEARML_SECURE_FUZZ", 1) {
        let script = script(&mut random);
        let shell = random.pick(&shells);
        let effect = ours(shell, &script, folder);
        // A script that fails on the way starts no server.
        let Some(environment) = theirs(shell, &script, folder) else {
            continue;
        };
        if environment.is_empty() {
            continue;
        }
        let (differences, values) = compare(&effect, &environment);
        run += 1;
        known += values;
        if !differences.is_empty() {
            failures.push(format!(
                "{shell}: {script:?}\n  {}",
                differences.join("\n  ")
            ));
        }
    }
    eprintln!("{run} scripts, {known} known values (seed {seed})");
    none_differ(&failures);
    assert!(
        run >= 300 && known >= 200,
        "{run} scripts, {known} known values"
    );
}

/// What starts a program, in its various ways; `@` is that program.
const LAUNCHED: [&str; 38] = [
    "chroot / @",
    "chroot --userspec=0:0 / @",
    "flock \"$FOLDER/lock\" @",
    "flock -n -E 3 \"$FOLDER/lock\" @",
    "flock --timeout 5 \"$FOLDER/lock\" -c '@'",
    "ionice -c 3 @",
    "ionice -c2 -n 0 @",
    "nice @",
    "nice -n 5 @",
    "nice -5 @",
    "nice --adjustment=5 nohup @",
    "runuser -u root -- @",
    "runuser root -c '@'",
    "runuser -l root -c '@'",
    "script -qc '@' /dev/null",
    "setpriv --nnp @",
    "setpriv --reuid 0 --clear-groups @",
    "setpriv --reuid=0 --reset-env @",
    "setsid -w @",
    "stdbuf -oL @",
    "stdbuf --output L @",
    "ionice --class 3 @",
    "timeout --kill-after 1 5 @",
    "stdbuf -o L -e 0 @",
    "su -c '@'",
    "su root -c '@'",
    "su -s /bin/bash root -c '@'",
    "su - root -c '@'",
    "su -p root -c '@'",
    "su -lc '@' root",
    "su -c '@' - root",
    "taskset 1 @",
    "timeout 5 @",
    "timeout -k 1 -s KILL 5s @",
    "timeout --signal=KILL 5 nice @",
    "env C=1 timeout -- 5 @",
    "timeout 5 env -i C=1 nice -n 1 @",
    "timeout 5 sh -c 'export C=$A; exec @'",
];

#[test]
fn launchers_start_what_real_ones_start() {
    let folder = tempfile::tempdir().unwrap();
    set_up(folder.path());
    let folder = folder.path().to_str().unwrap();
    let (mut skipped, mut failures) = (Vec::new(), Vec::new());
    for form in LAUNCHED {
        let script = format!(
            "exec {}",
            form.replace('@', &format!("{folder}/apiserver -0"))
        );
        let effect = ours("sh", &script, folder);
        match theirs("sh", &script, folder) {
            Some(environment) if !environment.is_empty() => {
                let (differences, _) = compare(&effect, &environment);
                let differences = differences.into_iter();
                failures.extend(differences.map(|one| format!("{form}: {one}")));
                // Those that keep the variables are known to.
                let may_change = ["--reset-env", " - ", " -l", "-i C"];
                let is_known = !effect.changes.contains_key("A") && effect.unknown.is_none();
                if !is_known && !may_change.iter().any(|part| form.contains(part)) {
                    failures.push(format!("{form}: what becomes of A is not known"));
                }
            }
            _ => skipped.push(form),
        }
    }
    none_differ(&failures);
    if !skipped.is_empty() {
        crate::oracles::note_skipped(&format!(
            "launchers that are not here, or not for this user: {}",
            skipped.join("; ")
        ));
    }
}
