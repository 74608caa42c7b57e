//! What is published: as it was asked for, and for everything else as it was.

use clearml_secure_core::container::Port;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::unseen::Hides;

use super::Broken;
use super::places::Places;
use crate::ports::{Order, Ports, is_bound};

/// Nothing of the databases is published, and servers on one address only, as far as it was asked for.
pub(super) fn check(places: &Places<'_>, asked: Ports) -> Result<(), Broken> {
    let deployment = places.deployment;
    for (index, service) in deployment.project.services.iter().enumerate() {
        let Some(order) = order(deployment, asked, index) else {
            continue;
        };
        let wrong = service.ports.iter().find(|port| match order {
            Order::Bind(address) => !port.is_at(address),
            Order::Close => true,
        });
        if let Some(port) = wrong {
            let place = places.of(port.span);
            return Err(Broken::with_help(
                format!("{place} would still publish port {}", port.shown()),
                "remove the port there, then run this again",
            ));
        }
        let mut unread = deployment.project.unseen.iter();
        if let Some(unseen) = unread
            .find(|unseen| unseen.hides.ports() && unseen.service.as_deref() == Some(&service.name))
        {
            let place = unseen.span.map(|span| format!("{}: ", places.of(span)));
            return Err(Broken::with_help(
                format!(
                    "{}{} cannot be read: {}",
                    place.unwrap_or_default(),
                    unseen.what,
                    unseen.reason
                ),
                match unseen.hides {
                    Hides::Base => "make it readable here, or run this where it is",
                    _ => "write the port there as a number, then run this again",
                },
            ));
        }
    }
    Ok(())
}

/// What is asked for of a service.
pub(super) fn order(deployment: &Composed, asked: Ports, index: usize) -> Option<Order> {
    if asked.close && deployment.database(index).is_some() {
        return Some(Order::Close);
    }
    asked
        .bind
        .filter(|_| is_bound(deployment, index))
        .map(Order::Bind)
}

/// Whether a service publishes what it did, but for what was asked of it.
pub(super) fn are_as_asked(before: &[Port], now: &[Port], order: Order) -> bool {
    let Order::Bind(address) = order else {
        return now.is_empty();
    };
    let has = |all: &[Port], port: &Port| {
        all.iter().any(|one| {
            one.target == port.target
                && one.published == port.published
                && one.protocol == port.protocol
        })
    };
    before.iter().all(|port| has(now, port))
        && now
            .iter()
            .all(|port| has(before, port) && port.is_at(address))
}
