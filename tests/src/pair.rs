//! One compose project and one mode of inject: what Docker Compose makes of the project before and after, held against what
//! was asked for; what a second run does; and what verify says of both.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::advice::{lines_to_go, remove};
use crate::compose::{Compose, Question, compare, moved};
use crate::effective::differences;
use crate::expected::{self, Asked};
use crate::files;
use crate::keyset::Keyset;
use crate::mode::{COMPOSE, MERGED, Mode, PRODUCT};
use crate::program::{Done, clearml};

/// What values of a generated file hold that no message may repeat.
pub const MARK: &str = "mArKeD";
/// No more digits than these stand in a message: a longer number is a hash.
const DIGITS: usize = 14;

/// A project in a folder of its own, and the mode to be tried.
pub struct Pair {
    /// What a failure calls it.
    pub name: String,
    /// Where its files are; `COMPOSE` is the one that is injected.
    pub folder: TempDir,
    /// How.
    pub mode: Mode,
}

/// What came of it, where nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was compared.
    Compared,
    /// Inject refused as it should, with a place and a help, which are this.
    Refused(String),
    /// Compose refuses the project as it is, for this reason, so there is nothing to compare.
    NoProject(String),
}

/// The words of a `docker compose` that say what it reads.
#[derive(Debug, Default)]
struct Words {
    files: Vec<String>,
    env_files: Vec<String>,
}

/// How many came to what.
#[derive(Debug, Default)]
pub struct Tally {
    /// All of it was compared.
    pub compared: usize,
    /// Inject refused, for these reasons.
    pub refused: Vec<String>,
    /// Compose refused before anything was injected, for these reasons.
    pub no_project: Vec<String>,
    /// What is wrong, one pair each.
    pub failures: Vec<String>,
}

/// Tries pairs by number, some at a time.
pub fn hold_all(compose: &Compose, count: usize, make: &(dyn Fn(usize) -> Pair + Sync)) -> Tally {
    let keyset = Keyset::generate();
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let pair = make(number);
            let held = pair.hold(compose, &keyset);
            let mut tally = tally.lock().unwrap();
            match held {
                Ok(Outcome::Compared) => tally.compared += 1,
                Ok(Outcome::Refused(why)) => tally.refused.push(pair.told(&why)),
                Ok(Outcome::NoProject(why)) => tally.no_project.push(pair.told(&why)),
                Err(why) => tally.failures.push(why),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    tally.into_inner().unwrap()
}

impl Pair {
    /// Tries it. The error says what is wrong, without a secret; a panic is one, too.
    pub fn hold(&self, compose: &Compose, keyset: &Keyset) -> Result<Outcome, String> {
        let held = catch_unwind(AssertUnwindSafe(|| self.held(compose, keyset)));
        held.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>();
            Err(text.map_or("a panic", String::as_str).to_owned())
        })
        .map_err(|why| self.told(&why))
    }

    fn told(&self, why: &str) -> String {
        format!("{}, {}: {why}", self.name, self.mode.name)
    }

    fn held(&self, compose: &Compose, keyset: &Keyset) -> Result<Outcome, String> {
        let folder = self.folder.path();
        let old = tempfile::tempdir().unwrap();
        files::copy_all(folder, old.path());
        let words_before = self.words_before();
        let ask_before = || -> Result<Value, String> {
            let view = compose.view(words_before.question(old.path()))?;
            Ok(moved(&view, old.path(), folder))
        };
        let known = compose.known_view(words_before.question(old.path()));
        let before = match known.map(|view| moved(&view, old.path(), folder)) {
            Ok(before) => before,
            Err(why) => return Ok(Outcome::NoProject(why)),
        };
        agree(folder, &words_before, &before, keyset, false)?;
        let state = files::state(folder);
        let done = self.inject(keyset);
        self.check_message(&done, keyset)?;
        if done.status == Some(2) {
            let is_told = done.stderr.contains("help: ") && names_a_place(&done.stderr);
            if !is_told || !done.stdout.is_empty() || files::state(folder) != state {
                return Err(format!("refused badly: {}", done.report()));
            }
            self.try_advice(&done, keyset)?;
            return Ok(Outcome::Refused(done.stderr));
        }
        if done.status != Some(0) {
            return Err(done.report());
        }
        let product = self.product(&done);
        let words = self.words_after(&done);
        let ask_after = || {
            let view = compose.view(words.question(folder));
            view.map_err(|why| format!("compose refuses it after injection: {why}"))
        };
        let asked = Asked {
            closes: self.mode.has("--close-ports"),
            bind: self.mode.value("--bind"),
        };
        let after = ask_after()?;
        compare(
            [&before, &after],
            &|| Ok([ask_before()?, ask_after()?]),
            &|before, after| expected::check(before, after, keyset, &asked),
        )?;
        agree(folder, &words, &after, keyset, true)?;
        self.again(keyset, &product)?;
        Ok(Outcome::Compared)
    }

    fn inject(&self, keyset: &Keyset) -> Done {
        clearml("inject")
            .args(self.mode.options.iter().copied())
            .arg(COMPOSE)
            .within(self.folder.path())
            .stdin(keyset.text.as_str())
            .done()
    }

    /// What a refusal recommends comes to an end, or says what else has to be changed first: it leads to no further run.
    fn try_advice(&self, done: &Done, keyset: &Keyset) -> Result<(), String> {
        const COMMAND: &str = "clearml-inject -k KEYS ";
        const OVERRIDE: &str =
            "run this with --override -o keys.override.yml instead of -i or another -o";
        let commands = done.stderr.lines().map(str::trim);
        let mut runs: Vec<Vec<String>> = commands
            .filter_map(|line| line.strip_prefix(COMMAND))
            .map(words)
            .collect();
        if done.stderr.contains(OVERRIDE) {
            let goes_on = |one: &&&str| !["-i", "-o", PRODUCT, "--literal"].contains(*one);
            let options = self.mode.options.iter().filter(goes_on);
            let further = ["--override", "-o", "keys.override.yml", COMPOSE];
            let run = options.chain(&further).map(|one| (*one).to_owned());
            runs.push(run.collect());
        }
        for run in runs {
            let done = clearml("inject")
                .args(run.iter().map(String::as_str))
                .within(self.folder.path())
                .stdin(keyset.text.as_str())
                .done();
            let leads_on = [COMMAND, "run this with --override"];
            let leads_on = leads_on.iter().any(|run| done.stderr.contains(run));
            let says_what = done.stderr.contains("help: ") && !leads_on;
            if done.status != Some(0) && !(done.status == Some(2) && says_what) {
                return Err(format!("recommends what is refused: {}", done.report()));
            }
        }
        self.remove_lines(done, keyset)
    }

    /// Without the lines that a refusal tells to remove, the same run ends, or is refused for something else.
    fn remove_lines(&self, done: &Done, keyset: &Keyset) -> Result<(), String> {
        let mut heard = done.stderr.clone();
        loop {
            let lines = lines_to_go(&heard);
            if lines.is_empty() {
                return Ok(());
            }
            remove(self.folder.path(), &lines);
            let again = self.inject(keyset);
            self.check_message(&again, keyset)?;
            let is_told = again.status == Some(2) && again.stderr.contains("help: ");
            if again.status != Some(0) && (!is_told || again.stderr == heard) {
                return Err(format!("tells to remove lines in vain: {}", again.report()));
            }
            heard = again.stderr;
        }
    }

    /// Puts what came out where the printed command looks for it, and returns it.
    fn product(&self, done: &Done) -> String {
        let name = match () {
            () if self.mode.has("-i") => COMPOSE,
            () => PRODUCT,
        };
        let path = self.folder.path().join(name);
        if !self.mode.has("-i") && !self.mode.has("-o") {
            fs::write(&path, &done.stdout).unwrap();
        }
        fs::read_to_string(path).unwrap()
    }

    /// The same keyset once more changes nothing.
    fn again(&self, keyset: &Keyset, product: &str) -> Result<(), String> {
        let path = |name: &str| self.folder.path().join(name);
        // What is injected a second time is what came out the first time.
        if self.mode.has("-o") {
            fs::rename(path(PRODUCT), path(COMPOSE)).unwrap();
        } else if !self.mode.has("-i") && !self.mode.has("--override") {
            fs::write(path(COMPOSE), product).unwrap();
        }
        let state = files::state(self.folder.path());
        let done = self.inject(keyset);
        if done.status != Some(0) {
            return Err(format!("the second run: {}", done.report()));
        }
        if self.product(&done) != product {
            return Err("the second run came to another file".to_owned());
        }
        if self.mode.has("-o") {
            fs::remove_file(path(PRODUCT)).unwrap();
        }
        if files::state(self.folder.path()) != state {
            return Err("the second run changed a file".to_owned());
        }
        if !self.mode.has("--override") && !done.stderr.contains("nothing to change") {
            return Err(format!(
                "the second run changed something: {}",
                done.report()
            ));
        }
        Ok(())
    }

    /// No message holds a secret, a text of the file, or a hash.
    fn check_message(&self, done: &Done, keyset: &Keyset) -> Result<(), String> {
        let heard = &done.stderr;
        if keyset.values.values().any(|value| heard.contains(value)) {
            return Err("a message holds a secret".to_owned());
        }
        let mut numbers = heard.split(|c: char| !c.is_ascii_digit());
        if heard.contains(MARK) || numbers.any(|number| number.len() > DIGITS) {
            return Err(format!("a message holds a file's text or a hash: {heard}"));
        }
        Ok(())
    }

    /// What compose is told before: nothing where it finds the files by itself.
    fn words_before(&self) -> Words {
        let files = [COMPOSE, MERGED].map(str::to_owned).to_vec();
        Words {
            files: if self.mode.merges() {
                files
            } else {
                Vec::new()
            },
            env_files: Vec::new(),
        }
    }

    /// What inject says that compose has to be told now.
    fn words_after(&self, done: &Done) -> Words {
        let printed = done.stderr.split("docker compose ").find_map(|rest| {
            let (words, _) = rest.split_once("up -d ")?;
            (!words.contains('\n')).then_some(words)
        });
        let Some(printed) = printed else {
            let mut words = self.words_before();
            if !self.mode.has("-i") {
                words.files = vec![PRODUCT.to_owned()];
            }
            return words;
        };
        let printed = printed.replace("-f FILE", &format!("-f {PRODUCT}"));
        let mut words = Words::default();
        let mut split = self::words(&printed).into_iter();
        while let Some(option) = split.next() {
            let list = match option.as_str() {
                "-f" => &mut words.files,
                "--env-file" => &mut words.env_files,
                "" => continue,
                _ => panic!("an option of docker compose that this test does not know: {option}"),
            };
            list.extend(split.next());
        }
        words
    }
}

/// The words of a command, as a shell takes them.
fn words(command: &str) -> Vec<String> {
    let split = Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {command}")])
        .output()
        .unwrap();
    let split = String::from_utf8(split.stdout).unwrap();
    split.lines().map(str::to_owned).collect()
}

impl Words {
    fn question<'q>(&'q self, folder: &'q Path) -> Question<'q> {
        Question {
            folder,
            files: &self.files,
            env_files: &self.env_files,
        }
    }
}

/// Whether a message names a compose file, or a line of any file: `plain.env:3:6`.
fn names_a_place(message: &str) -> bool {
    let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    message.contains(".yml")
        || message.split_whitespace().any(|word| {
            let mut parts = word.split(':').skip(1);
            parts.next().is_some_and(is_number) && parts.next().is_some_and(is_number)
        })
}

/// Holds what verify says of the files against what compose says: of each setting where it comes from, and whether it is
/// the keyset's.
fn agree(
    folder: &Path,
    words: &Words,
    view: &Value,
    keyset: &Keyset,
    is_injected: bool,
) -> Result<(), String> {
    let verify = |options: &[&str]| -> Result<Value, String> {
        let mut run = clearml("verify").args(["-f", "json"]).within(folder);
        for env_file in &words.env_files {
            run = run.args(["--env-file", env_file]);
        }
        for merged in words.files.iter().skip(1) {
            run = run.args(["--merge", merged]);
        }
        let file = words.files.first().map_or(COMPOSE, String::as_str);
        let done = run
            .args(options.iter().copied())
            .arg(file)
            .stdin(keyset.text.as_str())
            .done();
        serde_json::from_str(&done.stdout).map_err(|_| format!("verify: {}", done.report()))
    };
    let document = verify(&["--effective"])?;
    if document["unknown"]
        .as_array()
        .is_some_and(|unknown| !unknown.is_empty())
    {
        // What is not known is said, and says nothing else.
        return Ok(());
    }
    let rows = document["effective"].as_array().ok_or("no effective")?;
    let wrong = differences(rows, view, keyset, is_injected);
    if !wrong.is_empty() {
        return Err(format!("verify --effective: {}", wrong.join("; ")));
    }
    if is_injected {
        let document = verify(&["--keys", "-"])?;
        let findings = document["findings"].as_array().ok_or("no findings")?;
        if let Some(finding) = findings
            .iter()
            .find(|one| one["rule"] == "keys-not-applied")
        {
            return Err(format!("verify --keys: {}", finding["message"]));
        }
    }
    Ok(())
}
