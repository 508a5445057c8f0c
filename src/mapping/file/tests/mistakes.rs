//! Everything that can be wrong with a file.

use crate::mapping::file::read;

fn problems(text: &str) -> Vec<String> {
    let problems = read(text).expect_err(text);
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_line() {
    let text = "[[column]]\ncolumn = \"New-Size\"\nfrom = \"name\"\n\n[[column]]\ncolumn = \"new_text\"\nfrom = \"customerprofile.name\"\n\n[colours]\n";
    assert_eq!(
        problems(text),
        [
            "line 2: \"New-Size\" is no logical name of a column: lower-case letters, digits and _",
            "line 7: \"customerprofile.name\" is no part of a referral; it is written customerProfile.name",
            "line 9: \"colours\" is no word that means anything here; there are column, status, owner",
        ]
    );
}

/// A row, the line, and a part of the sentence.
const ROWS: &[(&str, usize, &str)] = &[
    ("from = \"name\"", 1, "which column?"),
    ("column = \"statuscode\"\nvalue = 2", 2, "[status] says"),
    (
        "column = \"a\"\nvalue = \"b\"\n[[column]]\ncolumn = \"a\"\nvalue = \"c\"",
        5,
        "twice",
    ),
    ("column = \"a\"", 1, "what is it made of?"),
    (
        "column = \"a\"\nfrom = \"name\"\nvalue = \"b\"",
        1,
        "exclude each other",
    ),
    (
        "column = \"a\"\nfrom = []",
        3,
        "from has to be a text or a list of texts",
    ),
    (
        "column = \"a\"\nfrom = [\"name\",\n 5]",
        3,
        "from has to be",
    ),
    (
        "column = \"a\"\nfrom = [\"name\",\n \"nom\"]",
        4,
        "is no part of a referral",
    ),
    (
        "column = \"a\"\ntemplate = \"{name\"",
        3,
        "a { without its }",
    ),
    (
        "column = \"a\"\ntype = \"number\"\ntemplate = \"{name}\"",
        4,
        "a template makes a text",
    ),
    (
        "column = \"a\"\nvalue = \"b\"\njoin = \" \"",
        4,
        "join needs the parts",
    ),
    (
        "column = \"a\"\nfrom = \"name\"\notherwise = \"b\"",
        4,
        "otherwise needs a map",
    ),
    (
        "column = \"a\"\ntype = \"flag\"\nvalue = \"yes\"",
        4,
        "has to be true or false",
    ),
    (
        "column = \"a\"\ntype = \"number\"\nfrom = \"name\"\nmap = { b = \"c\" }",
        5,
        "a whole number",
    ),
    (
        "column = \"a\"\ntype = \"choice\"\nvalue = true",
        4,
        "a choice, by its label or its number",
    ),
    (
        "column = \"a\"\ntype = \"date\"\nfrom = \"name\"",
        1,
        "a date is made of a moment",
    ),
    (
        "column = \"a\"\ntype = \"date\"\nvalue = \"2026-01-01\"",
        4,
        "taken from the referral",
    ),
    (
        "column = \"a\"\ntype = \"amount\"\nfrom = \"details.dealValue\"",
        3,
        "beside its currency",
    ),
    (
        "column = \"a\"\ntype = \"lookup\"\nfrom = \"name\"",
        3,
        "has to be text, choice",
    ),
    (
        "column = \"subject\"\ntype = \"flag\"",
        3,
        "something else in every organisation",
    ),
    (
        "column = \"a\"\ntype = \"flag\"\nvalue = true\nlines = true",
        5,
        "lines is for texts",
    ),
    (
        "column = \"a\"\nfrom = \"name\"\nwinner = \"me\"",
        4,
        "has to be partner-center",
    ),
    (
        "column = \"a\"\nfrom = \"name\"\nwinner = \"stricter\"",
        4,
        "only a flag",
    ),
    (
        "column = \"donotemail\"\nwinner = \"crm\"",
        3,
        "what a customer forbids",
    ),
    (
        "column = \"a\"\nfrom = \"name\"\nunit = \"address\"",
        4,
        "units cannot be changed",
    ),
    (
        "column = \"address1_city\"\nwinner = \"crm\"",
        2,
        "both need the same winner",
    ),
    (
        "column = \"a\"\nfrom = \"name\"\ndirection = \"both\"",
        4,
        "takes nothing back",
    ),
    (
        "column = \"a\"\nfrom = \"name\"\ndirection = \"out\"",
        4,
        "has to be in, both or off",
    ),
    (
        "column = \"a\"\ndirection = \"off\"",
        2,
        "not mapped anyway",
    ),
    (
        "column = \"estimatedamount\"\ndirection = \"in\"",
        2,
        "the same direction",
    ),
    (
        "column = \"estimatedamount\"\ndirection = \"off\"",
        1,
        "both or neither",
    ),
    (
        "column = \"estimatedclosedate\"\nfrom = \"createdDateTime\"",
        2,
        "cannot be changed",
    ),
    (
        "column = \"a\"\nfrom = \"name\"\ncolour = \"red\"",
        4,
        "no word that means anything",
    ),
];

#[test]
fn each_mistake_in_a_row_has_its_sentence() {
    for (row, line, why) in ROWS {
        let text = format!("[[column]]\n{row}\n");
        let problems = problems(&text);
        let expected = format!("line {line}: ");
        assert!(
            problems
                .iter()
                .any(|it| it.starts_with(&expected) && it.contains(why)),
            "{text}{problems:#?}"
        );
    }
}

#[test]
fn each_mistake_elsewhere_has_its_sentence() {
    let many: Vec<String> = (0..60)
        .map(|n| format!("[[column]]\ncolumn = \"new_{n}\"\nvalue = \"x\"\n"))
        .collect();
    let many = many.concat();
    for (text, line, why) in [
        ("[[column]\n", 1, "this is no TOML"),
        ("a = 1\nb =\n", 2, "this is no TOML"),
        ("column = 5\n", 1, "a list of tables: [[column]]"),
        ("[[status]]\nactive = 2\n", 1, "a table: [status]"),
        (
            "[status]\nactive = \"two\"\n",
            2,
            "active has to be a number",
        ),
        (
            "[[status.reason]]\nmeans = \"lost\"\n",
            1,
            "needs its number",
        ),
        ("[[status.reason]]\nreason = 4\n", 1, "needs a meaning"),
        (
            "[[status.reason]]\nreason = 4\nmeans = \"lost\"\n",
            3,
            "wants to know why",
        ),
        (
            "[[status.reason]]\nreason = 4\nmeans = \"won\"\n",
            3,
            "accepted, qualified, lost or nothing",
        ),
        ("[[owner]]\ncountries = [\"DE\"]\n", 1, "who?"),
        (
            "[[owner]]\nowner = \"me\"\ncountries = [\"DE\"]\n",
            2,
            "is no owner",
        ),
        (
            "[[owner]]\nowner = \"team:4111fffc-f9ee-4d53-bba6-569135228642\"\n",
            1,
            "needs a condition",
        ),
        (&many, 1, "there can be 64"),
    ] {
        let problems = problems(text);
        let expected = format!("line {line}: ");
        assert!(
            problems
                .iter()
                .any(|it| it.starts_with(&expected) && it.contains(why)),
            "{text}{problems:#?}"
        );
    }
}
