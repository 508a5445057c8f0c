//! Where a person sees a lead.

use url::Url;

use crate::ids::LeadId;

/// The address of `lead` in the environment at `environment`, as its own pages link to it.
pub fn page(environment: &Url, lead: LeadId) -> Url {
    let mut url = environment.clone();
    url.set_path("main.aspx");
    url.query_pairs_mut()
        .clear()
        .append_pair("pagetype", "entityrecord")
        .append_pair("etn", "lead")
        .append_pair("id", &lead.to_string());
    url
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::ids::LeadId;

    #[test]
    fn a_lead_is_shown_by_the_environments_own_page() {
        let environment = "https://contoso.crm.dynamics.com/".parse().unwrap();
        let lead: LeadId = "0f4c1c9a-1d2e-4b3f-8a5b-6c7d8e9f0a1b".parse().unwrap();
        assert_eq!(
            page(&environment, lead).as_str(),
            "https://contoso.crm.dynamics.com/main.aspx?pagetype=entityrecord&etn=lead\
             &id=0f4c1c9a-1d2e-4b3f-8a5b-6c7d8e9f0a1b"
        );
    }
}
