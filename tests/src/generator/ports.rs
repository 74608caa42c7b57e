//! What services publish, in every syntax.

use super::text::Writer;

impl Writer<'_> {
    pub(super) fn ports(&mut self, service: &str) {
        let Some(port) = listened(service) else {
            return;
        };
        if self.random.chance(30) {
            return;
        }
        if service == "apiserver" && self.may("ports-alias", 6) {
            self.line(2, "ports: *published");
            return;
        }
        // No two entries publish the same port, which compose refuses.
        let published = [port, port + 1000];
        let count = 1 + self.random.below(2);
        let entries: Vec<String> = published[..count]
            .iter()
            .map(|published| self.port(port, *published))
            .collect();
        if self.random.chance(30) {
            self.raw(2, &format!("ports: [{}]", entries.join(", ")));
            return;
        }
        self.raw(2, "ports:");
        for (number, entry) in entries.iter().enumerate() {
            if self.random.chance(30) {
                self.raw(3, &format!("# for port {port}"));
            }
            let comment = self.random.pick(&["", " # why"]);
            if self.random.chance(10) {
                let published = published[number];
                let below = " ".repeat(2);
                self.raw(3, &format!("- target: {port}"));
                self.raw(3, &format!("{below}published: {published}{comment}"));
            } else {
                self.raw(3, &format!("- {entry}{comment}"));
            }
        }
    }

    /// One entry of `ports`, on one line.
    fn port(&mut self, target: u16, published: u16) -> String {
        if self.may("port-forms", 25) {
            return self.odd_port(target, published);
        }
        if self.may("port-variable-address", 6) {
            return format!("\"${{ADDRESS:-0.0.0.0}}:{published}:{target}\"");
        }
        if self.may("port-range", 6) {
            return format!(
                "\"{published}-{0}:{target}-{1}\"",
                published + 2,
                target + 2
            );
        }
        match self.random.below(6) {
            0 => format!("{published}:{target}/tcp"),
            1 => format!("'0.0.0.0:{published}:{target}'"),
            2 => format!("\"127.0.0.1:{published}:{target}\""),
            3 => format!("\"[::]:{published}:{target}\""),
            4 => format!("\"${{NO_PORT:-{published}}}:{target}\""),
            _ => format!("\"{published}:{target}\""),
        }
    }

    fn odd_port(&mut self, target: u16, published: u16) -> String {
        let long = |more: &str| format!("{{target: {target}, published: {published}{more}}}");
        match self.random.below(9) {
            0 => long(", host_ip: 0.0.0.0"),
            1 => long(", host_ip: '::'"),
            2 => long(", protocol: tcp, mode: host"),
            3 => long(", protocol: udp"),
            4 => long(", name: it, app_protocol: http"),
            5 => format!("{{target: {target}, published: \"{published}\"}}"),
            6 => format!("{target}"),
            7 => format!("'{published}:{target}/udp'"),
            _ => format!("'[::1]:{published}:{target}'"),
        }
    }
}

/// Where a service listens.
fn listened(service: &str) -> Option<u16> {
    Some(match service {
        "apiserver" => 8008,
        "fileserver" => 8081,
        "webserver" => 80,
        "redis" => 6379,
        _ => return None,
    })
}
