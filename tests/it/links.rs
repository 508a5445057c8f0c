//! Every page of the documentation is there, every link in it leads somewhere, and every page is led to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::rig::APP_ROOT;

/// Where pages are, seen from the root; folders of tools and builds hold none of ours.
const FOLDERS: [&str; 4] = ["", "docs", "infra", "fuzz"];

/// A page: its text without code, and the anchors of its headings.
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

/// Every page by its path from the root.
fn pages() -> BTreeMap<PathBuf, Page> {
    let mut pages = BTreeMap::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(Path::new(APP_ROOT).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == "md") {
                let name = path.strip_prefix(APP_ROOT).unwrap().to_owned();
                pages.insert(name, page(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    pages
}

fn page(text: &str) -> Page {
    let (mut links, mut anchors, mut fenced) = (Vec::new(), BTreeSet::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let heading = line.trim_start_matches('#');
            if heading.starts_with(' ') && heading != line {
                anchors.insert(anchor(heading));
            }
            // Code between back quotes is every second piece.
            let prose: String = line.split('`').step_by(2).collect();
            links.extend(targets(&prose));
        }
    }
    Page { links, anchors }
}

/// What `[text](target)` names, for each of them.
fn targets(prose: &str) -> Vec<String> {
    let after = prose.split("](").skip(1);
    after
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// The anchor that a heading gets: lower case, blanks become hyphens, marks go.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// `target`, seen from the page at `from`, as a path from the root.
fn resolve(from: &Path, target: &str) -> PathBuf {
    let joined = from.parent().unwrap().join(target);
    let mut path = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut dead = Vec::new();
    for (name, page) in &pages {
        for link in &page.links {
            let alive = if link.contains("://") {
                Url::parse(link).is_ok_and(|url| url.scheme() == "https" && url.domain().is_some())
            } else {
                let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
                let target = match path {
                    "" => name.clone(),
                    path => resolve(name, path),
                };
                let found = Path::new(APP_ROOT).join(&target).exists();
                let anchors = pages.get(&target).map(|page| &page.anchors);
                found && (fragment.is_empty() || anchors.is_some_and(|it| it.contains(fragment)))
            };
            if !alive {
                dead.push(format!("{}: {link}", name.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_page_is_reached_from_the_first() {
    let pages = pages();
    let first = PathBuf::from("README.md");
    let mut reached = BTreeSet::from([first.clone()]);
    let mut open = VecDeque::from([first]);
    while let Some(name) = open.pop_front() {
        for link in pages.get(&name).iter().flat_map(|page| &page.links) {
            let path = link.split('#').next().unwrap();
            let target = resolve(&name, path);
            if pages.contains_key(&target) && reached.insert(target.clone()) {
                open.push_back(target);
            }
        }
    }
    let lost: Vec<_> = pages
        .keys()
        .filter(|name| !reached.contains(*name))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn links_and_anchors_are_read_as_they_are_shown() {
    let page = page(
        "# Is it well?\n[a](b.md#c) `[no](code)`\n```\n[no](fence)\n```\n## 1. The `app`, a_b",
    );
    assert_eq!(page.links, ["b.md#c"]);
    let anchors = ["1-the-app-a_b", "is-it-well"].map(str::to_owned);
    assert_eq!(page.anchors, BTreeSet::from(anchors));
}
