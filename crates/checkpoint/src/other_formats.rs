//! Weights that are there and cannot be read: what they are, and how to come by some that can.
//!
//! Only names are looked at, so that a folder and a repository that nobody has downloaded are told apart alike.

/// A clause on the weights among these files, where none has a name that [`Checkpoint::open`](crate::Checkpoint::open) looks for;
/// `None` where there are none at all. Names may have folders before them.
pub fn other_weights<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let names: Vec<&str> = names.into_iter().filter(|name| !is_of_training(name)).collect();
    KINDS.iter().find_map(|kind| {
        let found: Vec<&str> = names.iter().copied().filter(|name| (kind.is_one)(name)).collect();
        let first = found.first()?;
        let named = match found.len() {
            0..4 => found.join(", "),
            count => format!("{}, … ({count} files)", found[..3].join(", ")),
        };
        Some(format!("only {named}, {}", (kind.advice)(first)))
    })
}

/// Whether a file belongs to a training and not to a model.
fn is_of_training(name: &str) -> bool {
    let files = ["optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt", "training_args.bin"];
    files.contains(&name) || name.starts_with("rng_state")
}

/// A kind of weights.
struct Kind {
    is_one: fn(&str) -> bool,
    /// What a file of this name is and what to do, in the order of use: what is mended easily comes first.
    advice: fn(&str) -> String,
}

const KINDS: &[Kind] = &[
    Kind { is_one: |name| variant(name).is_some(), advice: of_variant },
    Kind { is_one: |name| is_shard(name), advice: of_shard },
    Kind {
        is_one: |name| is_adapter(name),
        advice: |_| {
            "which is an adapter (LoRA and the like) and no model: merge it with its base in Python, \
             `PeftModel.from_pretrained(BASE, ADAPTER).merge_and_unload().save_pretrained(FOLDER)`, and give that folder"
                .into()
        },
    },
    Kind {
        is_one: |name| name.ends_with(".safetensors") && !name.contains('/'),
        advice: |_| "under a name of their own: if that is the whole model, call it model.safetensors".into(),
    },
    Kind { is_one: |name| name.ends_with(".h5"), advice: |_| converted("TensorFlow's", "from_tf") },
    Kind { is_one: |name| name.ends_with(".msgpack"), advice: |_| converted("Flax's", "from_flax") },
    Kind {
        is_one: |name| name.ends_with(".distcp"),
        advice: |_| {
            "which are a training's, spread over machines: put them together with `accelerate merge-weights`"
                .into()
        },
    },
    Kind {
        is_one: |name| name.ends_with("_model_states.pt") || name.ends_with("_optim_states.pt"),
        advice: |_| {
            "which are DeepSpeed's: put them together with the zero_to_fp32.py that lies beside them".into()
        },
    },
    Kind { is_one: |name| name.ends_with(".onnx"), advice: |_| made_of_another("ONNX") },
    Kind {
        is_one: |name| name.ends_with(".gguf") || name.ends_with(".ggml"),
        advice: |_| made_of_another("llama.cpp's"),
    },
    Kind { is_one: |name| name.ends_with(".ot"), advice: |_| made_of_another("rust-bert's") },
    Kind { is_one: |name| name.ends_with(".tflite"), advice: |_| made_of_another("TensorFlow Lite's") },
    Kind { is_one: |name| name.contains("openvino"), advice: |_| made_of_another("OpenVINO's") },
    Kind { is_one: |name| name == "model.bin", advice: |_| made_of_another("CTranslate2's") },
    Kind {
        is_one: |name| [".ckpt", ".pt", ".pth", ".bin"].iter().any(|ending| name.ends_with(ending)),
        advice: |_| {
            "which another program saved: load the model there and save it with `save_pretrained(FOLDER)`"
                .into()
        },
    },
];

fn converted(whose: &str, flag: &str) -> String {
    format!(
        "which is {whose}: convert it in Python (transformers 4), \
         `AutoModelForSeq2SeqLM.from_pretrained(FOLDER, {flag}=True).save_pretrained(NEW)`, and give the new folder"
    )
}

fn made_of_another(whose: &str) -> String {
    format!("which is {whose} format: look for the checkpoint that it was made from")
}

/// The variant that a name has in it, as `fp16` in `model.fp16.safetensors`.
fn variant(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("pytorch_model").or_else(|| name.strip_prefix("model"))?;
    let rest = match rest.strip_prefix(".safetensors.index.").or_else(|| rest.strip_prefix(".bin.index.")) {
        Some(rest) => rest.strip_suffix(".json")?,
        None => {
            let rest = rest.strip_prefix('.')?;
            let rest = rest.strip_suffix(".safetensors").or_else(|| rest.strip_suffix(".bin"))?;
            rest.split_once('-').map_or(rest, |(variant, _)| variant)
        }
    };
    let is_word = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word.then_some(rest)
}

fn of_variant(name: &str) -> String {
    let variant = variant(name).unwrap_or_default();
    if is_shard(name) || name.ends_with(".json") {
        return format!(
            "which are a variant: load them in Python with `variant=\"{variant}\"`, save them with `save_pretrained(NEW)`, and give the new folder"
        );
    }
    format!(
        "which is the variant {variant}: call it {}, and it is read",
        name.replacen(&format!(".{variant}"), "", 1)
    )
}

/// Whether a name is that of a shard, as `model-00001-of-00002.safetensors`.
fn is_shard(name: &str) -> bool {
    name.split_once("-of-").is_some_and(|(before, after)| {
        before.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with(|c: char| c.is_ascii_digit())
    }) && (name.ends_with(".safetensors") || name.ends_with(".bin"))
}

fn of_shard(name: &str) -> String {
    let index =
        if name.ends_with(".bin") { "pytorch_model.bin.index.json" } else { "model.safetensors.index.json" };
    format!("which are shards without their index: get {index} from where they come from")
}

fn is_adapter(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("adapter_model.") || name.starts_with("pytorch_adapter") || name == "adapter_config.json"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_for_what_it_is_with_what_to_do() {
        for (names, words) in [
            (&["tf_model.h5", "config.json"][..], ["only tf_model.h5", "from_tf=True"]),
            (&["flax_model.msgpack"], ["Flax's", "from_flax=True"]),
            (&["model.fp16.safetensors", "tf_model.h5"], ["variant fp16", "call it model.safetensors"]),
            (&["pytorch_model.fp16.bin"], ["variant fp16", "call it pytorch_model.bin"]),
            (
                &["model.fp16-00001-of-00002.safetensors", "model.safetensors.index.fp16.json"],
                ["variant=\"fp16\"", "save_pretrained"],
            ),
            (&["model-00001-of-00002.safetensors"], ["without their index", "model.safetensors.index.json"]),
            (&["pytorch_model-00001-of-00002.bin"], ["without their index", "pytorch_model.bin.index.json"]),
            (&["adapter_model.safetensors", "adapter_config.json"], ["adapter", "merge_and_unload"]),
            (&["weights.safetensors"], ["weights.safetensors", "call it model.safetensors"]),
            (&["onnx/encoder_model.onnx", "onnx/decoder_model.onnx"], ["ONNX", "look for the checkpoint"]),
            (&["model-q4.gguf"], ["llama.cpp's", "look for the checkpoint"]),
            (&["rust_model.ot"], ["rust-bert's", "look for"]),
            (&["model.bin", "shared_vocabulary.json"], ["CTranslate2's", "look for"]),
            (&["last.ckpt"], ["another program", "save_pretrained"]),
            (&["a.gguf", "b.gguf", "c.gguf", "d.gguf"], ["a.gguf, b.gguf, c.gguf, … (4 files)", "llama"]),
        ] {
            let clause = other_weights(names.iter().copied()).unwrap();
            assert!(words.iter().all(|word| clause.contains(word)), "{names:?}: {clause}");
        }
    }

    #[test]
    fn what_a_training_needs_and_what_says_nothing_are_no_weights() {
        assert_eq!(
            other_weights(["config.json", "optimizer.pt", "rng_state_0.pth", "training_args.bin"]),
            None
        );
    }
}
