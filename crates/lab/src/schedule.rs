//! How the learning rate changes in the course of a training.
//!
//! All begin with a warm-up: the rate grows evenly over the first steps, while Adam's means are still rough.

use serde::{Deserialize, Serialize};

/// The course of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Schedule {
    /// The same rate to the end.
    Constant,
    /// Falls with the root of the steps once the warm-up is over ("Attention Is All You Need", §5.3, scaled so that the highest rate is the
    /// one given).
    InverseSqrt,
    /// Falls along half a cosine to a tenth of the rate (Loshchilov & Hutter, 2017).
    Cosine {
        /// Where it ends.
        end: Horizon,
    },
    /// Halves whenever the validation loss has not become better for some validations.
    Plateau {
        /// How many.
        patience: u64,
    },
}

/// The end of a training as it was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Horizon {
    /// After this many steps.
    Steps(u64),
    /// After this many epochs.
    Epochs(u64),
    /// When the time that is given to the training is up. The rate then hangs on the clock, so that no two runs are alike.
    Time,
}

/// Where a training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    /// Steps taken before this one.
    pub(crate) step: u64,
    /// Epochs gone through, the one under way as a fraction.
    pub(crate) epochs: f64,
    /// The part of its time that is gone, where it has a limit.
    pub(crate) time: f64,
    /// How often the validation loss stood still long enough.
    pub(crate) plateaus: u32,
}

/// What is left of the rate at the end of a cosine.
const FLOOR: f64 = 0.1;

impl Schedule {
    /// The rate at a moment, where `rate` is the highest.
    pub(crate) fn rate(self, rate: f64, warm_up: u64, now: Moment) -> f64 {
        let step = (now.step + 1) as f64;
        let warm = if warm_up == 0 { 1.0 } else { (step / warm_up as f64).min(1.0) };
        let course = match self {
            Schedule::Constant => 1.0,
            Schedule::InverseSqrt => (warm_up.max(1) as f64 / step.max(warm_up.max(1) as f64)).sqrt(),
            Schedule::Cosine { end } => {
                let done = match end {
                    Horizon::Steps(steps) => now.step as f64 / steps.max(1) as f64,
                    Horizon::Epochs(epochs) => now.epochs / epochs.max(1) as f64,
                    Horizon::Time => now.time,
                };
                FLOOR + (1.0 - FLOOR) * 0.5 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos())
            }
            Schedule::Plateau { .. } => 0.5f64.powi(now.plateaus as i32),
        };
        rate * warm * course
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> Moment {
        Moment { step, epochs: step as f64 / 100.0, time: step as f64 / 200.0, plateaus: 0 }
    }

    #[test]
    fn the_inverse_root_is_highest_where_the_warm_up_ends() {
        let rate = |step| Schedule::InverseSqrt.rate(1e-3, 100, at(step));
        assert!((rate(99) - 1e-3).abs() < 1e-12);
        assert!((rate(49) - 0.5e-3).abs() < 1e-12);
        assert!((rate(399) - 0.5e-3).abs() < 1e-12);
    }

    #[test]
    fn a_cosine_falls_to_a_tenth_and_stays_there() {
        for end in [Horizon::Steps(200), Horizon::Epochs(2), Horizon::Time] {
            let rate = |step| Schedule::Cosine { end }.rate(1.0, 0, at(step));
            assert!((rate(0) - 1.0).abs() < 1e-9 && (rate(100) - 0.55).abs() < 1e-9);
            assert!((rate(200) - 0.1).abs() < 1e-9 && (rate(1000) - 0.1).abs() < 1e-9);
        }
    }

    #[test]
    fn each_plateau_halves_the_rate() {
        let schedule = Schedule::Plateau { patience: 2 };
        assert_eq!(schedule.rate(1.0, 0, Moment { plateaus: 3, ..at(5) }), 0.125);
    }
}
