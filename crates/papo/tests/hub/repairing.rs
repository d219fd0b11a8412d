//! Caches that are damaged, shared read-only, copied without links or short of their refs.

use std::fs;
use std::path::Path;

use papo::hub::{Error, Hub, Network, Progress, Repair, Repository, Settings, Want};

use crate::hub::*;

fn offline(world: &World) -> Hub {
    let settings: Settings = Settings { network: Network::Offline, ..world.settings() };
    Hub::new(settings)
}

/// What `papo pull` does, and what it reports.
fn pull(world: &World, repair: Repair) -> (Result<std::path::PathBuf, Error>, Vec<String>) {
    let mut heard = Vec::new();
    let outcome = world.hub().pull(&tiny(), repair, &mut |progress| {
        if matches!(progress, Progress::Damaged { .. } | Progress::Stale { .. }) {
            heard.push(format!("{progress:?}"));
        }
    });
    (outcome, heard)
}

/// Cuts a file of the cache, wherever its bytes lie.
fn cut(path: &Path, size: u64) {
    let file = fs::File::options().write(true).open(path.canonicalize().unwrap()).unwrap();
    file.set_len(size).unwrap();
}

/// Puts files in the place of the links of a snapshot, and takes the blobs and refs away.
fn without_links(world: &World, folder: &Path) {
    for name in names(folder) {
        let path = folder.join(name);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(path, bytes).unwrap();
    }
    fs::remove_dir_all(world.model().join("blobs")).unwrap();
}

fn move_on(world: &World) {
    world.content.lock().unwrap().commit = NEXT_COMMIT;
}

#[test]
fn files_of_the_wrong_size_are_fetched_again_and_told() {
    for (file, size) in [("model.safetensors", 1000), ("config.json", 0), ("tokenizer.json", 400)] {
        let world = World::new();
        let folder = world.fetch().unwrap();
        let whole = fs::read(folder.join(file)).unwrap();
        cut(&folder.join(file), size);
        world.store.clear();
        let (outcome, heard) = pull(&world, Repair::Damaged);
        assert_eq!(outcome.unwrap(), folder);
        assert_eq!(fs::read(folder.join(file)).unwrap(), whole, "{file}");
        assert!(heard.len() == 1 && heard[0].contains(file), "{heard:?}");
        assert_eq!(world.store.asked().len(), usize::from(file == "model.safetensors"));
    }
}

#[test]
fn a_whole_model_costs_one_request_to_check() {
    let world = World::new();
    world.fetch().unwrap();
    world.server.clear();
    let (outcome, heard) = pull(&world, Repair::Damaged);
    outcome.unwrap();
    assert_eq!((world.server.asked().len(), heard.len()), (1, 0));
}

#[test]
fn by_force_every_file_is_fetched_again_and_nothing_less_repairs_equal_sizes() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    fs::write(folder.join("model.safetensors").canonicalize().unwrap(), vec![0; 300_000]).unwrap();
    fs::write(world.unfinished(), vec![0; 100_000]).unwrap();
    pull(&world, Repair::Damaged).0.unwrap();
    assert_ne!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    pull(&world, Repair::Everything).0.unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    assert_eq!(world.store.log().last().unwrap().from(), None, "an old part was kept");
}

#[test]
fn a_damaged_commit_is_repaired_too_and_so_is_a_copy_without_links() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    cut(&folder.join("model.safetensors"), 10);
    let commit = Repository::new("org/tiny", Some(COMMIT)).unwrap();
    world.hub().pull(&commit, Repair::Damaged, &mut |_| {}).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());

    without_links(&world, &folder);
    cut(&folder.join("model.safetensors"), 10);
    pull(&world, Repair::Damaged).0.unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    assert_eq!(fs::read(folder.join("config.json")).unwrap(), b"{\"model_type\": \"bart\"}");
}

#[test]
fn a_mirror_that_tells_no_sizes_is_asked_for_each() {
    let world = World::with_hub_fault(|request, _| {
        request.path.starts_with("/api/").then(|| crate::server::Reply::new(404, "no such page"))
    });
    let folder = world.fetch().unwrap();
    cut(&folder.join("model.safetensors"), 1000);
    pull(&world, Repair::Damaged).0.unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn a_blob_that_was_cut_off_is_not_taken_for_another_version() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    cut(&folder.join("model.safetensors"), 1000);
    move_on(&world);
    let next = world.fetch().unwrap();
    assert_eq!(fs::read(next.join("model.safetensors")).unwrap(), weights());
}

/// A lock that cannot be made stands for a cache that cannot be written: the tests may run as root, who may write everywhere.
#[test]
fn a_cache_that_cannot_be_written_goes_on_working_when_the_hub_moves_on() {
    let world = World::new();
    let first = world.fetch().unwrap();
    let locks = world.cache.path().join(".locks");
    fs::remove_dir_all(&locks).unwrap();
    fs::write(&locks, "no folder").unwrap();
    assert_eq!(world.fetch().unwrap(), first, "nothing has changed, and nothing is written");
    {
        let mut content = world.content.lock().unwrap();
        content.commit = NEXT_COMMIT;
        content.files.insert("config.json", b"{}".to_vec());
    }
    let mut heard = Vec::new();
    assert_eq!(world.hub().resolve(&tiny(), Want::Model, &mut reports(&mut heard)).unwrap(), first);
    assert!(heard.last().unwrap().starts_with("Stale"), "{heard:?}");
    // Who asks for an update is told that there is none.
    let refused = pull(&world, Repair::Damaged).0.unwrap_err();
    assert!(refused.to_string().contains("HF_HUB_OFFLINE"), "{refused}");
}

#[test]
fn a_ref_that_cannot_be_written_does_not_matter() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    fs::remove_dir_all(world.model().join("refs")).unwrap();
    fs::write(world.model().join("refs"), "no folder").unwrap();
    assert_eq!(world.fetch().unwrap(), folder);
    assert_eq!(offline(&world).resolve(&tiny(), Want::Model, &mut |_| {}).unwrap(), folder);
}

#[test]
fn a_model_without_refs_is_used_by_its_name_and_by_the_beginning_of_its_commit() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    fs::remove_dir_all(world.model().join("refs")).unwrap();
    let offline = offline(&world);
    assert_eq!(offline.resolve(&tiny(), Want::Model, &mut |_| {}).unwrap(), folder);
    let short = Repository::new("org/tiny", Some(&COMMIT[..8])).unwrap();
    assert_eq!(offline.resolve(&short, Want::Model, &mut |_| {}).unwrap(), folder);
    let tag = Repository::new("org/tiny", Some("v1")).unwrap();
    let refused = offline.resolve(&tag, Want::Model, &mut |_| {}).unwrap_err().to_string();
    assert!(refused.contains(&COMMIT[..8]) && refused.contains("HF_HUB_OFFLINE"), "{refused}");
    let refused = offline.why_not(&tag, Want::Model).to_string();
    assert!(refused.contains("not its revision \"v1\""), "{refused}");
    assert_eq!(offline.remove(&short).unwrap(), 300_042);
}

#[test]
fn an_update_that_python_left_unfinished_leaves_the_model_that_was_there() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    // Python's library moves the ref before anything is there.
    fs::write(world.model().join("refs/main"), NEXT_COMMIT).unwrap();
    fs::create_dir_all(world.model().join("snapshots").join(NEXT_COMMIT)).unwrap();
    assert_eq!(offline(&world).resolve(&tiny(), Want::Model, &mut |_| {}).unwrap(), folder);
}

#[test]
fn a_copy_without_links_is_used_listed_and_removed_with_its_true_size() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    without_links(&world, &folder);
    let offline = offline(&world);
    assert_eq!(offline.resolve(&tiny(), Want::Model, &mut |_| {}).unwrap(), folder);
    let model = offline.show(&tiny()).unwrap().unwrap();
    assert_eq!((model.size, model.revisions[0].size), (300_042, 300_042));
    let main = Repository::new("org/tiny", Some("main")).unwrap();
    assert_eq!(offline.remove(&main).unwrap(), 300_042);
    assert!(!folder.exists());
}

#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_counted_once() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    let pointer = folder.join("model.safetensors");
    fs::remove_file(&pointer).unwrap();
    fs::hard_link(world.blob(&weights()), &pointer).unwrap();
    assert_eq!(world.hub().show(&tiny()).unwrap().unwrap().size, 300_042);
}

#[cfg(unix)]
#[test]
fn files_in_folders_of_a_snapshot_count_and_go_with_it() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    let etag = "e".repeat(40);
    fs::write(world.model().join("blobs").join(&etag), [0; 500]).unwrap();
    fs::create_dir(folder.join("onnx")).unwrap();
    std::os::unix::fs::symlink(format!("../../../blobs/{etag}"), folder.join("onnx/model.onnx")).unwrap();
    let model = world.hub().show(&tiny()).unwrap().unwrap();
    assert_eq!((model.size, model.revisions[0].size), (300_542, 300_542));
    let main = Repository::new("org/tiny", Some("main")).unwrap();
    assert_eq!(world.hub().remove(&main).unwrap(), 300_542);
    assert!(names(&world.model().join("blobs")).is_empty());
}

#[test]
fn what_is_missing_is_told() {
    let world = World::new();
    let hub = world.hub();
    assert!(matches!(hub.why_not(&tiny(), Want::Model), Error::NotCached { .. }));
    hub.resolve(&tiny(), Want::Tokenizer, &mut |_| {}).unwrap();
    let sentence = hub.why_not(&tiny(), Want::Model).to_string();
    assert!(sentence.contains("incomplete: the file of its weights is missing"), "{sentence}");
    let sentence = offline(&world).resolve(&tiny(), Want::Model, &mut |_| {}).unwrap_err().to_string();
    assert!(sentence.contains("incomplete in the cache"), "{sentence}");
}

#[test]
fn a_model_whose_tokenizer_has_no_files_is_complete() {
    let world = World::new();
    world.set_files(&[
        ("config.json", b"{\"tokenizer_class\": \"ByT5Tokenizer\"}"),
        ("tokenizer_config.json", b"{\"tokenizer_class\": \"ByT5Tokenizer\"}"),
        ("pytorch_model.bin", b"weights"),
    ]);
    let commit = Repository::new("org/tiny", Some(COMMIT)).unwrap();
    let folder = world.hub().resolve(&commit, Want::Model, &mut |_| {}).unwrap();
    world.server.clear();
    assert_eq!(world.hub().resolve(&commit, Want::Model, &mut |_| {}).unwrap(), folder);
    assert!(world.server.asked().is_empty());
    assert!(world.hub().cached(&tiny(), Want::Tokenizer).is_some());
}
