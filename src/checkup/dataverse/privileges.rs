//! What the security roles allow, held against what a sync does.

use uuid::Uuid;

use super::PRIVILEGES;
use crate::checkup::Finding;
use crate::provision::rights::{NEEDS, Need};
use crate::sync::options::SyncOptions;
use crate::upstream::dataverse::{Dataverse, Depth};

pub(super) async fn findings(
    dataverse: &Dataverse,
    user: Uuid,
    options: &SyncOptions,
) -> Vec<Finding> {
    let needed = NEEDS.iter().filter(|it| it.when.is_now(options));
    let needed: Vec<&Need> = needed.collect();
    let names: Vec<&str> = needed.iter().map(|it| it.name).collect();
    let held = match dataverse.privileges(user, &names).await {
        Ok(held) => held,
        Err(error) => return vec![Finding::error(PRIVILEGES, &error)],
    };
    let mut findings: Vec<Finding> = needed
        .iter()
        .filter_map(|need| match held.get(need.name) {
            None if need.when.is_optional() => Some(left_out(need)),
            None => Some(missing(need)),
            Some(depth) if need.of_others && *depth < Depth::Organisation => {
                Some(shallow(need, *depth))
            }
            Some(_) => None,
        })
        .collect();
    if findings.is_empty() {
        let detail = format!("all {} that are needed are held", names.len());
        findings.push(Finding::ok(PRIVILEGES, detail));
    }
    findings
}

fn missing(need: &Need) -> Finding {
    let detail = format!(
        "the application user's security roles lack it; it is needed to {}",
        need.purpose
    );
    let advice = "add the privilege to the application user's security role in the Power Platform admin center";
    Finding::failed(PRIVILEGES, detail, advice).about(need.name)
}

fn left_out(need: &Need) -> Finding {
    let detail = format!(
        "the application user's security roles lack it; it is needed to {}, and leads are made without",
        need.purpose
    );
    let advice = "add the privilege to the application user's security role in the Power Platform admin center, or set SYNC_PARENTS \
                  to off";
    Finding::warning(PRIVILEGES, detail, advice).about(need.name)
}

fn shallow(need: &Need, depth: Depth) -> Finding {
    let detail = format!(
        "it reaches {}; rows of other users are out of its reach to {}",
        depth.words(),
        need.purpose
    );
    let advice =
        "give the privilege at the level Organization in the application user's security role";
    Finding::warning(PRIVILEGES, detail, advice).about(need.name)
}
