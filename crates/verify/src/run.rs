//! A run: what the command line asks for is looked at, judged and printed.

pub(crate) mod crew;
mod fleet;
mod judgment;
mod look;
mod products;
mod progress;
mod stream;
mod sweep;

use std::io;

use clearml_secure_cli::talk::say;
use clearml_secure_cli::wrap::columns;
use clearml_secure_core::exit::{self, Input};

use crate::cli::{Cli, Format};
use crate::clients;
use crate::decisions::policy::Policy;
use crate::decisions::retired;
use crate::error::Error;
use crate::keys::Keys;
use crate::keys::receipt::Receipt;
use crate::pages;
use crate::run::look::Looker;
use crate::run::products::Products;
use crate::run::stream::Stream;
use crate::target;
use crate::target::arguments;
use crate::target::shard::Share;

/// Looks at every target and prints what is to be said.
pub(crate) fn run(cli: &mut Cli) -> Result<u8, Error> {
    if let Some(text) = answer(cli)? {
        return print(&text).map(|_| exit::FINE);
    }
    if !cli.general.quiet {
        say(&waiting(cli));
    }
    arguments::expand(cli)?;
    let policy = Policy::read(cli)?;
    let cli = &*cli;
    if cli.effective && target::names_a_server(cli) {
        return Err(Error::EffectiveOfServer);
    }
    let products = Products::asked(cli)?;
    let mut stream = Stream::new(cli, policy, &products)?;
    let keys = Keys::read(cli)?;
    let mut remarks = no_longer_rules(&cli.ignore)?;
    remarks.extend(keys.remarks.iter().cloned());
    remarks.extend(products::misnamed(cli));
    remarks.extend(products::without_summary(cli, &products));
    let mut share = Share::of(cli.shard);
    let clients = clients::look(cli, &keys, &mut share)?;
    let targets = match cli.clients {
        true => Ok(None),
        false => target::targets(cli, &clients.targets, &mut share, &mut remarks),
    };
    // What was passed over may be the reason.
    stream.remark(&std::mem::take(&mut remarks));
    let targets = targets?;
    if keys.old.is_some()
        && clients.targets.is_empty()
        && !cli.clients
        && !target::names_a_server(cli)
    {
        return Err(Error::OldKeysWithoutServer);
    }
    let servers = fleet::look(cli, &keys, &mut share, &mut remarks)?;
    stream.remark(&remarks);
    for report in servers.into_iter().chain(clients.report) {
        stream.add(report, None)?;
    }
    let looker = Looker::new(cli, &keys, &products);
    let has_files = targets.is_some();
    if let Some(targets) = targets {
        sweep::look(cli, &looker, targets, &mut share, &mut stream)?;
    }
    stream.remark(&Vec::from_iter(share.remark()));
    // Who is there proves nothing, and the servers of the command line may be other shards'.
    let receipt = match !cli.clients && !target::servers(cli)?.is_empty() {
        true => Receipt::of(&keys, has_files),
        false => None,
    };
    stream.end(receipt.as_ref())
}

/// What is asked about the rules themselves.
fn answer(cli: &Cli) -> Result<Option<String>, Error> {
    let asked = match (cli.list_rules, cli.explain.is_some()) {
        (true, _) => Some("--list-rules"),
        (false, true) => Some("--explain"),
        (false, false) => None,
    };
    if let Some(asked) = asked.filter(|_| !matches!(cli.format, Format::Json | Format::Text)) {
        return Err(Error::AboutRules(asked));
    }
    let is_json = matches!(cli.format, Format::Json);
    if cli.list_rules {
        return Ok(Some(match is_json {
            true => format!("{:#}\n", pages::list_json()),
            false => pages::list(columns(&io::stdout())),
        }));
    }
    let Some(id) = &cli.explain else {
        return Ok(None);
    };
    let page = pages::explain(id)
        .or_else(|| retired::why(id))
        .ok_or_else(|| Error::UnknownRule(id.clone()))?;
    Ok(Some(match is_json {
        true => format!("{:#}\n", pages::explain_json(id, &page)),
        false => format!("{page}\n"),
    }))
}

/// What to say of the names after `--ignore` that were rules once; an error for one that never was.
fn no_longer_rules(ignored: &[String]) -> Result<Vec<String>, Error> {
    let ids = pages::ids();
    ignored
        .iter()
        .filter(|id| !ids.contains(&id.as_str()))
        .map(|id| match retired::why(id) {
            Some(why) => Ok(format!("{why}; remove it from --ignore")),
            None => Err(Error::UnknownRule(id.clone())),
        })
        .collect()
}

fn print(text: &str) -> Result<bool, Error> {
    exit::write_product(io::stdout().lock(), text.as_bytes()).map_err(Error::Output)
}

/// What a person at a terminal has to type, if anything.
fn waiting(cli: &Cli) -> String {
    let input = |path, what, named| Input { path, what, named };
    let mut inputs = vec![
        input(cli.baseline.as_deref(), "a baseline", "--baseline FILE"),
        input(cli.since.as_deref(), "an earlier run", "--since FILE"),
        input(cli.config.as_deref(), "settings", "--config FILE"),
        input(cli.keys.as_deref(), "a keyset", "--keys FILE"),
        input(cli.old_keys.as_deref(), "a keyset", "--old-keys FILE"),
    ];
    let targets = cli.targets.iter().map(|target| Some(target.as_path()));
    inputs.extend(targets.map(|path| input(path, "a deployment", "FILE as an argument")));
    exit::waiting("clearml-verify", &inputs).unwrap_or_default()
}
