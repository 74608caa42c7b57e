//! What the command line asks of ports.

use clearml_secure_plan::ports::Ports;

use crate::cli::Cli;

/// The ports that are to be closed, and where servers are to listen.
pub(crate) fn asked(cli: &Cli) -> Ports {
    Ports {
        close: cli.close_ports,
        bind: cli.bind,
    }
}
