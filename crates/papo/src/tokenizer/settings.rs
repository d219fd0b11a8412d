//! What the small JSON files beside a vocabulary say: the class, the special tokens, the tokens added later.
//!
//! Four files took this role over the years. `tokenizer_config.json` is read first; if it does not list
//! `added_tokens_decoder`, the older `special_tokens_map.json` and `added_tokens.json` override and complete it, and what
//! `tokenizer.json` says of a token wins over both. The order is that of `PreTrainedTokenizerBase._from_pretrained`; it
//! matters, because the flags of a token (does it swallow the space before it?) change ids.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokenizers::AddedToken;

use crate::Error;
use crate::files::{ModelFiles, kind};

/// The roles a special token can have, in the order in which missing ones are added to a vocabulary.
pub(super) const ROLES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// A token as a file or a class names it.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub token: AddedToken,
    /// Whether a bare string named it, which leaves a token that the vocabulary's file already has as it is there; an object
    /// with flags replaces it.
    pub by_text: bool,
}

impl Named {
    /// A special token named by its text alone.
    pub fn text(content: impl Into<String>) -> Self {
        Self { token: AddedToken::from(content, true), by_text: true }
    }
}

/// More extra ids than this are a mistake in the settings.
const MOST_EXTRA_IDS: u32 = 100_000;

/// Refuses a list of special tokens that names another number of extra ids than the settings.
pub(super) fn check_extra_ids(count: u32, list: &[Named], mark: &str) -> Result<(), String> {
    let named = list.iter().filter(|named| named.token.content.contains(mark)).count();
    if count > 0 && named != count as usize {
        return Err(format!(
            "extra_ids is {count}, but additional_special_tokens names {named} of them; correct tokenizer_config.json"
        ));
    }
    Ok(())
}

/// The settings of a tokenizer, before a class gives its defaults.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// `tokenizer_class` as it is written.
    pub class: Option<String>,
    /// Whether the repository brings Python code of its own for the tokenizer (`auto_map`), which never runs here.
    pub own_code: bool,
    /// `model_type` of `config.json`.
    pub model_type: Option<String>,
    /// Special tokens by role; `None` where a file says `null`.
    pub roles: BTreeMap<&'static str, Option<Named>>,
    /// `additional_special_tokens`, if any file names them.
    pub additional: Option<Vec<Named>>,
    /// `extra_special_tokens`: roles that the repository made up.
    pub extra: Vec<Named>,
    /// Tokens added after training, by id.
    pub added: BTreeMap<u32, AddedToken>,
    /// Whether special tokens written in a text are ordinary text (`split_special_tokens`).
    pub split_special_tokens: bool,
    /// Whether the reference passes over `tokenizer.json` and builds anew from the older files.
    pub from_older_files: bool,
    /// `do_lower_case`, `strip_accents` and `tokenize_chinese_chars` of BERT, where stated.
    pub lower_case: Option<bool>,
    pub strip_accents: Option<bool>,
    pub chinese_characters: Option<bool>,
    /// `add_bos_token`, where stated.
    pub add_bos_token: Option<bool>,
    /// `add_eos_token`, where stated.
    pub add_eos_token: Option<bool>,
    /// Names of the options within `sp_model_kwargs` that change how text is cut.
    pub sampling: Vec<String>,
    /// `add_prefix_space`, where stated.
    pub add_prefix_space: Option<bool>,
    /// `clean_up_tokenization_spaces`, off unless stated.
    pub clean_up: bool,
    /// `extra_ids` of T5, where stated.
    pub extra_ids: Option<u32>,
    /// `legacy` of T5, where stated.
    pub legacy: Option<bool>,
    /// `separate_vocabs` of Marian.
    pub separate_vocabs: bool,
}

impl Settings {
    /// Reads the settings of a model.
    pub fn read(files: &ModelFiles) -> Result<Self, Error> {
        let mut settings = Self::default();
        let mut class = None;
        if let Some(config) = files.object("config.json")? {
            let field = Fields { files, file: "config.json", map: &config };
            settings.model_type = field.text("model_type")?;
            class = field.text("tokenizer_class")?;
        }
        let config = files.object("tokenizer_config.json")?.unwrap_or_default();
        let field = Fields { files, file: "tokenizer_config.json", map: &config };
        settings.class = field.text("tokenizer_class")?.or(class);
        settings.own_code = own_code(config.get("auto_map"));
        settings.add_prefix_space = field.flag("add_prefix_space")?;
        settings.split_special_tokens = field.flag("split_special_tokens")?.unwrap_or(false);
        settings.from_older_files = field.flag("from_slow")?.unwrap_or(false)
            || config.get("tokenizer_file").is_some_and(Value::is_null);
        settings.lower_case = field.flag("do_lower_case")?;
        settings.strip_accents = field.flag("strip_accents")?;
        settings.chinese_characters = field.flag("tokenize_chinese_chars")?;
        settings.add_bos_token = field.flag("add_bos_token")?;
        settings.add_eos_token = field.flag("add_eos_token")?;
        settings.sampling = field.sampling()?;
        settings.clean_up = field.flag("clean_up_tokenization_spaces")?.unwrap_or(false);
        settings.legacy = field.flag("legacy")?;
        settings.separate_vocabs = field.flag("separate_vocabs")?.unwrap_or(false);
        settings.extra_ids = field.number("extra_ids")?;
        settings.read_specials(&field)?;
        let stated = match config.get("added_tokens_decoder") {
            Some(_) => {
                settings.read_added(&field)?;
                settings.added.values().cloned().collect()
            }
            None => settings.read_older_files(files)?,
        };
        let stated: BTreeMap<&str, &AddedToken> =
            stated.iter().map(|token| (token.content.as_str(), token)).collect();
        for named in settings.roles.values_mut().flatten() {
            if let Some(&stated) = stated.get(named.token.content.as_str()) {
                *named = Named { token: stated.clone(), by_text: false };
            }
        }
        Ok(settings)
    }

    /// `special_tokens_map.json`, `added_tokens.json` and the added tokens of `tokenizer.json`, which are returned: their flags are those
    /// of a token in a role, too.
    fn read_older_files(&mut self, files: &ModelFiles) -> Result<Vec<AddedToken>, Error> {
        if let Some(map) = files.object("special_tokens_map.json")? {
            self.read_specials(&Fields { files, file: "special_tokens_map.json", map: &map })?;
        }
        if let Some(map) = files.object("added_tokens.json")? {
            let field = Fields { files, file: "added_tokens.json", map: &map };
            for (content, id) in &map {
                let Some(id) = id.as_u64().and_then(|id| u32::try_from(id).ok()) else {
                    return Err(field.wrong(content, "a token id", id));
                };
                self.added.insert(id, AddedToken::from(content.clone(), self.is_special(content)));
            }
        }
        let of_file = of_tokenizer_file(files)?;
        self.added.extend(of_file.iter().cloned());
        Ok(of_file.into_iter().map(|(_, token)| token).collect())
    }

    /// The special tokens that one file names; a later file wins.
    fn read_specials(&mut self, field: &Fields<'_>) -> Result<(), Error> {
        for role in ROLES {
            if let Some(value) = field.map.get(role) {
                let token = field.token(role, value)?;
                self.roles.insert(role, token);
            }
        }
        if let Some(value) = field.map.get("additional_special_tokens") {
            let Value::Array(items) = value else {
                return if value.is_null() {
                    Ok(())
                } else {
                    Err(field.wrong("additional_special_tokens", "a list", value))
                };
            };
            let list = self.additional.get_or_insert_default();
            for item in items {
                let Some(named) = field.token("additional_special_tokens", item)? else { continue };
                match list.iter_mut().find(|known| known.token.content == named.token.content) {
                    None => list.push(named),
                    // An object has flags of its own, a bare text leaves those that are there.
                    Some(known) if known.by_text => *known = named,
                    Some(_) => {}
                }
            }
        }
        if let Some(Value::Object(extra)) = field.map.get("extra_special_tokens") {
            for (role, value) in extra {
                self.extra.extend(field.token(role, value)?);
            }
        }
        Ok(())
    }

    /// `added_tokens_decoder`: tokens with all their flags, by id.
    fn read_added(&mut self, field: &Fields<'_>) -> Result<(), Error> {
        let name = "added_tokens_decoder";
        let Some(Value::Object(map)) = field.map.get(name) else {
            return Err(field.wrong(name, "an object", field.map.get(name).unwrap_or(&Value::Null)));
        };
        for (id, value) in map {
            let parsed = id.parse::<u32>().map_err(|_| field.wrong(name, "token ids as keys", value))?;
            let token = field.token(name, value)?.ok_or_else(|| field.wrong(name, "a token", value))?;
            self.added.insert(parsed, token.token);
        }
        Ok(())
    }

    /// Tells whether some role is played by this token.
    pub fn is_special(&self, content: &str) -> bool {
        self.named().any(|named| named.token.content == content)
    }

    /// All special tokens, those in a role first, each text once.
    pub fn named(&self) -> impl Iterator<Item = &Named> {
        let mut seen = std::collections::HashSet::new();
        let roles = ROLES.iter().filter_map(|role| self.roles.get(role)?.as_ref());
        roles
            .chain(self.additional.iter().flatten())
            .chain(&self.extra)
            .filter(move |named| seen.insert(named.token.content.as_str()))
    }

    /// Gives a role to a token unless a file did so.
    pub fn default_role(&mut self, role: &'static str, named: Named) {
        self.roles.entry(role).or_insert(Some(named));
    }

    /// The number of extra ids, `default` unless stated.
    pub fn extra_ids(&self, default: u32) -> Result<u32, String> {
        match self.extra_ids.unwrap_or(default) {
            count if count > MOST_EXTRA_IDS => Err(format!(
                "extra_ids is {count}, expected at most {MOST_EXTRA_IDS}; correct tokenizer_config.json"
            )),
            count => Ok(count),
        }
    }

    /// The text of the token in this role.
    pub fn role(&self, role: &str) -> Option<&str> {
        self.roles.get(role)?.as_ref().map(|named| named.token.content.as_str())
    }
}

/// Whether `auto_map` names code for the tokenizer.
fn own_code(map: Option<&Value>) -> bool {
    match map {
        Some(Value::Array(_)) => true,
        Some(Value::Object(map)) => map.get("AutoTokenizer").is_some_and(|class| !class.is_null()),
        _ => false,
    }
}

/// The added tokens of `tokenizer.json` with their ids. What cannot be read is left to whoever needs the whole file.
fn of_tokenizer_file(files: &ModelFiles) -> Result<Vec<(u32, AddedToken)>, Error> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        added_tokens: Vec<Added>,
    }
    #[derive(Deserialize)]
    struct Added {
        id: u32,
        #[serde(flatten)]
        token: AddedToken,
    }
    let Some(bytes) = files.read("tokenizer.json")? else { return Ok(Vec::new()) };
    let file = serde_json::from_slice(&bytes).unwrap_or(File { added_tokens: Vec::new() });
    Ok(file.added_tokens.into_iter().map(|added| (added.id, added.token)).collect())
}

/// Typed access to the fields of one JSON file.
struct Fields<'a> {
    files: &'a ModelFiles,
    file: &'a str,
    map: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn wrong(&self, key: &str, expected: &str, found: &Value) -> Error {
        Error::Content {
            path: self.files.path(self.file),
            reason: format!(
                "{key}: expected {expected}, found {}; correct the file or fetch it again",
                kind(found)
            ),
        }
    }

    fn text(&self, key: &str) -> Result<Option<String>, Error> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(key, "a string", other)),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong(key, "true or false", other)),
        }
    }

    fn number(&self, key: &str) -> Result<Option<u32>, Error> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().and_then(|n| u32::try_from(n).ok()) {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(key, "a whole number", value)),
            },
        }
    }

    /// The options within `sp_model_kwargs` that are not at their defaults.
    fn sampling(&self) -> Result<Vec<String>, Error> {
        let defaults = [
            ("add_bos", Value::from(false)),
            ("add_eos", Value::from(false)),
            ("reverse", Value::from(false)),
            ("enable_sampling", Value::from(false)),
            ("emit_unk_piece", Value::from(false)),
        ];
        match self.map.get("sp_model_kwargs") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Object(options)) => Ok(defaults
                .iter()
                .filter(|(name, default)| {
                    options.get(*name).is_some_and(|value| !value.is_null() && value != default)
                })
                .map(|(name, _)| (*name).to_owned())
                .collect()),
            Some(other) => Err(self.wrong("sp_model_kwargs", "an object", other)),
        }
    }

    /// A token as a string or as an object with flags; `None` for null.
    fn token(&self, key: &str, value: &Value) -> Result<Option<Named>, Error> {
        match value {
            Value::Null => Ok(None),
            Value::String(content) => Ok(Some(Named::text(content.clone()))),
            Value::Object(map) => {
                let field = Fields { files: self.files, file: self.file, map };
                let content =
                    field.text("content")?.ok_or_else(|| self.wrong(key, "a token with content", value))?;
                let special = key != "added_tokens_decoder" || field.flag("special")?.unwrap_or(false);
                let token = AddedToken::from(content, special)
                    .single_word(field.flag("single_word")?.unwrap_or(false))
                    .lstrip(field.flag("lstrip")?.unwrap_or(false))
                    .rstrip(field.flag("rstrip")?.unwrap_or(false))
                    .normalized(field.flag("normalized")?.unwrap_or(!special));
                Ok(Some(Named { token, by_text: false }))
            }
            other => Err(self.wrong(key, "a token", other)),
        }
    }
}
