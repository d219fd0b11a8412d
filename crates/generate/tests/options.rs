//! Options are honoured or refused by name, in one sentence that says what to do.

mod toy;

use papo_generate::{EarlyStopping, Error, GenerationConfig, Hooks, Origin, generate, generate_with};
use serde_json::{Value, json};
use toy::Toy;

fn read(options: Value, origin: Origin) -> Result<GenerationConfig, Error> {
    GenerationConfig::from_json(&options, origin)
}

fn refusal(options: Value) -> String {
    read(options, Origin::Request).unwrap_err().to_string()
}

/// What `generate` says to options that each can be read.
fn contradiction(mut options: Value) -> String {
    options["bos_token_id"] = json!(1);
    let config = read(options, Origin::Request).unwrap();
    generate(&Toy::new(10, 1), &[vec![3]], &config).unwrap_err().to_string()
}

#[test]
fn what_papo_does_not_do_is_refused_by_name() {
    let refused = [
        (json!({"penalty_alpha": 0.6}), "`penalty_alpha` (contrastive search) is not supported by Papo"),
        (json!({"num_beam_groups": 2}), "`num_beam_groups` (diverse beam search)"),
        (json!({"diversity_penalty": 0.5}), "`diversity_penalty` (diverse beam search)"),
        (json!({"guidance_scale": 1.5}), "`guidance_scale` (classifier-free guidance)"),
        (json!({"force_words_ids": [[4]]}), "`force_words_ids` (constrained beam search)"),
        (json!({"constraints": []}), "`constraints`"),
        (json!({"dola_layers": "low"}), "`dola_layers`"),
        (json!({"watermarking_config": {}}), "`watermarking_config`"),
        (json!({"token_healing": true}), "`token_healing`"),
        (json!({"prompt_lookup_num_tokens": 3}), "`prompt_lookup_num_tokens`"),
        (json!({"low_memory": true}), "`low_memory`"),
        (json!({"streamer": null}), "`streamer`"),
    ];
    for (options, start) in refused {
        for origin in [Origin::Request, Origin::Checkpoint] {
            let message = read(options.clone(), origin).unwrap_err().to_string();
            assert!(message.starts_with(start) && message.contains("remove it"), "{message}");
        }
    }
    let harmless = json!({"penalty_alpha": 0.0, "num_beam_groups": 1, "diversity_penalty": 0.0, "guidance_scale": 1.0,
        "force_words_ids": null, "use_cache": false, "output_scores": true, "transformers_version": "4.57.6"});
    assert_eq!(read(harmless, Origin::Request).unwrap(), GenerationConfig::default());
}

#[test]
fn what_does_not_change_tokens_is_refused_only_where_a_user_asks_for_it() {
    for options in [
        json!({"output_attentions": true}),
        json!({"cache_implementation": "quantized"}),
        json!({"num_assistant_tokens": 5}),
    ] {
        assert!(
            matches!(read(options.clone(), Origin::Request), Err(Error::Unsupported { .. })),
            "{options}"
        );
        assert!(read(options, Origin::Checkpoint).is_ok());
    }
}

#[test]
fn a_slip_of_the_keyboard_gets_a_suggestion() {
    let message = refusal(json!({"num_beam": 4}));
    assert_eq!(
        message,
        "there is no generation option `num_beam` (did you mean `num_beams`?); correct the name or remove it"
    );
    let message = refusal(json!({"creativity": 4}));
    assert_eq!(message, "there is no generation option `creativity`; correct the name or remove it");
    let noted = read(json!({"creativity": 4, "num_beams": 2}), Origin::Checkpoint).unwrap();
    assert_eq!((noted.ignored, noted.num_beams), (vec!["creativity".to_owned()], Some(2)));
}

#[test]
fn wrong_types_and_absurd_values_are_refused() {
    let wrong = [
        json!({"num_beams": 0}),
        json!({"num_beams": 2.5}),
        json!({"num_beams": "4"}),
        json!({"num_beams": -1}),
        json!({"num_beams": true}),
        json!({"num_return_sequences": 0}),
        json!({"max_new_tokens": 0}),
        json!({"max_length": -3}),
        json!({"min_length": -1}),
        json!({"temperature": 0}),
        json!({"temperature": -0.5}),
        json!({"temperature": "hot"}),
        json!({"top_k": -1}),
        json!({"top_p": 1.5}),
        json!({"top_p": -0.1}),
        json!({"min_p": 2}),
        json!({"typical_p": 0}),
        json!({"epsilon_cutoff": 1.0}),
        json!({"eta_cutoff": -1}),
        json!({"repetition_penalty": 0.0}),
        json!({"encoder_repetition_penalty": -1.0}),
        json!({"max_time": -1}),
        json!({"early_stopping": "always"}),
        json!({"early_stopping": 1}),
        json!({"do_sample": "yes"}),
        json!({"eos_token_id": "two"}),
        json!({"eos_token_id": [2, "two"]}),
        json!({"forced_bos_token_id": -1}),
        json!({"decoder_start_token_id": [1, 2]}),
        json!({"decoder_start_token_id": 4294967296u64}),
        json!({"bad_words_ids": []}),
        json!({"bad_words_ids": [[]]}),
        json!({"bad_words_ids": [3]}),
        json!({"bad_words_ids": [[-3]]}),
        json!({"sequence_bias": {"(3,)": 1.0}}),
        json!({"sequence_bias": [[[3], "much"]]}),
        json!({"sequence_bias": [[[], 1.0]]}),
        json!({"exponential_decay_length_penalty": [3]}),
        json!({"exponential_decay_length_penalty": [3, -1.0]}),
        json!({"stop_strings": 3}),
        json!({"stop_strings": [""]}),
        json!({"seed": -1}),
    ];
    for options in wrong {
        let name = options.as_object().unwrap().keys().next().unwrap().clone();
        match read(options.clone(), Origin::Request) {
            Err(Error::Value { name: blamed, .. }) => assert_eq!(blamed, name),
            outcome => panic!("{options}: {outcome:?}"),
        }
    }
    for value in [json!(3), json!([1]), json!(null), json!("num_beams")] {
        assert!(matches!(read(value, Origin::Request), Err(Error::NotAnObject { .. })));
    }
}

#[test]
fn contradictions_are_refused_in_a_sentence() {
    let refused = [
        (json!({"num_beams": 2, "num_return_sequences": 3}), "only 2 beams can be returned"),
        (json!({"num_return_sequences": 2}), "greedy search has one answer"),
        (json!({"max_length": 1}), "leaves no room"),
        (json!({"num_beams": 1000000}), "at most 4096"),
        (json!({"max_new_tokens": 1000000000000u64}), "at most 16777216"),
        (json!({"forced_bos_token_id": 10}), "the model's vocabulary ends at 9"),
        (json!({"forced_eos_token_id": [2, 99]}), "`forced_eos_token_id` names token 99"),
        (json!({"bad_words_ids": [[3, 10]]}), "`bad_words_ids` names token 10"),
        (json!({"sequence_bias": [[[10], 1.0]]}), "`sequence_bias` names token 10"),
        (json!({"decoder_start_token_id": 10}), "`decoder_start_token_id` names token 10"),
    ];
    for (options, part) in refused {
        let message = contradiction(options);
        assert!(message.contains(part), "{message}");
    }
    let unset = generate(&Toy::new(10, 1), &[vec![3]], &GenerationConfig::default());
    assert!(matches!(unset, Err(Error::NoStart)));
}

#[test]
fn fields_set_in_code_are_checked_too() {
    let own = GenerationConfig { bos_token_id: Some(1), do_sample: Some(true), ..Default::default() };
    for config in [
        GenerationConfig { temperature: Some(0.0), ..own.clone() },
        GenerationConfig { top_p: Some(f64::NAN), ..own.clone() },
        GenerationConfig { num_beams: Some(0), ..own.clone() },
        GenerationConfig { bad_words_ids: Some(vec![vec![]]), ..own.clone() },
    ] {
        let refused = generate(&Toy::new(10, 1), &[vec![3]], &config);
        assert!(matches!(refused, Err(Error::Value { .. })), "{refused:?}");
    }
}

#[test]
fn a_checkpoint_may_hold_sampling_options_that_do_not_fit() {
    let file =
        json!({"do_sample": false, "temperature": 0.0, "top_p": 0.9, "bos_token_id": 1, "max_length": 6});
    let config = read(file, Origin::Checkpoint).unwrap();
    assert!(generate(&Toy::new(10, 1), &[vec![3]], &config).is_ok());
    let sampled = GenerationConfig { do_sample: Some(true), ..config.clone() };
    assert!(generate(&Toy::new(10, 1), &[vec![3]], &sampled).is_err());
    let warnings = config.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(warnings[0], "`temperature` 0.0 has no effect without `do_sample` true.");
}

#[test]
fn a_max_length_of_twenty_in_a_file_is_nobodys_choice() {
    let file = read(json!({"max_length": 20}), Origin::Checkpoint).unwrap();
    assert_eq!(file.max_length, None);
    let request = read(json!({"max_length": 20}), Origin::Request).unwrap();
    assert_eq!(request.max_length, Some(20));
}

#[test]
fn the_models_configuration_gives_its_generation_options_alone() {
    let config = json!({"model_type": "t5", "d_model": 512, "num_beams": 3, "top_k": null, "early_stopping": true,
        "decoder_start_token_id": 0, "use_cache": true, "seed": -1, "decoder": {"num_beams": 7}, "output_attentions": true,
        "task_specific_params": {"summarization": {"num_beams": 9}}});
    let config = read(config, Origin::ModelConfig).unwrap();
    let expected = GenerationConfig {
        num_beams: Some(3),
        top_k: Some(0),
        early_stopping: Some(EarlyStopping::First),
        decoder_start_token_id: Some(0),
        ..Default::default()
    };
    assert_eq!(config, expected);
    assert!(read(json!({"num_beam_groups": 2}), Origin::ModelConfig).is_err());
}

#[test]
fn whole_numbers_may_be_written_with_a_point() {
    let pointed =
        json!({"max_length": 12.0, "eos_token_id": [2.0, 3], "bad_words_ids": [[5.0]], "pad_token_id": -1.0});
    let plain = json!({"max_length": 12, "eos_token_id": [2, 3], "bad_words_ids": [[5]], "pad_token_id": -1});
    for origin in [Origin::Checkpoint, Origin::Request] {
        assert_eq!(read(pointed.clone(), origin).unwrap(), read(plain.clone(), origin).unwrap());
    }
    assert!(read(json!({"max_length": 12.5}), Origin::Checkpoint).is_err());
}

#[test]
fn null_switches_top_k_off_where_unset_it_would_be_fifty() {
    let nulled = read(json!({"top_k": null}), Origin::Request).unwrap();
    assert_eq!(nulled.top_k, Some(0));
}

#[test]
fn options_survive_their_own_json() {
    let options = json!({"num_beams": 3, "eos_token_id": [2, 5], "early_stopping": "never", "top_p": 0.5,
        "sequence_bias": [[[3, 4], -1.5]], "exponential_decay_length_penalty": [4, 1.25], "pad_token_id": null});
    let config = read(options.clone(), Origin::Request).unwrap();
    assert_eq!(config.to_json(), options);
    assert_eq!(serde_json::to_value(&config).unwrap(), options);
    assert_eq!(serde_json::from_value::<GenerationConfig>(options).unwrap(), config);
    let message = serde_json::from_str::<GenerationConfig>(r#"{"num_beams": 0}"#).unwrap_err().to_string();
    assert!(message.starts_with("`num_beams` must be a whole number, 1 or more"), "{message}");
}

#[test]
fn no_value_makes_anything_panic() {
    let values = [
        json!(null),
        json!(0),
        json!(1),
        json!(-1),
        json!(3),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e308),
        json!(0.3),
        json!(true),
        json!("never"),
        json!(""),
        json!([]),
        json!([3]),
        json!([3, 4]),
        json!([3, 1e300]),
        json!([u64::MAX, 1.5]),
        json!([4_000_000_000u64]),
        json!([[3]]),
        json!([[3, 4], [5]]),
        json!([[[3], 1e39]]),
        json!({"a": 1}),
    ];
    let names: Vec<&str> = GenerationConfig::option_names().map(|option| option.name).collect();
    let mut generated = 0;
    for (number, name) in names.iter().enumerate() {
        for value in &values {
            for (beams, do_sample) in [(1, false), (3, false), (1, true), (2, true)] {
                let other = names[(number * 7 + beams) % names.len()];
                let options = json!({"bos_token_id": 1, "eos_token_id": 2, "num_beams": beams, "do_sample": do_sample,
                    other: value, *name: value});
                for origin in [Origin::Request, Origin::Checkpoint, Origin::ModelConfig] {
                    let Ok(config) = read(options.clone(), origin) else { continue };
                    let stop = |_: &[u32]| false;
                    let hooks = Hooks::default().stop_when(&stop);
                    let toy = Toy { max_positions: Some(9), ..Toy::new(10, 1) };
                    generated +=
                        usize::from(generate_with(&toy, &[vec![3, 4], vec![]], &config, hooks).is_ok());
                }
            }
        }
    }
    assert!(generated > 1000);
}
