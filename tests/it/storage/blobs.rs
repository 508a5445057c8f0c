use super::*;

const NAME: &str = "state/5ae2cf9a-0000-4000-8000-000000000001.json";

#[tokio::test]
async fn a_blob_is_read_as_it_was_written_with_the_version_that_was_given() {
    let it = Kept::start().await;
    for content in ["{\"format\":1}", "", "\u{feff}Brüder & <Söhne>"] {
        let name = format!("state/{}.json", content.len());
        let version = it.wrote(&name, content).await;
        let blob = it.blobs.get(&name).await.unwrap().unwrap();
        assert_eq!(blob.content, content);
        assert_eq!(blob.version, version);
    }
}

#[tokio::test]
async fn only_one_of_two_creates_a_blob() {
    let it = Kept::start().await;
    it.wrote(NAME, "first").await;
    let second = it.write(NAME, "second", Presumed::Absent).await;
    assert_eq!(second, Put::Changed);
    assert_eq!(it.read(NAME).await.unwrap(), "first");
}

#[tokio::test]
async fn a_write_presents_the_version_that_was_read() {
    let it = Kept::start().await;
    let first = it.wrote(NAME, "1").await;
    let written = it.write(NAME, "2", Presumed::Version(&first)).await;
    let Put::Done(second) = written else {
        panic!("{written:?}")
    };
    assert_ne!(first, second);
    let stale = it.write(NAME, "3", Presumed::Version(&first)).await;
    assert_eq!(stale, Put::Changed);
    assert_eq!(it.read(NAME).await.unwrap(), "2");
    assert!(matches!(
        it.write(NAME, "4", Presumed::Nothing).await,
        Put::Done(_)
    ));
    assert_eq!(it.read(NAME).await.unwrap(), "4");
}

#[tokio::test]
async fn a_write_over_a_blob_that_is_gone_changes_nothing() {
    let it = Kept::start().await;
    let version = it.wrote(NAME, "1").await;
    assert!(it.blobs.delete(NAME, None).await.unwrap());
    let written = it.write(NAME, "2", Presumed::Version(&version)).await;
    assert_eq!(written, Put::Changed);
    assert_eq!(it.read(NAME).await, None);
}

#[tokio::test]
async fn a_blob_is_deleted_once_and_only_as_the_version_that_was_meant() {
    let it = Kept::start().await;
    let first = it.wrote(NAME, "1").await;
    it.write(NAME, "2", Presumed::Nothing).await;
    assert!(!it.blobs.delete(NAME, Some(&first)).await.unwrap());
    let second = it.blobs.get(NAME).await.unwrap().unwrap().version;
    assert!(it.blobs.delete(NAME, Some(&second)).await.unwrap());
    assert!(!it.blobs.delete(NAME, Some(&second)).await.unwrap());
    assert!(!it.blobs.delete(NAME, None).await.unwrap());
}

#[tokio::test]
async fn a_listing_gives_the_names_below_a_prefix_in_order() {
    let it = Kept::start().await;
    for name in [
        "state/b.json",
        "state/a.json",
        "dead-letters/c.json",
        "state-unreadable/d.json",
    ] {
        it.wrote(name, "{}").await;
    }
    let listing = it.blobs.list("state/", None).await.unwrap();
    let names: Vec<_> = listing
        .names
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["state/a.json", "state/b.json"]);
    assert_eq!(listing.next, None);
    let now = jiff::Timestamp::now();
    for (name, written) in &listing.names {
        let age = now.duration_since(written.unwrap());
        assert!(
            age.abs() < jiff::SignedDuration::from_mins(1),
            "{name}: {age}"
        );
    }
}

#[tokio::test]
async fn a_long_listing_goes_on_where_its_last_page_ended() {
    let it = Kept::start().await;
    let names: Vec<_> = (0..501)
        .map(|number| format!("state/{number:03}.json"))
        .collect();
    it.wrote(&names[0], "{}").await;
    let writes = names[1..].iter().map(|name| it.wrote(name, "{}"));
    futures_util::future::join_all(writes).await;
    let first = it.blobs.list("state/", None).await.unwrap();
    assert_eq!(first.names.len(), 500);
    let second = it
        .blobs
        .list("state/", first.next.as_deref())
        .await
        .unwrap();
    assert_eq!(second.next, None);
    let listed: Vec<_> = [first.names, second.names].concat();
    let listed: Vec<_> = listed.into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed, names);
}
