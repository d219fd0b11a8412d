//! The models that are part of the program, so that it has something to say without a network.

use crate::Error;
use crate::files::EmbeddedModel;

/// The models inside the program, the default of `papo chat` first.
pub const BUILT_IN: &[EmbeddedModel] = &[];

/// The built-in model of this name.
pub fn find(name: &str) -> Option<&'static EmbeddedModel> {
    BUILT_IN.iter().find(|model| model.name == name)
}

/// The built-in model that answers when no model is named.
pub fn default_model() -> Result<&'static EmbeddedModel, Error> {
    BUILT_IN.first().ok_or_else(|| Error::ModelName {
        name: String::new(),
        reason: "this program was built without a model of its own; name a folder or a model on the hub"
            .into(),
    })
}
