//! What the hub refuses, and what is refused of what the hub says.

use papo::hub::{Error, Hub, Repository, Token, Want};

use crate::hub::*;
use crate::server::Reply;

/// What comes of a hub that always answers so.
fn refusal(status: u16, code: &'static str, token: Option<Token>) -> Error {
    let world = World::with_hub_fault(move |_, _| {
        let reply = Reply::new(status, "");
        Some(if code.is_empty() { reply } else { reply.header("x-error-code", code) })
    });
    let mut settings = world.settings();
    settings.token = token;
    Hub::new(settings).resolve(&tiny(), Want::Model, &mut |_| {}).unwrap_err()
}

#[test]
fn a_model_that_does_not_exist_is_said_not_to_although_the_hub_says_401() {
    for error in [
        refusal(401, "RepoNotFound", None),
        refusal(401, "", None),
        refusal(404, "RepoNotFound", Token::new(TOKEN)),
    ] {
        assert!(matches!(error, Error::NoSuchModel { .. }), "{error:?}");
        assert!(error.to_string().contains("org/tiny: check the spelling"), "{error}");
    }
}

#[test]
fn a_token_that_the_hub_does_not_know_is_said_to_be_one() {
    let error = refusal(401, "", Token::new(TOKEN));
    assert!(matches!(error, Error::Token { .. }), "{error:?}");
    assert!(!error.to_string().contains(TOKEN));
}

#[test]
fn a_gated_model_says_where_to_ask_for_it() {
    let error = refusal(403, "GatedRepo", Token::new(TOKEN));
    assert!(error.to_string().contains("/org/tiny and set HF_TOKEN"), "{error}");
    // The list of files is public, the files are not.
    let world = World::with_hub_fault(|request, _| {
        request.path.contains("/resolve/").then(|| Reply::new(401, "").header("x-error-code", "GatedRepo"))
    });
    assert!(matches!(world.fetch(), Err(Error::Gated { .. })));
}

#[test]
fn a_refusal_of_another_kind_is_quoted() {
    let world = World::with_hub_fault(|_, _| {
        let reply = Reply::new(403, "").header("x-error-code", "DisabledRepo");
        Some(reply.header("x-error-message", "Access to this resource is disabled."))
    });
    let sentence = world.fetch().unwrap_err().to_string();
    assert!(sentence.contains("Access to this resource is disabled. (status 403)"), "{sentence}");
}

#[test]
fn a_revision_that_does_not_exist_is_named() {
    let world = World::new();
    let repository = Repository::parse("org/tiny@v9").unwrap();
    let sentence = world.hub().resolve(&repository, Want::Model, &mut |_| {}).unwrap_err().to_string();
    assert!(sentence.contains("no revision \"v9\""), "{sentence}");
}

#[test]
fn a_model_without_weights_that_can_be_read_says_which_there_are() {
    let world = World::new();
    world.set_files(&[("config.json", b"{}"), ("tokenizer.json", b"{}"), ("tf_model.h5", b"x")]);
    let sentence = world.fetch().unwrap_err().to_string();
    assert!(sentence.contains("only tf_model.h5"), "{sentence}");
    assert!(world.hub().resolve(&tiny(), Want::Tokenizer, &mut |_| {}).is_ok());
}

#[test]
fn an_index_that_points_out_of_the_folder_is_refused() {
    let world = World::new();
    let index = br#"{"weight_map": {"a": "../../../secret"}}"#;
    world.set_files(&[
        ("config.json", b"{}"),
        ("tokenizer.json", b"{}"),
        ("model.safetensors.index.json", index),
    ]);
    assert!(matches!(world.fetch(), Err(Error::Index(papo_checkpoint::Error::ShardName { .. }))));
    assert!(world.server.asked().iter().all(|asked| !asked.contains("secret")));
}

#[test]
fn a_listed_file_that_is_not_handed_out_is_named() {
    let world = World::with_hub_fault(|request, _| {
        request
            .path
            .ends_with("tokenizer.json")
            .then(|| Reply::new(404, "").header("x-error-code", "EntryNotFound"))
    });
    assert!(matches!(world.fetch(), Err(Error::MissingFile { file, .. }) if file == "tokenizer.json"));
}

#[test]
fn answers_that_make_no_sense_are_refused() {
    let listing = |text: &'static str| {
        World::with_hub_fault(move |request, _| {
            request.path.starts_with("/api/").then(|| Reply::new(200, text))
        })
    };
    let head = |name: &'static str, value: &'static str| {
        World::with_hub_fault(move |request, _| {
            request.path.contains("/resolve/").then(|| {
                let mut reply =
                    Reply::new(200, "{}").header("etag", "\"abc\"").header("x-repo-commit", COMMIT);
                reply.headers.retain(|(known, _)| known != name);
                if value.is_empty() { reply } else { reply.header(name, value) }
            })
        })
    };
    for world in [
        listing("<!DOCTYPE html>"),
        listing("{}"),
        listing(r#"{"sha": "../../..", "siblings": []}"#),
        listing(r#"{"sha": "main", "siblings": [{"rfilename": "model.safetensors"}]}"#),
        head("etag", "../../../etag"),
        head("etag", "\"\""),
        head("etag", ""),
        head("x-repo-commit", "../x"),
    ] {
        let refused = world.fetch().unwrap_err();
        assert!(matches!(refused, Error::Protocol { .. }), "{refused:?}");
        assert!(refused.to_string().contains("HF_ENDPOINT"));
    }
}

#[test]
fn endless_redirects_end() {
    let world =
        World::with_hub_fault(|request, _| Some(Reply::new(302, "").header("location", &request.path)));
    let refused = world.fetch().unwrap_err();
    assert!(matches!(&refused, Error::Protocol { problem, .. } if problem.contains("times")), "{refused:?}");
    assert!(world.server.asked().len() < 20);
}
