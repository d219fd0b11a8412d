//! What is fetched, from where, and when nothing is.

use std::fs;
use std::path::Path;

use papo::hub::{Hub, Network, Progress, Repository, Token, Want};

use crate::hub::*;
use crate::server::{Reply, Server};

#[test]
fn a_model_is_laid_out_in_the_cache_as_python_does() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    assert_eq!(folder, world.model().join("snapshots").join(COMMIT));
    assert_eq!(
        names(&folder),
        ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]
    );
    assert_eq!(fs::read_to_string(world.model().join("refs/main")).unwrap(), COMMIT);
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    assert_eq!(fs::read(world.blob(&weights())).unwrap(), weights());
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(folder.join("model.safetensors")).unwrap(),
        Path::new("../../blobs").join(sha256(&weights()))
    );
    assert_eq!(names(&world.model().join("blobs")).len(), 4);
    assert_eq!(names(&world.cache.path().join(".locks/models--org--tiny")).len(), 4);
}

#[test]
fn large_files_come_from_another_host_which_never_sees_the_token() {
    let world = World::new();
    let mut settings = world.settings();
    settings.token = Token::new(TOKEN);
    Hub::new(settings).resolve(&tiny(), Want::Model, &mut |_| {}).unwrap();
    let authorised = |server: &Server| {
        server.log().iter().map(|request| request.headers.get("authorization").cloned()).collect::<Vec<_>>()
    };
    let with_token = Some(format!("Bearer {TOKEN}"));
    assert!(authorised(&world.server).iter().all(|header| *header == with_token));
    assert_eq!(authorised(&world.store), [None]);
}

#[test]
fn the_bytes_and_their_total_are_reported() {
    let world = World::new();
    let mut last = None;
    let mut begun = Vec::new();
    world
        .hub()
        .resolve(&tiny(), Want::Model, &mut |progress| {
            if let Progress::Downloading { file, file_bytes, bytes, total, .. } = progress {
                if file_bytes == 0 {
                    begun.push(file.to_string());
                }
                assert!(last.is_none_or(|(before, _)| before <= bytes), "the bytes went backwards");
                last = Some((bytes, total));
            }
        })
        .unwrap();
    let all = (300_000 + 22 + 2 + 18) as u64;
    assert_eq!(last, Some((all, Some(all))));
    assert_eq!(begun, ["config.json", "generation_config.json", "tokenizer.json", "model.safetensors"]);
}

#[test]
fn a_model_that_is_up_to_date_costs_one_request() {
    let world = World::new();
    let first = world.fetch().unwrap();
    world.server.clear();
    assert_eq!(world.fetch().unwrap(), first);
    assert_eq!(world.server.asked(), ["GET /api/models/org/tiny/revision/main?blobs=true"]);
}

#[test]
fn a_new_version_is_fetched_but_not_the_files_that_stayed_the_same() {
    let world = World::new();
    let first = world.fetch().unwrap();
    {
        let mut content = world.content.lock().unwrap();
        content.commit = NEXT_COMMIT;
        content.files.insert("config.json", b"{\"model_type\": \"t5\"}".to_vec());
    }
    world.store.clear();
    let second = world.fetch().unwrap();
    assert_eq!(fs::read_to_string(second.join("config.json")).unwrap(), "{\"model_type\": \"t5\"}");
    assert_eq!(fs::read(second.join("model.safetensors")).unwrap(), weights());
    assert!(world.store.asked().is_empty(), "the weights were fetched again");
    assert_eq!(fs::read_to_string(first.join("config.json")).unwrap(), "{\"model_type\": \"bart\"}");
    assert_eq!(fs::read_to_string(world.model().join("refs/main")).unwrap(), NEXT_COMMIT);
}

#[test]
fn an_update_that_fails_leaves_the_model_that_was_there() {
    let world = World::with_hub_fault(|request, _| {
        let broken = request.path.contains(NEXT_COMMIT) && request.path.ends_with("tokenizer.json");
        broken.then(|| Reply::new(500, ""))
    });
    let first = world.fetch().unwrap();
    {
        let mut content = world.content.lock().unwrap();
        content.commit = NEXT_COMMIT;
        content.files.insert("tokenizer.json", b"{}".to_vec());
    }
    let mut heard = Vec::new();
    assert_eq!(world.hub().resolve(&tiny(), Want::Model, &mut reports(&mut heard)).unwrap(), first);
    assert!(heard.last().unwrap().starts_with("Stale"), "{heard:?}");
    assert_eq!(fs::read_to_string(world.model().join("refs/main")).unwrap(), COMMIT);
}

#[test]
fn a_cached_model_works_without_a_network() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    let mut settings = world.settings();
    settings.endpoint = nobody_there();
    let mut heard = Vec::new();
    assert_eq!(Hub::new(settings).resolve(&tiny(), Want::Model, &mut reports(&mut heard)).unwrap(), folder);
    assert!(heard.last().unwrap().contains("Stale"), "{heard:?}");
}

#[test]
fn offline_nothing_is_asked() {
    let world = World::new();
    let mut settings = world.settings();
    settings.network = Network::Offline;
    let offline = Hub::new(settings);
    let refused = offline.resolve(&tiny(), Want::Model, &mut |_| {}).unwrap_err().to_string();
    assert!(refused.contains("org/tiny") && refused.contains("HF_HUB_OFFLINE"), "{refused}");
    assert!(world.server.asked().is_empty());

    let folder = world.fetch().unwrap();
    world.server.clear();
    assert_eq!(offline.resolve(&tiny(), Want::Model, &mut |_| {}).unwrap(), folder);
    assert!(world.server.asked().is_empty());
}

#[test]
fn a_commit_that_is_in_the_cache_is_final() {
    let world = World::new();
    let at_commit = Repository::new("org/tiny", Some(COMMIT)).unwrap();
    let folder = world.hub().resolve(&at_commit, Want::Model, &mut |_| {}).unwrap();
    assert!(!world.model().join("refs").exists(), "a commit needs no ref");
    world.server.clear();
    assert_eq!(world.hub().resolve(&at_commit, Want::Model, &mut |_| {}).unwrap(), folder);
    assert!(world.server.asked().is_empty());
}

#[test]
fn a_revision_with_slashes_is_one_revision() {
    let world = World::new();
    let proposed = Repository::parse("org/tiny@refs/pr/1").unwrap();
    world.hub().resolve(&proposed, Want::Model, &mut |_| {}).unwrap();
    assert_eq!(fs::read_to_string(world.model().join("refs/refs/pr/1")).unwrap(), COMMIT);
}

#[test]
fn for_a_tokenizer_no_weights_are_fetched() {
    let world = World::new();
    let folder = world.hub().resolve(&tiny(), Want::Tokenizer, &mut |_| {}).unwrap();
    assert_eq!(names(&folder), ["config.json", "generation_config.json", "tokenizer.json"]);
    assert!(world.hub().cached(&tiny(), Want::Tokenizer).is_some());
    assert!(world.hub().cached(&tiny(), Want::Model).is_none());
    world.fetch().unwrap();
    assert!(world.hub().cached(&tiny(), Want::Model).is_some());
}

#[test]
fn a_bin_is_fetched_where_there_is_no_safetensors() {
    let world = World::new();
    world.set_files(&[
        ("config.json", b"{}"),
        ("vocab.json", b"{}"),
        ("merges.txt", b""),
        ("pytorch_model.bin", b"weights"),
    ]);
    let folder = world.fetch().unwrap();
    assert_eq!(names(&folder), ["config.json", "merges.txt", "pytorch_model.bin", "vocab.json"]);
    assert_eq!(fs::read(folder.join("merges.txt")).unwrap(), b"", "an empty file is a file");
}

#[test]
fn every_shard_of_an_index_is_fetched() {
    let world = World::new();
    let index = br#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#;
    world.set_files(&[
        ("config.json", b"{}"),
        ("spiece.model", b"pieces"),
        ("model.safetensors.index.json", index),
        ("model-00001-of-00002.safetensors", b"one"),
        ("model-00002-of-00002.safetensors", b"two"),
        ("model-00003-of-00003.safetensors", b"of an older version"),
    ]);
    let folder = world.fetch().unwrap();
    assert_eq!(names(&folder).len(), 5);
    assert_eq!(fs::read(folder.join("model-00002-of-00002.safetensors")).unwrap(), b"two");
    // A snapshot that lacks a shard is not complete.
    fs::remove_file(folder.join("model-00001-of-00002.safetensors")).unwrap();
    assert!(world.hub().cached(&tiny(), Want::Model).is_none());
}

#[test]
fn a_renamed_repository_is_followed() {
    let world = World::with_hub_fault(|request, _| {
        let renamed = request.path.replace("org/old", "org/tiny");
        (renamed != request.path).then(|| Reply::new(307, "").header("location", renamed))
    });
    let old = Repository::parse("org/old").unwrap();
    let folder = world.hub().resolve(&old, Want::Model, &mut |_| {}).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    assert!(folder.starts_with(world.cache.path().join("models--org--old")));
}

#[test]
fn a_mirror_that_does_not_list_files_is_asked_for_each() {
    let world = World::with_hub_fault(|request, _| {
        request.path.starts_with("/api/").then(|| Reply::new(404, "no such page"))
    });
    let folder = world.fetch().unwrap();
    assert_eq!(
        names(&folder),
        ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]
    );
}

#[test]
fn two_programs_at_once_fetch_a_file_once() {
    let world = World::with_store_fault(|request, _| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        Some(partial(request, &weights()))
    });
    let folders: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| world.fetch().unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(folders.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(world.store.asked().len(), 1);
}

/// An address on this machine where nobody listens.
pub fn nobody_there() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
