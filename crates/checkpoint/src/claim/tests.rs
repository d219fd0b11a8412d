//! What a claim refuses, holds, replaces and takes away.

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn write(folder: &Path, files: &[&str]) {
    for file in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
}

#[test]
fn a_claim_of_which_nothing_came_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("a/b/model");
    let claim = Claim::new(&out, Existing::Refuse).unwrap();
    write(claim.folder(), &["tokenizer.json", "training/log.jsonl"]);
    drop(claim);
    assert_eq!(names(place.path()), [""; 0]);
    let claim = Claim::new(&out, Existing::Refuse).unwrap();
    write(claim.folder(), &["config.json", "model.ngram"]);
    claim.keep().unwrap();
    assert_eq!(names(&out), ["config.json", "model.ngram"]);
}

#[test]
fn a_folder_that_holds_something_is_refused_and_stays_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    for file in ["notes.txt", "config.json", "model.safetensors", ".git/HEAD"] {
        let out = place.path().join("model");
        write(&out, &[file]);
        for existing in [Existing::Refuse, Existing::GoOn] {
            let sentence = Claim::new(&out, existing).unwrap_err().to_string();
            assert!(sentence.contains(file.split('/').next().unwrap()), "{sentence}");
        }
        assert!(out.join(file).is_file());
        assert_eq!(names(&out).len(), 1);
        fs::remove_dir_all(out).unwrap();
    }
    write(place.path(), &["file"]);
    assert!(Claim::new(&place.path().join("file"), Existing::Replace).is_err());
}

#[test]
fn two_cannot_hold_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("model");
    let first = Claim::new(&out, Existing::Refuse).unwrap();
    for existing in [Existing::Refuse, Existing::GoOn, Existing::Replace] {
        let sentence = Claim::new(&out, existing).unwrap_err().to_string();
        assert!(sentence.contains("another"), "{sentence}");
    }
    write(first.folder(), &["config.json", "training/state.safetensors", ".config.json.7-0.partial"]);
    assert!(Claim::new(&out, Existing::GoOn).is_err());
    assert!(out.join(".config.json.7-0.partial").is_file(), "the other one is writing it");
    drop(first);
    assert_eq!(names(&out), ["config.json", "training"]);
    assert!(matches!(Claim::new(&out, Existing::Refuse), Err(Error::Begun { .. })));
    drop(Claim::new(&out, Existing::GoOn).unwrap());
    assert_eq!(names(&out), ["config.json", "training"]);
}

#[test]
fn what_a_killed_program_left_before_its_first_state_is_no_obstacle() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("model");
    write(
        &out,
        &[
            LOCK,
            UNFINISHED,
            "config.json",
            "tokenizer.json",
            "training/log.jsonl",
            ".tokenizer.json.7-0.partial",
        ],
    );
    let claim = Claim::new(&out, Existing::Refuse).unwrap();
    assert_eq!(names(&out), [LOCK, UNFINISHED]);
    drop(claim);
    assert_eq!(names(&out), [""; 0]);
    // But a file of somebody else's is, and so is a model beside which only the lock of a killed program lies.
    write(&out, &[UNFINISHED, "config.json", "notes.txt"]);
    assert!(Claim::new(&out, Existing::Refuse).unwrap_err().to_string().contains("notes.txt"));
    let model = place.path().join("other");
    write(&model, &[LOCK, "config.json", "model.safetensors"]);
    assert!(matches!(Claim::new(&model, Existing::Refuse), Err(Error::Occupied { .. })));
    drop(Claim::new(&model, Existing::Replace).unwrap());
    assert_eq!(names(&model), ["config.json", "model.safetensors"]);
}

#[test]
fn a_model_is_replaced_as_a_whole_and_only_once_the_new_one_is() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("model");
    write(
        &out,
        &[
            "config.json",
            "model.safetensors",
            "spiece.model",
            "special_tokens_map.json",
            "vocab.txt",
            "README.md",
            "notes.txt",
        ],
    );
    let before = names(&out);
    let claim = Claim::new(&out, Existing::Replace).unwrap();
    assert!(claim.replaces());
    write(claim.folder(), &["tokenizer.json"]);
    drop(claim);
    assert_eq!((names(&out), names(place.path())), (before, vec!["model".to_owned()]));
    let claim = Claim::new(&out, Existing::Replace).unwrap();
    write(claim.folder(), &["config.json", "model.ngram", "README.md"]);
    claim.keep().unwrap();
    assert_eq!(names(&out), ["README.md", "config.json", "model.ngram", "notes.txt"]);
    assert_eq!(names(place.path()), ["model"]);
}

#[test]
fn what_is_no_model_is_never_replaced() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("home");
    write(&out, &["photo.jpg"]);
    let sentence = Claim::new(&out, Existing::Replace).unwrap_err().to_string();
    assert!(sentence.contains("photo.jpg"), "{sentence}");
    assert_eq!(names(&out), ["photo.jpg"]);
}

#[test]
fn a_training_that_was_to_replace_a_model_goes_on_beside_it() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("model");
    write(&out, &["config.json", "model.safetensors"]);
    let claim = Claim::new(&out, Existing::Replace).unwrap();
    write(claim.folder(), &["training/state.safetensors", "tokenizer.json"]);
    drop(claim);
    for existing in [Existing::GoOn, Existing::GoOnOrReplace] {
        let claim = Claim::new(&out, existing).unwrap();
        assert!(
            claim.replaces() && claim.folder().join(STATE).is_file(),
            "{existing:?} {claim:?} {:?}",
            names(place.path())
        );
    }
    assert!(matches!(Claim::new(&out, Existing::Refuse), Err(Error::Occupied { .. })));
    let claim = Claim::new(&out, Existing::Replace).unwrap();
    assert!(!claim.folder().join(STATE).exists(), "it begins anew");
}

#[test]
fn a_change_of_places_that_was_cut_off_is_ended() {
    let place = tempfile::tempdir().unwrap();
    let (out, old) = (place.path().join("model"), place.path().join(".model.papo-old"));
    write(&old, &["config.json", "notes.txt"]);
    assert!(matches!(Claim::new(&out, Existing::Refuse), Err(Error::Occupied { .. })));
    assert_eq!(names(&out), ["config.json", "notes.txt"]);
}
