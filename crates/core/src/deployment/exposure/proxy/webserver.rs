//! nginx of ClearML's web server: where it listens, and what else it passes on, where somebody gives it a configuration of his own
//! (docs/clearml.md#nginx-of-the-web-server).

use zeroize::Zeroizing;

use super::hidden::missing;
use super::nginx::{self, Server};
use super::{Software, in_template, included};
use crate::container::Container;
use crate::container_path::is_below;
use crate::deployment::exposure::condition::Holds;
use crate::deployment::exposure::files::{File, Files};
use crate::deployment::exposure::hop::Rule;
use crate::deployment::exposure::is_loopback;
use crate::deployment::exposure::variables::Variables;
use crate::instance::Listening;

/// Where its configuration is.
const FOLDER: &str = "/etc/nginx";
const MAIN: &str = "/etc/nginx/nginx.conf";
/// The image's start makes its site of this one.
const TEMPLATE: &str = "/etc/nginx/clearml.conf.template";
const SITE: &str = "/etc/nginx/sites-enabled/default";
/// What the main file of its image includes.
const OF_IMAGE: &str =
    "\nhttp { include /etc/nginx/conf.d/*.conf; include /etc/nginx/sites-enabled/*; }\n";
/// What is of interest in the image's own template.
const SITE_OF_IMAGE: &str =
    "server { listen 80; listen 8080; include /etc/nginx/default.d/*.conf; location / {} }";
/// The variables of the template, the one that the start makes them of, and what it takes without that.
const ADDRESSES: [(&str, &str, &str); 2] = [
    (
        "${NGINX_APISERVER_ADDR}",
        "NGINX_APISERVER_ADDRESS",
        "http://apiserver:8008",
    ),
    (
        "${NGINX_FILESERVER_ADDR}",
        "NGINX_FILESERVER_ADDRESS",
        "http://fileserver:8081",
    ),
];
/// A server listens at no more.
const MOST: usize = 64;

/// What somebody tells it.
pub(in crate::deployment) struct Told {
    servers: Vec<Server>,
    /// Why a part of it is not known.
    pub(in crate::deployment) hidden: Option<String>,
}

impl Told {
    /// None where nothing of it is somebody's own. An older image may write its main file when it starts.
    pub(in crate::deployment) fn of(container: &Container, is_main_kept: bool) -> Option<Self> {
        let mut targets = container.mounts.iter().chain(&container.copies);
        let is_own = |path: &String| is_below(path, FOLDER) || is_below(FOLDER, path);
        if !targets.any(|mount| mount.target.known().is_some_and(is_own)) {
            return None;
        }
        let mut files = Files::of(container);
        let template = files.at(TEMPLATE).map(|file| filled(container, &file.text));
        // It knows no other templates, and writes its site anew.
        files
            .texts
            .retain(|file| !file.path.contains("template") && file.path != SITE);
        let site = template.unwrap_or_else(|| SITE_OF_IMAGE.to_owned());
        files.texts.push(file(SITE, site));
        let main = files.texts.iter_mut().find(|file| file.path == MAIN);
        match main {
            Some(main) if !is_main_kept => main.text.push_str(OF_IMAGE),
            Some(_) => {}
            None => files.texts.push(file(MAIN, OF_IMAGE.to_owned())),
        }
        let is_there = |path: &str| {
            let is_included = || included::is_included(container, Software::Nginx, &files, path);
            path == TEMPLATE || is_below(MAIN, path) || is_included()
        };
        let hidden = missing(container, &files, is_there);
        let read = included::read(container, Software::Nginx, &files);
        Some(Self {
            servers: nginx::servers(&read, &str::to_owned),
            hidden,
        })
    }

    /// What it passes on.
    pub(in crate::deployment::exposure) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.servers.iter().flat_map(|server| &server.rules)
    }

    /// Where it has pages.
    pub(in crate::deployment) fn listening(&self) -> Listening {
        let (mut clear, mut sealed) = (Vec::new(), Vec::new());
        let mut is_whole = self.hidden.is_none();
        let rules = self
            .servers
            .iter()
            .flat_map(|one| one.rules.iter().map(|rule| (one.has_pages, rule)));
        for (has_pages, rule) in rules.filter(|(_, rule)| !rule.is_loopback) {
            let is_bare = !has_pages && rule.to.is_empty();
            let ports = rule.at.clone().into_iter().flatten().take(MOST);
            match () {
                () if rule.sends_away == Holds::Always || is_bare => sealed.extend(ports),
                () if !has_pages && !leads_to_itself(rule) => is_whole = false,
                () if rule.is_tls => sealed.extend(ports),
                () => clear.extend(ports),
            }
        }
        sealed.retain(|port| !clear.contains(port));
        let mut ports = [clear, sealed.clone()].concat();
        ports.sort_unstable();
        ports.dedup();
        Listening {
            ports,
            sealed,
            is_whole,
            is_hidden: self.hidden.is_some(),
            is_loopback: false,
        }
    }
}

fn file(path: &str, text: String) -> File {
    File {
        path: path.to_owned(),
        text: Zeroizing::new(text),
    }
}

/// The template with the values of its variables.
fn filled(container: &Container, text: &str) -> String {
    let mut text = text.to_owned();
    for (variable, from, default) in ADDRESSES {
        let value = container.known_variable(from).map(|value| value.expose());
        text = text.replace(
            variable,
            value.filter(|one| !one.is_empty()).unwrap_or(default),
        );
    }
    in_template(&Variables::of(container), &text)
}

/// Whether it passes on to another of its own servers.
fn leads_to_itself(rule: &Rule) -> bool {
    let mut hosts = rule.to.iter().filter_map(|to| to.address.host.as_deref());
    hosts.any(is_loopback)
}
