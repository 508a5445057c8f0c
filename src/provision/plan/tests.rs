use proptest::prelude::*;

use super::*;

fn wish() -> Wish {
    Wish {
        prefix: "pcref".parse().unwrap(),
        columns: true,
        role: true,
        application: Some(Uuid::from_u128(7)),
    }
}

fn needed() -> Vec<Grant> {
    vec![Grant {
        privilege: Uuid::from_u128(1),
        name: "prvCreateLead".to_owned(),
        depth: Depth::Global,
    }]
}

/// An environment where everything is as wanted.
fn complete() -> Facts {
    let wish = wish();
    let columns = COLUMNS.iter().map(|it| {
        (
            it.logical_name(&wish.prefix),
            it.shape.type_name().to_owned(),
        )
    });
    Facts {
        publishers: vec![(wish.prefix.publisher(), "pcref".to_owned())],
        solution: Some(COMPLETE.to_owned()),
        columns: columns.collect(),
        granted: Some(needed()),
        needed: needed(),
        user: Some(UserFacts {
            disabled: false,
            has_role: true,
        }),
    }
}

#[test]
fn where_everything_is_there_nothing_is_done() {
    assert_eq!(plan(&wish(), &complete()), Ok(Vec::new()));
}

#[test]
fn in_an_untouched_environment_everything_is_done_and_publishing_follows_the_columns() {
    let facts = Facts {
        needed: needed(),
        ..Facts::default()
    };
    let steps = plan(&wish(), &facts).unwrap();
    let words: Vec<_> = steps.iter().map(Step::word).collect();
    let mut expected = vec!["create_publisher", "create_solution"];
    expected.extend(COLUMNS.iter().map(|_| "add_column"));
    expected.extend([
        "publish",
        "create_role",
        "grant_privileges",
        "add_application_user",
        "assign_role",
    ]);
    assert_eq!(words, expected);
}

#[test]
fn what_was_not_published_is_published_even_if_every_column_is_there() {
    let facts = Facts {
        solution: Some(INCOMPLETE.to_owned()),
        ..complete()
    };
    assert_eq!(plan(&wish(), &facts), Ok(vec![Step::Publish]));
}

#[test]
fn a_prefix_of_somebody_else_a_column_of_another_type_and_a_disabled_user_are_all_told_at_once() {
    let mut facts = complete();
    facts.publishers = vec![("fabrikam".to_owned(), "pcref".to_owned())];
    facts
        .columns
        .insert("pcref_decision".to_owned(), "String".to_owned());
    facts.user = Some(UserFacts {
        disabled: true,
        has_role: false,
    });
    let problems = plan(&wish(), &facts).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    for (problem, what) in problems
        .iter()
        .zip(["fabrikam", "pcref_decision", "disabled"])
    {
        assert!(problem.to_string().contains(what), "{problem}");
    }
}

#[test]
fn what_is_not_wanted_is_neither_done_nor_in_the_way() {
    let none = Wish {
        columns: false,
        role: false,
        application: None,
        ..wish()
    };
    let facts = Facts {
        publishers: vec![("fabrikam".to_owned(), "pcref".to_owned())],
        ..Facts::default()
    };
    assert_eq!(plan(&none, &facts), Ok(Vec::new()));
}

proptest! {
    /// However far a run got before it was cut short, the next plan is what was left of the first.
    #[test]
    fn a_run_that_was_cut_short_is_gone_on_with(done in 0_usize..=15) {
        let wish = wish();
        let mut facts = Facts { needed: needed(), ..Facts::default() };
        let all = plan(&wish, &facts).unwrap();
        let done = done.min(all.len());
        for step in &all[..done] {
            match step {
                Step::Publisher => facts.publishers = complete().publishers,
                Step::Solution => facts.solution = Some(INCOMPLETE.to_owned()),
                Step::Column(column) => {
                    let kind = column.shape.type_name().to_owned();
                    facts.columns.insert(column.logical_name(&wish.prefix), kind);
                }
                Step::Publish => facts.solution = Some(COMPLETE.to_owned()),
                Step::Role => facts.granted = Some(Vec::new()),
                Step::Grant(grants) => facts.granted = Some(grants.clone()),
                Step::User(_) => facts.user = Some(UserFacts { disabled: false, has_role: false }),
                Step::Assign(_) => facts.user = Some(UserFacts { disabled: false, has_role: true }),
            }
        }
        prop_assert_eq!(plan(&wish, &facts).unwrap(), &all[done..]);
    }
}
