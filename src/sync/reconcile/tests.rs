use crate::ids::ETag;
use crate::sync::state::{Intention, Side};

use super::cursor::{OVERLAP, Stored};
use super::town::{Fails, Town, lead, minute, referral};
use super::*;
use crate::sync::park::job::Job;
use crate::sync::state::store::Claim;
use crate::sync::world::Clock as _;
use uuid::Uuid;

mod healing;
mod trouble;

/// A town with these referrals, `n` changed `n` minutes after nine.
fn town(numbers: impl IntoIterator<Item = u128>) -> Town {
    let town = Town::new();
    for number in numbers {
        town.put(number, minute(number));
    }
    town
}

async fn go_on(town: &Town) -> ReconcileReport {
    town.pass(Scope::Continue).await
}

async fn cursor(town: &Town) -> cursor::Cursor {
    Stored::load(&town.world()).await.unwrap().cursor
}
