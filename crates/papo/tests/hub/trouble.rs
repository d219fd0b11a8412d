//! Connections that break, servers that lie, disks that fill up.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use papo::hub::{Error, Hub, Progress, Settings, Want};

use crate::hub::*;
use crate::server::Reply;

#[test]
fn a_body_that_is_cut_off_is_taken_up_where_it_broke() {
    let world = World::with_store_fault(|request, count| {
        (count < 4).then(|| partial(request, &weights()).cut_off(50_000))
    });
    let folder = world.fetch().unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    let ranges: Vec<_> = world.store.log().iter().map(|request| request.from()).collect();
    assert_eq!(ranges, [None, Some(50_000), Some(100_000), Some(150_000), Some(200_000)]);
    assert!(!world.unfinished().exists());
}

#[test]
fn an_interrupted_download_is_resumed_by_the_next_run() {
    let world = World::new();
    fs::create_dir_all(world.unfinished().parent().unwrap()).unwrap();
    fs::write(world.unfinished(), &weights()[..123_456]).unwrap();
    let folder = world.fetch().unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    assert_eq!(world.store.log()[0].from(), Some(123_456));
}

#[test]
fn an_unfinished_file_that_is_whole_is_only_checked() {
    let world = World::new();
    fs::create_dir_all(world.unfinished().parent().unwrap()).unwrap();
    fs::write(world.unfinished(), weights()).unwrap();
    world.fetch().unwrap();
    assert!(world.store.asked().is_empty());
}

#[test]
fn an_unfinished_file_that_is_another_one_is_fetched_anew() {
    for wrong in [vec![1; 100_000], vec![1; 300_000], vec![1; 400_000]] {
        let world = World::new();
        fs::create_dir_all(world.unfinished().parent().unwrap()).unwrap();
        fs::write(world.unfinished(), wrong).unwrap();
        let folder = world.fetch().unwrap();
        assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    }
}

#[test]
fn a_server_that_takes_no_notice_of_ranges_is_read_from_the_beginning() {
    let world = World::with_store_fault(|_, count| {
        let whole = Reply::new(200, weights());
        Some(if count == 0 { whole.cut_off(70_000) } else { whole })
    });
    let folder = world.fetch().unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn a_server_that_sends_another_range_is_not_believed() {
    let world = World::with_store_fault(|request, count| match (count, request.from()) {
        (0, _) => Some(Reply::new(200, weights()).cut_off(70_000)),
        (1, Some(_)) => {
            Some(Reply::new(206, &weights()[60_000..]).header("content-range", "bytes 60000-299999/300000"))
        }
        (2, Some(_)) => Some(Reply::new(416, "")),
        _ => None,
    });
    let folder = world.fetch().unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn a_download_that_never_gets_further_ends_in_a_sentence_and_is_kept() {
    let world = World::with_store_fault(|request, _| {
        let reply = partial(request, &weights());
        let sent = if request.from().is_some() { 0 } else { 90_000 };
        Some(reply.cut_off(sent))
    });
    let refused = world.fetch().unwrap_err();
    assert!(matches!(&refused, Error::CutOff { received: 90_000, expected: 300_000, .. }), "{refused:?}");
    assert!(refused.to_string().contains("model.safetensors"));
    assert_eq!(fs::metadata(world.unfinished()).unwrap().len(), 90_000);
    assert!(world.hub().cached(&tiny(), Want::Model).is_none());
}

#[test]
fn a_download_that_stands_still_is_taken_up_anew() {
    let world = World::with_store_fault(|request, count| {
        let stalled = partial(request, &weights()).cut_off(40_000).then_silent(Duration::from_secs(20));
        (count == 0).then_some(stalled)
    });
    let mut settings = world.settings();
    settings.stall_timeout = Duration::from_millis(500);
    let begin = std::time::Instant::now();
    Hub::new(settings).resolve(&tiny(), Want::Model, &mut |_| {}).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(15));
    assert_eq!(world.store.log()[1].from(), Some(40_000));
}

#[test]
fn a_file_with_the_wrong_hash_is_fetched_again_and_then_refused() {
    let mut wrong = weights();
    wrong[7] ^= 1;
    let once = wrong.clone();
    let world = World::with_store_fault(move |request, count| (count == 0).then(|| partial(request, &once)));
    let folder = world.fetch().unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());

    let world = World::with_store_fault(move |request, _| Some(partial(request, &wrong)));
    let refused = world.fetch().unwrap_err();
    assert!(matches!(refused, Error::Damaged { what: "sha256", .. }), "{refused:?}");
    assert!(!world.blob(&weights()).exists());
}

#[test]
fn a_file_shorter_or_longer_than_announced_is_refused() {
    for actual in [weights()[..299_990].to_vec(), [weights(), vec![0; 10]].concat()] {
        let world = World::with_store_fault(move |request, _| Some(partial(request, &actual)));
        let refused = world.fetch().unwrap_err();
        assert!(matches!(refused, Error::CutOff { .. } | Error::Damaged { what: "size", .. }), "{refused:?}");
        assert!(!world.blob(&weights()).exists());
    }
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let world = World::with_hub_fault(|_, count| (count == 0).then(|| Reply::new(503, "")));
    world.fetch().unwrap();

    let world = World::with_hub_fault(|_, _| Some(Reply::new(502, "")));
    assert!(matches!(world.fetch(), Err(Error::Server { status: 502 })));
    assert_eq!(world.server.asked().len(), 3);
}

#[test]
fn a_hub_that_asks_for_time_is_given_it_within_reason() {
    let world =
        World::with_hub_fault(|_, count| (count == 0).then(|| Reply::new(429, "").header("retry-after", 0)));
    world.fetch().unwrap();

    let world =
        World::with_hub_fault(|_, _| Some(Reply::new(429, "").header("ratelimit", "\"api\";r=0;t=3600")));
    let begin = std::time::Instant::now();
    let refused = world.fetch().unwrap_err();
    assert!(refused.to_string().contains("in 3600 seconds"), "{refused}");
    assert_eq!(world.server.asked().len(), 1);
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn no_network_is_a_sentence_with_the_address() {
    let world = World::new();
    let mut settings = world.settings();
    settings.endpoint = crate::fetching::nobody_there();
    let refused = Hub::new(settings.clone()).resolve(&tiny(), Want::Model, &mut |_| {}).unwrap_err();
    assert!(matches!(refused, Error::Unreachable { .. }), "{refused:?}");
    assert!(refused.to_string().contains(&settings.endpoint), "{refused}");
}

#[test]
fn a_server_that_cannot_speak_tls_is_not_reached() {
    let world = World::new();
    let mut settings = world.settings();
    settings.endpoint = world.server.url.replace("http:", "https:");
    let refused = Hub::new(settings).resolve(&tiny(), Want::Model, &mut |_| {}).unwrap_err();
    assert!(matches!(refused, Error::Unreachable { .. }), "{refused:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_what_to_do() {
    let world = World::new();
    fs::create_dir_all(world.unfinished().parent().unwrap()).unwrap();
    // A device that is always full stands where the weights should go.
    std::os::unix::fs::symlink("/dev/full", world.unfinished()).unwrap();
    let refused = world.fetch().unwrap_err();
    assert!(matches!(&refused, Error::DiskFull { needed: 300_000, .. }), "{refused:?}");
    assert!(refused.to_string().contains("papo rm"), "{refused}");
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let world = World::new();
    let file = world.cache.path().join("file");
    fs::write(&file, "").unwrap();
    let mut settings = Settings::new(file.join("hub"));
    settings.endpoint = world.server.url.clone();
    let refused = Hub::new(settings).resolve(&tiny(), Want::Model, &mut |_| {}).unwrap_err();
    assert!(matches!(&refused, Error::Cache { .. }), "{refused:?}");
    assert!(refused.to_string().contains("HF_HUB_CACHE"), "{refused}");
}

#[test]
fn an_interrupt_stops_a_download_that_the_next_one_goes_on_with() {
    let world = World::new();
    let flag = Arc::new(AtomicBool::new(false));
    let hub = world.hub().interrupted_by(Arc::clone(&flag));
    let refused = hub
        .resolve(&tiny(), Want::Model, &mut |progress| {
            let in_the_middle = matches!(progress, Progress::Downloading { file, file_bytes, .. }
                if file == "model.safetensors" && file_bytes > 0);
            flag.store(in_the_middle, Ordering::Relaxed);
        })
        .unwrap_err();
    assert!(matches!(&refused, Error::Interrupted { name } if name == "org/tiny"), "{refused:?}");
    let there = fs::metadata(world.unfinished()).unwrap().len();
    assert!((1..300_000).contains(&there), "{there}");
    world.store.clear();
    world.fetch().unwrap();
    assert_eq!(world.store.log()[0].from(), Some(there as usize));
}

#[test]
fn an_interrupt_ends_the_wait_for_another_program() {
    let world = World::new();
    world.fetch().unwrap();
    fs::remove_dir_all(world.model()).unwrap();
    let locks = world.cache.path().join(".locks/models--org--tiny");
    let held = names(&locks).into_iter().map(|name| fs::File::options().write(true).open(locks.join(name)));
    let held: Vec<_> = held.map(|file| file.and_then(|file| file.lock().map(|()| file)).unwrap()).collect();
    let flag = Arc::new(AtomicBool::new(false));
    let mut told = 0;
    let refused =
        world.hub().interrupted_by(Arc::clone(&flag)).resolve(&tiny(), Want::Model, &mut |progress| {
            if matches!(progress, Progress::Waiting { .. }) {
                told += 1;
                flag.store(true, Ordering::Relaxed);
            }
        });
    assert!(matches!(refused, Err(Error::Interrupted { .. })), "{refused:?}");
    assert_eq!(told, 1);
    drop(held);
}
