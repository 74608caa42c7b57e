//! What the command line asks of ports.

use clearml_secure_plan::ports::Ports;

use crate::cli::Cli;

/// Which ports close, and where servers listen then.
pub(crate) fn asked(cli: &Cli) -> Ports {
    Ports {
        close: cli.close_ports,
        bind: cli.bind,
    }
}
