use super::*;

/// What a command of these words does, in a container with `A=a`, where `/x.env` and `/run.sh` can be read.
fn of(words: &[&str]) -> Effect {
    let words: Vec<Knowable<String>> = words
        .iter()
        .map(|word| match *word {
            "?" => Knowable::unknown("nobody says"),
            word => Knowable::Known(word.to_owned()),
        })
        .collect();
    let around = Surroundings {
        folder: Knowable::Known("/opt/clearml".to_owned()),
        variable: &|name| match name {
            "A" => Knowable::Known(Some("a".to_owned())),
            "PATH" => Knowable::unknown("it is the image's"),
            _ => Knowable::Known(None),
        },
        file: &|path| match path {
            "/x.env" => Knowable::Known("X=file\nexport Y=\"$A b\"\n".to_owned()),
            "/write.sh" => Knowable::Known(
                "#!/bin/sh\ncp /x /opt/clearml/config/x.conf\nexec apiserver\n".to_owned(),
            ),
            "/run.sh" => Knowable::Known("#!/bin/sh\nexport X=run\nexec \"$@\"\n".to_owned()),
            "/root/.bash_profile" => Knowable::Known("export X=1\n".to_owned()),
            "/root/.bashrc" => Knowable::Known("export Y=3\n".to_owned()),
            "/login.sh" => Knowable::Known("#!/bin/bash -l\nexec \"$@\"\n".to_owned()),
            "/count.sh" => Knowable::Known("export N=$N.\ncurl -s http://x\n".to_owned()),
            "/many.sh" => Knowable::Known("bash -c true\n".repeat(50)),
            _ => Knowable::unknown("it is not here"),
        },
        has: &|path| {
            [
                "/etc/profile.d/x.sh",
                "/root/.bash_profile",
                "/root/.bashrc",
            ]
            .contains(&path)
        },
        scripts: &|_| vec!["/x.env".to_owned()],
        homes: &|| vec!["/root".to_owned()],
        has_functions: false,
        starts: &|words| words.iter().any(|word| word.ends_with("server")),
        kept: &|path| match path {
            "/" | "/opt/clearml" | "/opt/clearml/." => true,
            _ => ["/opt/clearml/config", "/opt/clearml/apiserver"]
                .iter()
                .any(|folder| path.starts_with(folder)),
        },
    };
    read(&words, &around)
}

fn sh(text: &str) -> Effect {
    of(&["sh", "-c", text])
}

/// `X=1 -Y Z=?`, with `*` for everything and `!` for a cleared environment.
fn shown(effect: &Effect) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(effect.is_cleared.then(|| "!".to_owned()));
    for (name, value) in &effect.changes {
        parts.push(match value {
            Knowable::Known(Some(value)) => format!("{name}={}", value.expose()),
            Knowable::Known(None) => format!("-{name}"),
            Knowable::Unknown(_) => format!("{name}=?"),
        });
    }
    parts.extend(effect.unknown.is_some().then(|| "*".to_owned()));
    parts.extend(effect.writes.then(|| ">".to_owned()));
    parts.join(" ")
}

#[test]
fn what_only_waits_and_starts_sets_nothing() {
    for words in [
        &[][..],
        &["apiserver"],
        &["/opt/clearml/wrapper.sh", "apiserver"],
        &[
            "python3",
            "-m",
            "jobs.async_urls_delete",
            "--fileserver-host",
            "http://fileserver:8081",
        ],
        &[
            "clearml-server",
            "apiserver",
            "&",
            "clearml-server",
            "webserver",
            "&",
            "wait",
            "-n",
        ],
        &["tini", "-g", "--", "s6-setuidgid", "x", "apiserver"],
        &[
            "/wait-for-it.sh",
            "mongo:27017",
            "-t",
            "30",
            "--",
            "apiserver",
        ],
        &["timeout", "-k", "5", "10s", "nice", "-n", "5", "fileserver"],
        &["sleep", "infinity"],
    ] {
        assert_eq!(shown(&of(words)), "", "{words:?}");
    }
    for text in [
        "exec /opt/clearml/wrapper.sh apiserver",
        "curl --retry 10 'http://apiserver:8008/debug.ping' && /usr/agent/entrypoint.sh",
        "until nc -z mongo 27017; do echo waiting; sleep 1; done; exec apiserver",
        "while ! curl -s http://x; do sleep 1; done\nexec python3 -m apiserver.server",
        "for i in 1 2 3; do nc -z mongo 27017 && break; sleep 1; done; apiserver",
        "set -euo pipefail; mkdir -p /x && chown 1 /x; exec apiserver > /log 2>&1",
        "/wait-for.sh redis 6379 && exec fileserver # X=1",
        "if [ -f /x ]; then echo yes; else echo no; fi; apiserver",
        "case $A in apiserver) echo x;; *) exit 1;; esac; exec apiserver",
        "cat <<EOF >/etc/x.conf\nexport X=1\nEOF\nexec apiserver",
        "trap 'kill 0' TERM; apiserver & wait",
        "X=1; exec apiserver",
        "(export X=1; echo $X); apiserver",
        "export X=1 | cat; apiserver",
        "X=1 echo y; apiserver",
        "[[ -n $A && ( $A > b ) ]]; python3 -c 'print(1)'; apiserver",
        "sed -i s/X=1/X=2/ /etc/x; apiserver",
    ] {
        assert_eq!(shown(&sh(text)), "", "{text}");
    }
}

#[test]
fn files_that_the_server_reads_may_be_written() {
    for text in [
        "echo x > /opt/clearml/config/apiserver.conf; apiserver",
        "cat >> /opt/clearml/config/x.conf <<EOF\nx = 1\nEOF\napiserver",
        "envsubst < /x.conf > \"$PATH/secure.conf\" && apiserver",
        "X=/opt/clearml/config; envsubst < /x >$X/secure.conf; exec apiserver",
        "echo x | tee /opt/clearml/config/x.conf >/dev/null; apiserver",
        "sed -i s/a/b/ /opt/clearml/apiserver/config/default/apiserver.conf; apiserver",
        "sed --in-place s/a/b/ /opt/clearml/apiserver/x.py; apiserver",
        "curl -so /opt/clearml/config/secure.conf http://x/y && apiserver",
        "cp -r /cfg/. /opt/clearml/config/ && exec apiserver",
        "cp -t /opt/clearml/config /cfg/x.conf && exec apiserver",
        "for f in /cfg/*; do ln -s $f /opt/clearml/config/; done; apiserver",
        "tar xzf /c.tgz -C /opt/clearml; apiserver",
        "cd /opt/clearml/config && curl -O http://x/secure.conf; cd /; apiserver",
        "cd /opt/clearml/config; echo x >x.conf; apiserver",
        "rm -f /opt/clearml/config/x.conf; apiserver",
        "dd of=/opt/clearml/config/x.conf if=/x; apiserver",
        "git clone http://x /opt/clearml/config; apiserver",
        "python3 -c \"open('/opt/clearml/config/x.conf','w').write('a')\"; apiserver",
        "render --out=/opt/clearml/config/x.conf; apiserver",
        "find /opt/clearml/config -name x -exec sed -i s/a/b/ {} +; apiserver",
        "cd /opt/clearml/apiserver/config/default && sed -i s/a/b/ apiserver.conf; apiserver",
        "cp /x config/apiserver.conf; apiserver",
        "cd /opt/clearml && tar xf /x.tgz; apiserver",
        "tar xf /x.tgz; apiserver",
        "cd /opt/clearml/apiserver && patch -p1 < /p.diff; apiserver",
        "cd /opt/clearml && git apply /p.diff; apiserver",
        "cd \"$PATH\"; echo x > apiserver.conf; apiserver",
        "/init.sh; exec apiserver",
        "./x a b; apiserver",
        "python3 /x.py; apiserver",
        "python3 -c 'import os; os.system(\"x\")'; apiserver",
        "curl -s http://x/y | sh; apiserver",
        "ls /x | xargs sed -i s/a/b/; apiserver",
        "X=$(cd config && tee x.conf); apiserver",
        "sed -Ei s/a/b/ /opt/clearml/config/x.conf; apiserver",
        "sed -n 's/a/b/w /opt/clearml/config/x.conf' /x; apiserver",
        "perl -pi -e s/a/b/ /opt/clearml/config/x.conf; apiserver",
        "awk '{print > \"/opt/clearml/config/x.conf\"}' /x; apiserver",
        "find / -name x.conf -exec sed -i s/a/b/ {} +; apiserver",
        "mount --bind /x /opt/clearml/config; apiserver",
        "tar xf /x.tgz -C /; apiserver",
        "python3 -m zipfile -e /x.zip config; apiserver",
        "exec $(cat /x); apiserver",
    ] {
        assert!(sh(text).writes, "{text}");
    }
    assert!(of(&["/write.sh"]).writes);
    assert!(of(&["sh", "/write.sh"]).writes);
    for text in [
        "cd /opt/clearml/ && python3 -m apiserver.apierrors_generator && apiserver",
        "cd /opt/clearml; test -f x; ls a b; apiserver",
        "(cd /opt/clearml/config); curl -O http://x/y; apiserver",
        "f() { echo y; }; f; apiserver",
        "pip install x; apt-get update && apt-get install -y curl; apiserver",
        "tar xf /x.tgz -C /data; git -C /data pull; apiserver",
        "find /data -name x | xargs -n 1 echo; apiserver",
        "python3 -m pip install x; apiserver",
        "for i in 1 2; do nc -z mongo 27017 && break; sleep 1; done; apiserver",
        "python3 /opt/clearml/apiserver/server.py",
        "exec /opt/clearml/wrapper.sh apiserver > /log 2>&1",
        "test -f /opt/clearml/config/secure.conf || exit 1; apiserver",
        "until [ -f /opt/clearml/config/x.conf ]; do sleep 1; done; apiserver",
        "ls -l /opt/clearml/config; cat /opt/clearml/config/x.conf | grep -c x; apiserver",
        "chown -R 1000 /opt/clearml/config && chmod 600 /opt/clearml/config/*; apiserver",
        "mkdir -p /opt/clearml/config; apiserver",
        "cp /opt/clearml/config/x.conf /backup/; apiserver",
        "tar czf /backup/c.tgz /opt/clearml/config; apiserver",
        "sed s/a/b/ /opt/clearml/config/x.conf > /tmp/x.conf; apiserver",
        "find /opt/clearml/config -name x; apiserver",
        "awk '{print $1}' /opt/clearml/config/x.conf; apiserver",
        "sed -n 1p /opt/clearml/config/x.conf; apiserver",
        "mount -t tmpfs tmpfs /data; apiserver",
        "cd /opt/clearml/config; cd /; curl -O http://x/y; apiserver",
        "curl -so /tmp/x http://x/y; echo y >/etc/x.conf; apiserver",
        "gunicorn -c /opt/clearml/config/g.py apiserver",
    ] {
        assert!(!sh(text).writes, "{text}");
    }
}

#[test]
fn what_is_plainly_set_is_read() {
    for (text, expected) in [
        ("command -p export X=1; apiserver", "X=1"),
        ("command -v export X=1; apiserver", ""),
        ("export X=1; exec -c apiserver", "!"),
        ("X=1 exec -a name apiserver", "X=1"),
        ("export X=1; exec apiserver", "X=1"),
        (
            "export X='a b' Y=\"$A-${B:-c}\" && apiserver",
            "X=a b Y=a-c",
        ),
        ("X=1 exec apiserver", "X=1"),
        ("X=1 Y=2 apiserver", "X=1 Y=2"),
        ("A=b; apiserver", "A=b"),
        ("X=1; export X; apiserver", "X=1"),
        ("X=1\nY=$X\nexport Y\nexec apiserver", "Y=1"),
        (
            "set -a; X=1; . /x.env; set +a; Z=3; apiserver",
            "X=file Y=a b",
        ),
        ("unset A; apiserver", "-A"),
        ("export -n A; apiserver", "-A"),
        ("eval 'export X=1'; apiserver", "X=1"),
        ("env -u A X=1 apiserver", "-A X=1"),
        ("exec env -i X=$A apiserver", "! X=a"),
        ("export X=1; (export Y=2; exec apiserver)", "X=1 Y=2"),
        ("test -n \"$A\" && export X=1 && exec apiserver", "X=1"),
        ("{ export X=1; }; apiserver", "X=1"),
        ("export X=1 &&\n  exec apiserver", "X=1"),
        ("export X=\"a\\$b\"; apiserver", "X=a$b"),
        ("sh -c 'exec \"$@\"' -- env X=1 apiserver", "X=1"),
        ("export X=1; apiserver & export X=2; sleep 1", "X=1"),
        ("exec apiserver; export X=1", ""),
        ("set -- apiserver; export X=1; exec \"$@\"", "X=1"),
    ] {
        assert_eq!(shown(&sh(text)), expected, "{text}");
    }
    assert_eq!(
        shown(&of(&[
            "env",
            "X=1",
            "/opt/clearml/wrapper.sh",
            "fileserver"
        ])),
        "X=1"
    );
    for (words, expected) in [
        (
            &["env", "-S", "X=1 /opt/clearml/wrapper.sh fileserver"][..],
            "X=1",
        ),
        (&["env", "-SX=1 'Y=a b'", "fileserver"], "X=1 Y=a b"),
        (&["env", "--split-string=-i X=${A} fileserver"], "! X=a"),
        (&["env", "-vS", "-u A fileserver"], "-A"),
        (&["env", "-S", "X=a\\_b fileserver"], "*"),
        (&["env", "-iuA", "fileserver"], "! -A"),
    ] {
        assert_eq!(shown(&of(words)), expected, "{words:?}");
    }
    assert_eq!(shown(&of(&["/run.sh", "fileserver"])), "X=run");
    assert_eq!(
        shown(&of(&["bash", "-ec", "X=$1 exec \"$0\"", "apiserver", "v"])),
        "X=v"
    );
    assert_eq!(shown(&of(&["sh", "-a", "-c", "X=1; apiserver"])), "X=1");
    for (text, expected) in [
        ("set -e \"\"; X=1; apiserver", ""),
        ("set -e \u{e9}; export X=$1; apiserver", "X=\u{e9}"),
        ("set -eo allexport; X=1; apiserver", "X=1"),
        ("set -o allexport +a; X=1; apiserver", ""),
        ("set -e b c; export X=$2; apiserver", "X=c"),
        ("set b c; set -e; export X=$2; apiserver", "X=c"),
        ("set b c; set -e --; export X=$2; apiserver", "X="),
        ("set b; set -; export X=$1; apiserver", "X=b"),
        ("set - -a; export X=$1; apiserver", "X=-a"),
        ("set -o; X=1; apiserver", ""),
    ] {
        assert_eq!(shown(&sh(text)), expected, "{text}");
    }
    assert_eq!(shown(&of(&["sh", "-o"])), "");
}

#[test]
fn what_only_bash_does_and_what_follows_a_negation_are_perhaps() {
    for (text, expected) in [
        ("bash -c 'source /x.env && exec apiserver'", "Y=a b"),
        (
            "bash -c 'declare -x X=1; : ${Y:=2}; export Y; apiserver'",
            "X=1 Y=2",
        ),
        ("source /x.env; exec apiserver", "Y=?"),
        ("! export X=1 && export Y=2; exec apiserver", "X=1 Y=?"),
        ("declare -x X=1; apiserver", "X=?"),
    ] {
        assert_eq!(shown(&sh(text)), expected, "{text}");
    }
}

#[test]
fn what_may_be_set_is_not_known() {
    for (text, expected) in [
        ("export X=$(cat /run/secrets/x); exec apiserver", "X=?"),
        ("export X=`cat /x`; exec apiserver", "X=?"),
        (
            "if [ -n \"$A\" ]; then export X=1; fi; exec apiserver",
            "X=?",
        ),
        ("[ -n \"$A\" ] && export X=1; exec apiserver", "X=?"),
        ("[ -n \"$A\" ] || A=1; exec apiserver", "A=?"),
        ("true || A=1 && exec apiserver", "A=?"),
        (
            "C='x y'; eval 'export X=q $C\"k\"='; exec apiserver",
            "C=? X=? *",
        ),
        (
            "if true; then set -o allexport; fi; B=1${D:=s}; exec apiserver",
            "B=? D=?",
        ),
        (
            "if [ a ]; then set -o allexport; else :; fi\nB=1${D:=s} || set +a && exec apiserver",
            "B=? D=?",
        ),
        ("true || set -a; X=1; apiserver", "X=?"),
        ("for X in 1 2; do export X; done; exec apiserver", "X=?"),
        (
            "case $A in a) export X=1;; b) export Y=1;; esac; apiserver",
            "X=? Y=?",
        ),
        ("read A < /x; apiserver", "A=?"),
        ("export X=~/x; apiserver", "X=?"),
        ("export PATH=/x:$PATH; apiserver", "PATH=?"),
        (". /unseen; export X=1; apiserver", "X=1 * >"),
        ("export X=1; . /unseen; apiserver", "X=? * >"),
        ("eval \"$(cat /x)\"; apiserver", "* >"),
        ("/start.sh apiserver", "*"),
        ("exec doppler run -- apiserver", "*"),
        ("export $(cat /x.env | xargs); apiserver", "*"),
        ("env $(cat /x.env) apiserver", "*"),
        ("f() { export X=1; }; f; apiserver", "X=?"),
        ("X=1 apiserver & X=2 apiserver", "*"),
        ("export X='1; apiserver", "* >"),
        (
            "python3 -c 'import os; os.environ[\"X\"]=\"1\"; exec(open(\"server\"))'",
            "* >",
        ),
        ("A+=b; apiserver", "A=?"),
        ("A=(1 2); apiserver", "A=?"),
        ("readonly X=1; X=2; export X; apiserver", "X=? *"),
        ("builtin export X=1; apiserver", "X=?"),
        ("eval -- 'export X=1'; apiserver", "X=?"),
        ("X=1 unset X; apiserver", "X=?"),
        ("true && { export X=1; } & Y=1; export Y; apiserver", "Y=1"),
        ("true | { export X=1; export Y=1; }; apiserver", ""),
        ("{ export X=1; } | cat; apiserver", ""),
        ("set -- a b 1; shift 2; export X=$1; apiserver", "X=1"),
        ("set -- 1 b; shift 0; export X=$1; apiserver", "X=1"),
        ("set -- 1; shift 2; export X=$1; apiserver", "X=?"),
        ("Y=1; trap 'X=$Y apiserver' EXIT; Y=2", "X=? Y=? *"),
        ("trap 'export X=1' EXIT; apiserver", ""),
        ("trap 'export X=1' DEBUG; apiserver", "X=? *"),
        ("trap 'exit 0' TERM EXIT; export X=1; apiserver", "X=1"),
        ("IFS=,; Y='A=1,X=1'; export $Y; apiserver", "IFS=? Y=? *"),
        ("Y='A=1 X=1'; env ''$Y apiserver", "*"),
        ("Y='1 X=1'; env A=\"$Y\" apiserver", "A=1 X=1"),
        ("X=1 eval apiserver", "X=?"),
        ("f() { X=$1; }; export X=1; f 2; apiserver", "X=?"),
        (
            "g() { f; }; f() { X=2; }; export X=1; g; apiserver",
            "X=? >",
        ),
        ("f() { X=2; }; export X=1; apiserver", "X=1"),
        ("set -k; apiserver X=1", "*"),
        ("declare -n X=Y; Y=1; export Y; apiserver", "X=? Y=? *"),
    ] {
        assert_eq!(shown(&sh(text)), expected, "{text}");
    }
    assert_eq!(shown(&of(&["env", "?", "apiserver"])), "*");
    assert_eq!(shown(&of(&["?"])), "*");
    assert_eq!(shown(&of(&["sh", "/unseen.sh"])), "* >");
    assert_eq!(shown(&of(&["supervisord", "-n"])), "* >");
}

#[test]
fn what_ends_its_own_process_ends_no_more() {
    for (text, expected) in [
        ("{ exit; } | true; X=1 apiserver", "X=1"),
        ("true | { exit; }; X=1 apiserver", "X=1"),
        ("{ { exec true; }; } & X=1 apiserver", "X=1"),
        ("true && exit & X=1 apiserver", "X=1"),
        (
            "{ exit; echo > /opt/clearml/config/x.conf; } | cat; apiserver",
            "",
        ),
        ("local X=1; export X; apiserver", "X=?"),
    ] {
        assert_eq!(shown(&sh(text)), expected, "{text}");
    }
}

#[test]
fn gunicorn_sets_variables() {
    for (words, expected) in [
        (
            &["gunicorn", "-e", "X=1", "fileserver:app", "server"][..],
            "X=1",
        ),
        (&["gunicorn", "server", "-eX=1", "--env", "Y=2"], "X=1 Y=2"),
        (&["python3", "-m", "gunicorn", "--env=X=1", "server"], "X=1"),
        (&["gunicorn", "-De", "X=1", "-b", "?", "server"], "X=1"),
        (&["gunicorn", "--", "server", "-e", "X=1"], ""),
        (&["gunicorn", "-w", "4", "--preload", "server"], ""),
        (&["gunicorn", "-e", "?", "server"], "*"),
        (&["gunicorn", "-e", "X", "server"], "*"),
        (&["gunicorn", "-c", "/unseen.py", "server"], "*"),
        (&["gunicorn", "--conf=/unseen.py", "server"], "*"),
        (&["gunicorn", "-c", "python:x", "server"], "*"),
        (
            &["env", "GUNICORN_CMD_ARGS=-e X=1", "gunicorn", "server"],
            "X=1",
        ),
        (
            &[
                "env",
                "GUNICORN_CMD_ARGS=-e X=1",
                "gunicorn",
                "-e",
                "Y=2",
                "server",
            ],
            "Y=2",
        ),
        (
            &["env", "GUNICORN_CMD_ARGS=-e X=\\1", "gunicorn", "server"],
            "*",
        ),
        (&["uvicorn", "--env-file", "/x", "server"], "*"),
    ] {
        let effect = of(words);
        let shown = shown(&effect).replace("GUNICORN_CMD_ARGS=-e X=1 ", "");
        let shown = shown.replace("GUNICORN_CMD_ARGS=? ", "");
        assert_eq!(shown, expected, "{words:?}");
    }
    for (text, expected) in [
        (
            "CLEARML_USE_GUNICORN=1 CLEARML_GUNICORN_CMD_ARGS='-e X=1' apiserver",
            "X=1",
        ),
        (
            "CLEARML_USE_GUNICORN=1 CLEARML_GUNICORN_MAX_REQUESTS='9 -e X=1' apiserver",
            "X=1",
        ),
        ("CLEARML_GUNICORN_CMD_ARGS='-e X=1' apiserver", ""),
        (
            "CLEARML_USE_GUNICORN=1 GUNICORN_CMD_ARGS='-e X=1' apiserver",
            "X=?",
        ),
        (
            "FILESERVER_USE_GUNICORN=true GUNICORN_CMD_ARGS='-e X=1' fileserver",
            "X=1",
        ),
        (
            "FILESERVER_USE_GUNICORN=yes GUNICORN_CMD_ARGS='-e X=1' fileserver",
            "X=?",
        ),
        (
            "FILESERVER_USE_GUNICORN=true GUNICORN_CMD_ARGS='-c x' fileserver",
            "*",
        ),
    ] {
        let effect = sh(text);
        let changes = effect.changes.clone().into_iter();
        let changes = changes.filter(|(name, _)| name == "X").collect();
        assert_eq!(shown(&Effect { changes, ..effect }), expected, "{text}");
    }
}

#[test]
fn a_shell_reads_files_first() {
    for (words, expected) in [
        (&["bash", "-c", "fileserver"][..], ""),
        (&["bash", "-lc", "fileserver"], "X=1 Y=a b"),
        (&["bash", "-l", "-c", "fileserver"], "X=1 Y=a b"),
        (&["bash", "--login", "-c", "fileserver"], "X=1 Y=a b"),
        (&["bash", "-l", "--noprofile", "-c", "fileserver"], ""),
        (&["bash", "-ic", "fileserver"], "Y=3"),
        (&["bash", "-i", "--norc", "-c", "fileserver"], ""),
        (
            &["bash", "--rcfile", "/x.env", "-ic", "fileserver"],
            "Y=a b",
        ),
        (&["sh", "-c", "fileserver"], ""),
        (&["sh", "-lc", "fileserver"], "Y=a b"),
        (
            &["env", "HOME=/x", "sh", "-lc", "fileserver"],
            "HOME=/x Y=a b",
        ),
        (
            &["env", "BASH_ENV=/x.env", "fileserver"],
            "BASH_ENV=/x.env Y=a b",
        ),
        (
            &["env", "ENV=/x.env", "sh", "-ic", "fileserver"],
            "ENV=/x.env Y=a b",
        ),
        (
            &["env", "ENV=/x.env", "sh", "-c", "fileserver"],
            "ENV=/x.env",
        ),
        (&["env", "BASH_ENV=/no", "fileserver"], "BASH_ENV=? * >"),
        (
            &["env", "BASH_FUNC_cd%%=() { x; }", "fileserver"],
            "BASH_FUNC_cd%%=? *",
        ),
        (&["/login.sh", "fileserver"], "X=1 Y=a b"),
    ] {
        assert_eq!(shown(&of(words)), expected, "{words:?}");
    }
    for (text, expected) in [
        ("/opt/clearml/entrypoint.sh fileserver", "N=."),
        ("bash /opt/clearml/entrypoint.sh fileserver", "N=."),
        ("sh /opt/clearml/entrypoint.sh fileserver", ""),
        (
            "bash -c 'bash /opt/clearml/entrypoint.sh fileserver'",
            "N=..",
        ),
        ("bash -c 'sh /opt/clearml/entrypoint.sh fileserver'", "N=."),
        // What it starts on the way says nothing of a script that is not here.
        ("bash /not-here.sh fileserver", "*"),
    ] {
        let text = format!("BASH_ENV=/count.sh exec {text}");
        let told = shown(&sh(&text)).replace("BASH_ENV=/count.sh", "");
        let told = told.replace("BASH_ENV=?", "");
        assert_eq!(told.trim(), expected, "{text}");
    }
    let one = ["env", "BASH_ENV=/many.sh", "bash", "-c", "fileserver"];
    assert!(of(&one).unknown.is_some(), "a script that starts itself");
}

#[test]
fn values_are_no_text_of_debug() {
    let effect = sh("export X=MARK-ME; apiserver");
    assert!(!format!("{effect:?}").contains("MARK-ME"));
}

#[test]
fn programs_are_what_is_started_and_not_what_is_told() {
    let runs = |words: &[&str]| {
        let words: Vec<Knowable<String>> = words
            .iter()
            .map(|word| Knowable::Known((*word).to_owned()))
            .collect();
        let programs = programs(&words);
        programs
            .iter()
            .any(|words| words[..] == ["minio", "server"])
    };
    for started in [
        &["minio", "server"][..],
        &["/entrypoint.sh", "minio", "server"],
        &["tini", "-g", "--", "minio", "server"],
        &["wait-for", "db:5432", "--", "minio", "server"],
        &["sh", "-c", "sleep 1 && if true; then minio server; fi"],
        &["su", "minio", "-c", "minio server"],
        &["runuser", "-u", "minio", "--", "minio", "server"],
    ] {
        assert!(runs(started), "{started:?}");
    }
    for told in [
        &["mc", "admin", "minio", "server"][..],
        &["wait-for", "minio", "server"],
        &["echo", "minio", "server"],
        &["app", "--store", "minio", "server"],
        &[
            "sh",
            "-c",
            "until mc ready minio; do echo minio server; done",
        ],
        &[],
    ] {
        assert!(!runs(told), "{told:?}");
    }
}
