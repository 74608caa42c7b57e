//! The files in which clients are looked for: one, or all below a folder.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clearml_secure_core::compose::files::{Files, merged_over};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::instance::Instance;
use clearml_secure_core::io::{entries, is_link, read_argument, read_text, real};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::known;
use clearml_secure_core::setting::{Kind, SETTINGS, Server};
use clearml_secure_core::source::{Place, SharedText, SourceId, Sources, Span, place_of};
use clearml_secure_core::yaml;
use zeroize::Zeroizing;

use super::given::{self, Given};
use super::{pair_of, pair_of_old};
use crate::clients::client::{Client, Pair};
use crate::keys::Keys;
use crate::live::accounts;
use crate::report::NotChecked;
use crate::target::walk::is_made;

/// No configuration is larger. In what is, a notebook with its pictures for instance, only the old secrets are looked for.
const LARGEST: usize = 1 << 20;

/// No larger file is opened; models and archives are.
const HUGE: u64 = 16 << 20;

/// So many files below a folder are read.
const MOST_FILES: usize = 20_000;

/// Folders may be nested this deep below a target.
const DEEPEST: usize = 32;

/// What servers call their own settings: a line with one of these is no client's.
const OF_SERVERS: [&str; 5] = [
    "CLEARML__",
    "TRAINS__",
    "secure.conf",
    "user_secret",
    "USER_SECRET",
];

/// A place in a text, and what is there.
type Hit = (Range<usize>, Pair);

/// What the files that were read say.
pub(super) struct Scan<'a> {
    keys: &'a Keys,
    pub(super) sources: Sources,
    pub(super) clients: Vec<Client>,
    pub(super) unknown: Vec<NotChecked>,
    /// What a deployment with servers is read from: its keys are for clearml-inject to replace.
    of_servers: HashSet<PathBuf>,
    /// Where there is a client: two containers may share an env file.
    places: HashSet<Place>,
    /// The lines of these.
    lines: HashSet<(PathBuf, usize)>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(keys: &'a Keys) -> Self {
        Self {
            keys,
            sources: Sources::new(),
            clients: Vec::new(),
            unknown: Vec::new(),
            of_servers: HashSet::new(),
            places: HashSet::new(),
            lines: HashSet::new(),
        }
    }

    /// Reads a file, or all below a folder; whether there is a client.
    pub(super) fn target(&mut self, target: &Path) -> bool {
        let before = self.clients.len();
        // Which files are the servers' is known from their compose files.
        let mut rest = Vec::new();
        if target.is_dir() {
            self.folder(target, 0, &mut rest);
        } else {
            match read_argument(target) {
                Ok(text) if self.compose(target, &text) => {}
                Ok(text) => self.text(target, text),
                Err(error) => self.failed(target, error),
            }
        }
        for path in rest {
            match read_any(&path) {
                Ok(text) => self.text(&path, text.unwrap_or_default()),
                Err(error) => self.failed(&path, error),
            }
        }
        self.clients.len() > before
    }

    fn failed(&mut self, path: &Path, error: CoreError) {
        self.unknown.push(NotChecked::because(path, &error.into()));
    }

    fn not_checked(&mut self, path: &Path, reason: String) {
        self.unknown.push(NotChecked {
            what: path.to_string_lossy().into_owned(),
            reason,
            place: None,
        });
    }

    /// Reads the compose files below a folder, and notes what else may have something to say: not its text, for there may be
    /// thousands.
    fn folder(&mut self, folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
        let found = match entries(folder) {
            Ok(found) => found,
            Err(error) => return self.failed(folder, error),
        };
        for path in found {
            if files.len() >= MOST_FILES {
                continue;
            }
            if path.is_dir() {
                match () {
                    () if is_link(&path) || path.ends_with(".git") || is_made(&path) => {}
                    () if depth >= DEEPEST => {
                        self.not_checked(
                            &path,
                            "nested too deep to be followed; name it as a target".to_owned(),
                        );
                    }
                    () => self.folder(&path, depth + 1, files),
                }
                continue;
            }
            if !is_read(&path) {
                continue;
            }
            let may_be = |text: &str| text.len() <= LARGEST && given::may_be(text);
            match read_any(&path) {
                Ok(Some(text)) if may_be(&text) || self.has_old_secret(&text) => {
                    if !self.compose(&path, &text) {
                        files.push(path);
                    }
                }
                Ok(_) => {}
                Err(error) => self.failed(&path, error),
            }
        }
        if depth == 0 && files.len() >= MOST_FILES {
            self.not_checked(folder, format!("more than {MOST_FILES} files in it may be of clients; name its folders one by one"));
        }
    }

    /// The containers of a compose file that are no servers; false where it is none, or cannot be read as one.
    fn compose(&mut self, path: &Path, text: &str) -> bool {
        let is_yaml = path
            .extension()
            .is_none_or(|end| end == "yml" || end == "yaml");
        let has_services = is_yaml
            && text.len() <= LARGEST
            && yaml::parse(path, text).is_ok_and(|root| {
                let services = root.get("services");
                services.is_some_and(|services| services.value.entries().is_some())
            });
        if !has_services {
            return false;
        }
        let mut texts = vec![(
            path.to_owned(),
            SharedText::new(Zeroizing::new(text.to_owned())),
        )];
        for over in merged_over(path) {
            texts.extend(read_text(&over).map(|text| (over.clone(), text.into())));
        }
        let composed = Files::of(texts, Vec::new(), None).and_then(Composed::load);
        let Ok(composed) = composed else {
            return false;
        };
        let is_server = |one: &&Instance| one.server != Server::AgentServices;
        let has_servers = composed.instances.iter().any(|one| is_server(&one));
        if has_servers {
            let sources = &composed.sources;
            self.of_servers
                .extend(sources.ids().map(|id| real(sources.path(id))));
        }
        let mut clients = Vec::new();
        for (index, container) in composed.containers.iter().enumerate() {
            // clearml-inject gives the services agent its new pair where it runs beside the servers, and nowhere else.
            let is_servers =
                has_servers && composed.instances.iter().any(|one| one.service == index);
            if !is_servers {
                clients.extend(self.container(&composed, container));
            }
        }
        self.add(&composed.sources, clients);
        if !has_servers {
            self.add_hits(path, text);
        }
        true
    }

    /// The old secrets in a text that are on no line of a client that is known.
    fn add_hits(&mut self, path: &Path, text: &str) {
        let mut sources = Sources::new();
        let source = sources.add(path, Zeroizing::new(text.to_owned()));
        let mut clients = Vec::new();
        for (Range { start, end }, pair) in self.hits(text) {
            let span = Span { source, start, end };
            let place = sources.place(span);
            if !self.lines.contains(&(place.file.clone(), place.line)) {
                clients.push(Client {
                    place,
                    container: None,
                    pair,
                    span,
                });
            }
        }
        self.add(&sources, clients);
    }

    fn container(
        &self,
        composed: &Composed,
        container: &clearml_secure_core::container::Container,
    ) -> Option<Client> {
        let given = given::of_container(container);
        let value = |wanted: Kind| {
            let (_, variable) = given.iter().find(|(kind, _)| *kind == wanted)?;
            let text = variable.value.known().map(|text| text.expose());
            // The line of an env file that has it is the same client, and the one to change.
            let env = composed.project.env();
            let mut made = env.makes(variable);
            let whole = made.find(|(name, _)| text.is_some() && env.value(name) == text);
            Some((whole.map_or(variable.value_span, |(_, span)| span), text))
        };
        let (span, pair) = self.pair(value(Kind::Key), value(Kind::Secret))?;
        Some(Client {
            place: composed.sources.place(span),
            container: Some(container.name.clone()),
            pair,
            span,
        })
    }

    /// What a client has, and where it has it: its secret, or else its key.
    fn pair<P: Copy>(
        &self,
        key: Option<(P, Option<&str>)>,
        secret: Option<(P, Option<&str>)>,
    ) -> Option<(P, Pair)> {
        if let Some((place, Some(secret))) = secret {
            let pair = pair_of(secret, self.keys);
            // A default of ClearML's has a `$` in it.
            if pair != Pair::Own || !given::is_reference(secret) {
                return Some((place, pair));
            }
        }
        let key = key.filter(|(_, key)| !key.is_some_and(given::is_reference));
        let place = secret.or(key)?.0;
        let is_ours = |key: &str| {
            let old = self.keys.old.as_deref().map(accounts).unwrap_or_default();
            old.iter().any(|account| account.key.expose() == key)
                || known::lookup(key).is_some_and(|known| known.setting.is_some())
        };
        let pair = match key {
            Some((_, Some(key))) if !is_ours(key) => Pair::Own,
            Some((_, Some(_))) => Pair::Elsewhere(
                "it has the key of an account of the server, and its secret is not here",
            ),
            _ => Pair::Elsewhere("its pair is in a variable that is not set here"),
        };
        Some((place, pair))
    }

    /// Everything else, by what it is.
    fn text(&mut self, path: &Path, text: Zeroizing<String>) {
        if self.of_servers.contains(&real(path)) || is_keyset(&text, path) {
            return;
        }
        let is_named = |end: &str| path.extension().is_some_and(|name| name == end);
        let mut all: Vec<Given> = Vec::new();
        if text.len() > LARGEST {
            // Only the old secrets are looked for.
        } else if is_named("conf") {
            match given::of_hocon(&text) {
                Ok(found) => all = found,
                Err(fault) => {
                    let place = place_of(path, &text, fault.offset);
                    self.failed(
                        path,
                        CoreError::Hocon {
                            place,
                            message: fault.message.to_string(),
                        },
                    );
                }
            }
        } else {
            if is_named("yml") || is_named("yaml") || is_named("json") {
                all = given::of_yaml(path, &text);
                all.retain(|given| !given.is_empty());
            }
            if all.is_empty() {
                all = vec![given::of_lines(&text)];
                all.retain(|given| !given.is_empty());
            }
        }
        let given = all.iter().filter_map(|given| self.given(given));
        let mut found = with_hits(&text, given.collect(), self.hits(&text));
        found.sort_by_key(|(range, _)| range.start);
        let mut sources = Sources::new();
        let source = sources.add(path, text);
        let clients = found.into_iter().map(|(Range { start, end }, pair)| {
            let span = Span { source, start, end };
            Client {
                place: sources.place(span),
                container: None,
                pair,
                span,
            }
        });
        let clients = clients.collect();
        self.add(&sources, clients);
    }

    /// The clients who are not known yet, with the texts that they are in.
    fn add(&mut self, sources: &Sources, clients: Vec<Client>) {
        let mut texts: HashMap<SourceId, SourceId> = HashMap::new();
        for mut client in clients {
            if !self.places.insert(client.place.clone()) {
                continue;
            }
            self.lines
                .insert((client.place.file.clone(), client.place.line));
            let own = client.span.source;
            client.span.source = *texts.entry(own).or_insert_with(|| {
                let text = Zeroizing::new(sources.text(own).to_owned());
                self.sources.add(sources.name(own), text)
            });
            self.clients.push(client);
        }
    }

    /// What a text gives one client.
    fn given(&self, given: &Given) -> Option<(Range<usize>, Pair)> {
        let value = |kind: Kind| {
            let (place, half) = given
                .iter()
                .enumerate()
                .find(|(_, half)| half.kind == kind)?;
            Some((place, half.value.as_ref().map(|text| text.expose())))
        };
        if given.is_empty() {
            const NONE: &str = "it names no pair: it has that of its environment, or the public one that is built in";
            return Some((0..0, Pair::Elsewhere(NONE)));
        }
        let (place, pair) = self.pair(value(Kind::Key), value(Kind::Secret))?;
        Some((given[place].range.clone(), pair))
    }

    fn has_old_secret(&self, text: &str) -> bool {
        let old = self.keys.old.as_deref().map(accounts).unwrap_or_default();
        old.iter().any(|account| {
            spellings(account.secret.expose())
                .iter()
                .any(|spelling| text.contains(spelling.as_str()))
        })
    }

    /// Where a text has the secret of an old account, as it is or in base64, and not for a server; and a public one,
    /// beside the name under which a client has it. ClearML's own programs have these, too.
    fn hits(&self, text: &str) -> Vec<Hit> {
        let old = self.keys.old.as_deref().map(accounts).unwrap_or_default();
        let mut found: Vec<Hit> = Vec::new();
        for account in old {
            for spelling in spellings(account.secret.expose()) {
                let pair = pair_of_old(account.name, self.keys);
                let at = places_of(text, &spelling).map(|(range, _)| (range, pair));
                found.extend(at);
            }
        }
        let mut starts: HashSet<usize> = found.iter().map(|(range, _)| range.start).collect();
        for known in known::all() {
            let setting = known.setting.filter(|one| one.kind() == Kind::Secret);
            let Some(account) = setting.and_then(|setting| setting.account()) else {
                continue;
            };
            for (range, named) in places_of(text, known.value) {
                if named && starts.insert(range.start) {
                    found.push((range, Pair::Public(account)));
                }
            }
        }
        found
    }
}

/// What a text gives, and where it has a secret, of which each is there, whatever its surroundings were taken for: what was read
/// otherwise there is not, and a `${…}` that names it is the same client.
fn with_hits(text: &str, given: Vec<Hit>, hits: Vec<Hit>) -> Vec<Hit> {
    let mut apart: Vec<(usize, Hit)> = Vec::new();
    let mut by_start: Vec<(usize, Hit)> = hits.into_iter().enumerate().collect();
    by_start.sort_by_key(|(_, (range, _))| range.start);
    for next in by_start {
        match apart.last_mut() {
            // Two accounts with one secret: the last one counts.
            Some(last) if next.1.0.start < last.1.0.end => {
                if last.0 < next.0 {
                    *last = next;
                }
            }
            _ => apart.push(next),
        }
    }
    let pairs: HashSet<Pair> = apart.iter().map(|(_, (_, pair))| *pair).collect();
    let is_otherwise = |range: &Range<usize>, pair: Pair| {
        let first = apart.partition_point(|(_, (hit, _))| hit.end <= range.start);
        let mut there = apart[first..].iter().map(|(_, hit)| hit);
        let mut there = there.by_ref().take_while(|(hit, _)| hit.start < range.end);
        there.any(|(_, other)| *other != pair)
    };
    let mut found = given;
    found.retain(|(range, pair)| {
        let is_named = pairs.contains(pair) && given::is_reference(&text[range.clone()]);
        !is_named && !is_otherwise(range, *pair)
    });
    let newlines: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| newlines.partition_point(|newline| *newline < at);
    let at = |(range, pair): &Hit| (line(range.start), *pair);
    let mut known: HashSet<(usize, Pair)> = found.iter().map(at).collect();
    let hits = apart.into_iter().map(|(_, hit)| hit);
    found.extend(hits.filter(|hit| known.insert(at(hit))));
    found
}

/// Where a text has a secret that is neither a server's nor in a comment, and whether its name is before it on its line.
fn places_of<'t>(text: &'t str, secret: &str) -> impl Iterator<Item = (Range<usize>, bool)> + 't {
    let mut line = 0..0;
    let (mut of_servers, mut named, mut is_in_comment) = (None, None, false);
    let hits: Vec<usize> = text.match_indices(secret).map(|(at, _)| at).collect();
    let length = secret.len();
    hits.into_iter().filter_map(move |at| {
        // A text may be one line with thousands of them.
        if at >= line.end {
            let newline = text[line.end..at].rfind('\n');
            let start = newline.map_or(line.end, |newline| line.end + newline + 1);
            let end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
            line = start..end;
            let whole = &text[line.clone()];
            let names = OF_SERVERS.iter().filter_map(|name| whole.find(name));
            of_servers = names.min();
            named = given::secret_named(whole);
            is_in_comment = is_comment(whole);
        }
        let is_before = |name: Option<usize>| name.is_some_and(|name| line.start + name < at);
        let is_meant = !is_in_comment && !is_before(of_servers);
        is_meant.then(|| (at..at + length, is_before(named)))
    })
}

/// Whether a client may be read from a file.
fn is_read(path: &Path) -> bool {
    const START: u64 = 1 << 10;
    let Ok(data) = fs::metadata(path) else {
        return false;
    };
    if !data.is_file() || data.len() > HUGE {
        return false;
    }
    if data.len() <= LARGEST as u64 {
        return true;
    }
    // A picture or an archive has a zero byte in its first lines.
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START).read_to_end(&mut start));
    read.is_ok() && (!start.contains(&0) || utf16(&start).is_some())
}

/// A text of UTF-8, or else of UTF-16 with a mark, as PowerShell's `>` writes, or of bytes as Latin-1: the names and secrets are
/// ASCII in each. None for a picture or a model.
fn read_any(path: &Path) -> Result<Option<Zeroizing<String>>, CoreError> {
    let error = match read_text(path) {
        Err(error @ CoreError::Encoding { .. }) => error,
        text => return text.map(Some),
    };
    let Ok(bytes) = fs::read(path).map(Zeroizing::new) else {
        return Err(error);
    };
    if let Some(units) = utf16(&bytes) {
        let chars = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        return Ok(Some(Zeroizing::new(chars.collect())));
    }
    let is_text = !bytes.contains(&0);
    Ok(is_text.then(|| Zeroizing::new(bytes.iter().copied().map(char::from).collect())))
}

/// What is behind the mark of UTF-16.
fn utf16(bytes: &[u8]) -> Option<impl Iterator<Item = u16>> {
    let (order, rest): (fn([u8; 2]) -> u16, _) = match bytes {
        [0xFF, 0xFE, rest @ ..] => (u16::from_le_bytes, rest),
        [0xFE, 0xFF, rest @ ..] => (u16::from_be_bytes, rest),
        _ => return None,
    };
    let pairs = rest.chunks_exact(2);
    Some(pairs.map(move |pair| order([pair[0], pair[1]])))
}

/// Whether a line is a comment, by its start: of HOCON, of env files, of a shell, YAML, Python or Groovy. Nobody logs in with what is
/// in one.
fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with('#') && !given::is_directive(line)
}

/// A secret as it is, and what of it is in any text in base64, as in a whole file that Kubernetes keeps: three bytes are four
/// signs there, and it begins at any of the three. A sign that has a part of another byte is left out.
fn spellings(secret: &str) -> Vec<Zeroizing<String>> {
    let encoded = |before: usize| {
        let bytes = Zeroizing::new([&b"\0\0"[..before], secret.as_bytes()].concat());
        let text = Zeroizing::new(STANDARD.encode(&*bytes));
        let inner = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        Zeroizing::new(text[inner].to_owned())
    };
    let mut all = vec![Zeroizing::new(secret.to_owned())];
    all.extend((0..3).map(encoded));
    all
}

/// Whether it is a keyset of ours, which is no client. A client's variables may be one account of it.
fn is_keyset(text: &str, path: &Path) -> bool {
    const OF_AN_ACCOUNT: usize = 2;
    let keyset = Keyset::read_incomplete(text, path);
    keyset.is_ok_and(|(keyset, _)| SETTINGS.len() - keyset.missing().len() > OF_AN_ACCOUNT)
}
