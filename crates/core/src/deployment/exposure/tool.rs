//! Web pages for databases (docs/clearml.md#pages-for-databases).

use crate::container::{Container, VariableValue};
use crate::deployment::Database;
use crate::secret::Secret;

/// Software with a web page in which somebody reads and changes databases.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// The last part of its images' names.
    images: &'static [&'static str],
    /// The databases that it knows.
    pub(super) databases: &'static [Database],
    /// Where it listens, unless a variable says otherwise.
    pub(super) port: u16,
    /// Variables that say otherwise.
    port_variables: &'static [&'static str],
    /// Variables with a password that it asks for.
    password_variables: &'static [&'static str],
    /// Whether the browser asks the database, and not the page's server.
    pub is_in_the_browser: bool,
    /// Whether it asks everybody for the database's own password, and has none itself.
    pub passes_on: bool,
}

/// What keeps others from a page.
#[derive(Clone, Copy, Debug)]
pub enum Walls<'a> {
    /// Nothing that is seen.
    None,
    /// This password.
    Password(&'a Secret),
    /// A password that is not known.
    Unknown,
    /// A password, or nothing: that is said by what is not here.
    Untold,
}

const ALL: &[Database] = &[Database::Elasticsearch, Database::Mongodb, Database::Redis];
const ELASTICSEARCH: &[Database] = &[Database::Elasticsearch];
const MONGODB: &[Database] = &[Database::Mongodb];
const REDIS: &[Database] = &[Database::Redis];

const fn tool(images: &'static [&'static str], databases: &'static [Database], port: u16) -> Tool {
    Tool {
        images,
        databases,
        port,
        port_variables: &[],
        password_variables: &[],
        is_in_the_browser: false,
        passes_on: false,
    }
}

const fn in_the_browser(images: &'static [&'static str], port: u16) -> Tool {
    Tool {
        is_in_the_browser: true,
        passes_on: true,
        ..tool(images, ELASTICSEARCH, port)
    }
}

static TOOLS: [Tool; 22] = [
    Tool {
        password_variables: &[
            "ME_CONFIG_BASICAUTH_PASSWORD",
            "ME_CONFIG_BASICAUTH_PASSWORD_FILE",
        ],
        port_variables: &["PORT", "VCAP_APP_PORT"],
        ..tool(&["mongo-express"], MONGODB, 8081)
    },
    tool(&["mongoclient", "nosqlclient"], MONGODB, 3000),
    tool(&["mongoku"], MONGODB, 3100),
    tool(
        &["compass-web", "mongo-compass-web", "mongodb-compass-web"],
        MONGODB,
        8080,
    ),
    tool(
        &[
            "adminmongo",
            "admin-mongo",
            "mongo-gui",
            "mongoadmin",
            "rockmongo",
        ],
        MONGODB,
        1234,
    ),
    Tool {
        passes_on: true,
        ..tool(
            &["adminer", "adminerevo"],
            &[Database::Elasticsearch, Database::Mongodb],
            8080,
        )
    },
    Tool {
        passes_on: true,
        port_variables: &["SERVER_PORT"],
        ..tool(
            &["kibana", "kibana-oss", "opensearch-dashboards"],
            ELASTICSEARCH,
            5601,
        )
    },
    Tool {
        password_variables: &["BASIC_AUTH_PWD"],
        port_variables: &["CEREBRO_PORT"],
        ..tool(&["cerebro", "lmenezes-cerebro"], ELASTICSEARCH, 9000)
    },
    tool(
        &["elastichq", "elasticsearch-hq", "elasticsearch-HQ"],
        ELASTICSEARCH,
        5000,
    ),
    tool(
        &["grafana-elasticsearch", "elasticsearch-comrade"],
        ELASTICSEARCH,
        8000,
    ),
    in_the_browser(&["elasticvue"], 8080),
    in_the_browser(&["elasticsearch-head", "docker-elasticsearch-head"], 9100),
    in_the_browser(&["dejavu"], 1358),
    Tool {
        port_variables: &["RI_APP_PORT", "REDIS_INSIGHT_PORT"],
        ..tool(&["redisinsight"], REDIS, 5540)
    },
    Tool {
        password_variables: &["HTTP_PASSWORD", "HTTP_PASSWORD_HASH"],
        port_variables: &["PORT"],
        ..tool(&["redis-commander"], REDIS, 8081)
    },
    Tool {
        password_variables: &["ADMIN_PASS"],
        port_variables: &["PORT"],
        ..tool(&["phpredisadmin"], REDIS, 80)
    },
    tool(&["p3x-redis-ui"], REDIS, 7843),
    tool(&["phpredmin"], REDIS, 80),
    // Without pages: requests of HTTP are commands of the database.
    tool(&["webdis"], REDIS, 7379),
    tool(&["restheart"], MONGODB, 8080),
    tool(
        &[
            "redis-browser",
            "redmon",
            "redis-ui",
            "redis-manager",
            "redis-gui",
        ],
        REDIS,
        4567,
    ),
    Tool {
        password_variables: &["PASSWORD", "LOGIN_PASSWORD_admin", "LOGINS"],
        ..tool(&["dbgate", "cloudbeaver", "dbeaver", "omnidb"], ALL, 3000)
    },
];

impl Tool {
    /// The page that a container runs.
    pub fn of(container: &Container) -> Option<&'static Self> {
        let name = container.image_name();
        TOOLS.iter().find(|tool| tool.images.contains(&name))
    }

    /// The names of images of them.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        TOOLS.iter().flat_map(|tool| tool.images).copied()
    }

    /// What keeps others from the page.
    pub fn walls<'a>(&self, container: &'a Container) -> Walls<'a> {
        let mut variables = container.environment.iter();
        let is_password = |name: &str| self.password_variables.contains(&name);
        let password = variables.find(|variable| is_password(&variable.name));
        let is_told = container.untold().is_none() || self.password_variables.is_empty();
        match password.map(|variable| (&variable.name, &variable.value)) {
            None if is_told => Walls::None,
            None => Walls::Untold,
            Some((_, VariableValue::Unknown(_))) if !is_told => Walls::Untold,
            Some((_, VariableValue::Elsewhere(elsewhere))) if elsewhere.is_optional => {
                Walls::Untold
            }
            Some((name, VariableValue::Known(password))) if !name.ends_with("_FILE") => {
                match password.expose().is_empty() {
                    true => Walls::None,
                    false => Walls::Password(password),
                }
            }
            Some(_) => Walls::Unknown,
        }
    }

    /// Where it listens, as far as its variables say.
    pub(super) fn listens_at(&self, container: &Container) -> u16 {
        let mut names = self.port_variables.iter();
        let told = names.find_map(|name| container.known_variable(name)?.expose().parse().ok());
        told.unwrap_or(self.port)
    }
}
