//! What a person is told on standard error: what was done, and what to do next.

mod next;

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use clearml_secure_core::deployment::Composed;
use clearml_secure_core::effective::{Configured, Effective, ServerConfiguration};
use clearml_secure_core::exit::{self, Input};
use clearml_secure_core::fixed_users::{ENABLED, FixedUser, FixedUsers};
use clearml_secure_core::instance::Instance;
use clearml_secure_core::keyset::{Keyset, User};
use clearml_secure_core::known::first_with;
use clearml_secure_core::opening::ACCOUNTS;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::{escape, plural};
use clearml_secure_core::unseen::Hides;
use clearml_secure_plan::env_file::EnvFile;
use clearml_secure_plan::intended::Change;
use clearml_secure_plan::job::{Planned, unrecognised};
use clearml_secure_plan::plan::Plan;
use clearml_secure_plan::ports::is_bound;

use crate::cli::Cli;

use next::{Compose, next_steps};

/// What a person at a terminal has to type, if anything.
pub(crate) fn waiting(cli: &Cli) -> String {
    let input = |path, what, named| Input {
        path: Some(path),
        what,
        named,
    };
    let inputs = [
        input(cli.keys(), "a keyset", "-k FILE"),
        input(&*cli.compose, "a compose file", "FILE as an argument"),
    ];
    exit::waiting("clearml-inject", &inputs).unwrap_or_default()
}

/// What is said once all is proved and written.
pub(crate) struct Talk {
    /// What was done.
    pub(crate) done: String,
    /// What to do next.
    pub(crate) next: String,
    /// The options with which docker compose reads the env file; none where it finds it by itself.
    pub(crate) env: String,
    /// Whether anything is not as it was asked for.
    pub(crate) is_changed: bool,
}

impl Talk {
    /// Of a plan, as long as its deployment is known.
    pub(crate) fn of(cli: &Cli, planned: &Planned, keyset: &Keyset) -> Self {
        let (deployment, plan) = (&planned.deployment, &planned.plan);
        let env_file = planned.env_file.as_ref();
        let is_new_env_file = env_file.is_some_and(EnvFile::is_changed);
        let has_keys = *keyset != Keyset::default();
        let mut done = summary(cli, plan, is_new_env_file, has_keys);
        if has_keys {
            done.push_str(&web_login(deployment, keyset));
        }
        done.push_str(&left(cli, deployment, plan));
        let compose = Compose::of(cli, planned);
        Self {
            done,
            next: next_steps(cli, planned, &compose),
            env: compose.env,
            is_changed: !plan.is_idle() || is_new_env_file,
        }
    }
}

/// What was done, service by service.
fn summary(cli: &Cli, plan: &Plan, is_new_env_file: bool, has_keys: bool) -> String {
    // An override file that goes to another program may still go anywhere.
    let is_written = !cli.is_override
        || cli
            .output
            .as_deref()
            .is_some_and(|path| path != Path::new("-"));
    let is_done = !cli.check && !cli.diff && is_written;
    let mut out = String::new();
    for of_service in plan
        .intended
        .chunk_by(|one, next| one.service == next.service)
    {
        let count = |change| of_service.iter().filter(|one| one.change == change).count();
        let mut parts = Vec::new();
        for (number, word) in [
            (count(Change::Added), "added"),
            (count(Change::Replaced), "replaced"),
            (count(Change::Withheld), "withheld"),
            (count(Change::Inherited), "inherited"),
            (count(Change::Kept), "already right"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {word}"));
            }
        }
        line(
            &mut out,
            &format!("{}: {}", escape(&of_service[0].service), parts.join(", ")),
        );
    }
    for unused in plan
        .unused
        .chunk_by(|one, next| one.version == next.version)
    {
        let settings: Vec<Setting> = unused.iter().map(|one| one.setting).collect();
        let settings = Setting::words(&settings).join(", ");
        let reason = match &unused[0].version {
            Some(version) => format!("version {version} does not have these settings"),
            None => "no server of this file reads these settings".to_owned(),
        };
        line(&mut out, &format!("not used, because {reason}: {settings}"));
    }
    for port in plan.ports.iter().filter(|port| !port.is_kept) {
        let published = match &port.text {
            Some(text) if port.path.ends_with("/host_ip") => format!("a port on {text} only"),
            Some(text) => text.clone(),
            None => "no port".to_owned(),
        };
        let text = format!("{}: publishes {published}", port.service());
        line(&mut out, &escape(&text));
    }
    for service in &plan.inheriting_ports {
        let text = format!("{service}: its ports change with those of the service that it extends");
        line(&mut out, &escape(&text));
    }
    if plan.is_idle() && !is_new_env_file {
        line(&mut out, "nothing to change");
    } else if has_keys {
        let settings: HashSet<Setting> =
            plan.intended.iter().filter_map(|one| one.setting).collect();
        let count = settings.len();
        let proved = if cli.is_override {
            "proved on the file with the override merged over it"
        } else {
            "proved on the edited file"
        };
        let is_put = is_new_env_file || plan.intended.iter().any(|one| one.change != Change::Kept);
        let what = settings_are(count, is_put, is_done);
        let settings = plural(count, "setting");
        line(&mut out, &format!("{settings} {what}; {proved}"));
    }
    if !has_keys {
        line(
            &mut out,
            "no keyset came, so only ports were looked at: keys and secrets stay as they are",
        );
    }
    out
}

/// What became of so many settings.
fn settings_are(count: usize, is_put: bool, is_done: bool) -> String {
    let (is, them) = match count {
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    let verb = if is_done { is } else { "would be" };
    match is_put {
        true => format!("{verb} set for the servers that read {them}"),
        false => format!("{is} already what the servers read"),
    }
}

/// What to know about the web login: who comes, who goes, and what the server does on its own.
fn web_login(deployment: &Composed, keyset: &Keyset) -> String {
    let mut out = String::new();
    if deployment.of(Server::Apiserver).next().is_none() {
        return out;
    }
    let effective = Effective::of(deployment);
    let servers = || {
        let servers = effective.servers.iter();
        servers.filter(|server| server.server == Server::Apiserver)
    };
    let before: Vec<FixedUser> = servers()
        .flat_map(|server| FixedUsers::of(server, deployment).users)
        .collect();
    let is_off = |server: &ServerConfiguration| {
        let switch = server.switch(deployment, ENABLED);
        switch.span.filter(|_| switch.is_on.known() == Some(&false))
    };
    let off: Option<String> = servers()
        .find_map(is_off)
        .map(|span| deployment.sources.place(span).to_string());
    let named = || before.iter().map(|user| user.username.clone());
    if keyset.users().is_empty() {
        let stay: Vec<String> = named().collect();
        if let Some(place) = off {
            // No users are asked for, so that who gets in is left to a person.
            line(
                &mut out,
                &format!(
                    "web login: fixed users are disabled at {place}, and the keyset has none, so this stays: anyone who can reach the web page can log in without a password"
                ),
            );
        } else if !stay.is_empty() {
            line(
                &mut out,
                &format!(
                    "web login: the keyset has no users, so the users in the files stay: {}",
                    names(&stay)
                ),
            );
        }
        return out;
    }
    line(
        &mut out,
        &format!(
            "web login: {}. While fixed users are enabled, the API server refuses the accounts webserver and tests",
            plural(keyset.users().len(), "user")
        ),
    );
    if let Some(place) = off {
        line(
            &mut out,
            &format!(
                "web login: fixed users were disabled at {place}, and this enables them: only these users can log in at the web page"
            ),
        );
    }
    out.push_str(&others_than_before(&before, keyset));
    let mut gone: Vec<String> = named().collect();
    gone.retain(|name| keyset.user(name).is_none());
    if !gone.is_empty() {
        line(
            &mut out,
            &format!(
                "web login: removed, because the keyset does not have them: {}. Their tokens work for up to 30 days, or until token_secret is replaced",
                names(&gone)
            ),
        );
    }
    out
}

/// Those who come to a list of users that is there, and those whose password is another: somebody may have removed the one, or
/// reset the other, where the keyset does not see it.
fn others_than_before(before: &[FixedUser], keyset: &Keyset) -> String {
    let mut out = String::new();
    let listed = |name: &str| before.iter().find(|user| user.username == name);
    let users = || keyset.users().iter().filter(|_| !before.is_empty());
    let has_other = |user: &&User| {
        let listed = listed(&user.username);
        listed.is_some_and(|own| own.password.as_ref() != Some(&user.password_hash))
    };
    let added = users().filter(|user| listed(&user.username).is_none());
    let reset = users().filter(has_other);
    for (what, all) in [
        (
            "added, because the files do not list them",
            added.collect::<Vec<&User>>(),
        ),
        ("another password than in the files", reset.collect()),
    ] {
        let all: Vec<String> = all.iter().map(|user| user.username.clone()).collect();
        if !all.is_empty() {
            line(&mut out, &format!("web login: {what}: {}", names(&all)));
        }
    }
    out
}

/// What is left as it is although it may matter: programs in ClearML's image that nobody can tell, and ports beside those
/// that were bound.
fn left(cli: &Cli, deployment: &Composed, plan: &Plan) -> String {
    let mut out = String::new();
    for (unseen, name) in unrecognised(deployment) {
        let place = unseen
            .span
            .map(|span| format!("{}: ", deployment.sources.place(span)));
        line(
            &mut out,
            &format!(
                "{}service {} gets no keys: {}. If it signs or checks tokens, set secure.auth.token_secret there too",
                place.unwrap_or_default(),
                escape(name),
                unseen.reason
            ),
        );
    }
    out.push_str(&replaced(deployment));
    out.push_str(&locked_out(deployment));
    out.push_str(&cut_short(deployment));
    out.push_str(&of_another_server(deployment, plan));
    if cli.close_ports {
        out.push_str(&still_open(deployment));
    }
    let Some(address) = cli.bind else {
        return out;
    };
    for (index, service) in deployment.project.services.iter().enumerate() {
        let open = service.ports.iter().filter(|port| !port.is_at(address));
        let open: Vec<String> = open.map(|port| port.shown().to_string()).collect();
        let is_closed = cli.close_ports && deployment.database(index).is_some();
        if !open.is_empty() && !is_closed && !is_bound(deployment, index) {
            line(
                &mut out,
                &format!(
                    "--bind does not change {} of service {}, because it is not a web, API or file server",
                    open.join(", "),
                    escape(&service.name)
                ),
            );
        }
    }
    out
}

/// The containers that lead to a database whose own ports are closed.
fn still_open(deployment: &Composed) -> String {
    let mut out = String::new();
    for (index, service) in deployment.containers.iter().enumerate() {
        let Some(database) = deployment.database(index) else {
            continue;
        };
        let mut by: Vec<&str> = Vec::new();
        let ports = deployment.listening(index).ports;
        for way in ports.iter().flat_map(|port| deployment.ways(index, *port)) {
            let name = deployment.containers[way.by].name.as_str();
            if !way.through.is_empty() && !by.contains(&name) {
                by.push(name);
            }
        }
        for name in by {
            line(
                &mut out,
                &format!(
                    "{database} (service {}) can still be reached through service {}, which --close-ports does not change",
                    escape(&service.name),
                    escape(name)
                ),
            );
        }
    }
    out
}

/// Servers whose code is not the image's: that they are given the keys is proved, and not that they read them.
fn replaced(deployment: &Composed) -> String {
    let of_servers = deployment
        .instances
        .iter()
        .flat_map(|one| &one.unseen_config);
    let all = (deployment.unseen.iter().chain(of_servers))
        .filter(|unseen| unseen.hides == Hides::Program)
        .map(|unseen| {
            let place = unseen
                .span
                .map(|span| deployment.sources.place(span).to_string());
            let service = unseen.service.as_deref().unwrap_or_default();
            format!(
                "{}: not checked: {} of service {}: {}",
                place.unwrap_or_default(),
                unseen.what,
                escape(service),
                unseen.reason
            )
        });
    let (mut seen, mut out) = (HashSet::new(), String::new());
    for text in all {
        // Several servers in one container have the same mount.
        if seen.insert(text.clone()) {
            line(&mut out, &text);
        }
    }
    out
}

/// An agent whose keys are replaced beside an API server that may be too old to know them (docs/clearml.md#services-agent).
fn locked_out(deployment: &Composed) -> String {
    let mut out = String::new();
    let is_unknown = |one: &&Instance| one.release.known().is_none();
    let Some(api) = deployment.of(Server::Apiserver).find(is_unknown) else {
        return out;
    };
    for agent in deployment.of(Server::AgentServices) {
        let service = deployment.service(agent);
        let mut settings = agent.settings();
        if settings.any(|setting| !agent.spellings(setting, &service.environment).is_empty()) {
            line(
                &mut out,
                &format!(
                    "{}: the agent of service {} cannot log in with its new keys if the API server of service {} is older than 1.11.0 (its version is not known)",
                    deployment.sources.place(service.name_span),
                    escape(&service.name),
                    escape(&deployment.service(api).name)
                ),
            );
        }
    }
    out
}

/// Agents whose own keys are replaced although they may be those of another API server: they ask a host that is none of these
/// containers.
fn of_another_server(deployment: &Composed, plan: &Plan) -> String {
    const KEYS: [&str; 2] = ["CLEARML_API_ACCESS_KEY", "TRAINS_API_ACCESS_KEY"];
    let mut out = String::new();
    for instance in deployment.of(Server::AgentServices) {
        let agent = deployment.service(instance);
        let had = |name: &&str| {
            let key = agent.known_variable(name);
            key.is_some_and(|key| !key.is_empty())
        };
        let mut intended = plan.intended.iter();
        let is_given = intended.any(|one| {
            one.service == agent.name && [Change::Added, Change::Replaced].contains(&one.change)
        });
        if !is_given || !KEYS.iter().any(had) {
            continue;
        }
        if let Some(host) = deployment.other_server(instance) {
            let place = deployment.sources.place(host.span);
            let text = format!(
                "{place}: service {} gets the new keys of this API server. If {} is another server, put the old keys back there",
                agent.name, host.name
            );
            line(&mut out, &escape(&text));
        }
    }
    out
}

/// An API server that may be too old for an account: with keys and no role of its own, it ends the set-up of accounts
/// (docs/clearml.md#account-without-a-role).
fn cut_short(deployment: &Composed) -> String {
    let mut out = String::new();
    let is_unknown =
        |one: &Instance| one.release.known().is_none() && one.known_version().is_none();
    if !deployment.of(Server::Apiserver).any(is_unknown) {
        return out;
    }
    for server in Effective::of(deployment).servers {
        let instance = &deployment.instances[server.instance];
        if server.server != Server::Apiserver || !is_unknown(instance) {
            continue;
        }
        let has_role = |account: &str| {
            let role = format!("{ACCOUNTS}.{account}.role");
            !matches!(server.configured(deployment, &role), Configured::Not)
        };
        let accounts = instance.settings().filter_map(Setting::account);
        let without = accounts.filter(|account| !has_role(account));
        let newest = without.filter_map(|account| Some((first_with(account)?, account)));
        let Some((version, account)) = newest.max() else {
            continue;
        };
        let service = deployment.service(instance);
        line(
            &mut out,
            &format!(
                "{}: if the API server of service {} is older than {version} (its version is not known), it gives the account {account} no role, and the accounts after it keep their old keys. To see whether it is:\n  clearml-verify --keys KEYS URL",
                deployment.sources.place(service.name_span),
                escape(&service.name),
            ),
        );
    }
    out
}

fn names(users: &[String]) -> String {
    let mut users: Vec<_> = users.iter().map(|name| escape(name)).collect();
    users.dedup();
    users.join(", ")
}

/// Where the values are, and how compose finds them.
pub(crate) fn of_env_file(env_file: &EnvFile, options: &str) -> String {
    let mut out = String::new();
    let name = quoted(&env_file.path);
    if !options.is_empty() {
        line(
            &mut out,
            &format!("docker compose reads {name} only with these options:{options}"),
        );
    }
    if env_file.is_changed() {
        line(
            &mut out,
            &format!(
                "values that your shell exports win over {name}. If you ran `set -a; . ./keys.env`, open a new shell first"
            ),
        );
    }
    out
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "clearml-inject: {text}");
}
