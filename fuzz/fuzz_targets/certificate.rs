#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| referral_connector_fuzz::certificate(input));
