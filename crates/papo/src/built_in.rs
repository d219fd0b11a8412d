//! The models that are part of the program, so that it has something to say without a network.

use crate::files::EmbeddedModel;

/// The models inside the program, the default of `papo chat` first.
pub const BUILT_IN: &[EmbeddedModel] = &[];

/// The built-in model of this name.
pub fn find(name: &str) -> Option<&'static EmbeddedModel> {
    BUILT_IN.iter().find(|model| model.name == name)
}
