//! Partner Center's side: every referral is created, then edited again and again, and each time an event tells of it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue};
use sandbox::deliveries::{Delivery, Event, REFERRAL_CREATED, REFERRAL_UPDATED};

use crate::scene::Scene;
use crate::{EVENTS, EVENTS_OF_EACH, SENDERS};

/// Before a delivery that was not accepted is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// How an event was accepted.
pub(crate) struct Acknowledged {
    pub(crate) code: String,
    /// The time of the attempt that was accepted.
    pub(crate) after: Duration,
}

/// Sends everything as fast as it is accepted, so many at once.
pub(crate) async fn send_all(scene: &Scene) -> Vec<Acknowledged> {
    let next = Mutex::new(0..EVENTS);
    let senders = (0..SENDERS).map(|_| async {
        let mut acknowledged = Vec::new();
        loop {
            let number = next.lock().unwrap().next();
            match number {
                Some(number) => acknowledged.push(send(scene, number).await),
                None => return acknowledged,
            }
        }
    });
    join_all(senders).await.into_iter().flatten().collect()
}

/// Round after round through all referrals, first that they are there.
async fn send(scene: &Scene, number: usize) -> Acknowledged {
    let count = EVENTS / EVENTS_OF_EACH;
    let (round, index) = (number / count, number % count);
    let referral = &scene.referrals[index];
    let name = if round == 0 {
        REFERRAL_CREATED
    } else {
        scene.edit(referral, number);
        REFERRAL_UPDATED
    };
    let event = Event::referral(name, referral, scene.world().clock.now());
    let delivery = scene.world().delivery(&event).unwrap();
    loop {
        let begun = Instant::now();
        if let Some(code) = post(scene, &delivery).await {
            let after = begun.elapsed();
            return Acknowledged { code, after };
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The code word, if it was accepted.
async fn post(scene: &Scene, delivery: &Delivery) -> Option<String> {
    let headers: HeaderMap = delivery
        .headers
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect();
    let posted = scene
        .host
        .post("ReferralWebhook", headers, delivery.body.clone());
    let answer = posted.await.unwrap();
    if answer.status() != 200 {
        return None;
    }
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    Some(body["code"].as_str().unwrap().to_owned())
}
