use super::*;

fn of(text: &str) -> Image {
    with(text, None, &[]).into_known().unwrap()
}

fn with(text: &str, target: Option<&str>, arguments: &[(&str, &str)]) -> Knowable<Image> {
    let known = |text: &str| Knowable::Known(text.to_owned());
    let arguments = arguments
        .iter()
        .map(|(name, value)| ((*name).to_owned(), known(value)))
        .collect();
    let working_directory = |image: &str| {
        image
            .starts_with("clearml/server")
            .then(|| "/opt/clearml".to_owned())
    };
    read(
        text,
        &Build {
            target,
            arguments: &arguments,
            contexts: &std::collections::BTreeMap::new(),
            working_directory: &working_directory,
        },
    )
}

/// `NAME=VALUE`, with `?` for what is not known.
fn environment(image: &Image) -> Vec<String> {
    let shown = |entry: &EnvironmentEntry| {
        let value = entry.value.known().map_or("?", |value| value.expose());
        format!("{}={value}", entry.name)
    };
    image.environment.iter().map(shown).collect()
}

fn base(image: &Image) -> Option<&str> {
    image.base.known().map(String::as_str)
}

#[test]
fn the_base_image_and_its_variables_are_read() {
    let text = "ARG TAG=1.15.0\nFROM clearml/server:${TAG}\nENV CLEARML__A=1 CLEARML__B=\"two words\" \\\n    C=it\\'s\nENV OLD a  value\n";
    let image = of(text);
    assert_eq!(base(&image), Some("clearml/server:1.15.0"));
    assert_eq!(
        environment(&image),
        [
            "CLEARML__A=1",
            "CLEARML__B=two words",
            "C=it's",
            "OLD=a  value"
        ]
    );
    let span = image.environment[2].span.clone();
    assert_eq!(&text[span], "C=it\\'s");
    let given = with(text, None, &[("TAG", "2.3.0")]).into_known().unwrap();
    assert_eq!(base(&given), Some("clearml/server:2.3.0"));
}

#[test]
fn arguments_follow_their_scopes() {
    let image = of(
        "ARG A=1\nFROM scratch\nENV X=${A:-none}\nARG A\nENV Y=$A\nARG B=$A$A\nENV Z=$B A=own W=$A V=$W\n",
    );
    assert_eq!(
        environment(&image),
        ["X=none", "Y=1", "Z=11", "A=own", "W=1", "V="]
    );
    let image = of("FROM scratch AS a\nARG P=p\nENV E=$P\nFROM a\nENV F=$E-$P\n");
    assert_eq!(environment(&image), ["E=p", "F=p-p"]);
    let image = of("FROM x\nARG TARGETARCH\nENV A=$TARGETARCH B=$OTHER C=\\$OTHER\n");
    assert_eq!(environment(&image), ["A=?", "B=?", "C=$OTHER"]);
    let image = of("FROM x\nENV A=1\nARG A=2\nENV B=$A\n");
    assert_eq!(environment(&image), ["A=1", "B=?"]);
}

#[test]
fn only_the_target_stage_and_what_it_starts_from_count() {
    let text = "FROM clearml/server:2.3.0 AS one\nENV A=1\nFROM other AS Two\nENV A=2\nFROM ONE\nENV B=3\n";
    assert_eq!(environment(&of(text)), ["A=1", "B=3"]);
    assert_eq!(base(&of(text)), Some("clearml/server:2.3.0"));
    for target in ["two", "1"] {
        let image = with(text, Some(target), &[]).into_known().unwrap();
        assert_eq!(base(&image), Some("other"));
    }
    assert!(with(text, Some("none"), &[]).known().is_none());
}

#[test]
fn a_stage_begins_with_what_onbuild_left_for_it() {
    let image = of("FROM scratch AS a\nONBUILD ENV A=1\nENV B=$A\nFROM a\nENV C=$A\n");
    assert_eq!(environment(&image), ["B=", "A=1", "C=1"]);
    assert_eq!(
        environment(&of("FROM scratch\nONBUILD ENV A=1\n")),
        Vec::<String>::new()
    );
}

#[test]
fn commands_are_lists_or_texts_for_the_shell() {
    let image = of("FROM scratch\nCMD echo $A\nENTRYPOINT [\"/x\", \"a b\"]\n");
    assert_eq!(image.entrypoint.unwrap(), ["/x", "a b"]);
    assert_eq!(image.command.unwrap(), ["/bin/sh", "-c", "echo $A"]);
    let image = of(
        "FROM scratch AS a\nCMD [\"one\"]\nFROM a\nSHELL [\"/bin/bash\", \"-c\"]\nENTRYPOINT export A=1; exec x\n",
    );
    assert_eq!(image.command, None);
    assert_eq!(
        image.entrypoint.unwrap(),
        ["/bin/bash", "-c", "export A=1; exec x"]
    );
}

#[test]
fn copies_say_what_they_may_put_into_the_configuration() {
    let text = "FROM clearml/server:2.3.0\n\
        COPY --chown=1 ./secure.conf a.conf config/\n\
        WORKDIR sub\n\
        COPY [\"a b\", \"/etc/x\"]\n\
        COPY --from=other /x /opt/clearml/config\n\
        ADD https://x.example/a.conf /opt/clearml/config/\n\
        ADD all.tgz /\n\
        COPY <<EOF /opt/clearml/config/b.conf\nauth { a: \"$B\" }\nEOF\n";
    let image = of(text);
    let shown: Vec<(String, &str, bool)> = image
        .copies
        .iter()
        .map(|copied| {
            let source = match &copied.source {
                CopySource::Context(path) => path.clone(),
                CopySource::Inline { name, text } => format!("{name} {}", text.known().is_some()),
                CopySource::Unknown(_) => "?".to_owned(),
            };
            let to = copied.to.known().unwrap();
            (source, to.as_str(), copied.is_folder)
        })
        .collect();
    let expected = [
        ("secure.conf", "/opt/clearml/config", true),
        ("a.conf", "/opt/clearml/config", true),
        ("a b", "/etc/x", false),
        ("?", "/opt/clearml/config", false),
        ("?", "/opt/clearml/config", true),
        ("?", "/", true),
        ("EOF false", "/opt/clearml/config/b.conf", false),
    ];
    let shown: Vec<_> = shown
        .iter()
        .map(|(source, to, is_folder)| (source.as_str(), *to, *is_folder))
        .collect();
    assert_eq!(shown, expected);
    assert_eq!(
        image.working_directory.unwrap().known().unwrap(),
        "/opt/clearml/sub"
    );
}

#[test]
fn a_run_is_a_doubt_where_it_names_the_configuration() {
    let doubts = |run: &str| {
        of(&format!("FROM clearml/server:2.3.0\n{run}\n"))
            .doubts
            .len()
    };
    for run in [
        "RUN sed -i s/a/b/ /opt/clearml/apiserver/config/default/secure.conf",
        "RUN cp /tmp/x config/",
        "RUN cd /opt/clearml/config && cp /tmp/* .",
        "RUN [\"cp\", \"/tmp/x.conf\", \"apiserver/config/default/\"]",
        "RUN echo 'export CLEARML__A=1' >> /etc/profile",
        "RUN cat /tmp/x > $HOME/secure.conf",
        "RUN <<EOF\ncp /x /opt/clearml/config/\nEOF",
    ] {
        assert_eq!(doubts(run), 1, "{run}");
    }
    for run in [
        "RUN pip install clearml boto3",
        "RUN apt-get update && apt-get install -y curl pkg-config",
        "RUN chown -R 1000 /opt/clearml && mkdir -p /opt/clearml/config",
        "RUN cp pip.ini /etc/pip.conf",
    ] {
        assert_eq!(doubts(run), 0, "{run}");
    }
}

#[test]
fn what_docker_refuses_is_not_known_and_names_its_line() {
    for (text, line) in [
        ("ENV A=1\nFROM x\n", 1),
        ("FROM x\nNOTHING\n", 2),
        ("FROM x\n\nENV A=\"1\n", 3),
        ("FROM x\nENV A\n", 2),
        ("FROM ${NONE}\n", 1),
        ("FROM x y z\n", 1),
        ("FROM x\nENV A=1 B\n", 2),
    ] {
        let reason = with(text, None, &[]).reason().unwrap().to_string();
        assert_eq!(
            reason,
            format!("docker refuses line {line} of its Dockerfile"),
            "{text}"
        );
    }
    assert!(with("", None, &[]).known().is_none());
    assert!(
        with("# syntax=someone/else\nFROM x\n", None, &[])
            .known()
            .is_none()
    );
    assert!(
        with("# syntax=docker/dockerfile:1.7\nFROM x\n", None, &[])
            .known()
            .is_some()
    );
}

#[test]
fn values_are_no_text_of_debug() {
    let image = of("FROM x\nENV A=MARK-ME\nCOPY <<EOF /a\nMARK-ME\nEOF\n");
    assert!(!format!("{image:?}").contains("MARK-ME"));
}
