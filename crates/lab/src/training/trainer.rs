//! The loop.
//!
//! A step takes some batches of the epoch's plan, adds up their gradients, each weighted by its share of the step's
//! target tokens, and lets Adam move the weights. Nothing in it depends on when it happens: the order of the data and the
//! dropout are functions of seed, epoch and step, so that a run which is stopped after any step and resumed ends with the
//! same weights, bit by bit, as one that was never stopped (`tests/resuming.rs`).

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;

use super::folder::ModelFolder;
use super::log::{Entry, Log, StepEntry, ValidationEntry};
use super::observer::{Ending, Observer, Summary};
use super::recipe::{Limits, OptimizerSettings, Recipe};
use super::source_use::source_use;
use super::state::{Progress, State};
use crate::Error;
use crate::data::{Fingerprint, Plan, Split};
use crate::network::{AnyNetwork, Batch, Carried, Dropout, Network, Pass};
use crate::optimizer::{Adam, AdamSettings, GradientSum};
use crate::parameters::Weight;
use crate::schedule::{Moment, Schedule};

/// Whether a training may go on from a state that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// It begins; a state that is there is an error.
    No,
    /// It goes on from the state that is there, or begins where there is none.
    Yes,
}

/// Everything that a training needs.
#[derive(Debug)]
pub struct Training<'a> {
    /// What decides the weights.
    pub recipe: &'a Recipe,
    /// When it ends.
    pub limits: Limits,
    /// What is learnt from, and measured by.
    pub data: &'a Split,
    /// Of the files behind the data.
    pub fingerprint: Fingerprint,
    /// Weights to begin with, of all parameters by name; `None`: new ones.
    pub begin_with: Option<&'a [Weight]>,
    /// Where the model goes.
    pub folder: &'a ModelFolder,
    /// Whether it may go on.
    pub resume: Resume,
    /// How often the state is saved, besides at each validation and at the end.
    pub save_every: Duration,
    /// Where it is computed; a device that differentiates.
    pub device: &'a Device,
    /// Raised from outside: stop after this step.
    pub interrupt: &'a AtomicBool,
}

/// Trains until a limit is reached; the best weights are in the folder then.
///
/// # Errors
/// Where the data hold nothing, the folder cannot be written, a state is there that does not fit, or the loss is no
/// number any more.
pub fn train(training: &Training<'_>, observer: &mut dyn Observer) -> Result<Summary, Error> {
    let mut run = Run::begin(training, observer)?;
    let ending = run.until_a_limit(observer)?;
    if run.progress.validated < run.progress.step && ending != Ending::Interrupted {
        run.validate(Occasion::End, observer)?;
    }
    run.save()?;
    Ok(run.summary(ending))
}

struct Run<'a> {
    training: &'a Training<'a>,
    /// Absent only within a step.
    network: Option<AnyNetwork>,
    adam: Adam,
    average: Option<Vec<Weight>>,
    carried: Option<Carried>,
    progress: Progress,
    log: Log,
    /// Since the last entry of the log.
    told: Told,
    clock: Instant,
    saved: Instant,
}

/// What a validation is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// It was due, and counts for patience and plateaus.
    Planned,
    /// A limit was reached; a longer training would not have had it.
    End,
}

/// A step that was taken.
struct Taken {
    /// Summed over the targets, without smoothing.
    nats: f64,
    targets: usize,
    tokens: usize,
    /// The learning rate.
    rate: f64,
    /// Of the gradients, before clipping.
    norm: f64,
}

/// Sums over the steps since the last entry of the log.
#[derive(Default)]
struct Told {
    nats: f64,
    targets: usize,
    tokens: usize,
    seconds: f64,
}

impl<'a> Run<'a> {
    fn begin(training: &'a Training<'a>, observer: &mut dyn Observer) -> Result<Run<'a>, Error> {
        let recipe = training.recipe;
        if Plan::in_order(&training.data.train, recipe.batching()).is_empty() {
            return Err(Error::NoExamples { found: "nothing to learn from".into() });
        }
        training.folder.create()?;
        let state = earlier(training)?;
        let network = AnyNetwork::new(&recipe.network, recipe.seed, training.device)?;
        let mut run = Run {
            training,
            network: None,
            adam: Adam::new(settings(recipe)),
            average: None,
            carried: None,
            progress: Progress::default(),
            log: Log::open(&training.folder.log(), state.as_ref().map_or(0, |state| state.progress.step))?,
            told: Told::default(),
            clock: Instant::now(),
            saved: Instant::now(),
        };
        match state {
            None => {
                training.folder.save_config(recipe)?;
                let network = match training.begin_with {
                    Some(weights) => with(network, weights)?,
                    None => network,
                };
                run.average = recipe.average.map(|_| network.weights());
                run.network = Some(network);
            }
            Some(state) => {
                let network = with(network, &state.weights)?;
                run.adam = Adam::resume(settings(recipe), state.adam, &network)?;
                // In the order of the network's weights, as the mean goes along with them.
                run.average = match state.average {
                    Some(average) => Some(with(network.clone(), &average)?.weights()),
                    None => None,
                };
                run.network = Some(network);
                run.carried = state.carried;
                run.progress = state.progress;
                observer.resumed(run.progress.step, run.progress.seconds);
            }
        }
        Ok(run)
    }

    fn until_a_limit(&mut self, observer: &mut dyn Observer) -> Result<Ending, Error> {
        let recipe = self.training.recipe;
        let due = |progress: &Progress| match recipe.validate_every {
            Some(every) => progress.step.is_multiple_of(every.max(1)),
            None => progress.place == 0,
        };
        // An interrupt may have come in the middle of a validation.
        if due(&self.progress) && self.progress.validated < self.progress.step {
            self.validate(Occasion::Planned, observer)?;
        }
        loop {
            let plan = Plan::shuffled(
                &self.training.data.train,
                recipe.batching(),
                recipe.seed,
                self.progress.epoch,
            );
            while self.progress.place < plan.len() {
                if let Some(ending) = self.limit_reached() {
                    return Ok(ending);
                }
                self.step(&plan, observer)?;
                if recipe.validate_every.is_some() && due(&self.progress) {
                    self.validate(Occasion::Planned, observer)?;
                    self.save()?;
                } else if self.saved.elapsed() >= self.training.save_every {
                    self.save()?;
                }
            }
            self.progress.epoch += 1;
            self.progress.place = 0;
            self.carried = None;
            if recipe.validate_every.is_none() {
                self.validate(Occasion::Planned, observer)?;
            }
            self.save()?;
        }
    }

    fn limit_reached(&self) -> Option<Ending> {
        let (limits, progress) = (&self.training.limits, &self.progress);
        let reached = |limit: Option<u64>, now: u64| limit.is_some_and(|limit| now >= limit);
        if self.training.interrupt.load(Ordering::SeqCst) {
            Some(Ending::Interrupted)
        } else if reached(limits.epochs, progress.epoch) || reached(limits.steps, progress.step) {
            Some(Ending::Done)
        } else if reached(limits.patience, progress.stale) {
            Some(Ending::Patience)
        } else if limits.time.is_some_and(|time| progress.seconds >= time.as_secs_f64()) {
            Some(Ending::Time)
        } else {
            None
        }
    }

    /// One step of the optimiser.
    fn step(&mut self, plan: &Plan<'_>, observer: &mut dyn Observer) -> Result<(), Error> {
        let recipe = self.training.recipe;
        let end = plan.len().min(self.progress.place + recipe.accumulate.max(1));
        let batches: Vec<Batch> = (self.progress.place..end).map(|place| plan.batch(place)).collect();
        let targets: usize = batches.iter().map(Batch::target_tokens).sum();
        let mut network = self.network.take().expect("a network between two steps");
        let mut gradients = GradientSum::default();
        let mut nats = 0.0;
        for (part, batch) in batches.iter().enumerate() {
            let place = Dropout { seed: recipe.seed, step: self.progress.step, part: part as u64 };
            let mut pass = Pass::train(place);
            pass.label_smoothing = recipe.label_smoothing;
            pass.carried = self.carried.take();
            let loss = network.loss(batch, &mut pass);
            self.carried = pass.carried;
            nats += loss.nats();
            let share = loss.tokens as f32 / targets.max(1) as f32;
            gradients.add(&network, loss.mean * share);
        }
        let moment = Moment {
            step: self.progress.step,
            epochs: self.progress.epoch as f64 + self.progress.place as f64 / plan.len() as f64,
            time: self
                .training
                .limits
                .time
                .map_or(0.0, |time| self.progress.seconds / time.as_secs_f64().max(1e-9)),
            plateaus: self.progress.plateaus,
        };
        let rate = recipe.schedule.rate(recipe.learning_rate, recipe.warm_up, moment);
        let norm;
        (network, norm) = self.adam.step(network, gradients, rate);
        if !norm.is_finite() || !nats.is_finite() {
            return Err(self.diverged(self.progress.step + 1));
        }
        self.progress.step += 1;
        self.progress.place = end;
        self.progress.epochs = self.progress.epoch as f64 + end as f64 / plan.len() as f64;
        if let (Some(decay), Some(average)) = (recipe.average, &mut self.average) {
            blend(average, &network.weights(), decay, self.progress.step);
        }
        self.network = Some(network);
        let tokens = batches.iter().map(Batch::tokens).sum();
        self.tell(observer, Taken { nats, targets, tokens, rate, norm })
    }

    fn diverged(&self, step: u64) -> Error {
        Error::Diverged { step, saved: self.progress.best.is_some() }
    }

    /// Passes on how the step went; the log gets an entry every few seconds.
    fn tell(&mut self, observer: &mut dyn Observer, taken: Taken) -> Result<(), Error> {
        let seconds = self.tick();
        self.progress.tokens += taken.tokens as u64;
        self.told.nats += taken.nats;
        self.told.targets += taken.targets;
        self.told.tokens += taken.tokens;
        self.told.seconds += seconds;
        let entry = StepEntry {
            step: self.progress.step,
            epoch: self.progress.epochs,
            loss: self.told.nats / self.told.targets.max(1) as f64,
            learning_rate: taken.rate,
            gradient_norm: taken.norm,
            tokens_per_s: self.told.tokens as f64 / self.told.seconds.max(1e-9),
            seconds: self.progress.seconds,
        };
        observer.stepped(&entry, self.part());
        if self.told.seconds >= LOG_SECONDS || self.progress.step == 1 {
            self.log.write(&Entry::Step(entry))?;
            self.told = Told::default();
        }
        Ok(())
    }

    /// The seconds since the last tick, which count as training.
    fn tick(&mut self) -> f64 {
        let seconds = self.clock.elapsed().as_secs_f64();
        self.clock = Instant::now();
        self.progress.seconds += seconds;
        seconds
    }

    /// The part of the training that is done, by the limit that is nearest.
    fn part(&self) -> f64 {
        let limits = &self.training.limits;
        let parts = [
            limits.epochs.map(|epochs| self.progress.epochs / epochs.max(1) as f64),
            limits.steps.map(|steps| self.progress.step as f64 / steps.max(1) as f64),
            limits.time.map(|time| self.progress.seconds / time.as_secs_f64().max(1e-9)),
        ];
        parts.into_iter().flatten().fold(0.0, f64::max).min(1.0)
    }

    /// Measures the held-out data, and saves the model where it has never been better.
    fn validate(&mut self, occasion: Occasion, observer: &mut dyn Observer) -> Result<(), Error> {
        let recipe = self.training.recipe;
        let network = self.network.take().expect("a network between two steps");
        let measured = match &self.average {
            Some(average) => with(network.clone(), average)?,
            None => network.clone(),
        };
        self.network = Some(network);
        // Without anything held out, what was learnt from has to do.
        let data = &self.training.data;
        let measured_on = if data.valid.is_empty() { &data.train } else { &data.valid };
        let loss = validation_loss(
            &measured,
            &Plan::in_order(measured_on, recipe.batching()),
            self.training.interrupt,
        );
        let Some(loss) = loss else { return Ok(()) };
        if !loss.is_finite() {
            return Err(self.diverged(self.progress.step));
        }
        let loss = loss as f32;
        let progress = &mut self.progress;
        let best = progress.best.is_none_or(|best| loss < best);
        (progress.latest, progress.validated) = (Some(loss), progress.step);
        if best {
            (progress.best, progress.best_step) = (Some(loss), progress.step);
            (progress.stale, progress.flat) = (0, 0);
            self.training.folder.save_model(&measured.weights())?;
        } else if occasion == Occasion::Planned {
            progress.stale += 1;
            progress.flat += 1;
            if let Schedule::Plateau { patience } = recipe.schedule
                && progress.flat >= patience.max(1)
            {
                progress.plateaus += 1;
                progress.flat = 0;
            }
        }
        let source = source_use(&measured, measured_on, recipe.batching());
        self.tick();
        let entry = ValidationEntry {
            step: self.progress.step,
            epoch: self.progress.epochs,
            validation_loss: f64::from(loss),
            best,
            source,
            seconds: self.progress.seconds,
        };
        observer.validated(&entry);
        self.log.write(&Entry::Validation(entry))
    }

    fn save(&mut self) -> Result<(), Error> {
        let network = self.network.as_ref().expect("a network between two steps");
        let recipe = serde_json::to_value(self.training.recipe).unwrap_or_default();
        self.progress.seconds += std::mem::replace(&mut self.clock, Instant::now()).elapsed().as_secs_f64();
        let state = State {
            progress: self.progress.clone(),
            weights: network.weights(),
            adam: self.adam.state(network),
            average: self.average.clone(),
            carried: self.carried.clone(),
            recipe,
            data: self.training.fingerprint.clone(),
        };
        state.save(&self.training.folder.state())?;
        self.saved = Instant::now();
        Ok(())
    }

    fn summary(&self, ending: Ending) -> Summary {
        let network = self.network.as_ref().expect("a network between two steps");
        Summary {
            ending,
            steps: self.progress.step,
            epochs: self.progress.epochs,
            best: self.progress.best,
            best_step: self.progress.best_step,
            seconds: self.progress.seconds,
            tokens: self.progress.tokens,
            parameters: network.weights().iter().map(|weight| weight.values.len()).sum(),
        }
    }
}

/// Steps that a training will have at most by its limits of epochs and steps; `None` where only time or patience ends it.
pub fn planned_steps(recipe: &Recipe, limits: &Limits, data: &Split) -> Option<u64> {
    let batches = Plan::in_order(&data.train, recipe.batching()).len();
    let an_epoch = batches.div_ceil(recipe.accumulate.max(1)) as u64;
    let by_epochs = limits.epochs.map(|epochs| epochs.saturating_mul(an_epoch));
    [by_epochs, limits.steps].into_iter().flatten().min()
}

/// Seconds between two entries of the log.
const LOG_SECONDS: f64 = 2.0;

/// The state to go on from, if there is one and it fits.
fn earlier(training: &Training<'_>) -> Result<Option<State>, Error> {
    let path = training.folder.state();
    if !path.exists() {
        return Ok(None);
    }
    if training.resume == Resume::No {
        return Err(Error::AlreadyBegun { folder: training.folder.path().to_owned() });
    }
    let state = State::load(&path)?;
    let differs =
        |difference: String| Error::OtherTraining { folder: folder_name(training.folder.path()), difference };
    if let Some(difference) = training.recipe.difference(&state.recipe) {
        return Err(differs(difference));
    }
    if let Some(difference) = training.fingerprint.difference(&state.data) {
        return Err(differs(difference));
    }
    Ok(Some(state))
}

fn folder_name(path: &Path) -> String {
    path.display().to_string()
}

/// The network with these weights.
fn with(network: AnyNetwork, weights: &[Weight]) -> Result<AnyNetwork, Error> {
    network.with_weights(&mut |name, shape| {
        let weight = weights.iter().find(|weight| weight.name == name);
        let weight = weight.ok_or_else(|| Error::MissingWeight { name: name.to_owned() })?;
        if weight.shape != shape {
            return Err(Error::WeightShape {
                name: name.to_owned(),
                found: weight.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        Ok(weight.values.clone())
    })
}

fn settings(recipe: &Recipe) -> AdamSettings {
    let OptimizerSettings { beta1, beta2, epsilon, weight_decay, clip } = recipe.adam;
    AdamSettings { beta1, beta2, epsilon, weight_decay, clip_norm: clip }
}

/// Moves a mean of weights towards the weights of now; the first steps count for more, that it forgets the beginning.
fn blend(average: &mut [Weight], weights: &[Weight], decay: f64, step: u64) {
    let keep = decay.min((1 + step) as f64 / (10 + step) as f64) as f32;
    for (mean, weight) in average.iter_mut().zip(weights) {
        mean.values
            .iter_mut()
            .zip(&weight.values)
            .for_each(|(mean, now)| *mean = keep * *mean + (1.0 - keep) * now);
    }
}

/// Nats for each target token; `None` where it was interrupted.
fn validation_loss(network: &AnyNetwork, plan: &Plan<'_>, interrupt: &AtomicBool) -> Option<f64> {
    let (mut nats, mut tokens) = (0.0, 0);
    let mut carried = None;
    for place in 0..plan.len() {
        if interrupt.load(Ordering::SeqCst) {
            return None;
        }
        let mut pass = Pass::evaluate();
        pass.carried = carried;
        let loss = network.loss(&plan.batch(place), &mut pass);
        carried = pass.carried;
        nats += loss.nats();
        tokens += loss.tokens;
    }
    Some(nats / tokens.max(1) as f64)
}
