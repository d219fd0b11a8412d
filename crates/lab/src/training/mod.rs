//! Training: the loop, what it saves, and what it tells.
//!
//! 1. `recipe.rs` says everything that decides which weights come out.
//! 2. `trainer.rs` is the loop: batches, gradients, steps, validation.
//! 3. `state.rs` is all that an interrupted run needs to go on as if nothing had been, in one file that is replaced whole.
//! 4. `folder.rs` is the model folder: the best weights so far, with the state below in `training/`.
//! 5. `source_use.rs` tells whether an encoder-decoder reads its source, and whether it copies from it.
//! 6. `observer.rs` is what the loop tells to whoever watches; `log.rs` writes a line of JSON for each step that is told and for
//!    each validation; `report/` makes a page of it.

mod folder;
mod log;
mod observer;
mod recipe;
mod source_use;
mod state;
mod trainer;

pub use folder::{ModelFolder, SaveDtype};
pub use log::{Entry, Log, StepEntry, ValidationEntry};
pub use observer::{Ending, Observer, Summary};
pub use recipe::{Limits, OptimizerSettings, Recipe, Task};
pub use source_use::SourceUse;
pub use trainer::{Resume, Training, planned_steps, train};
