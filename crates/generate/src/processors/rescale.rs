//! Whole rows: divided by a temperature (`TemperatureLogitsWarper`), freed of NaN and infinities
//! (`InfNanRemoveLogitsProcessor`), normalised again (`LogitNormalization`).

use papo_kernels::Kernels;

use super::{Processor, Row};
use crate::Error;

pub(crate) struct Temperature(pub f32);

impl Processor for Temperature {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        scores.iter_mut().for_each(|score| *score /= self.0);
        Ok(())
    }
}

pub(crate) struct RemoveInvalid;

impl Processor for RemoveInvalid {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        for score in scores {
            *score = if score.is_nan() { 0.0 } else { score.clamp(f32::MIN, f32::MAX) };
        }
        Ok(())
    }
}

pub(crate) struct Renormalize;

impl Processor for Renormalize {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        Kernels::best().log_softmax(scores);
        Ok(())
    }
}
