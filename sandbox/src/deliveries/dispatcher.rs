//! Sends what was raised: each event up to ten times, until the webhook accepts it.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::task::JoinSet;
use url::Url;

use super::{Attempt, Delivery, Outcome, send};
use crate::world::{SharedWorld, World};

/// Delivers raised events until the task is aborted, which ends the running deliveries too.
pub(crate) async fn dispatch(world: SharedWorld) -> Infallible {
    let wake = Arc::clone(&world.deliveries.lock().wake);
    let mut running = JoinSet::new();
    loop {
        let due = world.deliveries.lock().take_due();
        for id in due {
            running.spawn(deliver(Arc::clone(&world), id));
        }
        tokio::select! {
            () = wake.notified() => {}
            Some(_) = running.join_next() => {}
        }
    }
}

/// One event: attempts until one is accepted, all are used up, or deliveries are paused.
async fn deliver(world: SharedWorld, id: u64) {
    loop {
        let attempt = attempt(&world, id).await;
        let (outcome, spacing) = {
            let mut state = world.deliveries.lock();
            (state.attempted(id, attempt), state.options.spacing)
        };
        if outcome != Outcome::Sending {
            return;
        }
        tokio::time::sleep(spacing).await;
    }
}

async fn attempt(world: &World, id: u64) -> Attempt {
    let started = world.clock.now();
    let answer = match delivery(world, id) {
        Ok((delivery, target)) => {
            let patience = world.deliveries.lock().options.patience;
            send(&delivery, &target, patience).await
        }
        Err(error) => Err(error),
    };
    let (answer, error) = match answer {
        Ok(answer) => (Some(answer), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    Attempt {
        started,
        status: answer.as_ref().map(|it| it.status),
        answer: answer.map(|it| it.body),
        error,
    }
}

fn delivery(world: &World, id: u64) -> anyhow::Result<(Delivery, Url)> {
    let (event, target, place) = {
        let state = world.deliveries.lock();
        let raised = state.raised(id).context("find the event to send")?;
        let target = raised.target.clone().context("find the event's receiver")?;
        let place = (raised.signature_header, state.options.signature_form);
        (raised.event.clone(), target, place)
    };
    let certificates = world.certificates.lock();
    let url = certificates.signer_url();
    let delivery = Delivery::signed(event.body(), certificates.signer(), &url, place)?;
    Ok((delivery, target))
}
