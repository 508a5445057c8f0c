//! The columns that show a referral.
