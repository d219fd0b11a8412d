//! The options of `transformers` that are not decoding options of Papo: what each would do, and when it may be passed
//! over because the reference's tokens would be the same.

use serde_json::{Value, json};

/// How an option that Papo does not honour is treated when it is not at its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It changes the tokens: refused wherever it stands.
    Refuse,
    /// It changes what else the reference returns, or how fast: passed over in a checkpoint's file, refused in a request.
    FileOnly,
    /// It says nothing about decoding: passed over.
    Ignore,
}

/// An option of `transformers` that Papo knows by name only.
pub(super) struct Foreign {
    pub name: &'static str,
    /// What it would do, for the message.
    pub what: &'static str,
    pub treatment: Treatment,
}

const fn foreign(name: &'static str, what: &'static str, treatment: Treatment) -> Foreign {
    Foreign { name, what, treatment }
}

use Treatment::{FileOnly, Ignore, Refuse};

#[rustfmt::skip]
const FOREIGN: &[Foreign] = &[
    foreign("penalty_alpha", "contrastive search", Refuse),
    foreign("dola_layers", "DoLa decoding", Refuse),
    foreign("diversity_penalty", "diverse beam search", Refuse),
    foreign("num_beam_groups", "diverse beam search", Refuse),
    foreign("constraints", "constrained beam search", Refuse),
    foreign("force_words_ids", "constrained beam search", Refuse),
    foreign("low_memory", "sequential beam search", Refuse),
    foreign("guidance_scale", "classifier-free guidance", Refuse),
    foreign("watermarking_config", "watermarking", Refuse),
    foreign("token_healing", "token healing", Refuse),
    foreign("prompt_lookup_num_tokens", "prompt lookup decoding", Refuse),
    foreign("assistant_early_exit", "assisted decoding", Refuse),
    foreign("num_assistant_tokens", "assisted decoding", FileOnly),
    foreign("num_assistant_tokens_schedule", "assisted decoding", FileOnly),
    foreign("assistant_confidence_threshold", "assisted decoding", FileOnly),
    foreign("assistant_lookbehind", "assisted decoding", FileOnly),
    foreign("target_lookbehind", "assisted decoding", FileOnly),
    foreign("max_matching_ngram_size", "prompt lookup decoding", FileOnly),
    foreign("is_assistant", "assisted decoding", FileOnly),
    foreign("cache_implementation", "the choice of a key-value cache", FileOnly),
    foreign("cache_config", "the settings of a key-value cache", FileOnly),
    foreign("return_legacy_cache", "the returned cache's format", FileOnly),
    foreign("prefill_chunk_size", "chunked prompts", FileOnly),
    foreign("compile_config", "compilation", FileOnly),
    foreign("output_attentions", "returned attentions", FileOnly),
    foreign("output_hidden_states", "returned hidden states", FileOnly),
    foreign("output_logits", "returned logits", FileOnly),
    // Scores of beams are always returned, and sequences always come with them.
    foreign("output_scores", "returned scores", Ignore),
    foreign("return_dict_in_generate", "the returned object's type", Ignore),
    foreign("use_cache", "use of the key-value cache", Ignore),
    foreign("disable_compile", "compilation", Ignore),
    foreign("transformers_version", "bookkeeping", Ignore),
    foreign("_from_model_config", "bookkeeping", Ignore),
    foreign("_commit_hash", "bookkeeping", Ignore),
    foreign("_original_object_hash", "bookkeeping", Ignore),
    foreign("task_specific_params", "settings that the reference never applies by itself", Ignore),
];

/// What belongs to a call of `generate` in Python and is an error in a configuration there too.
const ARGUMENTS: &[&str] = &[
    "logits_processor",
    "stopping_criteria",
    "prefix_allowed_tokens_fn",
    "synced_gpus",
    "assistant_model",
    "streamer",
    "negative_prompt_ids",
    "negative_prompt_attention_mask",
    "use_model_defaults",
    "custom_generate",
];

/// The entry for a name that Papo knows without honouring it.
pub(super) fn find(name: &str) -> Option<&'static Foreign> {
    FOREIGN.iter().find(|foreign| foreign.name == name)
}

/// Whether the name is an argument of the call and never an option.
pub(super) fn is_argument(name: &str) -> bool {
    ARGUMENTS.contains(&name)
}

impl Foreign {
    /// The values that leave the reference's tokens as they are, the default first.
    pub fn harmless(&self) -> Vec<Value> {
        match self.name {
            "num_beam_groups" => vec![json!(1)],
            "guidance_scale" => vec![Value::Null, json!(1), json!(1.0)],
            "diversity_penalty" => vec![json!(0.0), json!(0)],
            "penalty_alpha" => vec![Value::Null, json!(0.0), json!(0)],
            "num_assistant_tokens" => vec![json!(20)],
            "num_assistant_tokens_schedule" => vec![json!("constant")],
            "assistant_confidence_threshold" => vec![json!(0.4)],
            "assistant_lookbehind" | "target_lookbehind" => vec![json!(10)],
            "low_memory" => vec![Value::Null, json!(false)],
            "token_healing" | "is_assistant" => vec![json!(false)],
            "output_attentions" | "output_hidden_states" | "output_logits" => vec![json!(false), Value::Null],
            "return_legacy_cache" => vec![Value::Null, json!(true), json!(false)],
            _ => vec![Value::Null],
        }
    }
}
