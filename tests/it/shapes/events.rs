//! The bodies that Partner Center documents, member by member as documented, signed and delivered.

use sandbox::Service;
use sandbox::partner_center::builder::ReferralBuilder;

use crate::rig::Rig;

/// Bodies about a referral, whose id stands at `{id}`. The order of members varies in the documents.
const ABOUT_REFERRALS: [(&str, &str); 6] = [
    (
        "referral-created",
        r#"{"EventName":"referral-created","ResourceUri":"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{id}","ResourceName":"referral","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
    ),
    (
        "referral-updated, printed for people",
        "{\r\n    \"EventName\": \"referral-updated\",\r\n    \"ResourceUri\": \"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{id}\",\r\n    \"ResourceName\": \"referral\",\r\n    \"AuditUri\": null,\r\n    \"ResourceChangeUtcDate\": \"2026-02-17T00:05:39.5485487+00:00\"\r\n}\r\n",
    ),
    (
        "related-referral-created, without AuditUri",
        r#"{"EventName":"related-referral-created","ResourceUri":"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{id}","ResourceName":"referral","ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
    ),
    (
        "related-referral-updated, in another order",
        r#"{"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00","ResourceName":"referral","ResourceUri":"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{id}","AuditUri":null,"EventName":"related-referral-updated"}"#,
    ),
    (
        "the address of the documented API",
        r#"{"EventName":"referral-updated","ResourceUri":"https://api.partner.microsoft.com/v1.0/engagements/referrals/{id}","ResourceName":"Referral","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39+00:00"}"#,
    ),
    (
        "a member of years to come",
        r#"{"EventName":"referral-updated","ResourceUri":"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{id}","ResourceName":"referral","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00","DeliveryAttempt":{"Number":2}}"#,
    ),
];

const TESTS: [(&str, &str); 2] = [
    (
        "a registration's validation event",
        r#"{"EventName":"test-created","ResourceUri":"http://api.partnercenter.microsoft.com/webhooks/v1/registration/validationEvents/5c0a1be2-7d5f-4b7e-9a8b-3f1f6a0a9d11","ResourceName":"test","AuditUri":null,"ResourceChangeUtcDate":"2026-11-16T16:19:06.3520276+00:00"}"#,
    ),
    (
        "an address on somebody's own machine",
        r#"{"EventName":"test-created","ResourceUri":"http://localhost:16722/v1/webhooks/registration/test","ResourceName":"test","AuditUri":null,"ResourceChangeUtcDate":"2026-11-16T16:19:06.3520276+00:00"}"#,
    ),
];

const ABOUT_OTHER_THINGS: [&str; 9] = [
    r#"{"EventName":"subscription-updated","ResourceUri":"http://api.partnercenter.microsoft.com/webhooks/v1/customers/6d0f6c5e-2f65-4a6b-9d6c-0b8f5a3d1a01/subscriptions/6d0f6c5e-2f65-4a6b-9d6c-0b8f5a3d1a02","ResourceName":"subscription","AuditUri":"https://api.partnercenter.microsoft.com/v1/auditrecords/6d0f6c5e-2f65-4a6b-9d6c-0b8f5a3d1a03","ResourceChangeUtcDate":"2026-11-16T16:19:06.3520276+00:00"}"#,
    r#"{"EventName":"subscription-active","ResourceUri":"https://api.partnercenter.microsoft.com/v1/customers/6d0f6c5e-2f65-4a6b-9d6c-0b8f5a3d1a01/subscriptions/6d0f6c5e-2f65-4a6b-9d6c-0b8f5a3d1a02","ResourceName":"subscription","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
    r#"{"EventName":"usagerecords-thresholdExceeded","ResourceUri":"https://api.partnercenter.microsoft.com/v1/customers/usagerecords","ResourceName":"usagerecords","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
    r#"{"EventName":"invoice-ready","ResourceUri":"https://api.partnercenter.microsoft.com/v1/invoices/D030001IZ3","ResourceName":"invoice","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
    r#"{"EventName":"azure-fraud-event-detected","ResourceUri":null,"ResourceName":"AzureFraudEvent","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
    r#"{"EventName":"dap-admin-relationship-approved","ResourceName":"PartnerCustomerDap","AuditUri":null,"ResourceUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
    r#"{"EventName":"dap-admin-relationship-terminated-by-microsoft","ResourceName":"PartnerCustomerDap","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
    r#"{"EventName":"granular-admin-relationship-activated","ResourceUri":"https://api.partnercenter.microsoft.com/v1/delegatedadminrelationships/6d0f6c5e-2f65-4a6b-9d6c-0b8f5a3d1a04","ResourceName":"GranularAdminRelationship","AuditUri":null,"ResourceChangeUtcDate":"2026-02-17T00:05:39.5485487+00:00"}"#,
    r#"{"EventName":"reseller-relationship-accepted-by-customer","ResourceUri":"https://api.partnercenter.microsoft.com/v1/customers/6d0f6c5e-2f65-4a6b-9d6c-0b8f5a3d1a01","ResourceName":"Customer","AuditUri":"https://api.partnercenter.microsoft.com/auditactivity/v1/auditrecords/60d5c4bb_6d0f6c5e","ResourceChangeUtcDate":"2026-10-18T00:26:24.0159088+00:00"}"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_event_about_a_referral_makes_its_lead() {
    let rig = Rig::start(&[]).await;
    for (what, body) in ABOUT_REFERRALS {
        let id = rig.seed(ReferralBuilder::new());
        let answer = rig.signed(&body.replace("{id}", &id)).await;
        assert_eq!((answer.status, answer.code()), (200, "synced"), "{what}");
        assert!(rig.lead(&id).is_some(), "{what}");
        assert_eq!(rig.referral(&id)["externalReferenceId"], id, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_event_about_something_else_is_acknowledged_without_a_call() {
    let rig = Rig::start(&[]).await;
    for (what, body) in TESTS {
        let answer = rig.signed(body).await;
        assert_eq!((answer.status, answer.code()), (200, "test"), "{what}");
    }
    for body in ABOUT_OTHER_THINGS {
        let answer = rig.signed(body).await;
        assert_eq!((answer.status, answer.code()), (200, "ignored"), "{body}");
    }
    for service in [Service::Entra, Service::PartnerCenter, Service::Dataverse] {
        let requests = rig.requests(service);
        assert!(requests.is_empty(), "{service:?}: {requests:?}");
    }
}
