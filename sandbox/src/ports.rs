//! The fixed ports of a sandbox that a person starts.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sandbox::Service;

/// The first of the fixed ports: the control API's. The services follow in their order.
pub(crate) const DEFAULT_BASE: u16 = 7400;

/// The port of the storage's queues, behind those of the services; 0 is a free one.
pub(crate) fn queues(base: u16) -> Result<u16> {
    let after = match base {
        0 => Some(0),
        _ => u16::try_from(Service::ALL.len() + 1)
            .ok()
            .and_then(|place| base.checked_add(place)),
    };
    after.with_context(|| too_high(base))
}

/// The port of every service when the control API is at `base`; 0 gives each a free one.
pub(crate) fn services(base: u16) -> Result<BTreeMap<Service, u16>> {
    if base == 0 {
        return Ok(BTreeMap::new());
    }
    let after = |(place, service): (usize, Service)| {
        let place = u16::try_from(place + 1).ok()?;
        Some((service, base.checked_add(place)?))
    };
    let ports = Service::ALL.into_iter().enumerate().map(after);
    ports.collect::<Option<_>>().with_context(|| too_high(base))
}

fn too_high(base: u16) -> String {
    format!("the ports after {base} do not exist, choose a lower base")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_stand_behind_the_control_api_in_order() {
        let ports = services(7400).unwrap();
        assert_eq!(ports[&Service::Entra], 7401);
        assert_eq!(ports[&Service::Dataverse], 7405);
        assert_eq!(ports[&Service::Storage] + 1, queues(7400).unwrap());
        assert!(services(u16::MAX - 3).is_err());
        assert!(services(0).unwrap().is_empty());
        assert_eq!(queues(0).unwrap(), 0);
        assert!(queues(u16::MAX - 8).is_err());
    }
}
