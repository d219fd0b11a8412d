//! Listing what the cache holds, and removing it.

use std::fs::{self, File};

use papo::hub::{Error, Hub, Repository, Settings};

use crate::hub::*;

#[test]
fn a_cache_that_does_not_exist_yet_is_empty() {
    let hub = Hub::new(Settings::new("no such folder"));
    assert!(hub.list().unwrap().is_empty());
    assert!(hub.show(&tiny()).unwrap().is_none());
    assert!(matches!(hub.remove(&tiny()), Err(Error::NotCached { .. })));
}

#[test]
fn models_are_listed_with_their_revisions_and_sizes() {
    let world = World::new();
    world.fetch().unwrap();
    fs::create_dir_all(world.cache.path().join("datasets--org--data/blobs")).unwrap();
    fs::create_dir_all(world.cache.path().join("models--another/snapshots")).unwrap();
    let models = world.hub().list().unwrap();
    assert_eq!(models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["another", "org/tiny"]);
    let model = &models[1];
    assert_eq!((model.size, model.unfinished), (300_042, 0));
    assert!(model.last_used.is_some());
    let revision = &model.revisions[0];
    assert_eq!((revision.commit.as_str(), revision.size), (COMMIT, 300_042));
    assert_eq!(revision.refs, ["main"]);
    assert_eq!(revision.files[2], ("model.safetensors".to_string(), 300_000));
}

#[test]
fn an_unfinished_download_is_counted() {
    let world = World::new();
    fs::create_dir_all(world.unfinished().parent().unwrap()).unwrap();
    fs::write(world.unfinished(), [0; 1000]).unwrap();
    let model = world.hub().show(&tiny()).unwrap().unwrap();
    assert_eq!((model.size, model.unfinished, model.revisions.len()), (1000, 1000, 0));
}

#[test]
fn a_removed_model_is_gone_whole() {
    let world = World::new();
    world.fetch().unwrap();
    assert_eq!(world.hub().remove(&tiny()).unwrap(), 300_042);
    assert!(!world.model().exists());
    assert!(world.hub().list().unwrap().is_empty());
    assert!(names(world.cache.path()).iter().all(|name| name == ".locks"), "{:?}", names(world.cache.path()));
    assert!(matches!(world.hub().remove(&tiny()), Err(Error::NotCached { .. })));
    world.fetch().unwrap();
}

#[test]
fn a_removed_revision_leaves_what_the_others_share() {
    let world = World::new();
    let first = world.fetch().unwrap();
    {
        let mut content = world.content.lock().unwrap();
        content.commit = NEXT_COMMIT;
        content.files.insert("config.json", b"{}".to_vec());
    }
    let second = world.fetch().unwrap();
    let old = Repository::new("org/tiny", Some(COMMIT)).unwrap();
    assert_eq!(world.hub().remove(&old).unwrap(), 22, "only the old config.json is nobody else's");
    assert!(!first.exists());
    assert_eq!(fs::read(second.join("model.safetensors")).unwrap(), weights());
    assert_eq!(fs::read_to_string(second.join("config.json")).unwrap(), "{}");
    assert!(matches!(world.hub().remove(&old), Err(Error::NotCached { .. })));

    let main = Repository::new("org/tiny", Some("main")).unwrap();
    world.hub().remove(&main).unwrap();
    assert!(names(&world.model().join("blobs")).is_empty());
    assert!(!world.model().join("refs/main").exists());
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_cache_is_not_followed() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.join("extra.json")).unwrap();
    world.hub().remove(&Repository::new("org/tiny", Some("main")).unwrap()).unwrap();
    assert!(outside.path().exists());
}

#[test]
fn a_model_that_is_being_downloaded_is_not_removed() {
    let world = World::new();
    world.fetch().unwrap();
    let locks = world.cache.path().join(".locks/models--org--tiny");
    let lock = File::options().write(true).open(locks.join(&names(&locks)[0])).unwrap();
    lock.lock().unwrap();
    assert!(matches!(world.hub().remove(&tiny()), Err(Error::Busy { .. })));
    drop(lock);
    world.hub().remove(&tiny()).unwrap();
}
