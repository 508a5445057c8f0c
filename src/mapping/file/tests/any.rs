//! Any text is read or refused, and any rules that are read can be worked with.

use proptest::prelude::*;

use crate::lead::Column;
use crate::mapping::columns::{ESTIMATED_AMOUNT, SUBJECT};
use crate::mapping::file::read;
use crate::mapping::fixtures::{dollar, options, referral, schema};
use crate::mapping::project;
use crate::sync::options::Mode;

fn words() -> impl Strategy<Value = String> {
    let keys = [
        "[[column]]\n",
        "column = \"new_text\"\n",
        "column = \"subject\"\n",
        "column = \"new_choice\"\n",
        "from = \"name\"\n",
        "from = [\"customerProfile.team[].lastName\", \"team[].email\"]\n",
        "type = \"choice\"\n",
        "type = \"date\"\n",
        "from = \"expirationDateTime\"\n",
        "join = \"\"\n",
        "template = \"{name}{{}}\"\n",
        "value = -1\n",
        "map = { a = \"b\", c = 1 }\n",
        "otherwise = true\n",
        "winner = \"stricter\"\n",
        "type = \"flag\"\n",
        "direction = \"off\"\n",
        "[status]\n",
        "[[status.reason]]\n",
        "reason = 99\n",
        "means = \"accepted\"\n",
        "[[owner]]\n",
        "whole = true\n",
        "lines = true\n",
    ];
    proptest::collection::vec(proptest::sample::select(keys.to_vec()), 0..14)
        .prop_map(|it| it.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_lines_that_it_has(text in "\\PC*|[\\[\\]a-z=\"\\n{}]{0,80}") {
        if let Err(problems) = read(&text) {
            prop_assert!(!problems.is_empty());
            let lines = text.matches('\n').count() + 1;
            prop_assert!(problems.iter().all(|it| (1..=lines).contains(&it.line)), "{problems:?}");
        }
    }

    #[test]
    fn no_rules_that_can_be_read_keep_a_referral_from_being_mapped(
        text in words(),
        name in proptest::option::of("\\PC{0,60}"),
        value in proptest::option::of(any::<i64>()),
    ) {
        if let Ok(mapping) = read(&text) {
            let mut options = options(Mode::TwoWay);
            options.mapping = mapping.into();
            let mut referral = referral();
            referral.customer.size.clone_from(&name);
            referral.name = name;
            referral.details.deal_value = value.map(Into::into);
            let projection = project(&referral, &schema(), Some(&dollar()), &options);
            let known = |column: &Column| options.mapping.rows().iter().any(|row| row.column == *column);
            prop_assert!(projection.columns.keys().all(known));
            prop_assert_eq!(projection.columns.contains_key(&ESTIMATED_AMOUNT), known(&ESTIMATED_AMOUNT) && value.is_some_and(|it| (0..=1_000_000_000_000).contains(&it)));
            prop_assert!(!options.mapping.sources().contains_key(&ESTIMATED_AMOUNT));
            let _ = options.mapping.raw(&referral).get(&SUBJECT);
        }
    }
}
