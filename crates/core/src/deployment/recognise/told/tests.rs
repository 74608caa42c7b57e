//! What commands tell.

use super::*;

fn told(words: &[&str]) -> (Vec<Server>, How) {
    let command: Vec<_> = words
        .iter()
        .map(|word| Knowable::Known((*word).to_owned()))
        .collect();
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let nothing = Knowable::unknown("no folder");
    let around = Around {
        folder: &nothing,
        variable: &|_| Knowable::Known(None),
        file: &|_| Knowable::unknown("no file"),
    };
    Told::of((&command, None), &words, &around).surest()
}

use How::{Called, Mentions, Module, Named, Passes, Runs};
use Server::{Apiserver, AsyncDelete, Fileserver, Webserver};

/// Commands whose words have no spaces in them.
const PLAIN: &[(&str, &[Server], How)] = &[
    ("apiserver", &[Apiserver], Named),
    ("tini -- apiserver", &[Apiserver], Named),
    ("gosu 1000 fileserver", &[Fileserver], Named),
    (
        "python3 -m jobs.async_urls_delete --fileserver-host http://fileserver:8081",
        &[AsyncDelete],
        Runs,
    ),
    (
        "python3 /opt/clearml/apiserver/server.py",
        &[Apiserver],
        Runs,
    ),
    ("python3 /srv/apiserver/server.py", &[Apiserver], Passes),
    ("/opt/clearml/wrapper.sh apiserver", &[Apiserver], Runs),
    (
        "ddtrace-run python3 -m apiserver.server",
        &[Apiserver],
        Module,
    ),
    ("coverage run -m apiserver.server", &[Apiserver], Module),
    ("uvicorn fileserver:app", &[Fileserver], Mentions),
    ("pylint apiserver.server", &[Apiserver], Mentions),
    (
        "gunicorn --chdir /srv fileserver:app",
        &[Fileserver],
        Module,
    ),
    ("apiserver --audit-log x", &[Apiserver], Called),
    ("iperf3 -c apiserver", &[Apiserver], Mentions),
    ("ssh host -- apiserver", &[Apiserver], Mentions),
    ("tar czf b -- fileserver", &[Fileserver], Mentions),
    ("launch -- apiserver", &[Apiserver], Passes),
    (
        "/docker-entrypoint.sh python3 -m apiserver.server",
        &[Apiserver],
        Module,
    ),
    (
        "dockerize -wait tcp://mongo:27017 /opt/clearml/entrypoint.sh apiserver",
        &[Apiserver],
        Runs,
    ),
    ("/docker-entrypoint.sh apiserver", &[Apiserver], Passes),
    (
        "uwsgi --wsgi-file /opt/clearml/apiserver/server.py",
        &[Apiserver],
        Runs,
    ),
    ("su clearml -c apiserver", &[Apiserver], Named),
    ("runuser -u clearml -- apiserver", &[Apiserver], Named),
    ("wrapper.sh apiserver", &[Apiserver], Passes),
    ("bash start.sh apiserver --debug", &[Apiserver], Passes),
    ("./fileserver --root /x", &[Fileserver], Called),
    ("pg_dump apiserver", &[Apiserver], Mentions),
    ("sh /scripts/restart.sh apiserver", &[Apiserver], Mentions),
    ("sync fileserver backup:files", &[Fileserver], Mentions),
    ("/usr/bin/ask --quietly apiserver", &[Apiserver], Mentions),
    (
        "docker exec apiserver python3 -m apiserver.server",
        &[Apiserver],
        Mentions,
    ),
    (
        "local 8008 --local-host apiserver --to bore.pub",
        &[],
        Mentions,
    ),
    (
        "python app.py --server apiserver --port 8008",
        &[],
        Mentions,
    ),
    ("/opt/clearml/data/fileserver -A", &[], Mentions),
];

/// Texts for a shell.
const TEXTS: &[(&str, &[Server], How)] = &[
    ("wait-for-it redis:6379 && apiserver", &[Apiserver], Named),
    (
        "./migrate.sh; python3 -m apiserver.server",
        &[Apiserver],
        Module,
    ),
    ("python3 -m jobs.x & exec fileserver", &[Fileserver], Named),
    (
        "cd /opt/clearml/fileserver && python3 start.py",
        &[Fileserver],
        Passes,
    ),
    (
        "cd /opt/clearml/apiserver; gunicorn -b :8008 server:app",
        &[Apiserver],
        Runs,
    ),
    (
        "clearml-server apiserver & clearml-server fileserver & clearml-server webserver",
        &[Apiserver, Fileserver, Webserver],
        Runs,
    ),
    ("pg_dump apiserver", &[Apiserver], Mentions),
    ("curl http://apiserver/debug.ping", &[], Mentions),
    ("echo apiserver; sleep 5", &[], Mentions),
    ("chown -R 1000 /mnt/fileserver", &[], Mentions),
    ("cd /mnt/fileserver && tar cz .", &[], Mentions),
    (
        "wait-for apiserver 8008 && exec fileserver",
        &[Fileserver],
        Named,
    ),
];

/// Other words.
const WORDS: &[(&[&str], &[Server], How)] = &[
    (
        &[
            "/opt/clearml/wrapper.sh",
            "bash",
            "-c",
            "clearml-server apiserver & clearml-server fileserver & wait -n",
        ],
        &[Apiserver, Fileserver],
        Runs,
    ),
    (
        &["su", "clearml", "-c", "cd /; exec apiserver"],
        &[Apiserver],
        Named,
    ),
    (
        &["bash", "-c", "if true; then apiserver"],
        &[Apiserver],
        Named,
    ),
    (&["bash", "-c", "exec ${X apiserver"], &[Apiserver], Passes),
    (
        &["multirun", "/opt/clearml/entrypoint.sh apiserver"],
        &[Apiserver],
        Runs,
    ),
];

#[test]
fn a_command_tells_the_servers_that_it_starts() {
    let plain = PLAIN
        .iter()
        .map(|(text, servers, how)| (text.split(' ').collect(), servers, how));
    let texts = TEXTS
        .iter()
        .map(|(text, servers, how)| (vec!["sh", "-c", text], servers, how));
    let words = WORDS
        .iter()
        .map(|(words, servers, how)| (words.to_vec(), servers, how));
    for (words, servers, how) in plain.chain(texts).chain(words) {
        assert_eq!(told(&words), (servers.to_vec(), *how), "{words:?}");
    }
}
