//! Which objects belong together, and which one a reference means.

use crate::chart::{Chart, errors, keyset, look, reference, secret};

/// Two releases, of which the second has keys of its own and the first has the chart's.
fn two(namespaces: [Option<&'static str>; 2]) -> [String; 2] {
    let (keyset, _) = keyset();
    let mut settings = clearml_secure_core::setting::SETTINGS.into_iter();
    let values = [(); 7].map(|()| {
        let setting = settings.next().unwrap();
        keyset.get(setting).unwrap().expose().to_owned()
    });
    let stock = Chart {
        release: "one",
        namespace: namespaces[0],
        ..Chart::default()
    };
    let own = Chart {
        release: "two",
        namespace: namespaces[1],
        values: Some(values),
        ..Chart::default()
    };
    [stock.render(), own.render()]
}

#[test]
fn two_releases_are_never_mixed() {
    let count = |done: &crate::common::Done, rule: &str| {
        errors(done).iter().filter(|(name, _)| name == rule).count()
    };
    let [one, other] = two([Some("a"), Some("b")]);
    let stream = one + &other;
    let done = look(&["a.yaml"], &[("a.yaml", &stream)]);
    assert_eq!(
        (
            count(&done, "default-credential"),
            count(&done, "missing-setting")
        ),
        (6, 10)
    );
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    for subject in [
        "a.yaml, release one in namespace a (",
        "a.yaml, release two in namespace b (",
    ] {
        let findings = done.json["findings"].as_array().unwrap().iter();
        let of_it = findings.filter(|one| {
            one["subject"]
                .as_str()
                .is_some_and(|it| it.starts_with(subject))
        });
        assert!(of_it.count() > 0, "{subject}: {}", done.json);
    }
    let [one, other] = two([None, None]);
    let done = look(
        &["a.yaml", "b.yaml"],
        &[("a.yaml", &one), ("b.yaml", &other)],
    );
    assert_eq!(
        (
            count(&done, "default-credential"),
            count(&done, "missing-setting")
        ),
        (6, 10)
    );
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    // In one stream nothing tells whose the Secret is, unless both are the same.
    let stream = format!("{one}{other}");
    let done = look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", &stream)]);
    assert_eq!((done.code, count(&done, "default-credential")), (2, 0));
    done.says(
        "secure.auth.token_secret at apiserver",
        "several of kind Secret are called clearml-conf",
    );
    let same = one.replace("one-", "two-").replace(": one", ": two");
    let done = look(&["a.yaml"], &[("a.yaml", &format!("{one}{same}"))]);
    assert_eq!(count(&done, "default-credential"), 12);
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
}

/// A Redis with a port on every node.
fn redis(name: &str, release: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: {name}, namespace: a{release}}}\nspec:\n  template:\n    \
         metadata: {{labels: {{run: {name}}}}}\n    spec: {{containers: [{{name: r, image: \"redis:7.4.1\"}}]}}\n---\napiVersion: v1\n\
         kind: Service\nmetadata: {{name: {name}, namespace: a}}\nspec: {{type: NodePort, selector: {{run: {name}}}, ports: [{{port: 6379, \
         nodePort: 31000}}]}}\n"
    )
}

const OTHER_RELEASE: &str = ", labels: {app.kubernetes.io/instance: shop}";

/// How severe the way to the only database is that is open.
fn found(text: &str) -> Option<String> {
    let done = look(&["a.yaml"], &[("a.yaml", text)]);
    let findings = done.json["findings"].as_array().unwrap().clone();
    let mut found = findings
        .into_iter()
        .filter(|one| one["rule"] == "exposed-database");
    let one = found.next()?;
    assert_eq!(found.next(), None);
    Some(one["severity"].as_str().unwrap().to_owned())
}

#[test]
fn a_database_beside_a_release_that_asks_its_own_is_somebody_elses() {
    let chart = Chart {
        namespace: Some("a"),
        ..Chart::default()
    };
    let stock = chart.render();
    for (text, severity) in [
        // Nothing makes it a part of the release, and the servers ask clearml-redis.
        (stock.clone() + &redis("shop-redis", ""), "note"),
        (stock.clone() + &redis("shop-redis", OTHER_RELEASE), ""),
        // A copy of the one that they ask, which is of the same release.
        (
            stock.clone() + &redis("copy", ", labels: {app.kubernetes.io/instance: clearml}"),
            "error",
        ),
        // The one that they ask.
        (
            stock.replace("clearml-redis", "shop-redis") + &redis("shop-redis", ""),
            "error",
        ),
        // One of another release that they ask, in their namespace and in another.
        (
            stock.replace("value: clearml-redis", "value: shop-redis")
                + &redis("shop-redis", OTHER_RELEASE),
            "error",
        ),
        (
            stock.replace("value: clearml-redis", "value: shop-redis.b.svc")
                + &redis("shop-redis", OTHER_RELEASE).replace("namespace: a", "namespace: b"),
            "error",
        ),
        (
            stock.replace("value: clearml-redis", "value: shop-redis")
                + &redis("shop-redis", OTHER_RELEASE).replace("namespace: a", "namespace: b"),
            "",
        ),
        // A copy of that.
        (
            stock.replace("value: clearml-redis", "value: shop-redis")
                + &redis("shop-redis", "")
                    .replace("NodePort", "ClusterIP")
                    .replace(", nodePort: 31000", "")
                + &redis("shop-redis-copy", ""),
            "error",
        ),
        // Without a release nothing tells whose it is.
        (
            stock.replace("app.kubernetes.io/instance", "any") + &redis("shop-redis", ""),
            "error",
        ),
    ] {
        assert_eq!(
            found(&text).as_deref().unwrap_or_default(),
            severity,
            "{text}"
        );
    }
}

/// What a server asks as its Redis, and the severity of the port that is open at one of namespace b.
fn asking_for(host: &str, others: &str) -> Option<String> {
    let chart = Chart {
        namespace: Some("a"),
        ..Chart::default()
    };
    let host = format!("value: \"{host}\"");
    found(&(chart.render().replace("value: clearml-redis", &host) + others))
}

#[test]
fn a_database_is_asked_by_any_of_its_names() {
    let shop = redis("shop-redis", OTHER_RELEASE).replace("namespace: a", "namespace: b");
    let service = |name: &str, namespace: &str, spec: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"
        )
    };
    let external = |name: &str, namespace: &str, host: &str| {
        service(
            name,
            namespace,
            &format!("type: ExternalName, externalName: {host}"),
        )
    };
    let at = |address: &str| {
        shop.replace(
            "type: NodePort",
            &format!("type: NodePort, clusterIP: \"{address}\""),
        )
    };
    let headless = service(
        "shop-headless",
        "b",
        "clusterIP: None, selector: {run: shop-redis}, ports: [{port: 6379}]",
    );
    let by_command = shop.replace(
        "image: \"redis:7.4.1\"",
        "image: \"corp/base:1\", command: [redis-server]",
    );
    for (host, others, is_asked) in [
        ("shop-redis.b", shop.clone(), true),
        ("Shop-Redis.B", shop.clone(), true),
        ("shop-redis.b.svc.cluster.local.", shop.clone(), true),
        ("shop-redis.b.svc.corp.example", shop.clone(), true),
        (
            "shop-redis-0.shop-headless.b.svc",
            shop.clone() + &headless,
            true,
        ),
        ("10.96.0.7", at("10.96.0.7"), true),
        ("fd00:0::7", at("fd00::7"), true),
        (
            "cache",
            shop.clone() + &external("cache", "a", "shop-redis.b.svc.corp.example"),
            true,
        ),
        (
            "cache",
            shop.clone()
                + &external("cache", "a", "next.c.svc")
                + &external("next", "c", "shop-redis.b.svc"),
            true,
        ),
        ("shop-redis.b", by_command, true),
        ("shop-redis", shop.clone(), false),
        ("shop-redis.c", shop.clone(), false),
        (
            "cache",
            shop.clone() + &external("cache", "c", "shop-redis.b.svc"),
            false,
        ),
    ] {
        let severity = is_asked.then_some("error");
        assert_eq!(
            asking_for(host, &others).as_deref(),
            severity,
            "{host}: {others}"
        );
    }
}

#[test]
fn a_database_may_be_told_by_a_secret_or_be_behind_a_proxy() {
    let shop = redis("shop-redis", OTHER_RELEASE).replace("namespace: a", "namespace: b");
    let chart = Chart {
        namespace: Some("a"),
        apiserver: reference("CLEARML_REDIS_SERVICE_HOST_OF_SHOP", "store", "host"),
        ..Chart::default()
    };
    let told = chart
        .render()
        .replace("value: clearml-redis", "value: elsewhere.example.com");
    let store = secret(
        "store",
        Some("a"),
        &[("host", "redis://:x@shop-redis.b.svc:6379")],
    );
    assert_eq!(found(&(told + &store + &shop)).as_deref(), Some("error"));
    let proxy = shop
        .replace("shop-redis", "proxy")
        .replace("redis:7.4.1\"", "haproxy:3.0\", args: [shop-redis]")
        .replace("NodePort", "ClusterIP")
        .replace(", nodePort: 31000", "");
    assert_eq!(
        asking_for("proxy.b", &(shop + &proxy)).as_deref(),
        Some("error")
    );
}

#[test]
fn a_database_follows_another_or_is_called_like_a_scheme() {
    let chart = Chart {
        namespace: Some("a"),
        ..Chart::default()
    };
    let follower = redis("follower", ", labels: {app.kubernetes.io/instance: clearml-replicas}").replace(
        "image: \"redis:7.4.1\"",
        "image: \"redis:7.4.1\", args: [redis-server, --replicaof, clearml-redis, \"6379\"], env: [{name: OF, value: clearml-redis}]",
    );
    assert_eq!(
        found(&(chart.render() + &follower)).as_deref(),
        Some("error")
    );
    // What is before `://` is no name.
    let scheme = asking_for("redis://clearml-redis", &redis("redis", OTHER_RELEASE));
    assert_eq!(scheme.as_deref(), Some("note"));
}

/// What asks for a password in front of the web server, and an Ingress that leads there.
fn asking(tls: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: sso, namespace: a}}\nspec:\n  template:\n    metadata: {{labels: {{run: \
         sso}}}}\n    spec: {{containers: [{{name: o, image: \"quay.io/oauth2-proxy/oauth2-proxy:v7.6.0\", args: \
         [\"--upstream=http://clearml-webserver:80\"]}}]}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: sso, namespace: a}}\n\
         spec: {{selector: {{run: sso}}, ports: [{{port: 80, targetPort: 4180}}]}}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\n\
         metadata: {{name: sso, namespace: a}}\nspec: {{{tls}rules: [{{host: app.example.com, http: {{paths: [{{path: /, backend: {{service: \
         {{name: sso, port: {{number: 80}}}}}}}}]}}}}]}}\n"
    )
}

#[test]
fn a_proxy_behind_an_ingress_in_clear_text_leads_to_what_it_names() {
    let stock = Chart {
        namespace: Some("a"),
        ..Chart::default()
    };
    let tls = "tls: [{hosts: [app.example.com], secretName: t}], ";
    for (tls, expected) in [("", 1), (tls, 0)] {
        let done = look(&["a.yaml"], &[("a.yaml", &(stock.render() + &asking(tls)))]);
        let messages = done.json["findings"].as_array().unwrap().iter();
        let messages = messages.filter_map(|one| one["message"].as_str());
        let way = "Ingress sso for app.example.com, through Deployment sso, leads to clearml-webserver:80 in clear text";
        assert_eq!(
            messages.filter(|one| one.contains(way)).count(),
            expected,
            "{}",
            done.json
        );
    }
}

/// A page for databases, and a proxy of nginx' that leads to the web server.
fn leading(namespace: &str, labels: &str, domain: &str) -> String {
    let service = |name: &str, port: u16| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{type: NodePort, selector: \
             {{run: {name}}}, ports: [{{port: {port}, nodePort: 31000}}]}}\n"
        )
    };
    let deployment = |name: &str, spec: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}{labels}}}\nspec:\n  template:\n    \
             metadata: {{labels: {{run: {name}}}}}\n    spec: {{{spec}}}\n"
        )
    };
    let page = format!(
        "containers: [{{name: p, image: \"registry.clearml.corp/tools/mongo-express:1.0.2\", env: [{{name: ME_CONFIG_MONGODB_SERVER, value: clearml-mongodb{domain}}}]}}]"
    );
    let proxy = "containers: [{name: n, image: \"nginx:1.27\", volumeMounts: [{name: c, mountPath: /etc/nginx/conf.d}]}], volumes: [{name: c, configMap: {name: edge}}]";
    let map = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: edge, namespace: {namespace}}}\ndata: {{default.conf: \"server {{ listen 80; \
         location / {{ proxy_pass http://clearml-webserver{domain}:80; }} }}\"}}\n"
    );
    deployment("page", &page)
        + &service("page", 8081)
        + &deployment("edge", proxy)
        + &service("edge", 80)
        + &map
}

#[test]
fn what_leads_to_a_release_may_be_of_another_and_of_another_namespace() {
    let stock = Chart {
        namespace: Some("a"),
        ..Chart::default()
    };
    let stock = stock.render();
    let edge = ", labels: {app.kubernetes.io/instance: edge}";
    for (namespace, labels, domain, is_found) in [
        ("a", "", "", true),
        ("a", edge, "", true),
        ("b", "", ".a", true),
        ("b", edge, ".a.svc.cluster.local", true),
        // There it is somebody else's.
        ("b", edge, "", false),
        ("b", edge, ".c.svc", false),
    ] {
        let text = stock.clone() + &leading(namespace, labels, domain);
        let done = look(&["a.yaml"], &[("a.yaml", &text)]);
        let messages = done.json["findings"].as_array().unwrap().iter();
        let messages: Vec<&str> = messages.filter_map(|one| one["message"].as_str()).collect();
        for way in [
            "of Deployment page leads to MongoDB",
            "of Deployment edge leads to",
        ] {
            let count = messages.iter().filter(|one| one.contains(way)).count();
            assert_eq!(
                count,
                usize::from(is_found),
                "{namespace} {domain} {way}: {messages:#?}"
            );
        }
    }
}

#[test]
fn one_release_that_was_rendered_twice_stays_two() {
    let stock = Chart::default().render();
    let (_, keys) = keyset();
    let own = Chart::secured().render() + &keys;
    let done = look(
        &["a.yaml", "b.yaml"],
        &[("a.yaml", &stock), ("b.yaml", &own)],
    );
    assert_eq!(errors(&done).len(), 11);
    let files: Vec<&str> = done.json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["severity"] == "error")
        .filter_map(|one| one["place"]["file"].as_str())
        .collect();
    assert!(files.iter().all(|file| *file == "a.yaml"), "{files:?}");
}

#[test]
fn a_secret_with_a_namespace_is_that_of_a_rendering_without() {
    let (_, keys) = keyset();
    let text = Chart::secured().render();
    let named = keys.replace(
        "name: clearml-keys\n",
        "name: clearml-keys\n  namespace: clearml\n",
    );
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &text), ("s.yaml", &named)],
    );
    assert_eq!(errors(&done), []);
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    // Of two namespaces it may be either.
    let other = secret("clearml-keys", Some("other"), &[("apiserver_key", "x")]);
    let both = named.clone() + &other;
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &text), ("s.yaml", &both)],
    );
    assert_eq!(done.unknown().len(), 15);
    let placed = Chart {
        namespace: Some("clearml"),
        ..Chart::secured()
    };
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &placed.render()), ("s.yaml", &both)],
    );
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
}

/// A pod or a ReplicaSet that something else has made, with another token secret.
fn made(kind: &str, name: &str, owner: (&str, &str), token: &str) -> String {
    let spec = format!(
        "containers: [{{name: c, image: \"clearml/server:2.3.0\", args: [apiserver], env: [{{name: CLEARML__SECURE__AUTH__TOKEN_SECRET, value: {token}}}]}}]"
    );
    let spec = match kind {
        "Pod" => format!("{{{spec}}}"),
        _ => format!("{{template: {{metadata: {{labels: {{a: b}}}}, spec: {{{spec}}}}}}}"),
    };
    let (owner, owner_name) = owner;
    format!(
        "---\napiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n  ownerReferences: [{{kind: {owner}, name: {owner_name}, controller: true}}]\nspec: {spec}\n"
    )
}

#[test]
fn what_a_deployment_has_made_is_old() {
    let stock = Chart::default().render();
    let expected = look(&["a.yaml"], &[("a.yaml", &stock)]).rules().len();
    let old = made(
        "ReplicaSet",
        "clearml-apiserver-1a2b",
        ("Deployment", "clearml-apiserver"),
        "abc",
    );
    let pod = made(
        "Pod",
        "clearml-apiserver-1a2b-x",
        ("ReplicaSet", "clearml-apiserver-1a2b"),
        "abc",
    );
    for dump in [old.clone() + &pod, pod.clone(), old.clone()] {
        let text = format!("{stock}{dump}");
        let done = look(&["a.yaml"], &[("a.yaml", &text)]);
        assert_eq!(done.rules().len(), expected, "{:?}", done.rules());
    }
    // Pods alone are what runs; two of one ReplicaSet are one server.
    let second = pod.replace("1a2b-x", "1a2b-y");
    let done = look(&["a.yaml"], &[("a.yaml", &(pod + &second))]);
    let weak = done
        .rules()
        .iter()
        .filter(|one| **one == "weak-secret")
        .count();
    assert_eq!(weak, 1, "{:?}", done.rules());
    // What restarts them is the Deployment, also where it was not given.
    for dump in [second, old] {
        let done = look(&["a.yaml"], &[("a.yaml", &dump)]);
        let command = "kubectl rollout restart deployment/clearml-apiserver\"";
        assert!(done.json.to_string().contains(command), "{}", done.json);
    }
}

#[test]
fn what_runs_nothing_is_passed_over() {
    let chart = Chart {
        replicas: 0,
        ..Chart::default()
    };
    let done = look(&["a.yaml"], &[("a.yaml", &chart.render())]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("replicas: 0: clearml-apiserver"),
        "{}",
        done.stderr
    );
    done.says("a.yaml", "no ClearML server");
}

#[test]
fn two_api_servers_of_one_release_are_not_one() {
    let stock = Chart::default().render();
    let second = stock.replace("name: clearml-apiserver\n", "name: clearml-apiserver2\n");
    let text = format!("{stock}{second}");
    let done = look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", &text)]);
    assert_eq!(done.code, 2);
    done.says("which servers belong together", "clearml-apiserver2");
}
